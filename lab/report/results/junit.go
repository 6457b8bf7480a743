package results

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/report"
)

// JUnit is the matrix as JUnit XML: one suite per topology, one test case per case of the matrix.
//
// CI systems follow a test case over time by its class and name. These are "MATRIX.TOPOLOGY" and the case's ID, which no other
// case of the matrix and nothing of the host or the day has a part in. A failure that the matrix expects is skipped with its
// reason; one that did not come is a failure. What gave no verdict, and what nobody ran, is an error: neither passes for a skip.
func (r *Report) JUnit() ([]byte, error) {
	all := junit.Testsuites{Name: report.XML(r.Name), Time: decimal(r.Seconds)}
	for _, topology := range r.topologies() {
		suite := junit.Testsuite{Name: report.XML(topology), ID: len(all.Suites)}
		var took Seconds
		for i := range r.Cases {
			c := &r.Cases[i]
			if c.Topology != topology {
				continue
			}
			suite.AddProperty(report.XML(c.ID), report.XML(c.about()))
			suite.AddTestcase(r.testcase(c))
			took += c.Seconds
			if len(c.Attempts) > 0 && suite.Timestamp == "" && !c.Attempts[0].Began.IsZero() {
				suite.SetTimestamp(c.Attempts[0].Began)
			}
		}
		suite.Time = decimal(took)
		all.AddSuite(suite)
	}
	var out bytes.Buffer
	out.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	if err := all.WriteXML(&out); err != nil {
		return nil, fmt.Errorf("write the report of %q as JUnit XML: %w", r.Name, err)
	}
	return out.Bytes(), nil
}

func (r *Report) testcase(c *Case) junit.Testcase {
	tc := junit.Testcase{Classname: report.XML(r.Name + "." + c.Topology), Name: report.XML(c.ID), Time: decimal(c.Seconds)}
	told := &junit.Result{Message: report.XML(c.Reason), Type: string(c.Outcome), Data: xmlLines(c.told())}
	switch c.Outcome {
	case matrix.Passed:
	case matrix.ExpectedFailure:
		told.Message = report.XML(fmt.Sprintf("expected failure (%s): %s", c.ExpectFail, c.Reason))
		tc.Skipped = told
	case matrix.Failed, matrix.UnexpectedPass:
		if c.Outcome == matrix.Failed && len(c.Guests) > 0 {
			told.Type = c.cause()
		}
		tc.Failure = told
	default:
		tc.Error = told
	}
	if lines := c.facts(); len(lines) > 0 {
		tc.SystemOut = &junit.Output{Data: xmlLines(lines)}
	}
	return tc
}

// cause is the word of the first guest that is not as expected, as the type of a failure.
func (c *Case) cause() string {
	for _, g := range c.Guests {
		if !g.Passed && g.Cause != "" {
			return g.Cause
		}
	}
	return "expectation"
}

// about is a case's axes on a line.
func (c *Case) about() string {
	var parts []string
	for _, a := range c.Axes {
		parts = append(parts, a.Name+"="+a.Value)
	}
	if c.Clock != "" {
		parts = append(parts, "clock "+c.Clock)
	}
	if c.Start != "" {
		parts = append(parts, "start "+c.Start)
	}
	if n := len(c.Attempts); n > 1 {
		parts = append(parts, fmt.Sprintf("attempt %d of %d", c.Decided, n))
	}
	if c.Flaky {
		parts = append(parts, "flaky")
	}
	return strings.Join(parts, ", ")
}

// told says all about a case that is not as it should be.
func (c *Case) told() []string {
	lines := []string{c.Reason}
	for _, x := range c.misses() {
		lines = append(lines, x.who+": expected "+x.Expectation)
		if x.Sentence != c.Reason {
			lines = append(lines, "  "+x.Sentence)
		}
	}
	for i, a := range c.Attempts {
		if len(c.Attempts) > 1 {
			lines = append(lines, strings.TrimSuffix(fmt.Sprintf("attempt %d: %s: %s", i+1, a.Outcome, a.Reason), ": "))
		}
	}
	if c.Rerun != "" {
		lines = append(lines, "again: "+c.Rerun)
	}
	return lines
}

// miss is an expectation that does not hold, and of whom.
type miss struct {
	who string
	Unmet
}

// misses are all expectations of a case that do not hold.
func (c *Case) misses() []miss {
	var out []miss
	for _, g := range c.Guests {
		for _, u := range g.Unmet {
			out = append(out, miss{g.Guest, u})
		}
	}
	for _, s := range c.Services {
		for _, u := range s.Unmet {
			out = append(out, miss{s.Service, u})
		}
	}
	return out
}

// facts tell how far each guest came, and who served it.
func (c *Case) facts() []string {
	var lines []string
	for i := range c.Guests {
		g := &c.Guests[i]
		lines = append(lines, fmt.Sprintf("%s (%s, clock %s): %s", g.Guest, g.Firmware, g.ran(), stagesText(g.Stages)))
		if g.Served != "" {
			lines = append(lines, "  "+g.Served)
		}
	}
	return lines
}

// stagesText is when each stage was reached.
func stagesText(list []StageTime) string {
	if len(list) == 0 {
		return "no stage reached"
	}
	var parts []string
	for _, s := range list {
		parts = append(parts, fmt.Sprintf("%s %.2f s", s.Stage, float64(s.Seconds)))
	}
	return strings.Join(parts, ", ")
}

// xmlLines makes text of lines, each of which may hold what guests say.
func xmlLines(lines []string) string {
	var out strings.Builder
	for _, l := range lines {
		out.WriteString(report.XML(l) + "\n")
	}
	return out.String()
}

func decimal(s Seconds) string { return fmt.Sprintf("%.3f", float64(s)) }
