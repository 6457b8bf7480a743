package boot

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/judge"
)

// corpus gathers how the boots of all topologies were explained: by what was planted and by firmware.
type corpus struct {
	mu    sync.Mutex
	cells map[[2]string]*cell // reason and firmware
	bad   []string            // wrong causes, wrong stages, and causes of boots in which nothing went wrong
}

// cell counts boots of one firmware that stopped for one reason.
type cell struct{ bundle, wire, unknown, wrong int }

var explainedBoots = &corpus{cells: map[[2]string]*cell{}}

// checkExplained explains every guest of a run twice: from the bundle, and from its capture alone. The first must find the cause
// that the judge found, which its topology expects. A capture has no consoles and, under warp, no patience: what is not known may
// be said to be so, but no wrong cause, and none where nothing went wrong.
func checkExplained(t *testing.T, r result) {
	t.Helper()
	results := judge.Results(r.plan, r.events)
	whole := explain.Run(results, r.events)
	checkShown(t, r.plan.Name, whole)
	file, err := os.Open(filepath.Join(r.bundle, "wire.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	record, err := explain.Capture(explain.Frames(file))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range results {
		checkChoice(t, &g)
	}
	macs := map[string]int{}
	for _, g := range r.plan.Guests {
		macs[g.MAC]++
	}
	for i, g := range r.plan.Guests {
		if a := whole[i].Answers; len(g.Faults) > 0 && len(a) > 0 && !strings.Contains(a[0].Do, "the lab itself did that: fault ") {
			t.Errorf("%s was stopped by its faults, and is told to %s", g.Name, a[0].Do)
		}
		c := explainedBoots.compare(r.plan.Name+" "+g.Name, g.Firmware, &results[i], &whole[i])
		if c == nil || macs[g.MAC] > 1 || len(g.Faults) > 0 { // a capture does not know which frames the lab took away
			continue
		}
		for _, x := range slices.Backward(record.Boots) {
			if x.Machine == g.MAC {
				explainedBoots.fromWire(r.plan.Name+" "+g.Name, c, results[i].Outcome, &x)
				break
			}
		}
	}
}

// compare notes what the bundle's explanation says of a guest, and gives the cell that counts it.
func (c *corpus) compare(name, firmware string, r *judge.Result, x *explain.Explanation) *cell {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Outcome == nil {
		return nil
	}
	key := [2]string{string(r.Outcome.Reason), firmware}
	if c.cells[key] == nil {
		c.cells[key] = &cell{}
	}
	switch {
	case r.Outcome.Reason == "" && len(x.Answers) > 0:
		c.bad = append(c.bad, fmt.Sprintf("%s booted, and was explained by %s", name, x.Answers[0].Cause))
	case r.Outcome.Reason != "" && (len(x.Answers) == 0 || x.Answers[0].Cause != r.Outcome.Reason || x.Answers[0].Do == ""):
		c.bad = append(c.bad, fmt.Sprintf("%s stopped for %s, and was explained by %+v", name, r.Outcome.Reason, x.Answers))
	default:
		c.cells[key].bundle++
	}
	return c.cells[key]
}

// fromWire notes what the capture alone says of a guest.
func (c *corpus) fromWire(name string, in *cell, o *judge.Outcome, x *explain.Explanation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case o.Reason == "" && x.End == explain.Stopped:
		in.wrong++
		c.bad = append(c.bad, fmt.Sprintf("%s booted, and its capture was explained by %s: %s", name, x.Answers[0].Cause, x.Summary))
	case o.Reason == "" && x.End == explain.Unclear, o.Reason != "" && x.End != explain.Stopped:
		in.unknown++
	case o.Reason != "" && x.Answers[0].Cause != o.Reason && x.Answers[0].Cause != alsoTrue[o.Reason]:
		in.wrong++
		c.bad = append(c.bad, fmt.Sprintf("%s stopped for %s, and its capture was explained by %s: %s", name, o.Reason, x.Answers[0].Cause, x.Summary))
	case o.Reason != "" && o.Stage <= event.StageDownload && x.Stage != o.Stage:
		in.wrong++
		c.bad = append(c.bad, fmt.Sprintf("%s stopped at %s, and its capture says %s", name, o.Stage, x.Stage))
	default:
		in.wire++
	}
}

// alsoTrue are causes that are as true of the same frames: a client on a network without IPv4 was answered by no DHCP server, either.
var alsoTrue = map[judge.Reason]judge.Reason{judge.NotManaged: judge.NoOffer}

// check prints the table of all causes and firmwares, and fails for each wrong answer.
func (c *corpus) check(t *testing.T) {
	t.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "%-20s %-14s %s\n", "planted", "firmware", "found in the bundle / in the capture alone / not known from it / wrong")
	for _, key := range slices.SortedFunc(maps.Keys(c.cells), func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) }) {
		reason := key[0]
		if reason == "" {
			reason = "(nothing)"
		}
		x := c.cells[key]
		fmt.Fprintf(&out, "%-20s %-14s %d / %d / %d / %d\n", reason, key[1], x.bundle, x.wire, x.unknown, x.wrong)
	}
	t.Log("\n" + out.String())
	for _, b := range c.bad {
		t.Error(b)
	}
}

// shownTime and shownLease are what no two runs share in a sentence: a time, and which of the pool's addresses it was.
var (
	shownTime  = regexp.MustCompile(`in [0-9.]+ s( of host time)?`)
	shownLease = regexp.MustCompile(`192\.0\.2\.1[0-9][0-9]`)
)

// checkShown holds docs/explain.md to what is said of the topologies that it shows.
func checkShown(t *testing.T, topology string, list []explain.Explanation) {
	t.Helper()
	doc, err := os.ReadFile("../../docs/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	plain := func(text string) string {
		text = shownTime.ReplaceAllString(strings.Join(strings.Fields(text), " "), "in a time")
		return shownLease.ReplaceAllString(text, "LEASE")
	}
	_, section, found := strings.Cut(string(doc), "\n### "+topology+"\n")
	if !found {
		return
	}
	section, _, _ = strings.Cut(section, "\n### ")
	for _, x := range list {
		if !strings.Contains(section, "\n"+x.Machine+" stopped at ") {
			continue
		}
		if want := plain(x.Summary + " to do: " + x.Answers[0].Do); !strings.Contains(plain(section), want) {
			t.Errorf("docs/explain.md does not show what is said of %s: %s", topology, want)
		}
	}
}

// checkChoice holds the rules by which firmware is said to choose to what real firmware did: the offer that the rule means was taken.
func checkChoice(t *testing.T, g *judge.Result) {
	t.Helper()
	if g.Who == nil || g.Stage < event.StageAddress {
		return
	}
	for _, o := range g.Who.Offers {
		if o.Meant && !o.Taken {
			t.Errorf("%s did not take the offer of %s (%s), which it should: %s", g.Guest, o.From, o.What, g.Who.Rule)
		}
	}
}
