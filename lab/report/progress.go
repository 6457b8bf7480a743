package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
)

// Progress turns a run's events into plain lines, one per change of state: for logs and for people without a terminal.
type Progress struct {
	tracker *judge.Tracker
	before  map[string]judge.GuestState
	name    int // width of the longest guest or service name
}

// NewProgress follows a run of p, from its first event.
func NewProgress(p *plan.Plan) *Progress {
	pr := &Progress{tracker: judge.NewTracker(p), before: map[string]judge.GuestState{}}
	for _, g := range p.Guests {
		pr.name = max(pr.name, columns(g.Name))
	}
	for _, s := range p.Services {
		pr.name = max(pr.name, columns(s.Name))
	}
	return pr
}

// Feed takes the next event and gives the lines it is worth, without line ends: none for most.
func (pr *Progress) Feed(e event.Event) []string {
	pr.tracker.Feed(e)
	switch e.Kind {
	case event.ServiceReady:
		return pr.line(e, e.Service, "ready")
	case event.ServiceListens:
		if e.Socket != nil {
			return pr.line(e, e.Service, "listens on "+e.Socket.Network+" "+e.Socket.Address)
		}
	case event.ServiceExited:
		return pr.line(e, e.Service, "ended"+colon(e.Text))
	case event.ServiceRestart, event.ServiceLost, event.ServiceEnded:
		return pr.line(e, e.Service, e.Text)
	case event.BootDiscarded:
		return pr.line(e, e.Guest, "boot "+fmt.Sprint(e.Boot)+" discarded: "+e.Text)
	case event.RunEnded:
		return pr.line(e, "", "the run ended"+colon(e.Text))
	case event.FaultHit:
		if f := e.Fault; f != nil && (f.Service != "" || slices.Contains(fault.GuestDeeds, f.Do)) { // what befalls frames is too much to tell
			return pr.line(e, e.Guest, fmt.Sprintf("fault %d: %s (%s)", f.Rule, strings.TrimSpace(f.Do+" "+f.Service), f.Info))
		}
	}
	if e.Guest == "" {
		return nil
	}
	return pr.guest(e)
}

// guest tells what an event changed about a guest.
func (pr *Progress) guest(e event.Event) []string {
	is, was := pr.tracker.Guest(e.Guest), pr.before[e.Guest]
	if is.Boot == 0 {
		return nil
	}
	pr.before[e.Guest] = is
	if is.Boot != was.Boot {
		was = judge.GuestState{Boot: is.Boot, Stage: -1}
	}
	var out []string
	if is.Stage != was.Stage {
		out = append(out, pr.line(e, e.Guest, fmt.Sprintf("%-11s %s", is.Stage, at(is, e)))...)
	}
	if is.Settled && !was.Settled {
		out = append(out, pr.line(e, e.Guest, "settled: "+strings.TrimPrefix(is.Outcome.Sentence, e.Guest+" "))...)
	}
	return out
}

// at says what the event adds to the stage's name.
func at(is judge.GuestState, e event.Event) string {
	switch {
	case is.Stage == event.StagePower && e.Power != nil:
		return powered(e)
	case is.Stage == event.StageDownload:
		return is.File
	case is.Stage == event.StageAddress:
		return is.Address + from(e)
	case is.Stage == event.StageOffer:
		return strings.TrimSpace(from(e))
	}
	return ""
}

func colon(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

func from(e event.Event) string {
	if e.Service == "" {
		return ""
	}
	return " from " + e.Service
}

func (pr *Progress) line(e event.Event, who, what string) []string {
	return []string{strings.TrimRight(fmt.Sprintf("%7.2f s  %s  %s", e.At.Round(10*time.Millisecond).Seconds(), pad(who, pr.name), Visible(what)), " ")}
}
