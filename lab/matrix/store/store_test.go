package store

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/report/results"
)

// bundles are real runs that passed.
const bundles = "../../judge/testdata/real"

// theMatrix is one of three cases.
func theMatrix() *matrix.Plan {
	p := &matrix.Plan{Version: matrix.Version, Name: "quick"}
	for i, id := range []string{"no-server/bios", "no-server/ovmf-x64", "missing-file/bios"} {
		topology, firmware, _ := strings.Cut(id, "/")
		p.Cases = append(p.Cases, matrix.Case{Index: i, ID: id, Topology: topology, Inputs: "inputs of " + id, Axes: []matrix.Axis{{Name: "firmware", Value: firmware}}})
	}
	return p
}

// filled makes a folder of results as lab/matrix/result.go describes it, with attempts at these cases.
func filled(t *testing.T, p *matrix.Plan, runs ...matrix.Result) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "matrix.json"), p)
	for _, r := range runs {
		c := p.Cases[r.Index]
		r.Version, r.ID, r.Inputs = matrix.Version, c.ID, c.Inputs
		bundle := filepath.Join(dir, "cases", filepath.FromSlash(c.ID), string(rune('0'+r.Attempt)))
		if err := os.CopyFS(bundle, os.DirFS(filepath.Join(bundles, c.Topology))); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(bundle, "result.json"), r)
	}
	return dir
}

func write(t *testing.T, path string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

var night = time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)

func TestMergesShards(t *testing.T) {
	one := filled(t, theMatrix(), matrix.Result{Index: 0, Attempt: 1, Outcome: matrix.Passed, Began: night, Host: "a"})
	two := filled(t, theMatrix(), matrix.Result{Index: 1, Attempt: 1, Outcome: matrix.Failed, Reason: "nobody answered", Began: night, Host: "b"},
		matrix.Result{Index: 0, Attempt: 1, Outcome: matrix.Passed, Began: night.Add(time.Hour), Host: "b"})
	r, err := Read(one, two, one)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range r.Cases {
		got = append(got, c.ID+" "+string(c.Outcome)+strings.Repeat("*", len(c.Attempts)))
	}
	if want := "no-server/bios passed**|no-server/ovmf-x64 failed*|missing-file/bios not-run"; strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
	if want := "pxelab run " + filepath.Join(two, "cases/no-server/ovmf-x64/1"); r.Cases[1].Rerun != want {
		t.Errorf("again: %s, want %s", r.Cases[1].Rerun, want)
	}
	if r.Cases[0].Shown() == nil || len(r.Cases[0].Shown().Packets) == 0 {
		t.Error("the bundle of a case was not read")
	}
	if r.Passed || len(r.Notes) > 0 {
		t.Errorf("passed %v, notes %q", r.Passed, r.Notes)
	}
}

// What cannot be read is told, and its case did not pass.
func TestTellsWhatItCannotRead(t *testing.T) {
	p := theMatrix()
	dir := filled(t, p, matrix.Result{Index: 0, Attempt: 1, Outcome: matrix.Passed}, matrix.Result{Index: 1, Attempt: 1, Outcome: matrix.Passed},
		matrix.Result{Index: 2, Attempt: 1, Outcome: matrix.Broken, Reason: "no space left on device"})
	at := func(id, name string) string { return filepath.Join(dir, "cases", id, "1", name) }
	for _, err := range []error{
		os.Remove(at("no-server/bios", "result.json")),
		os.WriteFile(at("no-server/ovmf-x64", "result.json"), []byte(`{"version":1,`), 0o644),
		os.WriteFile(at("missing-file/bios", "plan.json"), nil, 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	told := strings.Join(r.Notes, "\n")
	for _, want := range []string{"no-server/bios: attempt 1 was cut off", "no-server/ovmf-x64: attempt 1 does not count"} {
		if !strings.Contains(told, want) {
			t.Errorf("notes %q lack %q", told, want)
		}
	}
	if n := r.Counts; n.NotRun != 2 || n.Broken != 1 || r.Cases[2].Rerun != "" {
		t.Errorf("%+v, again: %q", n, r.Cases[2].Rerun)
	}
}

func TestRefuses(t *testing.T) {
	good := filled(t, theMatrix())
	renamed, edited, longer, astray, later := theMatrix(), theMatrix(), theMatrix(), theMatrix(), theMatrix()
	renamed.Name = "nightly"
	edited.Cases[1].Inputs = "others"
	longer.Cases = append(longer.Cases, matrix.Case{Index: 3, ID: "more"})
	astray.Cases[0].ID = "../../etc"
	later.Version = 99
	for want, dirs := range map[string][]string{
		`the one is "quick", the other "nightly"`:                          {good, filled(t, renamed)},
		"case no-server/ovmf-x64 of quick was made from other inputs":      {good, filled(t, edited)},
		"quick has 3 cases in the one and 4 in the other":                  {good, filled(t, longer)},
		`case 0 has ID "../../etc", which is no path below a folder`:       {filled(t, astray)},
		"matrix.json has version 99, this pxelab reads 1":                  {filled(t, later)},
		"is a bundle: report them apart":                                   {good, filepath.Join(bundles, "no-server")},
		"it is no folder of results, which has matrix.json, and no bundle": {t.TempDir()},
	} {
		if _, err := Read(dirs...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestWrites(t *testing.T) {
	r, err := Read(filepath.Join(bundles, "no-server"), filepath.Join(bundles, "missing-file"), filepath.Join(bundles, "no-server"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "report")
	if err := Write(dir, r); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got, want := strings.Join(names, " "), "annotations.txt junit.xml report.html report.txt results.json summary.md"; got != want {
		t.Errorf("files %s, want %s", got, want)
	}
	if got := r.Cases[2].ID; got != "no-server-2" {
		t.Errorf("the second run of a topology is called %s", got)
	}
}

// A history remembers each attempt once, and survives a writer that was killed in the middle of a line.
func TestRemembers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "history.jsonl")
	run := func(day int, o matrix.Outcome) *results.Report {
		r, err := Read(filled(t, theMatrix(), matrix.Result{Index: 0, Attempt: 1, Outcome: o, Reason: "nobody answered", Began: night.AddDate(0, 0, day), Host: "a"}))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	remember := func(r *results.Report) {
		t.Helper()
		if err := Remember(path, r); err != nil {
			t.Fatal(err)
		}
	}
	remember(run(0, matrix.Passed))
	second := run(1, matrix.Passed)
	remember(second)
	remember(second)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"version":1,"matrix":"qui`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	third := run(2, matrix.Failed)
	remember(third)
	if h := third.History; h.Runs != 2 || len(h.NewFailures) != 1 || h.NewFailures[0].Reason != "nobody answered" {
		t.Errorf("%+v", h)
	}
	if len(third.Notes) != 1 || !strings.Contains(third.Notes[0], "lines of the history that cannot be read: 1") {
		t.Errorf("notes %q", third.Notes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if entries, unread := results.ParseHistory(data); len(entries) != 3 || unread != 1 {
		t.Errorf("%d entries, %d lines unread:\n%s", len(entries), unread, data)
	}
}
