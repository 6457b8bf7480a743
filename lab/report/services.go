package report

import (
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
)

// judgeServices adds what is expected of services.
func (r *Report) judgeServices(p *plan.Plan, events []event.Event) {
	t := judge.NewTracker(p)
	for _, e := range events {
		t.Feed(e)
	}
	r.Services = t.ServiceResults()
	for _, s := range r.Services {
		r.Passed = r.Passed && s.Passed
	}
}

// services tells which services are as expected, and explains those that are not.
func (r Report) services(s Style) string {
	var out, failed strings.Builder
	for _, x := range r.Services {
		if x.Passed {
			out.WriteString(wrap(fmt.Sprintf("%s: as expected (%s)", x.Service, claims(len(x.Verdicts))), "  ", s.width()))
			continue
		}
		failed.WriteString("\n" + s.paint(red, cut("service "+Visible(x.Service)+" is not as expected", s.width())) + "\n")
		lookAt(&failed, unmet(&failed, x.Verdicts, s), s)
	}
	if out.Len() > 0 {
		return "\n" + out.String() + failed.String()
	}
	return failed.String()
}

func claims(n int) string {
	if n == 1 {
		return "1 claim"
	}
	return fmt.Sprintf("%d claims", n)
}

// andServices adds to a summary that services failed.
func (r Report) andServices(summary string) string {
	failed := 0
	for _, s := range r.Services {
		if !s.Passed {
			failed++
		}
	}
	switch failed {
	case 0:
		return summary
	case 1:
		return summary + ", a service not as expected"
	}
	return fmt.Sprintf("%s, %d services not as expected", summary, failed)
}
