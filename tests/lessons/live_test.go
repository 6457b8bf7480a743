package lessons

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/lesson"
	"github.com/pxelab/pxelab/tests/built"
)

// class is a lesson whose lab is up.
type class struct {
	*testing.T
	lesson *lesson.Lesson
	lab    *control.Client
	bundle string
}

// begin brings the lab of a lesson up, held at its first packet. With changes it expects what is to
// come of these. Down takes it away again, and gives its bundle.
func begin(t *testing.T, name, clock string, do ...whatIf) *class {
	t.Helper()
	built.NeedBoots(t)
	l, err := library.Lesson(name)
	if err != nil {
		t.Fatal(err)
	}
	c := &class{T: t, lesson: l, bundle: filepath.Join(t.TempDir(), "bundle")}
	out, err := exec.CommandContext(t.Context(), built.Pxelab, "up", topologyFile(t, l, do...), "--hold", "--at-once", "1", "--clock", clock, "--out", c.bundle).CombinedOutput()
	if err != nil {
		t.Fatalf("pxelab up --hold: %v\n%s", err, out)
	}
	if c.lab, err = control.Dial(""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.down() })
	return c
}

// down takes the lab down, if it is up.
func (c *class) down() booted {
	c.Helper()
	if c.lab != nil {
		if out, err := exec.Command(built.Pxelab, "down", c.lab.Name()).CombinedOutput(); err != nil {
			c.Fatalf("pxelab down: %v\n%s", err, out)
		}
		c.lab = nil
	}
	return read(c.T, c.bundle)
}

// until has the lab held there next.
func (c *class) until(u control.Until) {
	c.Helper()
	if _, err := c.lab.Step(c.Context(), control.Step{Until: u}); err != nil {
		c.Fatalf("step to %+v: %v", u, err)
	}
}

var errEnough = errors.New("enough seen")

// patience is how long a class may take: several times what it does in real time on a busy host.
const patience = 5 * time.Minute

// follow hands events to see until that has seen enough.
func (c *class) follow(see func(e event.Event) (enough bool)) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	err := c.lab.Events(ctx, 1, func(e event.Event) error {
		if see(e) {
			return errEnough
		}
		return nil
	})
	if err == nil || !errors.Is(err, errEnough) {
		c.Fatalf("the lab ended, or %v passed, before enough was seen: %v", patience, err)
	}
}

// TestHeld walks a lesson as a trainer would: the lab is held at each of its checkpoints, everybody stands still while the section is
// read, and the questions are answered from the packet that is held.
func TestHeld(t *testing.T) {
	c := begin(t, "proxydhcp-beside-dhcp", "warp")
	p, err := c.lab.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := lesson.New(c.lesson, p)
	held := map[int]bool{} // sections that were reached at a held packet
	goOn := func() {
		u := control.Until{Never: true}
		if next := f.Next(); next != nil {
			if packet, guest, stage, ok := next.Until(); ok {
				u = control.Until{Packet: packet, Guest: guest, Stage: stage}
			}
		}
		c.until(u)
	}
	c.follow(func(e event.Event) bool {
		for _, r := range f.Event(e) {
			if !r.Held {
				continue
			}
			held[r.Section] = true
			for k := range c.lesson.Sections[r.Section].Questions {
				ask(t, &c.lesson.Sections[r.Section].Questions[k], opened(p, r, e.Hold.Data, e.Hold.FromGuest))
			}
		}
		if e.Kind == event.LabHeld && e.Hold.On {
			goOn()
		}
		return f.Next() == nil
	})
	for i, s := range c.lesson.Sections {
		if s.Checkpoint != nil && s.Checkpoint.Packet != "" && !s.Checkpoint.Beside && !held[i] {
			t.Errorf("section %d (%s) was not reached while the lab was held at its packet", i+1, s.Title)
		}
	}
	walk(t, c.lesson, c.down())
}

// TestMenus takes the lesson about menus, for which somebody must type: F8, arrow down, Enter.
func TestMenus(t *testing.T) {
	c := begin(t, "menus-and-f8", "warp")
	p, err := c.lab.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.until(control.Until{Never: true})
	f := lesson.New(c.lesson, p)
	typists := map[string]*typist{}
	c.follow(func(e event.Event) bool {
		f.Event(e)
		if e.Kind == event.GuestPowered { // more than once, if a warped boot is not believed
			typists[e.Guest] = &typist{class: c, guest: e.Guest, waits: hands[e.Guest]}
		}
		if typist := typists[e.Guest]; typist != nil && (e.Kind == event.Console || e.Kind == event.ConsolePartial) {
			typist.see(e.Text)
		}
		return f.Next() == nil
	})
	walk(t, c.lesson, c.down())
}

// cue is what somebody types at a sight on the console.
type cue struct {
	sight *regexp.Regexp
	keys  string
}

// hands are what the lesson asks for: F8, as a terminal of xterm's kind sends it, and the second item of the menu.
var hands = map[string][]cue{
	"pc":  {{regexp.MustCompile("Press F8"), "\x1b[19~"}, {regexp.MustCompile("Local boot"), "\x1b[B\r"}},
	"old": {{regexp.MustCompile("Press F8"), "\x1b[19~"}, {regexp.MustCompile(`A\. Install`), "\x1b[B\r"}},
}

// typist types on one console, cue by cue.
type typist struct {
	*class
	guest   string
	waits   []cue
	console io.ReadWriteCloser
}

func (y *typist) see(line string) {
	y.Helper()
	if len(y.waits) == 0 || !y.waits[0].sight.MatchString(line) {
		return
	}
	if y.console == nil {
		var err error
		if y.console, err = y.lab.Console(y.Context(), y.guest); err != nil {
			y.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, y.console) }() // ends with the console
	}
	if _, err := io.WriteString(y.console, y.waits[0].keys); err != nil {
		y.Fatalf("type on the console of %s: %v", y.guest, err)
	}
	y.waits = y.waits[1:]
}
