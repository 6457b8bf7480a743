package labtest

import (
	"os"
	"testing"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/report"
)

// Run boots all guests of a topology file, as `pxelab run` does, and reports what it expects of each guest and service in a subtest of
// that name. The boots come in the plan's order. A topology whose services run pxelab itself needs it in $PATH.
func Run(t *testing.T, path string) []*Boot {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("labtest: read the topology: %v", err)
	}
	l := Topology(t, string(text))
	for _, g := range l.guests {
		if g.missing != "" {
			skip(t, g.missing) // what others are expected to do may depend on it
		}
	}
	up := l.run(t, lab.Options{})
	if err := up.Wait(); err != nil {
		t.Fatalf("labtest: %v", err)
	}
	events := up.all()
	var out []*Boot
	for _, g := range l.guests {
		b := g.boot(events)
		b.Bundle = up.Bundle
		out = append(out, b)
		t.Run(g.Name, func(t *testing.T) {
			b.keep(t)
			b.fail(t)
		})
	}
	for _, s := range report.New(l.plan, events).Services {
		t.Run(s.Service, func(t *testing.T) {
			for _, v := range s.Verdicts {
				if !v.Pass {
					t.Errorf("%s: expected %s: %s", s.Service, v.Expectation, v.Sentence)
				}
			}
		})
	}
	return out
}
