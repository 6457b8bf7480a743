package topology

import (
	"slices"
	"strings"
	"time"
)

// Restart is when a program that has ended is started again. The zero value is never.
type Restart struct {
	Policy string        `json:"policy,omitempty"` // RestartNever and so on
	Times  int           `json:"times,omitempty"`  // at most so often in one run
	Delay  time.Duration `json:"delay,omitempty"`  // after its end, the first time; twice as long each time after that
}

// The policies, as systemd and Docker have them.
const (
	RestartNever     = "never"
	RestartOnFailure = "on-failure" // a signal, or a status other than 0
	RestartAlways    = "always"
)

var restartPolicies = []string{RestartNever, RestartOnFailure, RestartAlways}

// What a policy without further words means, and the longest wait that it comes to.
const (
	restartTimesDefault = 5
	restartDelay        = 200 * time.Millisecond
	LongestRestartDelay = 10 * time.Second
)

// maxRestarts bounds how often a topology may have a program started again.
const maxRestarts = 100

// restart builds when a program is started again.
func (c *checker) restart(key string, e *Exec, f *restartForm) {
	if f == nil {
		return
	}
	r := Restart{Policy: string(f.Policy), Times: int(f.Times), Delay: time.Duration(f.Delay)}
	has := func(k string) bool { return slices.Contains(c.keys[key], k) }
	if !has("times") {
		r.Times = restartTimesDefault
	}
	if !has("delay") {
		r.Delay = restartDelay
	}
	for _, k := range []string{"times", "delay"} {
		if has(k) && r.Policy == RestartNever {
			c.report(join(key, k), "says nothing where the policy is never; leave it out")
		}
	}
	switch {
	case e.Once && r.Policy != RestartNever:
		c.report(key, "is for servers; a program with once: true is to end, and is not started again")
	case r.Delay > LongestRestartDelay:
		c.report(join(key, "delay"), "%s is longer than any wait between two starts; write %s or less", r.Delay, LongestRestartDelay)
	}
	e.Restart = r
}

// after builds what must serve before a service is started.
func (c *checker) after(key string, s *Service, names []string) {
	for i, name := range names {
		at := item(key, i)
		k := c.service(at, name)
		switch {
		case k < 0:
			continue
		case name == s.Name:
			c.report(at, "%q cannot be started after itself; leave it out", name)
		case c.form.Services[partName(name)].Exec != nil && c.form.Services[partName(name)].Exec.Once:
			c.report(at, "%q ends by itself (once), and such programs start when every server serves; leave it out", name)
		default:
			s.Exec.After = append(s.Exec.After, name)
		}
	}
}

// order reports services that wait for each other, each circle once.
func (c *checker) order() {
	after := map[string][]string{}
	for _, s := range c.topo.Services {
		if s.Exec != nil {
			after[s.Name] = s.Exec.After
		}
	}
	told := map[string]bool{}
	for _, s := range c.topo.Services {
		if circle := circleOf(after, s.Name, []string{s.Name}); circle != nil && !told[s.Name] {
			for _, name := range circle {
				told[name] = true
			}
			c.report("services."+s.Name+".exec.after", "these would wait for each other for ever: %s", strings.Join(circle, " after "))
		}
	}
}

// circleOf finds a way from the last service of path back to start; nil if there is none.
func circleOf(after map[string][]string, start string, path []string) []string {
	for _, next := range after[path[len(path)-1]] {
		if next == start {
			return append(path, next)
		}
		if slices.Contains(path, next) {
			continue
		}
		if found := circleOf(after, start, append(slices.Clone(path), next)); found != nil {
			return found
		}
	}
	return nil
}
