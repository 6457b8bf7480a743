package results

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/report"
	"github.com/pxelab/pxelab/tests/golden"
)

// pastOf makes earlier runs of a report: seven nights in which all that has attempts passed, but what fails as expected, and was fast.
func pastOf(r *Report) []Entry {
	var past []Entry
	for night := 7; night > 0; night-- {
		for _, e := range r.entries() {
			e.When = e.When.AddDate(0, 0, -night)
			e.Guests = slices.Clone(e.Guests)
			for i := range e.Guests {
				e.Guests[i].Stages = slices.Clone(e.Guests[i].Stages)
			}
			switch {
			case e.Outcome == matrix.ExpectedFailure:
			case e.ID == "missing-file/bios" && night == 1:
				e.Outcome, e.Reason = matrix.Failed, "it found the file"
			default:
				e.Outcome, e.Reason = matrix.Passed, ""
			}
			past = append(past, e)
		}
	}
	return past
}

func TestHistory(t *testing.T) {
	r := New(fixture(t))
	past := pastOf(New(fixture(t)))
	late := func(stages []StageTime) { // its offer and all after it come late
		for i := 4; i < len(stages); i++ {
			stages[i].Seconds += 30
		}
	}
	late(r.Cases[0].Guests[1].Stages)
	late(past[len(past)-len(r.entries())].Guests[1].Stages) // as they did last night
	r.Compare(append(past, r.entries()...))                 // what the history has of this very run does not count
	var told strings.Builder
	for _, s := range r.History.sections() {
		told.WriteString(s.Title + "\n  " + strings.Join(s.Lines, "\n  ") + "\n")
	}
	golden.Check(t, "testdata/history.golden", told.String())
	for form, text := range map[string]string{"text": r.Text(report.Style{Width: 4000}), "step summary": strings.ReplaceAll(string(r.Markdown()), `\`, ""), "page": pageOf(t, r)} {
		if !strings.Contains(text, "29.9 s to offer; the median of 6 earlier runs is 0.0 s") {
			t.Errorf("%s does not tell what became slower", form)
		}
	}
	cold := slices.Clone(past)
	for i := range cold {
		cold[i].Guests = slices.Clone(cold[i].Guests)
		for k := range cold[i].Guests {
			cold[i].Guests[k].Warm = !cold[i].Guests[k].Warm
		}
	}
	if r.Compare(cold); len(r.History.Slower) > 0 {
		t.Errorf("a boot that was powered on is slower than those that went on from a snapshot: %+v", r.History.Slower)
	}
	if len(r.Entries(nil)) != len(r.entries()) || len(r.Entries(r.entries())) != 0 {
		t.Error("an attempt would be kept twice, or not at all")
	}
}

// Nothing is said of a run that is like the ones before it, or that has none before it.
func TestNothingChanged(t *testing.T) {
	p, runs := fixture(t)
	r := New(p, runs)
	r.Compare(nil)
	h := r.History
	if h.Runs != 0 || len(h.NewFailures)+len(h.Fixed)+len(h.Slower) != 0 || len(h.Flaky) != 1 || !h.Flaky[0].Attempts {
		t.Errorf("%+v", h)
	}
	same := New(p, runs[:1])
	var past []Entry
	for night := range 9 {
		e := same.entries()[0]
		e.When = e.When.AddDate(0, 0, -1-night)
		past = append(past, e)
	}
	same.Compare(past)
	if d := cmp.Diff(&History{Runs: 9}, same.History); d != "" {
		t.Error(d)
	}
}

// Another verdict is a flake only if nothing else was another: neither the inputs, nor the programs.
func TestFlaky(t *testing.T) {
	p, runs := fixture(t)
	r := New(p, runs[:1])
	e := r.entries()[0]
	e.When, e.Outcome = e.When.AddDate(0, 0, -1), matrix.Failed
	for name, x := range map[string]struct {
		change func(*Entry)
		flaky  int
	}{
		"the same":          {func(*Entry) {}, 1},
		"other inputs":      {func(e *Entry) { e.Inputs = "others" }, 0},
		"another QEMU":      {func(e *Entry) { e.With = "others" }, 0},
		"a broken one":      {func(e *Entry) { e.Outcome = matrix.Broken }, 0},
		"of another matrix": {func(e *Entry) { e.Matrix = "quick" }, 0},
		"of later":          {func(e *Entry) { e.When = began.AddDate(0, 0, 1) }, 0},
	} {
		past := e
		x.change(&past)
		r.Compare([]Entry{past})
		if len(r.History.Flaky) != x.flaky {
			t.Errorf("%s: %+v", name, r.History)
		}
	}
}

func TestSlower(t *testing.T) {
	for _, x := range []struct {
		name string
		now  float64
		past []float64
		want bool
	}{
		{"too few", 9, []float64{1, 1, 1, 1, 9}, false},
		{"clearly", 9, []float64{1, 1.1, 1, 0.9, 1, 8}, true},
		{"for the first time", 9, []float64{1, 1.1, 1, 0.9, 1, 1}, false},
		{"less than a second", 1.9, []float64{1, 1.1, 1, 0.9, 1, 9}, false},
		{"less than half", 14, []float64{10, 10, 10, 10, 10, 20}, false},
		{"within its spread", 9, []float64{1, 4, 2, 3, 5, 20}, false},
		{"one slow run does not hide another", 9, []float64{1, 1.1, 30, 0.9, 1, 9}, true},
		{"faster", 0.1, []float64{1, 1, 1, 1, 1, 9}, false},
	} {
		if _, got := isSlower(x.now, x.past); got != x.want {
			t.Errorf("%s: %v", x.name, got)
		}
	}
}

// A history goes through its lines and back, whatever else is in the file.
func TestParseHistory(t *testing.T) {
	want := New(fixture(t)).entries()
	text, err := FormatHistory(want)
	if err != nil {
		t.Fatal(err)
	}
	got, unread := ParseHistory(append(append([]byte("{\"version\":99,\"id\":\"a\"}\n\nnonsense\n"), text...), `{"version":1,"id":"to`...))
	if d := cmp.Diff(want, got); d != "" || unread != 3 {
		t.Errorf("%d lines unread, want 3 (- want, + got):\n%s", unread, d)
	}
}

func FuzzParseHistory(f *testing.F) {
	text, err := FormatHistory([]Entry{{Version: Version, Matrix: "m", ID: "a", When: began, Outcome: matrix.Passed, Seconds: 1.5,
		Guests: []EntryGuest{{Guest: "x64", Clock: "warp", Stages: []StageTime{{"power", 0}, {"off", 1.25}}}}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("{\n"))
	p := &matrix.Plan{Name: "m", Cases: []matrix.Case{{ID: "a", Topology: "a"}}}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, _ := ParseHistory(data)
		r := New(p, []Run{{Result: matrix.Result{ID: "a", Attempt: 1, Outcome: matrix.Passed, Began: time.Unix(1<<40, 0)}}})
		r.Compare(entries)
		if text, err := FormatHistory(entries); err == nil {
			if again, unread := ParseHistory(text); len(again) != len(entries) || unread != 0 {
				t.Errorf("%d entries, and %d once written and read again (%d lines unread)", len(entries), len(again), unread)
			}
		}
	})
}
