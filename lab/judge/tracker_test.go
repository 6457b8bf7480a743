package judge

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/event"
)

// track feeds a whole script.
func track(s *script) *Tracker {
	t := NewTracker(s.plan)
	for _, e := range s.events {
		t.Feed(e)
	}
	return t
}

func TestStagesOfAHealthyBoot(t *testing.T) {
	want := map[string][]string{
		"bios": {"power", "firmware", "link", "discover", "offer", "address", "download", "started", "reported", "off"},
		"x64":  {"power", "firmware", "link", "discover", "offer", "address", "download", "started", "reported", "off"},
	}
	for guest, stages := range want {
		r := track(healthy(testPlan(), guest)).Results()
		for _, res := range r {
			if res.Guest != guest {
				continue
			}
			var got []string
			last := time.Duration(-1)
			for _, s := range res.Stages {
				got = append(got, s.Stage.String())
				if s.After < last {
					t.Errorf("%s: stage %s came before the one before it", guest, s.Stage)
				}
				last = s.After
			}
			if d := cmp.Diff(stages, got); d != "" {
				t.Errorf("%s: %s", guest, d)
			}
		}
	}
}

func TestStageNeverMovesBack(t *testing.T) {
	p := testPlan()
	s := newScript(p, "x64").firmware().dora("ipxe.efi").fetches("ipxe.efi").starts()
	before := track(s).Guest("x64")
	s.after(time.Second).say("iPXE initialising devices...ok").dora("ipxe.efi")
	after := track(s).Guest("x64")
	if before.Stage != event.StageStarted || after.Stage != event.StageStarted {
		t.Errorf("stages %s and %s, want started twice", before.Stage, after.Stage)
	}
	if before.At[event.StageDiscover] != after.At[event.StageDiscover] {
		t.Error("a second DISCOVER moved the time at which the first was sent")
	}
}

