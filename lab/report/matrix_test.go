package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/tests/golden"
)

// someCases are of a matrix with one outcome of each kind.
func someCases() (matrix.Plan, []matrix.Result) {
	p := matrix.Plan{Version: matrix.Version, Name: "nightly"}
	var results []matrix.Result
	for i, o := range []matrix.Outcome{matrix.Passed, matrix.Failed, matrix.Broken, matrix.ExpectedFailure, matrix.UnexpectedPass, matrix.NotRun, matrix.Passed} {
		firmware := []string{"bios", "ovmf-x64"}[i%2]
		c := matrix.Case{Index: i, ID: fmt.Sprintf("firmware-trio/%s/case%d", firmware, i), Inputs: fmt.Sprint(i), Axes: []matrix.Axis{{Name: "topology", Value: "firmware-trio"}, {Name: "firmware", Value: firmware}},
			Needs: matrix.Needs{Cores: 1, Memory: 278, Estimate: time.Duration(i+1) * time.Second}}
		r := matrix.Result{Index: i, ID: c.ID, Inputs: c.Inputs, Attempt: 1, Outcome: o, Began: time.Unix(int64(10*i), 0), Took: 5 * time.Second}
		switch o {
		case matrix.Failed:
			r.Reason = `bios: expected booted: {image: probe}: no report: stopped at download: "boot" has no file "probe.0" (TFTP error 1: file not found); put it there`
		case matrix.Broken:
			r.Reason = "QEMU of bios was ended by a signal (killed)"
		case matrix.ExpectedFailure, matrix.UnexpectedPass:
			c.ExpectFail, r.Reason = "the card has no driver", "it was expected to fail: the card has no driver"
		case matrix.NotRun:
			r = c.NotRun("the matrix was interrupted first")
		}
		p.Cases, results = append(p.Cases, c), append(results, r)
	}
	again := results[6]
	again.Attempt, again.Outcome, again.Reason = 2, matrix.Failed, "x64: expected ends: off: it still runs"
	return p, append(results, again)
}

func TestMatrixGoldens(t *testing.T) {
	p, results := someCases()
	var list strings.Builder
	for _, width := range []int{80, 200} {
		left := []matrix.Left{{Axes: []matrix.Axis{{Name: "topology", Value: "probe"}}, Reason: "has no guest with firmware bios"}}
		fmt.Fprintf(&list, "== list, %d columns\n%s", width, MatrixList(p, p.Cases, left, Style{Width: width}))
		fmt.Fprintf(&list, "== display, %d columns\n%s", width, displayed(p, results, width))
	}
	golden.Check(t, "testdata/matrix.golden", list.String())
}

// displayed plays a run to its middle.
func displayed(p matrix.Plan, results []matrix.Result, width int) string {
	m := NewMatrixProgress(p.Name, p.Cases, len(p.Cases), 2, results[:1])
	s, out := Style{Width: width}, ""
	at := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
	m.Started(p.Cases[1], 1, at(0))
	m.Started(p.Cases[2], 1, at(0))
	m.Event(p.Cases[1], event.Event{Kind: event.GuestPowered, Guest: "bios"})
	m.Event(p.Cases[2], event.Event{Kind: event.GuestPowered, Guest: "x64"})
	m.Event(p.Cases[2], event.Event{Kind: event.PacketSeen, Guest: "x64", Packet: &event.Packet{DHCP: &event.DHCP{Type: "OFFER"}}})
	out += m.Frame(width, at(1.5))
	out += m.Ended(p.Cases[1], results[1], at(5), s)
	m.Width(1, "others keep 1.2 cores busy")
	m.Started(p.Cases[6], 2, at(5))
	m.Event(p.Cases[6], event.Event{Kind: event.BootDiscarded, Guest: "x64\x1b[31m"})
	return out + m.Frame(width, at(65))
}
