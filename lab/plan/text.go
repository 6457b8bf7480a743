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
	fmt.Fprintf(&b, "  accel %s  (%s)\n", p.Accel.Value, p.Accel.Why)
	fmt.Fprintf(&b, "  clock %s  (%s)\n", p.Clock.Value, p.Clock.Why)
	fmt.Fprintf(&b, "  cable %s  (%s)\n", p.Cable.Value, p.Cable.Why)
	fmt.Fprintf(&b, "  %d of %d guests at once  (%s)\n", p.AtOnce, len(p.Guests), p.WhyAtOnce)
	for _, n := range p.Networks {
		fmt.Fprintf(&b, "\nnetwork %s  %s  bridge %s", n.Name, n.Subnet, n.Bridge)
		if n.RA {
			b.WriteString("  router advertisements (without them iPXE waits 13 s for IPv6)")
		}
		b.WriteString("\n")
	}
	for _, s := range p.Services {
		s.writeText(&b)
	}
	for _, g := range p.Guests {
		g.writeText(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s Service) writeText(b *strings.Builder) {
	fmt.Fprintf(b, "\nservice %s  on %s  %s  %s  %s\n", s.Name, s.Network, s.Address, s.MAC, strings.Join(s.Roles, " "))
	if s.Server == nil {
		return
	}
	if d := s.Server.DHCP; d != nil {
		fmt.Fprintf(b, "  dhcp %s-%s\n", d.First, d.Last)
		if d.Boot == nil {
			b.WriteString("  boot: nothing said to PXE clients\n")
		} else {
			fmt.Fprintf(b, "  boot from %s", d.Boot.NextServer)
			writeFiles(b, "", d.Boot.Files)
			writeFiles(b, "ipxe ", d.Boot.IPXE)
			b.WriteString("\n")
		}
	}
	if t := s.Server.TFTP; t != nil {
		fmt.Fprintf(b, "  tftp serves %s\n", strings.Join(s.Files, " "))
		writeTFTP(b, s, t)
		if t.Silent {
			b.WriteString("  tftp never answers\n")
		}
	}
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
	fmt.Fprintf(b, "\nguest %s  firmware %s (%s, option 93 %s)  nic %s on %s  %s  %d MiB  clock %s\n",
		g.Name, g.Firmware, g.Client, g.Arch, g.NIC, g.Network, g.MAC, g.Memory, g.Clock)
	fmt.Fprintf(b, "  uuid %s\n", g.UUID)
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
	expected := g.Expect
	if len(expected) == 0 {
		expected = []topology.Expectation{{}}
	}
	for _, x := range expected {
		fmt.Fprintf(b, "  expect %s\n", x)
	}
	for _, a := range g.Argv {
		fmt.Fprintf(b, "  %-52s # %s\n", strings.TrimSpace(a.Flag+" "+a.Value), a.Why)
	}
}
