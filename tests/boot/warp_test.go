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
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/tests/built"
)

// checkFidelity holds a warped run to one in real time: every guest has the same trace.
func checkFidelity(t *testing.T, real, warp result) {
	t.Helper()
	if real.plan == nil {
		t.Fatal("there is no run in real time to compare with: it failed")
	}
	for _, g := range real.plan.Guests {
		want, got := normalised(real.events, real.plan, g), normalised(warp.events, warp.plan, g)
		if len(want.Sent) == 0 && !slices.ContainsFunc(g.Expect, func(x topology.Expectation) bool {
			return x.Stops != nil && x.Stops.Reason == string(judge.NoLink)
		}) {
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
	lease     = regexp.MustCompile(`\b(192\.0\.2|198\.51\.100)\.1\d\d\b|\bC00002[0-9A-F]{2}\b`) // the latter as boot programs name their files
	speed     = regexp.MustCompile(`speed=\S+`)
)

// trace is what a guest did in its last boot: what it sent, what it received and what it said, each in order.
// Between the three there is no order to compare: frames of both directions and console bytes cross.
type trace struct{ Sent, Received, Said []string }

// normalised reduces a guest's last boot to its trace, less what differs between any two boots: times, nonces,
// transaction numbers, which of the pool's addresses it got, in which order a reply lists its options, and how
// often a firmware repeated a question that it keeps asking for a fixed time.
func normalised(events []event.Event, p *plan.Plan, g plan.Guest) trace {
	boot := 0
	for _, e := range events {
		if e.Guest == g.Name {
			boot = max(boot, e.Boot)
		}
	}
	end := endOf(events, p, g.Name, boot)
	var t trace
	over6 := pxe6{}
	asked := questions{asked: map[string]bool{}, late: map[string]int{}}
	http := map[string]bool{} // EDK2's next attempt, which the end of a settled guest cuts off at any point
	for _, e := range events {
		if e.Guest != g.Name || e.Boot != boot || e.Seq > end {
			continue
		}
		if e.Packet != nil && e.Packet.DHCP != nil {
			d := e.Packet.DHCP
			http[d.XID] = http[d.XID] || g.BootsOver == "" && strings.HasPrefix(d.ClassID, "HTTPClient")
			if http[d.XID] || !asked.hears(e.Packet) {
				continue
			}
		}
		switch {
		case e.Kind == event.Console && strings.HasPrefix(e.Text, "PXELAB"):
			t.Said = append(t.Said, plain(e.Text))
		case e.Packet == nil || !told(e.Packet, g.MAC, asked) && !over6.told(e.Packet):
		case e.Packet.FromGuest:
			t.Sent = append(t.Sent, plain(e.Packet.Info))
		default:
			t.Received = append(t.Received, e.Service+": "+plain(e.Packet.Info))
		}
	}
	sortOffers(t.Received)
	return t
}

// endOf is the last event of a guest's boot to compare: all of them, unless it would have gone on for ever and was ended
// somewhere on its way. Then it is the last one but the end of what shows the circle: iPXE may begin the next round under
// a DHCP number that it has had, which looks like a repetition.
func endOf(events []event.Event, p *plan.Plan, guest string, boot int) int {
	t := judge.NewTracker(p)
	for _, e := range events {
		t.Feed(e)
		s := t.Guest(guest)
		if n := len(s.Outcome.Evidence); s.Boot == boot && s.Settled && s.Outcome.Reason == judge.ChainLoop && n > 1 {
			return s.Outcome.Evidence[n-2].Seq
		}
	}
	return len(events)
}

// questions are the DHCP transactions a boot has begun. A guest that is booted again at once may hear the answer to a
// question of the boot before; iPXE even asks under the same numbers again.
type questions struct {
	asked map[string]bool
	late  map[string]int // answers that came before their question
}

// hears tells whether a DHCP message is one of this boot.
func (q questions) hears(p *event.Packet) bool {
	switch xid := p.DHCP.XID; {
	case p.FromGuest:
		q.asked[xid] = true
	case !q.asked[xid]:
		q.late[xid]++
		return false
	}
	return true
}

// before is how often an answer was heard before its question.
func (q questions) before(p *event.Packet) int {
	if p.FromGuest {
		return 0
	}
	return q.late[p.DHCP.XID]
}

// sortOffers puts offers that came one after the other into one order: two servers, or two at the far end of a relay,
// answer the same DISCOVER side by side.
func sortOffers(received []string) {
	isOffer := func(s string) bool { return strings.Contains(s, ": DHCPOFFER ") }
	for i := 0; i < len(received); i++ {
		begin := i
		for i < len(received) && isOffer(received[i]) {
			i++
		}
		slices.Sort(received[begin:i])
	}
}

// told tells whether a packet is part of the guest's own DHCP, TFTP or HTTP, said for the first time.
func told(p *event.Packet, mac string, q questions) bool {
	switch {
	case p.DHCP != nil:
		return p.DHCP.CHAddr == mac && p.DHCP.Repeat == q.before(p)
	case p.TFTP != nil && p.TFTP.Op == "ACK": // the last one may not leave a card that iPXE is closing
		return p.TFTP.Repeat == 0 && p.TFTP.Block == 0
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
	built.NeedBoots(t)
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
