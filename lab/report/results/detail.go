package results

import (
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/report"
)

// Detail is what the page shows of one attempt beside its result.
type Detail struct {
	Boots    []explain.Explanation
	Packets  []string // the log's packets, decisions and faults, a line each
	Consoles []Console
	Left     []string // what was left out, each in a sentence
}

// Console is what a guest said on its serial console, in clean lines with their times.
type Console struct {
	Guest string
	Lines []string
}

// How many lines are kept of a case: of one that is as it should be, enough to see how it went; of others all, up to what no boot
// that is worth reading needs. A page of 200 cases stays below a few MB by that.
const (
	goodPackets, goodConsole = 60, 40
	allPackets, allConsole   = 4000, 4000
)

// NewDetail takes from a run what the page shows of it: of a good one only the beginning and the end.
func NewDetail(p *plan.Plan, events []event.Event, good bool) *Detail {
	d := &Detail{Boots: explain.Run(judge.Results(p, events), events)}
	packets, console := allPackets, allConsole
	if good {
		packets, console = goodPackets, goodConsole
	}
	names := 0
	for _, g := range p.Guests {
		names = max(names, len(g.Name))
	}
	for _, s := range p.Services {
		names = max(names, len(s.Name))
	}
	said := map[string][]string{}
	for _, e := range events {
		switch {
		case e.Kind == event.Console:
			said[e.Guest] = append(said[e.Guest], strings.TrimRight(fmt.Sprintf("%9.3f  %s", e.At.Seconds(), report.Visible(e.Text)), " "))
		case e.Packet != nil, e.Decision != nil, e.Fault != nil, e.Stall != nil, e.Power != nil, e.Exit != nil, e.Kind == event.GuestSettled, e.Kind == event.BootDiscarded:
			d.Packets = append(d.Packets, report.Line(e, names, 0))
		}
	}
	d.Packets = d.fit(d.Packets, packets, "packets and decisions")
	for _, g := range p.Guests {
		if lines := said[g.Name]; len(lines) > 0 {
			d.Consoles = append(d.Consoles, Console{Guest: g.Name, Lines: d.fit(lines, console, "lines of the console of "+g.Name)})
		}
	}
	return d
}

// fit leaves out the middle of a list that is too long, and says so.
func (d *Detail) fit(list []string, most int, what string) []string {
	if len(list) <= most {
		return list
	}
	left := len(list) - most
	d.Left = append(d.Left, fmt.Sprintf("%d of %d %s are left out here", left, len(list), what))
	head, tail := list[:most/2], list[len(list)-most/2:]
	gap := fmt.Sprintf("%9s  %d left out", "...", left)
	return append(append(append([]string{}, head...), gap), tail...)
}
