package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/report"
	"github.com/pxelab/pxelab/lab/topology"
)

// RunCase runs one attempt in a lab of its own. Whatever goes wrong is the result's: nothing of it ends a matrix.
func RunCase(ctx context.Context, j Job) matrix.Result {
	p, err := j.plan()
	if err != nil {
		return broken(err)
	}
	cores := j.Cores
	if j.o.Loose {
		cores = nil
	}
	r, err := lab.Start(ctx, p, lab.Options{Out: j.Dir, Version: j.o.Version, Cores: cores,
		Name: fmt.Sprintf("matrix.%d.%d", os.Getpid(), j.Case.Index)})
	if ctx.Err() != nil {
		if err == nil {
			_ = r.Stop()
		}
		return interrupted()
	}
	if err != nil {
		return broken(err)
	}
	busy := len(p.Guests)
	err = r.Events(ctx, func(e event.Event) error {
		j.o.Show.Event(j, e)
		if e.Kind == event.GuestSettled {
			if busy--; busy == 0 {
				j.rest()
			}
		}
		return nil
	})
	if ctx.Err() != nil {
		_ = r.Stop() // in good order: what it recorded stays readable
		return interrupted()
	}
	if err = errors.Join(err, r.Wait()); err != nil {
		return broken(err)
	}
	return judged(j.Dir)
}

// plan decides everything about the case on this host.
func (j Job) plan() (*plan.Plan, error) {
	t, err := topology.Parse(j.Case.ID, []byte(j.Case.Text), j.o.Known)
	if err != nil {
		return nil, fmt.Errorf("its topology is not one of this pxelab: %w", err)
	}
	h := *j.o.Host
	h.Cores = len(j.Cores)
	if f := j.Case.Firmware; f != nil {
		if err := replaceFirmware(&h, *f); err != nil {
			return nil, err
		}
	}
	o := j.o.Choices
	o.Clock, o.Start = j.Case.Clock, j.Case.Start
	return plan.New(t, &h, o)
}

// judged judges a bundle.
func judged(dir string) matrix.Result {
	rep, err := lab.WriteReports(dir)
	if err != nil && len(rep.Guests) == 0 {
		return broken(err)
	}
	r := matrix.Result{Outcome: matrix.Passed, Guests: rep.Guests, Services: rep.Services}
	if err != nil {
		r.Outcome, r.Reason = matrix.Broken, err.Error()
		return r
	}
	if rep.Passed {
		return r
	}
	r.Outcome, r.Reason = matrix.Failed, firstFailure(rep)
	if why := crashed(dir, rep); why != "" {
		r.Outcome, r.Reason = matrix.Broken, why
	}
	return r
}

// firstFailure is the sentence of the first verdict that fails.
func firstFailure(r report.Report) string {
	for _, g := range r.Guests {
		for _, v := range g.Verdicts {
			if !v.Pass {
				return fmt.Sprintf("%s: expected %s: %s", g.Guest, v.Expectation, v.Sentence)
			}
		}
	}
	for _, s := range r.Services {
		for _, v := range s.Verdicts {
			if !v.Pass {
				return fmt.Sprintf("%s: expected %s: %s", s.Service, v.Expectation, v.Sentence)
			}
		}
	}
	return "it has no guest"
}

// crashed tells of a guest that failed because QEMU itself did: it was ended by a signal, or could not begin.
func crashed(dir string, r report.Report) string {
	_, events, err := bundle.Read(dir)
	if err != nil {
		return ""
	}
	for _, g := range r.Guests {
		if g.Passed || g.Outcome == nil || g.Outcome.Reason != judge.GuestCrashed {
			continue
		}
		for _, e := range events {
			if e.Kind != event.GuestExited || e.Guest != g.Guest || e.Boot != g.Boot || e.Exit == nil {
				continue
			}
			how := "was ended by a signal (" + e.Exit.Signal + ")"
			if e.Exit.Signal == "" && e.Exit.Code <= 0 {
				continue
			}
			if e.Exit.Signal == "" {
				how = fmt.Sprintf("ended with status %d", e.Exit.Code)
			}
			if said := strings.TrimSpace(e.Exit.Stderr); said != "" {
				how += ", saying: " + said
			}
			return fmt.Sprintf("QEMU of %s %s", g.Guest, how)
		}
	}
	return ""
}

// broken is the result of a case that gave no verdict.
func broken(err error) matrix.Result {
	why := strings.Join(strings.Fields(err.Error()), " ")
	if errors.Is(err, syscall.ENOSPC) && !strings.Contains(why, "make room") {
		why += "; make room there, and go on with --resume"
	}
	return matrix.Result{Outcome: matrix.Broken, Reason: why}
}

func interrupted() matrix.Result {
	return matrix.Result{Outcome: matrix.NotRun, Reason: "the matrix was interrupted"}
}
