package report

import (
	"encoding/json"
	"encoding/xml"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/tests/golden"
)

// recorded is a run of three guests: one boots, one (after a discarded warped boot) finds no server, one is expected to
// fail and does.
func recorded(t testing.TB) (*plan.Plan, []event.Event) {
	t.Helper()
	p, events, err := bundle.Read("testdata")
	if err != nil {
		t.Fatal(err)
	}
	return p, events
}

func TestText(t *testing.T) {
	r := New(recorded(t))
	golden.Check(t, filepath.Join("testdata", "text-80.golden"), r.Text(Style{Width: 80}))
	golden.Check(t, filepath.Join("testdata", "text-120.golden"), r.Text(Style{Width: 120, Bundle: "runs/firmware-trio 1"}))
	golden.Check(t, filepath.Join("testdata", "text-200.golden"), r.Text(Style{Width: 200}))
}

// What one sentence explains is said once: half a boot proves none of the expectations.
func TestTextOfACutShortRun(t *testing.T) {
	p, events := recorded(t)
	text := New(p, events[:len(events)/2]).Text(Style{Width: 80})
	golden.Check(t, filepath.Join("testdata", "text-cut.golden"), text)
	if n := strings.Count(text, "the boot of x64 was cut short"); n != 1 {
		t.Errorf("the end of x64's boot is told %d times", n)
	}
}

// A guest on its way has not failed; once all have settled, the status is the closing report.
func TestStatus(t *testing.T) {
	p, events := recorded(t)
	var film strings.Builder
	for _, n := range []int{3, len(events) / 2, len(events) - 3} {
		film.WriteString(Status(p, events[:n], Style{Width: 80}, events[n-1].At) + "----\n")
	}
	half := events[:len(events)/2]
	x64 := event.Event{Seq: len(half) + 1, At: half[len(half)-1].At + time.Second, Guest: "x64", Boot: 1}
	for _, x64.Kind = range []event.Kind{event.GuestHeld, event.GuestEnded} {
		x64.Text = map[event.Kind]string{event.GuestHeld: "pause", event.GuestEnded: "powered off by hand"}[x64.Kind]
		film.WriteString(Status(p, append(half[:len(half):len(half)], x64), Style{Width: 80}, x64.At+time.Minute) + "----\n")
	}
	golden.Check(t, filepath.Join("testdata", "status.golden"), film.String())
	if strings.Contains(film.String(), "was cut short") {
		t.Error("a guest on its way is told to have been cut short")
	}
	if d := cmp.Diff(New(p, events).Text(Style{Width: 80}), Status(p, events, Style{Width: 80}, time.Hour)); d != "" {
		t.Error(d)
	}
}

func TestLine(t *testing.T) {
	_, events := recorded(t)
	var whole, narrow strings.Builder
	for _, e := range events {
		whole.WriteString(Line(e, 4, 0) + "\n")
		narrow.WriteString(Line(e, 4, 80) + "\n")
	}
	golden.Check(t, filepath.Join("testdata", "log.golden"), whole.String())
	golden.Check(t, filepath.Join("testdata", "log-80.golden"), narrow.String())
	for line := range strings.Lines(narrow.String()) {
		if columns(line) > 81 {
			t.Errorf("wider than asked: %s", line)
		}
	}
	if line := Line(event.Event{Kind: event.Console, Text: "\x1b[2J"}, 0, 0); strings.ContainsRune(line, '\x1b') {
		t.Errorf("an escape sequence of a guest's passes: %q", line)
	}
}

// Except for paths and commands, which must stay whole to be pasted, no line is wider than asked.
func TestWidthIsHonoured(t *testing.T) {
	p, events := recorded(t)
	r := New(p, events)
	tr := judge.NewTracker(p)
	for i, e := range events {
		tr.Feed(e)
		if i%5 == 0 {
			checkWidths(t, NewView(p, tr, false), e.At)
		}
	}
	for width := 40; width <= 200; width++ {
		for line := range strings.Lines(r.Text(Style{Width: width})) {
			if n := columns(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("width %d: %d columns: %q", width, n, line)
			}
		}
	}
}

func checkWidths(t *testing.T, v View, at time.Duration) {
	for _, width := range []int{40, 80, 100, 200} {
		lines := strings.Split(Frame(v, width, at), "\n")
		if len(lines) != len(v.Rows)+2 || lines[len(lines)-1] != "" {
			t.Errorf("a frame of %d guests has %d lines", len(v.Rows), len(lines)-1)
		}
		for _, line := range lines {
			if n := columns(line); n > width {
				t.Errorf("width %d: %d columns: %q", width, n, line)
			}
		}
	}
}

// Colour only paints: without it, and in every frame with it, the text is the same; no guest's control characters pass.
func TestColour(t *testing.T) {
	p, events := recorded(t)
	r := New(p, events)
	plain, painted := r.Text(Style{Width: 100}), r.Text(Style{Width: 100, Color: true})
	if strings.ContainsRune(plain, '\x1b') {
		t.Error("an escape sequence in plain text")
	}
	if painted == plain || unpaint(painted) != plain {
		t.Error("colour changes more than colour")
	}
	tr := judge.NewTracker(p)
	for _, e := range events {
		tr.Feed(e)
	}
	if a, b := Frame(NewView(p, tr, true), 100, 0), Frame(NewView(p, tr, false), 100, 0); a == b || unpaint(a) != b {
		t.Error("colour changes more than colour in a frame")
	}
}

