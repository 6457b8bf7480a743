package boot

import (
	"context"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// checkFidelity holds a warped run to one in real time: every guest has the same trace.
func checkFidelity(t *testing.T, real, warp result) {
	t.Helper()
	if real.plan == nil {
		t.Fatal("there is no run in real time to compare with: it failed")
	}
	for _, g := range real.plan.Guests {
		want, got := normalised(real.events, g), normalised(warp.events, g)
		if len(want.Sent) == 0 {
			t.Errorf("guest %s sent nothing", g.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("guest %s: warp differs from real time (- real, + warp):\n%s", g.Name, diff)
		}
	}
}

// What differs between any two boots, warped or not.
var (
	hexNumber = regexp.MustCompile(`\b[0-9a-f]{8}\b`)
	nonce     = regexp.MustCompile(`\b[A-Z2-9]{16}\b`)
	lease     = regexp.MustCompile(`\b192\.0\.2\.1\d\d\b`)
	speed     = regexp.MustCompile(`speed=\S+`)
)

// trace is what a guest did in its last boot: what it sent, what it received and what it said, each in order.
// Between the three there is no order to compare: frames of both directions and console bytes cross.
type trace struct{ Sent, Received, Said []string }

// normalised reduces a guest's last boot to its trace, less what differs between any two boots: times, nonces,
// transaction numbers, which of the pool's addresses it got, in which order a reply lists its options, and how
// often a firmware repeated a question that it keeps asking for a fixed time.
func normalised(events []event.Event, g plan.Guest) trace {
	boot := 0
	for _, e := range events {
		if e.Guest == g.Name {
			boot = max(boot, e.Boot)
		}
	}
	var t trace
	over6 := pxe6{}
	http := map[string]bool{} // EDK2's next attempt, which the end of a settled guest cuts off at any point
	for _, e := range events {
		if e.Guest != g.Name || e.Boot != boot {
			continue
		}
		if e.Packet != nil && e.Packet.DHCP != nil {
			d := e.Packet.DHCP
			http[d.XID] = http[d.XID] || g.BootsOver == "" && strings.HasPrefix(d.ClassID, "HTTPClient")
			if http[d.XID] {
				continue
			}
		}
		switch {
		case e.Kind == event.Console && strings.HasPrefix(e.Text, "PXELAB"):
			t.Said = append(t.Said, plain(e.Text))
		case e.Packet == nil || !told(e.Packet, g.MAC) && !over6.told(e.Packet):
		case e.Packet.FromGuest:
			t.Sent = append(t.Sent, plain(e.Packet.Info))
		default:
			t.Received = append(t.Received, e.Service+": "+plain(e.Packet.Info))
		}
	}
	return t
}

// told tells whether a packet is part of the guest's own DHCP, TFTP or HTTP, said for the first time.
func told(p *event.Packet, mac string) bool {
	switch {
	case p.DHCP != nil:
		return p.DHCP.CHAddr == mac && p.DHCP.Repeat == 0
	case p.TFTP != nil: // one block may still be under way when a guest aborts a transfer, or not
		return p.TFTP.Repeat == 0 && (p.TFTP.Op != "DATA" || p.TFTP.Last)
	case p.HTTP != nil: // which segment ends the connection depends on what else is under way
		return p.HTTP.Repeat == 0 && p.HTTP.Op != "cut"
	}
	return false
}

func plain(text string) string {
	text = nonce.ReplaceAllString(lease.ReplaceAllString(plain6(text), "LEASE"), "NONCE")
	text = speed.ReplaceAllString(hexNumber.ReplaceAllString(text, "HEX"), "speed=")
	words := strings.Fields(text)
	if words[0] == "OACK" {
		slices.Sort(words)
	}
	return strings.Join(words, " ")
}

// TestBesideLoad boots the trio while every core is busy with something else: the verdicts must still be
// right, whether the warped boots are believed or run again in real time.
func TestBesideLoad(t *testing.T) {
	needBoots(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range runtime.NumCPU() {
		hog := exec.CommandContext(ctx, "sh", "-c", "while :; do :; done")
		if err := hog.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { cancel(); _ = hog.Wait() }()
	}
	for _, name := range []string{"firmware-trio", "missing-file", "no-bootfile"} {
		r := boots(t, topologyFile(t, name), "--clock", "warp")
		if r.code != 0 {
			t.Errorf("%s beside load:\n%s", name, r.explain())
		}
		for _, e := range r.events {
			if e.Kind == event.BootDiscarded {
				t.Logf("%s: guest %s was booted again: %s", name, e.Guest, e.Text)
			}
		}
	}
}
