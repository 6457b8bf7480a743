package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/report"
	"github.com/pxelab/pxelab/lab/report/results"
)

// readBundles makes a report of runs that belong to no matrix: a case each.
func readBundles(dirs []string) (*results.Report, error) {
	m := &matrix.Plan{Version: matrix.Version, Name: "bundles"}
	var runs []results.Run
	used := map[string]int{}
	for i, dir := range dirs {
		p, events, err := bundle.Read(dir)
		if err != nil {
			return nil, err
		}
		if len(dirs) == 1 {
			m.Name, m.About = p.Name, p.About
		}
		judged := report.New(p, events)
		c := matrix.Case{Index: i, ID: p.Name, Topology: p.Name, Axes: firmwareOf(p), Clock: p.Clock.Value, Inputs: sumOf(p)}
		if used[p.Name]++; used[p.Name] > 1 {
			c.ID = fmt.Sprintf("%s-%d", p.Name, used[p.Name])
		}
		m.Cases = append(m.Cases, c)
		r := matrix.Result{Version: matrix.Version, Index: i, ID: c.ID, Inputs: c.Inputs, Attempt: 1, Outcome: matrix.Failed,
			Began: judged.Started, Took: judged.Took, Guests: judged.Guests, Services: judged.Services}
		switch {
		case judged.Passed:
			r.Outcome = matrix.Passed
		case judged.Ended == "":
			r.Outcome = matrix.Broken
		}
		runs = append(runs, newRun(r, dir))
	}
	return results.New(m, runs), nil
}

// firmwareOf is the axis that a single run has a place on, if all its guests have one firmware.
func firmwareOf(p *plan.Plan) []matrix.Axis {
	value := ""
	for i, g := range p.Guests {
		if i > 0 && g.Firmware != value {
			return []matrix.Axis{{Name: "firmware", Value: "several"}}
		}
		value = g.Firmware
	}
	return []matrix.Axis{{Name: "firmware", Value: value}}
}

// sumOf tells plans apart.
func sumOf(p *plan.Plan) string {
	text, _ := json.Marshal(p) // plain data
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
