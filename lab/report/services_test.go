package report

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// TestServices: a service that is not as expected fails the run, whatever the guests do.
func TestServices(t *testing.T) {
	p, events := recorded(t)
	zero := 0
	p.Services = append(p.Services,
		plan.Service{Name: "client", Network: "lan", Exec: &plan.Exec{Once: true}, Expect: []topology.Expectation{{Log: "lease"}, {Exits: &zero}}},
		plan.Service{Name: "quiet", Network: "lan", Exec: &plan.Exec{Once: true}, Expect: []topology.Expectation{{Never: &topology.Never{Log: "x"}}}})
	for _, e := range []event.Event{
		{Kind: event.ServiceStarted, Service: "client"}, {Kind: event.ServiceStarted, Service: "quiet"},
		{Kind: event.ServiceLog, Service: "client", Text: "no \x1b[31manswer"}, {Kind: event.ServiceExited, Service: "client", Exit: &event.Exit{Code: 1}, Text: "exit status 1"},
	} {
		e.Seq, e.At = len(events)+1, events[len(events)-1].At
		events = append(events, e)
	}
	r := New(p, events)
	if r.Passed || len(r.Services) != 2 || r.Services[0].Passed || !r.Services[1].Passed {
		t.Fatalf("passed %v, services %+v", r.Passed, r.Services)
	}
	text := r.Text(Style{Width: 100})
	for _, want := range []string{"\n  quiet: as expected (1 claim)\n", "\nservice client is not as expected\n", "expected log: \"lease\"", "expected exits: 0",
		"no ?[31manswer", ", a service not as expected in"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	b, err := r.JUnit()
	if err != nil {
		t.Fatal(err)
	}
	suite := reparse(t, b)
	if suite.Tests != len(judge.Judge(p, events)) {
		t.Errorf("%d cases for %d verdicts", suite.Tests, len(judge.Judge(p, events)))
	}
	found := 0
	for _, c := range suite.Testcases {
		if strings.HasSuffix(c.Classname, ".client") && c.Failure != nil {
			found++
		}
	}
	if found != 2 {
		t.Errorf("%d failures of client in junit.xml, want 2", found)
	}
}
