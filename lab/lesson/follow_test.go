package lesson_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/lesson"
	"github.com/pxelab/pxelab/lab/plan"
)

// trio is a recorded run of three machines, whose boots overlap.
func trio(t *testing.T) (*plan.Plan, []event.Event) {
	t.Helper()
	p, events, err := bundle.Read("../judge/testdata/real/firmware-trio")
	if err != nil {
		t.Fatal(err)
	}
	return p, events
}

// parsed reads a lesson whose sections have these checkpoints.
func parsed(t *testing.T, checkpoints ...string) *lesson.Lesson {
	t.Helper()
	text := front
	for _, c := range checkpoints {
		text += "\n## A section\n\n```checkpoint\nsays: so\n" + c + "\n```\n"
	}
	l, err := lesson.Parse("x.md", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// told is what a Follower says of a run, a line for each checkpoint.
func told(f *lesson.Follower, events []event.Event) string {
	var b strings.Builder
	for _, e := range events {
		for _, r := range f.Event(e) {
			fmt.Fprintf(&b, "section %d at event %d: frame %d held %v of %s by %s\n", r.Section, e.Seq, r.Frame, r.Held, r.Guest, describe(events, r))
		}
	}
	return b.String()
}

// describe says what the event was by which a checkpoint was reached.
func describe(events []event.Event, r lesson.Reached) string {
	for _, e := range events {
		switch {
		case e.Seq != r.Seq:
		case e.Packet != nil:
			return e.Packet.Info
		case e.Text != "":
			return e.Text
		default:
			return string(e.Kind)
		}
	}
	return "nothing"
}

// TestFollow has each way of naming a moment reach it, and each guest go its own way.
func TestFollow(t *testing.T) {
	p, events := trio(t)
	for _, tt := range []struct {
		name  string
		about []string
		want  []string // what the checkpoints are reached by, in order
	}{
		{"the four of DHCP", []string{"guest: x64\npacket: discover", "guest: x64\npacket: offer\nfrom: boot", "guest: x64\npacket: request\nfrom: guest", "guest: x64\npacket: ack"},
			[]string{"DHCPDISCOVER arch 7", "DHCPOFFER", "DHCPREQUEST", "DHCPACK"}},
		{"the second request for the file", []string{"guest: x64\npacket: rrq", "guest: x64\npacket: tftp-error", "guest: x64\npacket: rrq", "guest: x64\npacket: data", "guest: x64\npacket: tftp-ack"},
			[]string{"RRQ probe-x64.efi tsize=0", "ERROR 8", "RRQ probe-x64.efi blksize", "DATA 1", "ACK"}},
		{"the last of all first", []string{"guest: ia32\nstage: download", "guest: bios\npacket: discover", "settled: true"},
			[]string{"RRQ probe-ia32.efi", "DHCPDISCOVER arch 0", "guest-exited"}},
		{"the console", []string{"guest: x64\nconsole: NBP filename is (.*)", "guest: x64\nstage: started", "guest: x64\nsettled: true"},
			[]string{"NBP filename is probe-x64.efi", "BdsDxe: starting", "guest-exited"}},
		{"two in any order", []string{"guest: x64\npacket: ack", "guest: x64\npacket: offer\nbeside: true", "guest: x64\npacket: discover\nbeside: true", "guest: x64\npacket: tftp"},
			[]string{"DHCPACK", "DHCPOFFER", "DHCPDISCOVER", "RRQ"}},
		{"whoever it is", []string{"packet: arp", "packet: udp", "packet: dhcp", "packet: tftp", "packet: any"}, []string{"ARP", "", "DHCP", "RRQ", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := parsed(t, tt.about...)
			if err := l.Fits(p); err != nil {
				t.Error(err)
			}
			f := lesson.New(l, p)
			for _, e := range events {
				f.Event(e)
			}
			if next := f.Next(); next != nil {
				t.Fatalf("never reached: %+v", next)
			}
			last := map[string]int{}
			for i, want := range tt.want {
				r, ok := f.Reached(i)
				if !ok || !strings.Contains(describe(events, r), want) {
					t.Errorf("checkpoint %d is reached by %s, want %s", i+1, describe(events, r), want)
				}
				if r.Seq <= last[r.Guest] && !l.Sections[i].Checkpoint.Beside {
					t.Errorf("checkpoint %d of %s is reached by event %d, and the one before it by %d", i+1, r.Guest, r.Seq, last[r.Guest])
				}
				last[r.Guest] = r.Seq
			}
		})
	}
}

// TestFollowWaits tells checkpoints in the lesson's order only, and none that does not come.
func TestFollowWaits(t *testing.T) {
	p, events := trio(t)
	f := lesson.New(parsed(t, "guest: ia32\npacket: discover", "guest: bios\npacket: discover", "packet: nak", "guest: x64\npacket: discover"), p)
	got := told(f, events)
	lines := strings.Split(strings.TrimSpace(got), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "section 0 ") || !strings.HasPrefix(lines[1], "section 1 ") {
		t.Errorf("told:\n%s", got)
	}
	if next := f.Next(); next == nil || next.Packet != "nak" {
		t.Errorf("next is %+v, want the nak that never comes", next)
	}
	if _, ok := f.Reached(3); ok {
		t.Error("what comes after a nak is reached without one")
	}
}

// TestFollowHeld reaches a checkpoint at the packet that the lab is held at, and again when that goes on, with its number.
func TestFollowHeld(t *testing.T) {
	p, events := trio(t)
	text, err := os.ReadFile("testdata/offer.hex")
	if err != nil {
		t.Fatal(err)
	}
	offer, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	var with []event.Event // the run, held at the offer
	for _, e := range events {
		if e.Kind == event.PacketSeen && e.Guest == "x64" && e.Packet.DHCP != nil && e.Packet.DHCP.Type == "OFFER" {
			held := event.Event{Seq: -1, At: e.At, Kind: event.LabHeld, Guest: "x64", Boot: e.Boot, Hold: &event.Hold{On: true, Data: offer, Info: "DHCPOFFER"}}
			with = append(with, held)
		}
		with = append(with, e)
	}
	for _, from := range []string{"", "\nfrom: boot"} {
		got := told(lesson.New(parsed(t, "guest: x64\npacket: discover", "guest: x64\npacket: offer"+from, "guest: x64\npacket: offer", "guest: x64\npacket: ack"), p), with)
		if want := "held true of x64 by hold"; strings.Count(got, "held true") != 1 || !strings.Contains(got, "section 1 at event -1: frame 0 "+want) {
			t.Errorf("told:\n%s", got)
		}
		if again := "held false of x64 by DHCPOFFER"; strings.Count(got, again) != 1 || strings.Contains(got, "section 2") {
			t.Errorf("the packet that was held counts twice, or has no number:\n%s", got)
		}
	}
	if got := told(lesson.New(parsed(t, "guest: x64\npacket: offer\nfrom: guest"), p), with); got != "" {
		t.Errorf("an offer from a guest is told:\n%s", got)
	}
}

// TestFollowPartial takes a prompt, whose line is not finished, and waits for the end of one from which a group is to be taken.
func TestFollowPartial(t *testing.T) {
	p, events := trio(t)
	power := slices.IndexFunc(events, func(e event.Event) bool { return e.Kind == event.GuestPowered && e.Guest == "x64" })
	begun := events[:power+1]
	for _, text := range []string{"Press F8", "NBP filename is pro", "NBP filename is probe-x64.efi"} {
		begun = append(slices.Clip(begun), event.Event{Seq: len(begun) + 1, Kind: event.ConsolePartial, Guest: "x64", Boot: 1, Text: text})
	}
	begun[len(begun)-1].Kind = event.Console
	f := lesson.New(parsed(t, "guest: x64\nconsole: Press F8", "guest: x64\nconsole: NBP filename is (.*)"), p)
	for _, e := range begun {
		f.Event(e)
	}
	prompt, _ := f.Reached(0)
	name, _ := f.Reached(1)
	if prompt.Facts["console"] != "Press F8" || name.Facts["console"] != "probe-x64.efi" {
		t.Errorf("the prompt is %q, the name %q", prompt.Facts["console"], name.Facts["console"])
	}
}

// TestFits names guests and services that a lab does not have.
func TestFits(t *testing.T) {
	p, _ := trio(t)
	err := parsed(t, "guest: x46\npacket: offer\nfrom: boots").Fits(p)
	want := `x.md:13:8: guest: section 1: topology "x" has no guest "x46" (did you mean "x64"?)
x.md:15:7: from: section 1: topology "x" has no service "boots" (did you mean "boot"?)`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// TestUntil writes checkpoints as lab/control has them.
func TestUntil(t *testing.T) {
	for c, want := range map[string]string{
		"guest: x64\npacket: offer\nfrom: boot": `["{packet: offer, from: boot}","x64","",true]`,
		"packet: pxe":                           `["pxe","","",true]`,
		"guest: x64\nstage: started":            `["","x64","started",true]`,
		"settled: true":                         `["","","",false]`,
	} {
		packet, guest, stage, ok := parsed(t, c).Sections[0].Checkpoint.Until()
		got, err := json.Marshal([]any{packet, guest, stage, ok})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s: - want, + got\n%s", c, diff)
		}
	}
}
