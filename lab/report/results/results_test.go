package results

import (
	"encoding/xml"
	"fmt"
	"html"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/report"
	"github.com/pxelab/pxelab/tests/golden"
)

// The bundles that the matrix of these tests is made from: real runs, the second of them one that fails.
const (
	trio   = "../../judge/testdata/real/firmware-trio"
	failed = "../testdata"
	noFile = "../../judge/testdata/real/missing-file"
	silent = "../../judge/testdata/real/no-server"
)

// read gives the plan and the log of a bundle.
func read(t testing.TB, dir string) (*plan.Plan, []event.Event) {
	t.Helper()
	p, events, err := bundle.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p, events
}

// began is when the first attempt of the tests' matrix began.
var began = time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)

// hostile is a reason with bytes that mean something to each form of report.
const hostile = "the console said \x1b[2J</code><script>alert(1)</script> `a` **b** | c\n::error::d ]]> &amp; \u202e"

// fixture is a matrix with every outcome in it, made of real runs.
func fixture(t testing.TB) (*matrix.Plan, []Run) {
	p := &matrix.Plan{Version: matrix.Version, Name: "nightly", About: "every firmware"}
	var runs []Run
	add := func(id, expectFail string, axes ...string) matrix.Case {
		c := matrix.Case{Index: len(p.Cases), ID: id, Topology: strings.Split(id, "/")[0], Clock: "auto", Start: "auto", ExpectFail: expectFail, Inputs: "inputs of " + id}
		for i := 0; i < len(axes); i += 2 {
			c.Axes = append(c.Axes, matrix.Axis{Name: axes[i], Value: axes[i+1]})
		}
		p.Cases = append(p.Cases, c)
		return c
	}
	run := func(c matrix.Case, o matrix.Outcome, reason, dir string) *Run {
		x := Run{Result: matrix.Result{Version: matrix.Version, Index: c.Index, ID: c.ID, Inputs: c.Inputs, Attempt: 1, Outcome: o, Reason: reason,
			Began: began.Add(time.Duration(len(runs)) * 10 * time.Second), Took: 8 * time.Second, Host: "builder"}, Bundle: "out/cases/" + c.ID + "/1", Again: dir != ""}
		if dir != "" {
			plan, events := read(t, dir)
			x.Guests = judge.Results(plan, events)
			x.Detail = NewDetail(plan, events, o.Good())
		}
		runs = append(runs, x)
		return &runs[len(runs)-1]
	}
	run(add("firmware-trio/all/virtio", "", "firmware", "all", "nic", "virtio"), matrix.Passed, "", trio)
	run(add("firmware-trio/all/e1000", "", "firmware", "all", "nic", "e1000"), matrix.Failed, "", failed)
	run(add("missing-file/bios", "", "firmware", "bios"), matrix.Passed, "", noFile)
	run(add("wrong-arch/ovmf-x64", "the rule for option 93 is not written yet", "firmware", "ovmf-x64"), matrix.ExpectedFailure, "x64 stopped at download", noFile)
	run(add("no-server/bios", "", "firmware", "bios"), matrix.Broken, "write the log: no space left on device", "")
	run(add("no-server/ovmf-x64", "EDK2 gives up too early", "firmware", "ovmf-x64"), matrix.UnexpectedPass, "it passed, though the matrix says it would not", silent)
	add("dead-tftp/ovmf-x64", "", "firmware", "ovmf-x64")
	flaky := add("missing-file/ovmf-x64", "", "firmware", "ovmf-x64")
	run(flaky, matrix.Failed, hostile, noFile)
	run(flaky, matrix.Passed, "", noFile).Attempt = 2
	lost := add("missing-file/ovmf-ia32", "", "firmware", "ovmf-ia32")
	run(lost, matrix.Broken, "the machine was lost in the middle", "")
	run(lost, matrix.Passed, "", noFile).Attempt = 2
	return p, runs
}

func TestForms(t *testing.T) {
	r := New(fixture(t))
	xml, err := r.JUnit()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/junit.xml", string(xml))
	golden.Check(t, "testdata/text.golden", r.Text(report.Style{Width: 120}))
	golden.Check(t, "testdata/narrow.golden", r.Text(report.Style{Width: 60}))
	golden.Check(t, "testdata/summary.md", string(r.Markdown()))
	golden.Check(t, "testdata/annotations.golden", string(r.Annotations()))
}

// xmllint is a second opinion on what CI systems read.
func TestJUnitKeepsToItsSchema(t *testing.T) {
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Skip("xmllint is not here (package libxml2-utils)")
	}
	if out, err := exec.Command("xmllint", "--noout", "--schema", "../../../tests/boot/testdata/junit.xsd", "testdata/junit.xml").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// A failing case has one reason, wherever one reads of it.
