package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/topology"
)

// On gives the same plan for another host, or for its own as it is now: to be run there again. What the plan names and the host
// does not have where it was (has tells) is replaced by what this host knows under the same name. It also tells, a sentence each,
// what had to change; the error, which wraps ErrHost, lists all that this host lacks, with remedies.
func (p *Plan) On(h *host.Host, has func(path string) bool) (*Plan, []string, error) {
	out, err := p.clone()
	if err != nil {
		return nil, nil, err
	}
	m := mover{host: h, has: has, to: map[string]string{}}
	if p.Accel.Value == "kvm" && !h.KVM.OK && !p.Hypervisor.Remote() {
		m.lack("the run used the accelerator kvm, and here %s", h.KVM.Why)
	}
	if !h.Userns.OK {
		m.lack("a lab lives in namespaces of its own: %s", h.Userns.Why)
	}
	m.modules(out)
	for _, u := range out.Uses {
		m.find(u)
	}
	out.eachPath(func(path string) string {
		if to := m.to[path]; to != "" {
			return to
		}
		if filepath.IsAbs(path) && !has(path) && !m.told[path] {
			m.lack("%s is not on this host, and the bundle does not say what it is: run its topology again in place of the bundle", path)
		}
		return path
	})
	m.domains(out)
	m.settle(out)
	if err := memory(out, h); err != nil {
		m.problems = append(m.problems, err)
	}
	if err := errors.Join(m.problems...); err != nil {
		return nil, nil, fmt.Errorf("repeat %s: %w:\n  %s", p.Name, ErrHost, strings.ReplaceAll(err.Error(), "\n", "\n  "))
	}
	return out, m.changes, nil
}

// clone copies a plan, by the form in which bundles keep it.
func (p *Plan) clone() (*Plan, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("copy the plan of %s: %w", p.Name, err)
	}
	out := &Plan{}
	if err := json.Unmarshal(text, out); err != nil {
		return nil, fmt.Errorf("copy the plan of %s: %w", p.Name, err)
	}
	return out, nil
}

// mover takes a plan to a host.
type mover struct {
	host     *host.Host
	has      func(string) bool
	to       map[string]string // from a path of the plan to one of the host
	told     map[string]bool   // paths of which it was told that they are missing
	changes  []string
	problems []error
}

func (m *mover) lack(format string, args ...any) {
	m.problems = append(m.problems, fmt.Errorf(format, args...))
}

func (m *mover) change(format string, args ...any) {
	m.changes = append(m.changes, fmt.Sprintf(format, args...))
}

// find gives a file that is not where it was its place on this host.
func (m *mover) find(u Use) {
	if u.What == UsedModule || m.has(u.Path) {
		return
	}
	here := m.offered(u)
	if here == "" && u.What == UsedStore { // it is made from the template, by a boot that may have failed here
		here = m.offered(Use{What: UsedVars, Name: u.Name, Form: u.Form})
	}
	if here == "" {
		if m.told == nil {
			m.told = map[string]bool{}
		}
		m.told[u.Path] = true
		m.lack("%s is not on this host (there it was %s): %s", u, u.Path, m.remedy(u))
		return
	}
	m.to[u.Path] = here
	if u.What != UsedStore { // which each host makes for itself
		m.change("%s: %s here, %s there", u, here, u.Path)
	}
}

// offered is where this host has something; empty if it has it not, or in another form.
func (m *mover) offered(u Use) string {
	for _, o := range offers(m.host) {
		if o.What == u.What && o.Name == u.Name && o.Form == u.Form {
			return o.Path
		}
	}
	return ""
}

func (m *mover) remedy(u Use) string {
	if u.What == UsedProgram {
		return m.host.Install("")
	}
	return "run pxelab doctor for what to do"
}

