package plan

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/topology"
)

// WriteText prints the plan for people: every choice with its reason.
func (p *Plan) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "plan %s\n", p.Name)
	if p.About != "" {
		fmt.Fprintf(&b, "  %s\n", p.About)
	}
	if h := p.Hypervisor; h != nil {
		fmt.Fprintf(&b, "  hypervisor libvirt at %s  (asked for)\n", h.URI)
	}
	fmt.Fprintf(&b, "  accel %s  (%s)\n", p.Accel.Value, p.Accel.Why)
	fmt.Fprintf(&b, "  clock %s  (%s)\n", p.Clock.Value, p.Clock.Why)
	fmt.Fprintf(&b, "  start %s  (%s)\n", p.Start.Value, p.Start.Why)
	fmt.Fprintf(&b, "  cable %s  (%s)\n", p.Cable.Value, p.Cable.Why)
	fmt.Fprintf(&b, "  %d of %d guests at once  (%s)\n", p.AtOnce, len(p.Guests), p.WhyAtOnce)
	for _, n := range p.Networks {
		fmt.Fprintf(&b, "\nnetwork %s  %s  bridge %s", n.Name, addressText(n.Subnet, n.Subnet6), n.Bridge)
		if n.Managed {
			b.WriteString("  router advertisements that send to DHCPv6 (M and O flags)")
		} else if n.RA {
			b.WriteString("  router advertisements (without them iPXE waits 13 s for IPv6)")
		}
		b.WriteString("\n")
	}
	for _, s := range p.Services {
		s.writeText(&b)
	}
	writeMade(&b, p.Images)
	for _, g := range p.Guests {
		g.writeText(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s Service) writeText(b *strings.Builder) {
	where := s.Network
	if s.Host != "" {
		where += " at the host of " + s.Host
	}
	fmt.Fprintf(b, "\nservice %s  on %s  %s  %s  %s\n", s.Name, where, s.addressText(), s.MAC, strings.Join(s.Roles, " "))
	s.writeHost(b)
	if s.Server == nil {
		return
	}
	if d := s.Server.DHCP; d != nil {
		fmt.Fprintf(b, "  dhcp %s-%s\n", d.First, d.Last)
		writePools(b, d.Pools)
		if d.Boot == nil && d.PXE == nil {
			b.WriteString("  boot: nothing said to PXE clients\n")
		}
		writeBoot(b, "boot", d.Boot)
		writePXE(b, d.PXE)
	}
	s.writePXERoles(b)
	write6(b, s.Server.DHCP6)
	if t := s.Server.TFTP; t != nil {
		fmt.Fprintf(b, "  tftp serves %s\n", strings.Join(s.Files, " "))
		s.writeSigned(b)
		writeTFTP(b, s, t)
	}
	s.writeMTFTP(b)
	s.writeHTTP(b)
	if e := s.Server.Echo; e != nil {
		fmt.Fprintf(b, "  echo on UDP %d\n", e.Port)
	}
}

func writeFiles(b *strings.Builder, prefix string, files map[string]string) {
	archs := make([]string, 0, len(files))
	for a := range files {
		archs = append(archs, a)
	}
	sort.Strings(archs)
	for _, a := range archs {
		fmt.Fprintf(b, "  %s%s=%s", prefix, a, files[a])
	}
}

func (g Guest) writeText(b *strings.Builder) {
	fmt.Fprintf(b, "\nguest %s  firmware %s (%s, option 93 %s)  nic %s on %s  %s  %d MiB  clock %s%s\n",
		g.Name, g.Firmware, g.Client, g.Arch, g.NIC, g.Network, g.MAC, g.Memory, g.Clock, g.startText())
	fmt.Fprintf(b, "  uuid %s\n", g.UUID)
	if g.Together != "" {
		fmt.Fprintf(b, "  powered on in the instant of %s\n", g.Together)
	}
	if g.Lag > 0 {
		fmt.Fprintf(b, "  first answers of TFTP over IPv6 come %s later: its client misses one that comes at once\n", time.Duration(g.Lag))
	}
	writeFaults(b, g.Faults)
	if g.Stick != nil {
		fmt.Fprintf(b, "  stick ${RUN}/%s  %s, made from %s\n", g.Stick.File, g.Stick.Name, strings.Join(g.Stick.From, " "))
	}
	for _, c := range g.Copies {
		fmt.Fprintf(b, "  copy %s to ${RUN}/%s\n", c.From, c.To)
	}
	b.WriteString("  budgets")
	for _, name := range event.StageNames() {
		if d, ok := g.Budgets[name]; ok {
			fmt.Fprintf(b, " %s %s", name, time.Duration(d))
		}
	}
	b.WriteString("\n")
	for _, k := range g.Keys {
		fmt.Fprintf(b, "  types %s when the console shows %q\n", strings.Join(k.Press, " "), k.When)
	}
	expected := g.Expect
	if len(expected) == 0 {
		expected = []topology.Expectation{{}}
	}
	for _, x := range expected {
		fmt.Fprintf(b, "  expect %s\n", x)
	}
	for _, e := range g.Domain {
		fmt.Fprintln(b, strings.TrimRight(fmt.Sprintf("  %-52s %s", e.XML, commented(e.Why)), " "))
	}
	if len(g.Domain) > 0 {
		return // of the command line, libvirt makes its own
	}
	for _, a := range g.Argv {
		fmt.Fprintf(b, "  %-52s # %s\n", strings.TrimSpace(a.Flag+" "+a.Value), a.Why)
	}
}

func commented(why string) string {
	if why == "" {
		return ""
	}
	return "# " + why
}
