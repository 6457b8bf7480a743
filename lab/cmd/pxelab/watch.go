package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/report"
)

// errEnough ends a watch whose purpose is fulfilled.
var errEnough = errors.New("seen enough")

// watch shows a lab's progress on out until the lab ends or, if until is given, until it holds: a display redrawn
// in place on a terminal, a line per change of state elsewhere. It tells whether until held; if not, the lab has
// ended.
func watch(ctx context.Context, r *lab.Running, p *plan.Plan, out *os.File, until func(event.Event) bool) (held bool, err error) {
	show := display(&plainDisplay{out: out, progress: report.NewProgress(p)})
	if term.IsTerminal(int(out.Fd())) && os.Getenv("TERM") != "dumb" {
		live := newLiveDisplay(out, p)
		defer live.close()
		show = live
	}
	err = r.Events(ctx, func(e event.Event) error {
		show.event(e)
		if until != nil && until(e) {
			return errEnough
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnough):
		return true, nil
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "\npxelab: interrupted; ending the lab")
		return false, ctx.Err()
	}
	return false, err
}

// display shows events as they come.
type display interface{ event(event.Event) }

// plainDisplay prints a line per change of state: for CI and pipes.
type plainDisplay struct {
	out      io.Writer
	progress *report.Progress
}

func (d *plainDisplay) event(e event.Event) {
	for _, line := range d.progress.Feed(e) {
		fmt.Fprintln(d.out, line)
	}
}

// liveDisplay redraws one frame in place, at every event and ten times a second between them.
type liveDisplay struct {
	events chan event.Event
	done   chan struct{}
}

func newLiveDisplay(out *os.File, p *plan.Plan) *liveDisplay {
	d := &liveDisplay{events: make(chan event.Event, 256), done: make(chan struct{})}
	go d.draw(out, p)
	return d
}

func (d *liveDisplay) event(e event.Event) { d.events <- e }

// close draws the last frame and returns when it is on the screen.
func (d *liveDisplay) close() {
	close(d.events)
	<-d.done
}

// redrawEvery bounds how often the screen changes, so that a fast boot does not flood a slow terminal.
const redrawEvery = 100 * time.Millisecond

func (d *liveDisplay) draw(out *os.File, p *plan.Plan) {
	defer close(d.done)
	color := report.UseColor(true, os.Getenv("TERM"), os.Getenv("NO_COLOR"))
	tracker, tick := judge.NewTracker(p), time.NewTicker(redrawEvery)
	defer tick.Stop()
	begun, height := time.Now(), 0
	var base time.Duration
	frame := func() {
		width, _, err := term.GetSize(int(out.Fd()))
		if err != nil {
			width = 80
		}
		text := report.Frame(report.NewView(p, tracker, color), width, base+time.Since(begun))
		up := ""
		if height > 0 {
			up = fmt.Sprintf("\x1b[%dA", height)
		}
		fmt.Fprint(out, up+strings.ReplaceAll(text, "\n", "\x1b[K\n"))
		height = strings.Count(text, "\n")
	}
	for {
		select {
		case e, ok := <-d.events:
			if !ok {
				frame()
				return
			}
			if base == 0 {
				base = e.At
			}
			tracker.Feed(e)
		case <-tick.C:
			frame()
		}
	}
}

// conclude judges a bundle, writes its reports and prints the closing one. Verdicts that fail are errVerdict.
func conclude(bundle string, asJSON bool) error {
	r, err := lab.WriteReports(bundle)
	if err != nil {
		return err
	}
	text, err := r.JSON()
	if err != nil {
		return err
	}
	return printReport(r, text, bundle, asJSON)
}

// printReport prints the closing report, or its JSON, and says by its error whether all passed.
func printReport(r report.Report, text []byte, bundle string, asJSON bool) error {
	if asJSON {
		if _, err := os.Stdout.Write(text); err != nil {
			return err
		}
	} else {
		fmt.Print(r.Text(styleOf(os.Stdout, bundle)))
	}
	if !r.Passed {
		return errVerdict
	}
	return nil
}

// styleOf lays text out for where it goes.
func styleOf(out *os.File, bundle string) report.Style {
	s := report.Style{Width: 120, Bundle: bundle}
	if width, _, err := term.GetSize(int(out.Fd())); err == nil {
		s.Width = width
		s.Color = report.UseColor(true, os.Getenv("TERM"), os.Getenv("NO_COLOR"))
	}
	return s
}

func judgeCommand() *cobra.Command {
	var asJSON, asJUnit, who bool
	cmd := &cobra.Command{
		Use:     "judge BUNDLE",
		Short:   "Judge a saved run again: the same verdicts on any machine",
		Example: "  pxelab judge ~/.local/state/pxelab/runs/firmware-trio-20261122-060102.123",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as verdicts.json")
	cmd.Flags().BoolVar(&who, "who", false, "whose word each guest followed, and why")
	cmd.Flags().BoolVar(&asJUnit, "junit", false, "as junit.xml")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		r, err := lab.Judge(args[0])
		if err != nil {
			return err
		}
		if who {
			fmt.Print(r.Who(styleOf(os.Stdout, "")))
			return nil
		}
		text, err := r.JSON()
		if asJUnit {
			text, err = r.JUnit()
		}
		if err != nil {
			return err
		}
		return printReport(r, text, args[0], asJSON || asJUnit)
	}
	return cmd
}