// modules replaces a kernel's modules, which go with it, by those of this host's kernel, if one of them is not here.
func (m *mover) modules(p *Plan) {
	of := map[string]string{} // from a module to its kernel
	missing := map[string]bool{}
	for _, u := range p.Uses {
		if u.What == UsedModule {
			of[u.Path] = u.Name
			missing[u.Name] = missing[u.Name] || !m.has(u.Path)
		}
	}
	replace := func(list []string) []string {
		kernel := ""
		out := slices.DeleteFunc(slices.Clone(list), func(path string) bool {
			if k := of[path]; k != "" && missing[k] {
				kernel = k
			}
			return of[path] != "" && missing[of[path]]
		})
		if kernel == "" {
			return list
		}
		part, _ := m.host.Part(kernel) // without it, the kernel itself is told to be missing
		return append(out, part.Modules...)
	}
	for i := range p.Images {
		p.Images[i].From = replace(p.Images[i].From)
	}
	for i := range p.Guests {
		if s := p.Guests[i].Stick; s != nil {
			s.From = replace(s.From)
		}
	}
}

// domains puts the paths of this host into the domains of a plan that libvirt runs here. Those for a daemon elsewhere name what its
// host has, which does not move with the lab.
func (m *mover) domains(p *Plan) {
	if p.Hypervisor.Remote() {
		return
	}
	for i := range p.Guests {
		for k := range p.Guests[i].Domain {
			e := &p.Guests[i].Domain[k]
			for old, here := range m.to {
				for _, around := range [][2]string{{">", "<"}, {`"`, `"`}} {
					e.XML = strings.ReplaceAll(e.XML, around[0]+xmlText(old)+around[1], around[0]+xmlText(here)+around[1])
				}
			}
		}
	}
}

// settle fits to this host what is no path: the cable, and how many guests run at once.
func (m *mover) settle(p *Plan) {
	if here := cable(m.host); here.Value != p.Cable.Value {
		m.change("cable: %s here (%s), %s there", here.Value, here.Why, p.Cable.Value)
		p.Cable = here
	}
	warped := slices.ContainsFunc(p.Guests, func(g Guest) bool { return g.Clock == "warp" })
	if cores := max(m.host.Cores, 1); warped && p.AtOnce > cores {
		m.change("guests at once: %d here, %d there: a warped guest needs a core of its own", cores, p.AtOnce)
		p.AtOnce, p.WhyAtOnce = cores, fmt.Sprintf("a warped guest needs a core of its own, and there are %d", cores)
	}
	for i := range p.Guests {
		p.Guests[i].emulatedBy(m.host)
	}
	here := uses(m.host, p)
	for _, u := range p.Uses { // what it was given by its path is no offer of this host
		if u.What == UsedModule || m.to[u.Path] != "" {
			continue
		}
		i := slices.IndexFunc(here, func(o Use) bool { return o.What == u.What && o.Name == u.Name })
		switch {
		case i < 0:
			here = append(here, u)
		case here[i].Path != u.Path:
			here[i] = u
		}
	}
	sortUses(here)
	p.Uses = here
}

// emulatedBy gives the reason of the emulator as this host has it.
func (g *Guest) emulatedBy(h *host.Host) {
	for _, q := range h.QEMU {
		if a := &g.Argv[0]; a.Flag == q.Path {
			a.Why = "QEMU " + q.Version
		}
		for k := range g.Domain {
			if e := &g.Domain[k]; strings.Contains(e.XML, "<emulator>"+xmlText(q.Path)+"<") {
				e.Why = "QEMU " + q.Version
			}
		}
	}
}

// eachFile calls fn with each file that an option of QEMU names, as "file=" or "romfile=", and puts what it returns in its place.
func eachFile(value string, fn func(string) string) string {
	words := splitOption(value)
	for i, w := range words {
		for _, key := range []string{"file=", "romfile="} {
			path, ok := strings.CutPrefix(w, key)
			if ok && filepath.IsAbs(path) {
				words[i] = key + escape(fn(strings.ReplaceAll(path, ",,", ",")))
			}
		}
	}
	return strings.Join(words, ",")
}

// splitOption splits an option of QEMU at its commas; a comma that is doubled is part of a word.
func splitOption(value string) []string {
	var out []string
	from := 0
	for i := 0; i < len(value); i++ {
		if value[i] != ',' {
			continue
		}
		if i+1 < len(value) && value[i+1] == ',' {
			i++
			continue
		}
		out = append(out, value[from:i])
		from = i + 1
	}
	return append(out, value[from:])
}

// ours tells whether a service's program is this one, or one of its own files, which a plan carries with it.
func ours(e *Exec) bool {
	return e.Argv[0] == topology.Ourselves || strings.HasPrefix(e.Argv[0], "./")
}