func TestOneReason(t *testing.T) {
	r := New(fixture(t))
	reason := r.Cases[1].Reason
	if !strings.Contains(reason, "x64") {
		t.Fatalf("the case that fails has reason %q", reason)
	}
	text, err := r.JUnit()
	if err != nil {
		t.Fatal(err)
	}
	var suites junit.Testsuites
	if err := xml.Unmarshal(text, &suites); err != nil {
		t.Fatal(err)
	}
	if f := suites.Suites[0].Testcases[1].Failure; f == nil || f.Message != reason {
		t.Errorf("JUnit: %+v", f)
	}
	for form, text := range map[string]string{
		"step summary": html.UnescapeString(strings.ReplaceAll(string(r.Markdown()), `\`, "")),
		"annotations":  strings.ReplaceAll(string(r.Annotations()), "%25", "%"),
		"text":         r.Text(report.Style{Width: 4000}),
	} {
		if !strings.Contains(text, reason) {
			t.Errorf("%s does not say %q:\n%s", form, reason, text)
		}
	}
}

// What guests say means nothing to what shows the reports.
func TestHostileBytes(t *testing.T) {
	r := New(fixture(t))
	text, err := r.JUnit()
	if err != nil {
		t.Fatal(err)
	}
	var suites junit.Testsuites
	if err := xml.Unmarshal(text, &suites); err != nil {
		t.Error(err)
	}
	for form, text := range map[string]string{"JUnit": string(text), "step summary": string(r.Markdown()), "annotations": string(r.Annotations()), "text": r.Text(report.Style{})} {
		for _, bad := range []string{"\x1b", "\u202e", "\n::error::d"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s holds %q", form, bad)
			}
		}
	}
	if s := string(r.Markdown()); strings.Contains(s, "<script") || strings.Contains(s, "**b**") {
		t.Errorf("the step summary holds markup of a guest:\n%s", s)
	}
}

// One attempt that is found twice counts once, and one at another matrix not at all.
func TestFoundTwice(t *testing.T) {
	p, runs := fixture(t)
	once := New(p, runs)
	other := runs[0]
	other.Inputs = "others"
	twice := New(p, append(append(runs, runs...), other))
	if len(twice.Notes) != 1 || !strings.Contains(twice.Notes[0], "no attempt at a case of this matrix as it is now") {
		t.Errorf("notes %q", twice.Notes)
	}
	twice.Notes = nil
	a, _ := once.JSON()
	b, _ := twice.JSON()
	if string(a) != string(b) {
		t.Errorf("the report of attempts that were found twice is another one:\n%s", b)
	}
}

// The worst verdict of a case counts, and what gave none only while nothing else did.
func TestWorstCounts(t *testing.T) {
	for _, x := range []struct {
		attempts []matrix.Outcome
		want     matrix.Outcome
		flaky    bool
	}{
		{nil, matrix.NotRun, false},
		{[]matrix.Outcome{matrix.Broken, matrix.Passed}, matrix.Passed, false},
		{[]matrix.Outcome{matrix.Passed, matrix.Broken}, matrix.Broken, false},
		{[]matrix.Outcome{matrix.Broken, matrix.Broken}, matrix.Broken, false},
		{[]matrix.Outcome{matrix.Failed, matrix.Passed, matrix.Passed}, matrix.Failed, true},
		{[]matrix.Outcome{matrix.ExpectedFailure, matrix.UnexpectedPass}, matrix.UnexpectedPass, true},
		{[]matrix.Outcome{matrix.Broken, matrix.Failed, matrix.Broken, matrix.Passed}, matrix.Failed, true},
	} {
		p := &matrix.Plan{Name: "m", Cases: []matrix.Case{{ID: "a", Topology: "a"}}}
		var runs []Run
		for i, o := range x.attempts {
			runs = append(runs, Run{Result: matrix.Result{ID: "a", Attempt: i + 1, Outcome: o}})
		}
		r := New(p, runs)
		if c := r.Cases[0]; c.Outcome != x.want || c.Flaky != x.flaky || r.Passed != x.want.Good() {
			t.Errorf("%v: %s, flaky %v, passed %v; want %s, flaky %v", x.attempts, c.Outcome, c.Flaky, r.Passed, x.want, x.flaky)
		}
	}
}

// A page of a service that shows ten annotations is told that there are more.
func TestManyAnnotations(t *testing.T) {
	p := &matrix.Plan{Name: "m"}
	for i := range 25 {
		p.Cases = append(p.Cases, matrix.Case{Index: i, ID: fmt.Sprint(i), Topology: "a"})
	}
	out := string(New(p, nil).Annotations())
	if n := strings.Count(out, "::error "); n != maxAnnotations || !strings.Contains(out, "16 more: see the step summary") {
		t.Errorf("%d annotations:\n%s", n, out)
	}
}
