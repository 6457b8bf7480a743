package topology

import (
	"maps"
	"path/filepath"
	"slices"
	"time"
)

// Exec is a program that is not ours, run unmodified on a host of the lab.
type Exec struct {
	Command []string          // variables not yet replaced, as in Files and Env
	Package string            // the package that has it
	Files   map[string]string // name in its working directory to content
	Images  []string          // put into a folder for it to serve
	Env     map[string]string
	Ready   Ready
	After   []string // services that serve before it is started, and are stopped after it
	Restart Restart
	Once    bool          // it runs to its end by itself
	Within  time.Duration // to be ready, or with Once to end
}

// Ready is how a program shows that it serves; at most one field is set.
type Ready struct {
	UDP int    `json:"udp,omitempty"`
	TCP int    `json:"tcp,omitempty"`
	Log string `json:"log,omitempty"` // regular expression
}

// The times a program may take, unless the topology says otherwise.
const (
	readyWithin = 20 * time.Second
	onceWithin  = 60 * time.Second
)

// execs builds the servers that are not ours.
func (c *checker) execs() {
	for i := range c.topo.Services {
		s := &c.topo.Services[i]
		if f := c.form.Services[partName(s.Name)]; f.External != nil {
			c.external(s, f)
		}
		if f := c.form.Services[partName(s.Name)].Exec; f != nil {
			c.exec("services."+s.Name+".exec", s, f)
		}
	}
	c.order()
}

// exec builds one of them, and then checks the variables in its texts, which depend on what it is.
func (c *checker) exec(key string, s *Service, f *execForm) {
	e := &Exec{Command: f.Command, Package: f.Package, Files: f.Files, Images: plain(f.Images), Env: f.Env, Once: f.Once, Within: time.Duration(f.Within)}
	s.Exec = e
	if e.Within == 0 && e.Once {
		e.Within = onceWithin
	} else if e.Within == 0 {
		e.Within = readyWithin
	}
	if len(f.Command) == 0 && c.whole(key) && slices.Contains(c.keys[key], "command") {
		c.report(join(key, "command"), "names no program; write it and its arguments, such as [dhcrelay, -d, ${boot.address}]")
	}
	c.onlyForeign(s.Name, "exec")
	for i, name := range e.Images {
		c.fileName(item(join(key, "images"), i), name)
	}
	c.ready(key, e, f.Ready)
	c.restart(join(key, "restart"), e, f.Restart)
	c.after(join(key, "after"), s, f.After)
	for _, name := range slices.Sorted(maps.Keys(f.Files)) {
		if !filepath.IsLocal(name) {
			c.report(join(join(key, "files"), name), "%s leads out of the program's working directory; write a plain name", quote(name))
		}
		c.variables(join(join(key, "files"), name), s, f.Files[name])
	}
	for i, word := range f.Command {
		c.variables(item(join(key, "command"), i), s, word)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Env)) {
		c.variables(join(join(key, "env"), name), s, f.Env[name])
	}
}

// ready checks that a server shows when it serves, and that a program which ends by itself need not.
func (c *checker) ready(key string, e *Exec, f *readyForm) {
	if f == nil {
		if !e.Once && c.whole(key) {
			c.report(key, "needs \"ready\", such as ready: {udp: 67}, so that guests find it serving; or once: true for a program that ends by itself")
		}
		return
	}
	e.Ready = Ready{UDP: int(f.UDP), TCP: int(f.TCP), Log: string(f.Log)}
	if n := len(c.keys[join(key, "ready")]); n != 1 && c.whole(join(key, "ready")) {
		c.report(join(key, "ready"), "names %d signs; write exactly one of udp, tcp and log", n)
	}
}

// variables checks that every variable in a text is known.
func (c *checker) variables(key string, s *Service, text string) {
	known := c.topo.Variables(s.Name)
	_, err := Expand(text, func(name string) (string, bool) { return "", slices.Contains(known, name) })
	switch name := unknownVariable(err); {
	case name != "":
		c.report(key, "%s %s", err, hint(name, known))
	case err != nil:
		c.report(key, "%s", err)
	}
}

// Ourselves is the program that an exec service runs us by: for `pxelab client`, above all.
const Ourselves = "pxelab"

// Commands lists the programs that the topology runs and that are not ours.
func (t *Topology) Commands() []string {
	var out []string
	for _, s := range t.Services {
		if s.Exec != nil && s.Exec.Command[0] != Ourselves {
			out = append(out, s.Exec.Command[0])
		}
	}
	return out
}
