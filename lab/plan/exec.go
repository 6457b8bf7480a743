package plan

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/topology"
)

// Exec is a program that is not ours, as it will be started: in a folder of its own in the bundle, with Files in it.
type Exec struct {
	Argv    []string          `json:"argv"` // the program's path first; topology.Ourselves is this program
	Files   map[string]string `json:"files,omitempty"`
	Env     []string          `json:"env,omitempty"` // NAME=VALUE, besides PATH, HOME and LANG
	Ready   topology.Ready    `json:"ready"`
	Once    bool              `json:"once,omitempty"`  // it runs to its end by itself, and the lab waits for that
	Within  Duration          `json:"within"`          // to be ready, or with Once to end
	After   []string          `json:"after,omitempty"` // services that serve before it is started, and are stopped after it
	Restart topology.Restart  `json:"restart,omitzero"`
}

// bundleFolder stands for the folder of the run, which the plan does not know: servers want whole paths.
const bundleFolder = "${BUNDLE}"

// Resolve gives the program for a run with that folder, a whole path.
func (e *Exec) Resolve(bundle string) *Exec {
	put := func(text string) string { return strings.ReplaceAll(text, bundleFolder, bundle) }
	out := *e
	out.Argv, out.Env, out.Files = nil, nil, map[string]string{}
	for _, word := range e.Argv {
		out.Argv = append(out.Argv, put(word))
	}
	for _, v := range e.Env {
		out.Env = append(out.Env, put(v))
	}
	for name, text := range e.Files {
		out.Files[name] = put(text)
	}
	return &out
}

// EndsByItself tells whether the service is a program that runs to its end, and that the lab waits for.
func (s Service) EndsByItself() bool { return s.Exec != nil && s.Exec.Once }

// execs plans the programs that are not ours, which need the names and addresses of all parts of the lab.
func execs(t *topology.Topology, h *host.Host, p *Plan) []error {
	var problems []error
	for i, s := range t.Services {
		for _, e := range t.ExpectServices {
			if e.Service == s.Name {
				p.Services[i].Expect = append(p.Services[i].Expect, e.List...)
			}
		}
		if s.Exec == nil {
			continue
		}
		values := variables(p, s.Name)
		expand := func(text string) string { // every variable was checked with the topology
			v, err := topology.Expand(text, func(name string) (string, bool) {
				v, ok := values[name]
				p.tell(name)
				return v, ok
			})
			if err != nil {
				problems = append(problems, fmt.Errorf("service %q: %w", s.Name, err))
			}
			return v
		}
		e := &Exec{Ready: s.Exec.Ready, Once: s.Exec.Once, Within: Duration(s.Exec.Within), After: s.Exec.After, Restart: s.Exec.Restart}
		for _, word := range s.Exec.Command {
			e.Argv = append(e.Argv, expand(word))
		}
		for name, text := range s.Exec.Files {
			if e.Files == nil {
				e.Files = map[string]string{}
			}
			e.Files[name] = expand(text)
		}
		for _, name := range slices.Sorted(maps.Keys(s.Exec.Env)) {
			e.Env = append(e.Env, name+"="+expand(s.Exec.Env[name]))
		}
		p.Services[i].Exec, p.Services[i].Roles = e, []string{"exec"}
		if own, ok := strings.CutPrefix(e.Argv[0], "./"); ok && e.Files[own] != "" || e.Argv[0] == topology.Ourselves {
			continue // one of its own files, or this program
		}
		path, ok := h.Commands[e.Argv[0]]
		if !ok {
			problems = append(problems, fmt.Errorf("service %q: the program %q is not on this host: %s", s.Name, e.Argv[0], h.Install(s.Exec.Package)))
		}
		e.Argv[0] = path
	}
	return problems
}

// variables gives the value of each of topology.Variables.
func variables(p *Plan, self string) map[string]string {
	out := map[string]string{}
	for _, s := range p.Services {
		names := []string{s.Name}
		if s.Name == self {
			names = append(names, "self")
		}
		host := s
		if i := slices.IndexFunc(p.Services, func(o Service) bool { return o.Name == s.Host }); i >= 0 {
			host = p.Services[i]
		}
		for _, name := range names {
			for k, l := range host.Interfaces() {
				suffixes := []string{"." + l.Network}
				if k == 0 {
					suffixes = append(suffixes, "")
				}
				for _, suffix := range suffixes {
					out[name+".interface"+suffix], out[name+".mac"+suffix] = l.Interface, l.MAC
					if l.Address.IsValid() {
						out[name+".address"+suffix] = l.Address.Addr().String()
					}
				}
			}
		}
	}
	for _, n := range p.Networks {
		key := "network." + n.Name
		out[key+".subnet"] = n.Subnet.String()
		if n.Subnet.Addr().Is4() {
			netmask, broadcast := masks(n.Subnet)
			out[key+".netmask"], out[key+".broadcast"] = netmask.String(), broadcast.String()
		}
	}
	out[topology.Files] = path.Join(bundleFolder, "tftp", self)
	for _, name := range topology.Certificates {
		out[name] = path.Join(fromWork, certificateFile(name))
	}
	for _, g := range p.Guests {
		out["guest."+g.Name+".mac"] = g.MAC
	}
	return out
}

// masks gives the netmask and the highest address of an IPv4 subnet.
func masks(p netip.Prefix) (netmask, broadcast netip.Addr) {
	var mask [4]byte
	a := p.Masked().Addr().As4()
	for i := range 32 {
		if bit := byte(0x80 >> (i % 8)); i < p.Bits() {
			mask[i/8] |= bit
		} else {
			a[i/8] |= bit
		}
	}
	return netip.AddrFrom4(mask), netip.AddrFrom4(a)
}

func (e *Exec) writeText(b *strings.Builder, images []string) {
	fmt.Fprintf(b, "  runs %s\n", strings.Join(e.Argv, " "))
	if len(images) > 0 {
		fmt.Fprintf(b, "  is given %s\n", strings.Join(images, " "))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Files)) {
		fmt.Fprintf(b, "  file %s  %d octets\n", name, len(e.Files[name]))
	}
	within := time.Duration(e.Within)
	switch r := e.Ready; {
	case r.UDP != 0:
		fmt.Fprintf(b, "  ready when UDP port %d is open, within %s\n", r.UDP, within)
	case r.TCP != 0:
		fmt.Fprintf(b, "  ready when it listens on TCP port %d, within %s\n", r.TCP, within)
	case r.Log != "":
		fmt.Fprintf(b, "  ready when it writes %q, within %s\n", r.Log, within)
	}
	if len(e.After) > 0 {
		fmt.Fprintf(b, "  started after %s, and stopped before\n", strings.Join(e.After, ", "))
	}
	if r := e.Restart; r.Policy == topology.RestartOnFailure || r.Policy == topology.RestartAlways {
		fmt.Fprintf(b, "  started again %s, after %s and then twice as long each time, %d times at most\n",
			map[string]string{topology.RestartOnFailure: "when it fails", topology.RestartAlways: "when it ends"}[r.Policy], r.Delay, r.Times)
	}
	if e.Once {
		fmt.Fprintf(b, "  ends by itself within %s, and the lab waits for that\n", within)
	}
}
