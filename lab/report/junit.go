package report

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/pxelab/pxelab/lab/judge"
)

// JUnit is the run as JUnit XML: one suite per topology, one case per guest and expectation.
//
// CI systems list failed cases by class and name and follow each over time by these two, so a case is one claim
// ("booted: {image: probe}" of guest x64), not one guest: the list then says what broke, and one broken claim does not
// hide another. The class is "topology.guest". A guest's boot time counts for its first case, so that sums are right.
func (r Report) JUnit() ([]byte, error) {
	suite := junit.Testsuite{Name: XML(r.Topology), Time: xmlSeconds(r.Took)}
	if !r.Started.IsZero() {
		suite.SetTimestamp(r.Started)
	}
	suite.AddProperty("nonce", XML(r.Nonce))
	for _, g := range r.Guests {
		suite.AddProperty(XML(g.Guest), XML(strings.TrimSuffix(g.Firmware+", clock "+clock(g)+", "+Serving(g), ", ")))
		for i, v := range g.Verdicts {
			suite.AddTestcase(r.testcase(g, i, v))
		}
	}
	for _, s := range r.Services {
		for i := range s.Verdicts {
			suite.AddTestcase(r.testcase(judge.Result{Guest: s.Service, Verdicts: s.Verdicts}, i, s.Verdicts[i]))
		}
	}
	all := junit.Testsuites{Name: "pxelab", Time: suite.Time}
	all.AddSuite(suite)
	var out bytes.Buffer
	out.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	if err := all.WriteXML(&out); err != nil {
		return nil, fmt.Errorf("write verdicts of run %q as JUnit XML: %w", r.Topology, err)
	}
	return out.Bytes(), nil
}

func (r Report) testcase(g judge.Result, i int, v judge.Verdict) junit.Testcase {
	name := v.Expectation
	for _, earlier := range g.Verdicts[:i] {
		if earlier.Expectation == v.Expectation {
			name = fmt.Sprintf("%s #%d", v.Expectation, i+1) // the same claim twice in one list
		}
	}
	tc := junit.Testcase{Name: XML(name), Classname: XML(r.Topology + "." + g.Guest), Time: xmlSeconds(0)}
	if i == 0 {
		tc.Time = xmlSeconds(g.Took)
	}
	if v.Pass {
		return tc
	}
	kind := string(v.Reason)
	if kind == "" {
		kind = "expectation"
	}
	data := XML(v.Sentence) + "\n"
	for _, e := range v.Evidence {
		data += XML(evidence(e, 200)) + "\n"
	}
	tc.Failure = &junit.Result{Message: XML(v.Sentence), Type: kind, Data: data}
	return tc
}

func xmlSeconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// XML leaves out what XML 1.0 cannot hold (section 2.2): control characters, and U+FFFE and U+FFFF.
func XML(s string) string {
	return strings.Map(func(r rune) rune {
		if r == 0xFFFE || r == 0xFFFF {
			return '?'
		}
		return r
	}, Visible(s))
}
