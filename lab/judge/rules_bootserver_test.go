package judge

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/pxe"
)

// TestBootServerSilent: the sentence says who sent the client to a boot server, and of which type; what to change is said of the server
// that has to be changed, and why one of ours stayed silent by its decision on that very request.
func TestBootServerSilent(t *testing.T) {
	install := []pxe.MenuItem{{Type: 7, Text: "Install"}}
	dnsmasq := func(p *plan.Plan) {
		p.Services[0].Server, p.Services[0].Exec = nil, &plan.Exec{Argv: []string{"/usr/sbin/dnsmasq"}, Ready: topology.Ready{UDP: 67}}
	}
	bootServer := func(typ int, decisions ...event.Decision) (func(*plan.Plan), []event.Decision) {
		return func(p *plan.Plan) {
			dnsmasq(p)
			p.Services[1].Server.BootServer = &server.BootServerConfig{Broadcast: true, Boots: []server.BootServerItem{{Type: typ}}}
		}, decisions
	}
	earlier := event.Decision{Role: "bootserver", Request: "DHCPDISCOVER", Reason: "ignored: it names no boot server type (option 43.71)", Port: 67, XID: "0a0b0c0d"}
	address := event.Decision{Role: "bootserver", Request: "DHCPREQUEST", Reason: "ignored: it names no boot server type (option 43.71)", Port: 67, XID: "0a0b0c0d"}
	other := event.Decision{Role: "bootserver", Request: "DHCPREQUEST for type 0x0007 layer 0", Reason: "ignored: not one of its own", Port: 67, XID: "00000007"}
	noFile := event.Decision{Role: "bootserver", Request: "DHCPREQUEST for type 0x0007 layer 0", Reason: "ignored: no file for bios", Port: 67, XID: "00000007"}
	wrongType, onOther := bootServer(1792, earlier, address, other)
	rightType, onOwn := bootServer(7, earlier, address, noFile)
	unheard, onNone := bootServer(7, earlier, address)
	for _, c := range []struct {
		name, dst string
		menu      []pxe.MenuItem
		change    func(*plan.Plan)
		decisions []event.Decision
		what, do  string
		not       string
	}{
		{"dnsmasq's menu, to all", "255.255.255.255:67", install, dnsmasq, nil,
			`the menu of "dhcp" sent it to a boot server of type 7 (its console shows that as 1792); it asked everybody on network "lan" with 1 request, and none answered`,
			`give its pxe-service line a file in place of 7 (pxe-service=x86PC,"Install",FILE without its .0), or run a boot server of type 7 on network "lan" that listens for broadcasts on port 67`, "unicast"},
		{"dnsmasq's menu, to itself", "192.0.2.1:4011", install, dnsmasq, nil, `it asked "dhcp" (192.0.2.1) with 1 request`, "dnsmasq itself answers for files, not for a number", "broadcast"},
		{"another server's menu", "192.0.2.9:4011", install, nil, nil, "it asked 192.0.2.9 with 1 request", "run a boot server of type 7 at 192.0.2.9, UDP 4011", "pxe-service"},
		{"to a group", "224.0.1.2:4011", install, nil, nil, "it asked the group 224.0.1.2", "that listens to the group 224.0.1.2 on port 4011", "pxe-service"},
		{"a type that no menu has", "255.255.255.255:67", menu, dnsmasq, nil, `it asked everybody on network "lan" for a boot server of type 7`, "run a boot server of type 7", "pxe-service"},
		{"a boot server of another type", "255.255.255.255:67", install, wrongType, onOther, "the menu of", `boot server "tftp" heard it and has only type 0x0700 (1792): give it type 7`, "names no boot server type"},
		{"a boot server without a file", "255.255.255.255:67", install, rightType, onOwn, "the menu of", `service "tftp" heard it and stayed silent: ignored: no file for bios`, "names no boot server type"},
		{"a boot server that decided on other requests alone", "255.255.255.255:67", install, unheard, onNone, "the menu of", "run a boot server of type 7", "heard it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := expecting("bios", stops(event.StageBootServer, "boot-server-silent")...)
			if c.change != nil {
				c.change(p)
			}
			s := newScript(p, "bios").offered(pxe.Vendor{Control: ctl(pxe.NoMulticast), Menu: c.menu})
			d := event.DHCP{Type: "REQUEST", SrcPort: 68, DstPort: event.PortOf(c.dst), CIAddr: s.lease(), BootItem: "00070000", CHAddr: s.guest.MAC, XID: "00000007"}
			s.packet("", event.Packet{Proto: "dhcp", Src: s.lease() + ":68", Dst: c.dst, DHCP: &d})
			for _, d := range c.decisions {
				d.Client = s.guest.MAC
				s.add(event.Event{Kind: event.ServerDecided, Service: "tftp", Decision: &d})
			}
			o := Results(p, s.fails("PXEBS (net0 type 1792)..... Connection timed out (http://ipxe.org/4c106035)").events)[0].Outcome
			if o.Reason != BootServerSilent || !strings.Contains(o.What, c.what) || !strings.Contains(o.Do, c.do) || strings.Contains(o.Do, c.not) {
				t.Errorf("%s: %s; %s\nwant %q; %q and not %q", o.Reason, o.What, o.Do, c.what, c.do, c.not)
			}
		})
	}
}
