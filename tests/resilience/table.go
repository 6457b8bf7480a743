package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
)

// row is what came of one condition.
type row struct {
	name  string
	cells map[string]*cell // by firmware
}

// cell is what came of one firmware's boots under it.
type cell struct {
	boots   int
	took    []time.Duration      // of those that booted, from power-on to the probe's report
	stopped map[judge.Reason]int // the others
	traffic []float64            // how often the boot program crossed the wire, of those that had it whole
}

// traffic is how many octets of TFTP DATA the server of a guest sent until it had its boot program whole, as a multiple of the
// program's size; zero if it never had. The program fetches itself again, which is no longer the firmware's doing.
func traffic(events []event.Event, guest string) float64 {
	var sent int64
	for _, e := range events {
		d := e.Decision
		if d == nil || d.Role != "tftp" || strings.TrimPrefix(guest, "g") != strings.TrimPrefix(e.Service, "s") {
			continue
		}
		if sent += d.Sent; d.Outcome == "ok" {
			return float64(sent) / float64(d.Bytes)
		}
	}
	return 0
}

// noSecondFile stands for a boot program that ran, and could not fetch its second file by the firmware's PXE API.
const noSecondFile judge.Reason = "second-file"

// count adds a guest's boot.
func (r *row) count(g *judge.Result, traffic float64) {
	c := r.cells[g.Firmware]
	if c == nil {
		c = &cell{stopped: map[judge.Reason]int{}}
		r.cells[g.Firmware] = c
	}
	c.boots++
	for _, v := range g.Verdicts {
		if strings.HasPrefix(v.Expectation, "booted") && !v.Pass {
			reason := noSecondFile
			switch {
			case g.Outcome == nil:
				reason = judge.Stalled
			case g.Outcome.Reason != "":
				reason = g.Outcome.Reason
			}
			c.stopped[reason]++
			return
		}
	}
	for _, s := range g.Stages {
		if s.Stage == event.StageReported {
			c.took = append(c.took, s.After)
		}
	}
	if traffic > 0 {
		c.traffic = append(c.traffic, traffic)
	}
}

// String is the cell as the table has it: how many booted, in which time, and why the others did not.
func (c *cell) String() string {
	if c == nil {
		return ""
	}
	words := fmt.Sprintf("%d of %d", len(c.took), c.boots)
	if len(c.took) > 0 {
		slices.Sort(c.took)
		words += fmt.Sprintf(", %.1f s", c.took[len(c.took)/2].Seconds())
		if longest := c.took[len(c.took)-1]; longest-c.took[0] >= 100*time.Millisecond {
			words += fmt.Sprintf(" (%.1f to %.1f)", c.took[0].Seconds(), longest.Seconds())
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(c.stopped)) {
		words += fmt.Sprintf("; %d `%s`", c.stopped[reason], reason)
	}
	if len(c.traffic) > 0 && slices.Max(c.traffic) >= 1.05 {
		slices.Sort(c.traffic)
		words += fmt.Sprintf("; %.2f times the program on the wire", c.traffic[len(c.traffic)/2])
	}
	return words
}

// write writes the table.
func write(w io.Writer, o options, rows []row) error {
	var out strings.Builder
	fmt.Fprintf(&out, "| what is wrong | %s |\n|---%s|\n", strings.Join(o.firmwares, " | "), strings.Repeat("|---", len(o.firmwares)))
	for _, r := range rows {
		fmt.Fprintf(&out, "| %s ", r.name)
		for _, f := range o.firmwares {
			fmt.Fprintf(&out, "| %s ", r.cells[f])
		}
		out.WriteString("|\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}
