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
	"github.com/pxelab/pxelab/lab/plan"
)

// corpus gathers how the boots of all topologies were explained: by what was planted and by firmware.
type corpus struct {
	mu      sync.Mutex
	cells   map[[2]string]*cell // reason and firmware
	scores  [sources]score
	bad     []string // wrong causes, wrong stages, and causes of boots in which nothing went wrong
	console []string // the same of consoles alone, of which a share may be wrong
}

// cell counts boots of one firmware that stopped for one reason.
type cell struct{ bundle, wire, unknown, wrong int }

// What a boot is explained from.
const (
	fromBundle = iota
	fromCapture
	fromConsole
	sources
)

var sourceNames = [sources]string{"bundle", "capture", "console"}

// score counts what was said of boots, of one source. What is said to be unknown is neither right nor wrong.
type score struct{ stages, rightStages, causes, rightCauses, blamed, unknown int }

// The least that is good enough, in percent. No boot in which nothing went wrong may be given a cause.
const (
	leastStages = 100
	leastCauses = 95
)

func newCorpus() *corpus { return &corpus{cells: map[[2]string]*cell{}} }

var explainedBoots = newCorpus()

// planted is what a topology says goes wrong with a guest, and where; no reason: nothing does. Where it does not say, the judge does.
func planted(g *plan.Guest, o *judge.Outcome) (judge.Reason, event.Stage) {
	for _, x := range g.Expect {
		if x.Stops != nil {
			return judge.Reason(x.Stops.Reason), x.Stops.At
		}
	}
	return o.Reason, o.Stage
}

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
		o := results[i].Outcome
		if o == nil {
			continue
		}
		said := story{name: r.plan.Name + " " + g.Name, firmware: g.Firmware}
		said.reason, said.stage = planted(&g, o)
		explainedBoots.add(said, fromBundle, &whole[i])
		if macs[g.MAC] > 1 || len(g.Faults) > 0 { // a capture does not know which frames the lab took away
			continue
		}
		alone := explain.Console(consoleOf(r.events, &results[i]))
		explainedBoots.add(said, fromConsole, &alone)
		for _, x := range slices.Backward(record.Boots) {
			if x.Machine == g.MAC {
				explainedBoots.add(said, fromCapture, &x)
				break
			}
		}
	}
}

// consoleOf are the lines of a guest's console in the boot that it was judged on.
func consoleOf(events []event.Event, r *judge.Result) []string {
	var out []string
	for _, e := range events {
		if e.Kind == event.Console && e.Guest == r.Guest && e.Boot == r.Boot {
			out = append(out, e.Text)
		}
	}
	return out
}

// story is a boot, and what was planted.
type story struct {
	name, firmware string
	reason         judge.Reason
	stage          event.Stage
}

// add notes how one boot was explained from one source.
func (c *corpus) add(s story, from int, x *explain.Explanation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := [2]string{string(s.reason), s.firmware}
	if c.cells[key] == nil {
		c.cells[key] = &cell{}
	}
	in, total := c.cells[key], &c.scores[from]
	wrong := func(format string, args ...any) {
		text := fmt.Sprintf("%s, by its %s: %s", s.name, sourceNames[from], fmt.Sprintf(format, args...))
		if from == fromConsole && s.reason != "" {
			c.console = append(c.console, text)
			return
		}
		in.wrong++
		c.bad = append(c.bad, text)
	}
	switch {
	case s.reason == "" && len(x.Answers) > 0:
		total.blamed++
		wrong("it booted, and is explained by %s: %s", x.Answers[0].Cause, x.Summary)
		return
	case s.reason == "" && x.End == explain.Unclear, s.reason != "" && x.End != explain.Stopped:
		total.unknown++
		if from == fromCapture {
			in.unknown++
		} else if from == fromBundle && s.reason != "" {
			total.causes++
			wrong("it stopped for %s, and is not explained: %s", s.reason, x.Summary)
		}
		return
	case s.reason != "":
		if !c.right(s, from, x, wrong) {
			return
		}
	}
	switch from {
	case fromBundle:
		in.bundle++
	case fromCapture:
		in.wire++
	}
}

// right compares stage and cause. A console does not tell stages, and a capture none beyond the download.
func (c *corpus) right(s story, from int, x *explain.Explanation, wrong func(string, ...any)) bool {
	total, first := &c.scores[from], x.Answers[0]
	good := true
	if from == fromBundle || from == fromCapture && s.stage <= event.StageDownload {
		total.stages++
		if at := fmt.Sprintf("%s stopped at %s: ", x.Machine, s.stage); strings.HasPrefix(x.Summary, at) {
			total.rightStages++
		} else {
			wrong("it stopped at %s, and that is not said: %s", s.stage, x.Summary)
			good = false
		}
	}
	if from == fromConsole && len(x.Answers) > 1 && slices.ContainsFunc(x.Answers, func(a explain.Answer) bool { return a.Cause == s.reason }) {
		total.unknown++ // it is said that the console leaves several
		return true
	}
	total.causes++
	if (first.Cause == s.reason || from != fromBundle && first.Cause == alsoTrue[s.reason]) && first.Do != "" {
		total.rightCauses++
	} else {
		wrong("it stopped for %s, and is explained by %s: %s", s.reason, first.Cause, x.Summary)
		good = false
	}
	return good
}

