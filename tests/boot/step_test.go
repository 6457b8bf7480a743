package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/dissect"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/network/capture"
	"github.com/pxelab/pxelab/tests/built"
)

// stepped is a lab that is stepped through.
type stepped struct {
	t      *testing.T
	bundle string
	client *control.Client
	at     event.Event   // where it is held
	log    []event.Event // until then
}

// holdFirst brings a lab up, held at its first packet that tells something.
func holdFirst(t *testing.T, topology string, args ...string) *stepped {
	t.Helper()
	built.NeedBoots(t)
	s := &stepped{t: t, bundle: filepath.Join(t.TempDir(), "bundle")}
	say(t, 0, "is held", append([]string{"up", topologyFile(t, topology), "--hold", "--out", s.bundle}, args...)...)
	t.Cleanup(func() { _ = exec.Command(built.Pxelab, "down", topology).Run() }) // if the test failed half-way
	var err error
	if s.client, err = control.Dial(topology); err != nil {
		t.Fatal(err)
	}
	s.await(1)
	return s
}

// await waits until the lab is held by an event from this one on.
func (s *stepped) await(from int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), deadline(s.t))
	defer cancel()
	held, settled := errors.New("held"), 0
	p, err := s.client.Plan(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	s.log = nil
	err = s.client.Events(ctx, 1, func(e event.Event) error {
		s.log = append(s.log, e)
		if e.Kind == event.GuestSettled {
			settled++
		}
		if settled == len(p.Guests) {
			return errors.New("every guest has settled")
		}
		if e.Seq >= from && e.Kind == event.LabHeld && e.Hold.On {
			s.at = e
			return held
		}
		return nil
	})
	if !errors.Is(err, held) {
		s.t.Fatalf("it was not held again: %v", err)
	}
}

// to has the lab go on until it is held at what is asked for.
func (s *stepped) to(step control.Step) event.Event {
	s.t.Helper()
	h, err := s.client.Step(s.t.Context(), step)
	if err != nil {
		s.t.Fatal(err)
	}
	s.await(h.Seq + 1)
	return s.at
}

// is tells whether it is held at this kind of packet.
func (s *stepped) is(kind string) bool { return strings.HasPrefix(s.at.Hold.Info, kind+" ") }

// still leaves a held lab so for a time.
func (s *stepped) still(d time.Duration) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), d)
	defer cancel()
	err := s.client.Events(ctx, s.at.Seq+1, func(e event.Event) error {
		if e.Packet != nil || e.Hold != nil || e.Kind == event.GuestStalled {
			s.t.Errorf("while the lab is held: %+v", e)
		}
		return nil
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		s.t.Fatal(err)
	}
	if h, err := s.client.Hold(s.t.Context()); err != nil || !h.On || h.Guest != s.at.Guest {
		s.t.Errorf("after %s: %+v (%v)", d, h, err)
	}
}

// finish lets the lab go on to its end, and gives what it left.
func (s *stepped) finish() result {
	s.t.Helper()
	if _, err := s.client.Step(s.t.Context(), control.Step{Until: control.Until{Never: true}}); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), deadline(s.t))
	defer cancel()
	settled, done := map[string]bool{}, errors.New("done")
	p, err := s.client.Plan(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.client.Events(ctx, 1, func(e event.Event) error {
		if e.Kind == event.GuestSettled {
			settled[e.Guest] = true
		}
		if len(settled) == len(p.Guests) {
			return done
		}
		return nil
	}); !errors.Is(err, done) {
		s.t.Fatal(err)
	}
	say(s.t, 0, "is down", "down", p.Name)
	r := result{bundle: s.bundle}
	if r.plan, r.events, err = bundle.Read(s.bundle); err != nil {
		s.t.Fatal(err)
	}
	r.verdicts = judge.Judge(r.plan, r.events)
	return r
}

// packets are the packets of a guest's boots that a test picks.
func packets(events []event.Event, guest string, pick func(*event.Packet) bool) (out []event.Event) {
	for _, e := range events {
		if e.Guest == guest && e.Packet != nil && pick(e.Packet) {
			out = append(out, e)
		}
	}
	return out
}

func ofType(kind string) func(*event.Packet) bool {
	return func(p *event.Packet) bool { return p.DHCP != nil && p.DHCP.Type == kind }
}

// TestStep steps through the boots of three firmwares whose clocks are warped: each is held at its first OFFER for many times as long as it
// waits for one, and takes it, or what was made of it by hand.
func TestStep(t *testing.T) {
	s := holdFirst(t, "firmware-trio", "--clock", "warp")
	if !s.is("DHCPDISCOVER") || !s.at.Hold.FromGuest {
		t.Errorf("held first at %+v", s.at.Hold)
	}
	for seen := map[string]bool{}; len(seen) < 3; {
		if e := s.to(control.Step{Until: control.Until{Packet: "offer"}}); !seen[e.Guest] {
			seen[e.Guest] = true
			s.still(time.Second) // half a minute to a guest that does not stand still
		}
	}
	r := s.finish()
	for _, v := range r.verdicts {
		if !v.Pass {
			t.Error(r.explain())
			break
		}
	}
	for _, guest := range []string{"bios", "x64", "ia32"} {
		// One that goes on with a warped clock may ask once more before it has read the offer. One that had not stood still would have
		// asked four times and given up.
		if sent := packets(r.events, guest, ofType("DISCOVER")); len(sent) > 3 || sent[0].Boot != 1 {
			t.Errorf("%s sent DISCOVER %d times, in boot %d, although its offer had come", guest, len(sent), sent[0].Boot)
		}
	}
}