// started needs evidence that a program runs, not only that a file came.
func TestForeignProgramStarts(t *testing.T) {
	for name, c := range map[string]struct {
		more func(*script) *script
		want event.Stage
	}{
		"silence":             {func(s *script) *script { return s }, event.StageDownload},
		"the same file again": {func(s *script) *script { return s.asks("RRQ", "/first.0", event.TFTP{}) }, event.StageDownload},
		"another file":        {func(s *script) *script { return s.asks("RRQ", "ldlinux.c32", event.TFTP{}) }, event.StageStarted},
		"a DISCOVER":          {func(s *script) *script { return s.sends(event.DHCP{Type: "DISCOVER"}) }, event.StageStarted},
		"HTTP boot":           {func(s *script) *script { return s.sends(event.DHCP{Type: "DISCOVER", ClassID: "HTTPClient:Arch"}) }, event.StageDownload},
		"its first words":     {func(s *script) *script { return s.say("PXELINUX 6.04 PXE") }, event.StageStarted},
		"other words":         {func(s *script) *script { return s.say("hello") }, event.StageDownload},
		"after a complaint": {func(s *script) *script {
			return s.say("Could not boot image: Exec format error (http://ipxe.org/2e008001)").asks("RRQ", "other", event.TFTP{})
		}, event.StageDownload},
	} {
		s := newScript(testPlan(), "bios").firmware().dora("first.0").fetches("first.0")
		if got := track(c.more(s)).Guest("bios").Stage; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Each row is what happens a second after the last progress, and whether it is progress.
func TestDeadline(t *testing.T) {
	atDiscover := func(s *script) *script { return s.firmware().discovers(1) }
	inTransfer := func(s *script) *script {
		return s.firmware().dora("probe.0").asks("RRQ", "probe.0", event.TFTP{}).gets("DATA", "probe.0", event.TFTP{Block: 1, Bytes: 1468})
	}
	inChain := func(s *script) *script {
		return s.firmware().dora("ipxe.efi").fetches("ipxe.efi").starts().say("iPXE initialising devices...ok").dora("ipxe.efi").fetches("ipxe.efi")
	}
	for name, c := range map[string]struct {
		guest    string
		before   func(*script) *script
		then     func(*script) *script
		progress bool
	}{
		"nothing":                 {"bios", atDiscover, func(s *script) *script { return s }, false},
		"firmware speaks":         {"bios", func(s *script) *script { return s.say("SeaBIOS") }, func(s *script) *script { return s.say("iPXE") }, true},
		"firmware repeats itself": {"bios", func(s *script) *script { return s.say("SeaBIOS") }, func(s *script) *script { return s.say("SeaBIOS") }, false},
		"blank line":              {"bios", func(s *script) *script { return s.say("SeaBIOS") }, func(s *script) *script { return s.say("  ") }, false},
		"retransmission":          {"bios", atDiscover, func(s *script) *script { return s.sends(event.DHCP{Type: "DISCOVER", Repeat: 1}) }, false},
		"words while discovering": {"bios", atDiscover, func(s *script) *script { return s.say("...") }, false},
		"offer":                   {"bios", atDiscover, func(s *script) *script { return s.receives("dhcp", event.DHCP{Type: "OFFER"}) }, true},
		"offer to another": {"bios", atDiscover, func(s *script) *script {
			return s.receives("dhcp", event.DHCP{Type: "OFFER", CHAddr: "52:54:00:00:00:01"})
		}, false},
		"bytes": {"bios", inTransfer, func(s *script) *script { return s.gets("DATA", "probe.0", event.TFTP{Block: 9, Bytes: 9000}) }, true},
		"the same block again": {"bios", inTransfer, func(s *script) *script {
			return s.gets("DATA", "probe.0", event.TFTP{Block: 1, Bytes: 1468, Repeat: 1})
		}, false},
		"the same request again": {"bios", inTransfer, func(s *script) *script { return s.asks("RRQ", "probe.0", event.TFTP{Repeat: 1}) }, false},
		"a program speaks":       {"x64", inChain, func(s *script) *script { return s.say("something new") }, true},
		"a chain that goes in rings": {"x64", inChain, func(s *script) *script {
			return s.say("iPXE initialising devices...ok").dora("ipxe.efi").fetches("ipxe.efi")
		}, false},
	} {
		s := c.before(newScript(testPlan(), c.guest))
		was, _, ok := track(s).Guest(c.guest).Deadline()
		if !ok {
			t.Errorf("%s: no deadline", name)
		}
		is, _, _ := track(c.then(s.after(time.Second))).Guest(c.guest).Deadline()
		if (is > was) != c.progress {
			t.Errorf("%s: the deadline moved from %s to %s", name, was, is)
		}
	}
}

func TestNoDeadline(t *testing.T) {
	p := testPlan()
	if _, _, ok := NewTracker(p).Guest("bios").Deadline(); ok {
		t.Error("a guest that is off has a deadline")
	}
	if _, _, ok := track(healthy(p, "bios")).Guest("bios").Deadline(); ok {
		t.Error("a settled guest has a deadline")
	}
	ended := newScript(p, "bios").firmware().of(event.Event{Kind: event.GuestEnded})
	if _, _, ok := track(ended).Guest("bios").Deadline(); ok {
		t.Error("a guest the lab has ended has a deadline")
	}
	p.Guests[0].Budgets = nil
	if _, _, ok := track(newScript(p, "bios").firmware()).Guest("bios").Deadline(); ok {
		t.Error("a guest without budgets has a deadline")
	}
}

func TestDeadlineIsStageBudgetAfterProgress(t *testing.T) {
	p := testPlan()
	s := newScript(p, "bios").firmware().discovers(3)
	g := track(s).Guest("bios")
	at, stage, ok := g.Deadline()
	if want := g.At[event.StageDiscover] + 60*time.Second; at != want || stage != event.StageDiscover || !ok {
		t.Errorf("%s at %s, want discover at %s", stage, at, want)
	}
}

func TestResults(t *testing.T) {
	p := expecting("bios", booted("probe", "tftp")...)
	got := Results(p, healthy(p, "bios").events)
	if len(got) != len(p.Guests) {
		t.Fatalf("%d results for %d guests", len(got), len(p.Guests))
	}
	r := got[0]
	want := []File{{Name: "probe.0", From: "tftp", Bytes: 8192, Whole: true}}
	if d := cmp.Diff(want, r.Files); d != "" || !r.Passed || r.Address != "192.0.2.100" || r.From != "dhcp" ||
		r.Stage != event.StageOff || r.Clock != "real" || r.Boots != 1 {
		t.Errorf("%+v\n%s", r, d)
	}
	if never := got[1]; never.Passed || never.Boot != 0 || never.Outcome != nil {
		t.Errorf("a guest that was never powered on: %+v", never)
	}
}