// alsoTrue are causes that are as true of the same frames: a client on a network without IPv4 was answered by no DHCP server, either.
var alsoTrue = map[judge.Reason]judge.Reason{judge.NotManaged: judge.NoOffer}

// table is what was planted, and how often it was found.
func (c *corpus) table() string {
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
	for i, s := range c.scores {
		fmt.Fprintf(&out, "by its %-8s stage %d of %d, cause %d of %d, not known %d, healthy and blamed %d\n", sourceNames[i]+":",
			s.rightStages, s.stages, s.rightCauses, s.causes, s.unknown, s.blamed)
	}
	return out.String()
}

// tooLow says which shares are below what is good enough.
func (c *corpus) tooLow() []string {
	var out []string
	for i, s := range c.scores {
		if 100*s.rightStages < leastStages*s.stages {
			out = append(out, fmt.Sprintf("by its %s, the stage is right in %d of %d boots; at least %d %% must be", sourceNames[i], s.rightStages, s.stages, leastStages))
		}
		if 100*s.rightCauses < leastCauses*s.causes {
			out = append(out, fmt.Sprintf("by its %s, the cause is right in %d of %d boots; at least %d %% must be", sourceNames[i], s.rightCauses, s.causes, leastCauses))
		}
		if s.blamed > 0 {
			out = append(out, fmt.Sprintf("by its %s, %d boots in which nothing went wrong are given a cause", sourceNames[i], s.blamed))
		}
	}
	return out
}

// check prints the table of all causes and firmwares, and fails for too many wrong answers, and for each that a bundle or a capture
// got.
func (c *corpus) check(t *testing.T) {
	t.Helper()
	t.Log("\n" + c.table() + strings.Join(c.console, "\n"))
	for _, b := range append(c.tooLow(), c.bad...) {
		t.Error(b)
	}
}

// TestCorpusFails: the corpus fails below its shares, and for a healthy boot that is given a cause.
func TestCorpusFails(t *testing.T) {
	stopped := func(at, cause string) *explain.Explanation {
		return &explain.Explanation{Machine: "m", End: explain.Stopped, Summary: "m stopped at " + at + ": why",
			Answers: []explain.Answer{{Cause: judge.Reason(cause), Do: "something"}}}
	}
	both := stopped("discover", "no-ack")
	both.Answers = append(both.Answers, explain.Answer{Cause: judge.NoOffer, Do: "something else"})
	lost := story{"lab m", "bios", judge.NoOffer, event.StageDiscover}
	for _, c := range []struct {
		name         string
		right, wrong int
		s            story
		from         int
		x            *explain.Explanation
		low          string
	}{
		{"all right", 20, 0, lost, fromBundle, nil, ""},
		{"one wrong stage of a hundred", 99, 1, lost, fromBundle, stopped("offer", "no-offer"), "the stage is right in 99 of 100"},
		{"one wrong cause of twenty", 19, 1, lost, fromCapture, stopped("discover", "no-ack"), ""},
		{"two wrong causes of twenty", 18, 2, lost, fromCapture, stopped("discover", "no-ack"), "the cause is right in 18 of 20"},
		{"two wrong causes, of consoles", 18, 2, lost, fromConsole, stopped("discover", "no-ack"), "the cause is right in 18 of 20"},
		{"consoles that leave two causes", 10, 10, lost, fromConsole, both, ""},
		{"a bundle that leaves two causes", 10, 10, lost, fromBundle, both, "the cause is right in 10 of 20"},
		{"a bundle that is not explained", 18, 2, lost, fromBundle, &explain.Explanation{End: explain.Unclear}, "the cause is right in 18 of 20"},
		{"a capture that is not explained", 10, 10, lost, fromCapture, &explain.Explanation{End: explain.Unclear}, ""},
		{"a healthy boot", 99, 1, story{"lab m", "bios", "", event.StageOff}, fromCapture, stopped("discover", "no-offer"), "1 boots in which nothing went wrong"},
	} {
		all := newCorpus()
		for range c.right {
			all.add(lost, c.from, stopped("discover", "no-offer"))
		}
		for range c.wrong {
			all.add(c.s, c.from, c.x)
		}
		if got := strings.Join(all.tooLow(), "; "); strings.Contains(got, c.low) != true || c.low == "" && got != "" {
			t.Errorf("%s: %q, want %q", c.name, got, c.low)
		}
	}
}

// shownTime and shownLease are what no two runs share in a sentence: a time, and which of the pool's addresses it was.
var (
	shownTime  = regexp.MustCompile(`in [0-9.]+ s( by the host's clock)?`)
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