// TestStepByHand loses an offer, sends one twice, and goes on block by block and stage by stage to the end of the boot.
func TestStepByHand(t *testing.T) {
	s := holdFirst(t, "firmware-trio", "--clock", "warp")
	offer := s.to(control.Step{Until: control.Until{Packet: "offer"}})
	guest := offer.Guest
	s.to(control.Step{Do: "drop", Until: control.Until{Packet: "offer", Guest: guest}})
	if asked, has := packets(s.log, guest, ofType("DISCOVER")), packets(s.log, guest, ofType("OFFER")); len(asked) < 2 || len(has) != 0 {
		t.Errorf("%s asked %d times, and has %d offers, of which one was dropped and one is held", guest, len(asked), len(has))
	}
	s.to(control.Step{Do: "duplicate", Until: control.Until{Packet: "request", Guest: guest}})
	if got := packets(s.log, guest, ofType("OFFER")); len(got) < 2 || got[1].Packet.DHCP.Repeat != 1 {
		t.Errorf("an offer that was sent twice: %+v", got)
	}
	e := s.to(control.Step{Until: control.Until{Stage: "download", Guest: guest}})
	if e.Hold.Data != nil || e.Hold.Info != guest+" has reached stage download" {
		t.Errorf("held at %+v", e.Hold)
	}
	asks := func(p *event.Packet) bool { return p.TFTP != nil }
	if got := packets(s.log, guest, asks); len(got) != 1 || got[0].Packet.TFTP.Op != "RRQ" {
		t.Errorf("%s is at stage download, and has exchanged %d packets of TFTP", guest, len(got))
	}
	if e := s.to(control.Step{Until: control.Until{Packet: "{packet: data, block: 2}", Guest: guest}}); e.Hold.Info != "TFTP DATA 2" || e.Hold.FromGuest {
		t.Errorf("held at %+v", e.Hold)
	}
	r := s.finish()
	if i := slices.IndexFunc(r.verdicts, func(v judge.Verdict) bool { return !v.Pass }); i >= 0 {
		t.Error(r.explain())
	}
	if got, want := comments(t, s.bundle), []string{"dropped by hand on cable " + guest, "sent twice by hand on cable " + guest, "sent twice by hand on cable " + guest}; !slices.Equal(got, want) {
		t.Errorf("the capture says %q, want %q", got, want)
	}
}

// comments are what the capture of a bundle says of its frames.
func comments(t *testing.T, bundle string) (out []string) {
	t.Helper()
	file, err := os.Open(filepath.Join(bundle, "wire.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for f, err := range capture.Read(file) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f.Comments...)
	}
	return out
}

// TestStepEdits takes the class out of a proxy's offer: the firmware does not take it for one of PXE, and asks again.
func TestStepEdits(t *testing.T) {
	s := holdFirst(t, "proxy-beside-dhcp", "--clock", "warp")
	s.to(control.Step{Until: control.Until{Packet: "{packet: offer, from: proxy}", Guest: "x64"}})
	edited, err := dissect.Change(s.at.Hold.Data, []string{"-dhcp.option.60"})
	if err != nil {
		t.Fatal(err)
	}
	next := control.Until{Packet: "{packet: dhcp, from: guest}", Guest: "x64"}
	if s.to(control.Step{Data: edited, Until: next}); !s.is("DHCPDISCOVER") {
		t.Errorf("after an offer without a class: %s", s.at.Hold.Info)
	}
	has := packets(s.log, "x64", func(p *event.Packet) bool { return ofType("OFFER")(p) && !slices.Contains(p.DHCP.Options, "60") })
	if len(has) != 2 { // the DHCP server's has none either
		t.Errorf("%d offers without a class", len(has))
	}
	s.to(control.Step{Until: control.Until{Packet: "request", Guest: "x64"}}) // of an offer as it is
	say(t, 0, "is down", "down", "proxy-beside-dhcp")
}

// TestStepInRealTime holds a guest whose clock is the host's at an offer, for longer than it takes iPXE to ask a second and a third time (1 s
// and 3 s after the first). It always asks a second time, as it waits for the offers of proxies.
func TestStepInRealTime(t *testing.T) {
	s := holdFirst(t, "bios-only", "--clock", "real")
	s.to(control.Step{Until: control.Until{Packet: "offer"}})
	s.still(3500 * time.Millisecond)
	s.to(control.Step{Until: control.Until{Packet: "ack"}})
	if sent := packets(s.log, "bios", ofType("DISCOVER")); len(sent) != 2 {
		t.Errorf("it sent DISCOVER %d times", len(sent))
	}
	s.killed()
}

// killed kills the supervisor of a held lab: what it had stopped ends all the same.
func (s *stepped) killed() {
	s.t.Helper()
	info, err := s.client.Lab(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	lab := descendants(info.PID)
	if supervisor, ok := readProcess(fmt.Sprintf("/proc/%d", info.PID)); ok {
		lab = append(lab, supervisor)
	}
	stopped := 0
	for _, p := range lab {
		if !strings.Contains(p.command, " __serve ") {
			continue
		}
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
		if _, state, _ := strings.Cut(string(stat), ") "); !strings.HasPrefix(state, "T") {
			s.t.Errorf("service process %d is in state %.1s while the lab is held", p.pid, state)
		}
		stopped++
	}
	if stopped == 0 {
		s.t.Error("the lab has no service process")
	}
	spaces := namespaces(lab, os.Getpid())
	if err := syscall.Kill(info.PID, syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
	gone(s.t, lab, spaces)
}
