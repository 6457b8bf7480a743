package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// TestAgain: a program is started again by its policy alone, as often as that says, and later each time.
func TestAgain(t *testing.T) {
	for _, c := range []struct {
		policy string
		times  int
		delay  time.Duration
		failed bool
		want   string
	}{
		{"", 0, 0, true, "stays"},
		{topology.RestartNever, 0, 0, true, "stays"},
		{topology.RestartOnFailure, 3, time.Second, false, "stays"},
		{topology.RestartOnFailure, 3, time.Second, true, "1s 2s 4s spent"},
		{topology.RestartAlways, 6, time.Second, false, "1s 2s 4s 8s 10s 10s spent"},
		{topology.RestartAlways, 2, 0, true, "0s 0s spent"},
	} {
		e := &plan.Exec{Restart: topology.Restart{Policy: c.policy, Times: c.times, Delay: c.delay}}
		var got []string
		for times := 0; ; times++ {
			delay, again, spent := e.Again(c.failed, times)
			if again {
				got = append(got, delay.String())
				continue
			}
			got = append(got, map[bool]string{true: "spent", false: "stays"}[spent])
			break
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q, failed %v: %s, want %s", c.policy, c.failed, s, c.want)
		}
	}
}

// TestWaves: each service is started after those that it names, and no later; one that ends by itself is in no wave.
func TestWaves(t *testing.T) {
	service := func(name string, after ...string) plan.Service {
		return plan.Service{Name: name, Exec: &plan.Exec{After: after}}
	}
	once := plan.Service{Name: "once", Exec: &plan.Exec{Once: true}}
	for _, c := range []struct {
		services []plan.Service
		want     string
	}{
		{nil, "[]"},
		{[]plan.Service{{Name: "ours"}, service("a"), once}, "[[ours a]]"},
		{[]plan.Service{service("a", "b"), service("b", "ours"), {Name: "ours"}, service("c", "ours")}, "[[ours] [b c] [a]]"},
		{[]plan.Service{service("a", "b"), service("b", "a"), {Name: "ours"}}, "[[ours] [a b]]"}, // no topology has it, and no plan hangs for it
	} {
		var got [][]string
		for _, wave := range (&plan.Plan{Services: c.services}).Waves() {
			var names []string
			for _, s := range wave {
				names = append(names, s.Name)
			}
			got = append(got, slices.Clone(names))
		}
		if s := fmt.Sprint(got); s != c.want {
			t.Errorf("%s, want %s", s, c.want)
		}
	}
}