func unpaint(s string) string {
	for _, c := range []string{"0", bold, faint, red, green, cyan} {
		s = strings.ReplaceAll(s, "\x1b["+c+"m", "")
	}
	return s
}

func TestUseColor(t *testing.T) {
	for _, c := range []struct {
		terminal      bool
		term, noColor string
		want          bool
	}{
		{true, "xterm", "", true}, {false, "xterm", "", false}, {true, "dumb", "", false}, {true, "xterm", "1", false},
	} {
		if got := UseColor(c.terminal, c.term, c.noColor); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

func TestFrames(t *testing.T) {
	p, events := recorded(t)
	tr := judge.NewTracker(p)
	var film strings.Builder
	film.WriteString(Frame(NewView(p, tr, false), 100, 0))
	for i, e := range events {
		tr.Feed(e)
		if i%10 == 9 || i == len(events)-1 {
			film.WriteString("\n" + Frame(NewView(p, tr, false), 100, e.At))
		}
	}
	golden.Check(t, filepath.Join("testdata", "frames.golden"), film.String())
}

func TestProgress(t *testing.T) {
	p, events := recorded(t)
	pr := NewProgress(p)
	var out strings.Builder
	for _, e := range events {
		for _, line := range pr.Feed(e) {
			out.WriteString(line + "\n")
		}
	}
	golden.Check(t, filepath.Join("testdata", "progress.golden"), out.String())
}

// TestProgressTellsFaults: what is done to a service or a guest is told, and what befalls frames, which are many, is not.
func TestProgressTellsFaults(t *testing.T) {
	p, _ := recorded(t)
	for do, want := range map[string]string{"crash": "fault 2: crash tftp (RRQ probe.0)", "reset": "fault 2: reset (RRQ probe.0)", "drop": ""} {
		f := &event.Fault{Rule: 2, Do: do, Info: "RRQ probe.0"}
		if do == "crash" {
			f.Service = "tftp"
		}
		got := strings.Join(NewProgress(p).Feed(event.Event{Kind: event.FaultHit, Guest: "bios", Boot: 1, Fault: f}), "")
		if !strings.HasSuffix(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q, want %q", do, got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	r := New(recorded(t))
	b, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("testdata", "verdicts.json"), string(b))
	var back Report
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, back); d != "" {
		t.Errorf("reading it back changes it:\n%s", d)
	}
}

func TestJUnit(t *testing.T) {
	p, events := recorded(t)
	r := New(p, events)
	b, err := r.JUnit()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("testdata", "junit.xml"), string(b))
	suite := reparse(t, b)
	if suite.Tests != len(judge.Judge(p, events)) || suite.Failures == 0 || suite.Name != "firmware-trio" || suite.Timestamp != "2026-09-01T12:00:00Z" {
		t.Errorf("suite %q: %d tests, %d failures, at %s", suite.Name, suite.Tests, suite.Failures, suite.Timestamp)
	}
	names := map[string]bool{}
	for _, tc := range suite.Testcases {
		if names[tc.Classname+"/"+tc.Name] {
			t.Errorf("two cases are called %s/%s", tc.Classname, tc.Name)
		}
		names[tc.Classname+"/"+tc.Name] = true
	}
}

func reparse(t *testing.T, b []byte) junit.Testsuite {
	t.Helper()
	var all junit.Testsuites
	if err := xml.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Suites) != 1 {
		t.Fatalf("%d suites", len(all.Suites))
	}
	return all.Suites[0]
}

// FuzzVisible: whatever a guest prints, no control character reaches a terminal and the XML stays readable.
func FuzzVisible(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[2J\x00\x07\u009b]0;title\ufffe ]]> & <failure>")
	f.Add("wide \u202e text \xff\xfe")
	f.Fuzz(func(t *testing.T, said string) {
		r := Report{Topology: said, Guests: []judge.Result{{Guest: "g", Verdicts: []judge.Verdict{
			{Expectation: said, Sentence: said, Evidence: []judge.Evidence{{Seq: 1, Text: said}}}}}}}
		for line := range strings.Lines(r.Text(Style{Width: 80})) {
			if strings.ContainsAny(line, "\x00\x07\x1b\x7f\u009b") || columns(strings.TrimSuffix(line, "\n")) > 80 {
				t.Errorf("%q", line)
			}
		}
		b, err := r.JUnit()
		if err != nil {
			t.Fatal(err)
		}
		if n := len(reparse(t, b).Testcases); n != 1 {
			t.Errorf("%d cases", n)
		}
	})
}

func TestEmptyReports(t *testing.T) {
	r := New(&plan.Plan{Name: "empty"}, nil)
	if r.Passed {
		t.Error("a run that tested nothing has passed")
	}
	p, _ := recorded(t)
	if text := New(p, nil).Text(Style{}); !strings.Contains(text, "bios was never powered on") {
		t.Error(text)
	}
}
