package matrix

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// Bounds on a matrix that anybody means.
const (
	maxCombinations = 100_000
	maxCases        = 20_000
)

// builder makes the cases of one matrix.
type builder struct {
	*reader
	f       *file
	m       *Matrix
	checked map[string]*topology.Topology // by text: nil where it has problems
	told    map[string]bool               // problems that were reported, without the case
}

// build makes every combination that the rules leave a case.
func (r *reader) build(f *file) *Matrix {
	b := &builder{r, f, &Matrix{Plan: Plan{Version: Version, Name: f.name, About: f.about}}, map[string]*topology.Topology{}, map[string]bool{}}
	n := 1
	for _, a := range f.axes {
		if n *= len(a.values); n > maxCombinations {
			r.problem(a.at, "axes", "the axes make more than %d combinations; split the matrix", maxCombinations)
			return b.m
		}
	}
	values := make([]value, len(f.axes))
	for i := range n {
		for j := len(f.axes) - 1; j >= 0; j-- {
			list := f.axes[j].values
			values[j] = list[i%len(list)]
			i /= len(list)
		}
		if f.wants(values) {
			b.combine(values)
		}
	}
	if len(b.m.Plan.Cases) == 0 && len(r.problems) == 0 {
		at := &topology.Value{Path: f.path, Line: 1, Column: 1}
		r.problem(at, "", "makes no case: %s", noCase(b.m.Left))
	}
	if len(b.m.Plan.Cases) > maxCases {
		at := &topology.Value{Path: f.path, Line: 1, Column: 1}
		r.problem(at, "", "makes %d cases; a matrix may have %d: split it", len(b.m.Plan.Cases), maxCases)
	}
	return b.m
}

func noCase(left []Left) string {
	if len(left) == 0 {
		return "its rules exclude every combination"
	}
	if len(left) == 1 {
		return "its one combination is left out: it " + left[0].Reason
	}
	return fmt.Sprintf("all %d combinations are left out; the first %s", len(left), left[0].Reason)
}

// wants tells whether the rules leave a combination in.
func (f *file) wants(values []value) bool {
	matched := func(one rule) bool { return one.matches(values, f.axes) }
	return (len(f.include) == 0 || slices.ContainsFunc(f.include, matched)) && !slices.ContainsFunc(f.exclude, matched)
}

// combine makes one combination a case, or tells why it is none.
func (b *builder) combine(values []value) {
	c := Case{Index: len(b.m.Plan.Cases), Clock: "auto", Start: "auto"}
	var s *source
	var firmware *value
	var parts []string
	for i, a := range b.f.axes {
		v := values[i]
		c.Axes = append(c.Axes, Axis{a.name, v.name})
		parts = append(parts, v.name)
		switch a.name {
		case topologyAxis:
			s = v.source
		case clockAxis:
			c.Clock = v.name
		case startAxis:
			c.Start = v.name
		case firmwareAxis:
			if v.name != own {
				firmware = &v
			}
		}
	}
	c.ID = strings.Join(parts, "/")
	doc := s.doc
	for i, a := range b.f.axes {
		doc = apply(doc, a.name, values[i])
	}
	top, why := b.settle(&c, doc, firmware)
	if top != nil && c.Clock == "warp" && top.Clock == "real" {
		why = "is to run in real time, says its topology"
	}
	switch {
	case why != "":
		b.m.Left = append(b.m.Left, Left{c.Axes, why})
	case top != nil:
		c.Topology, c.Dir = s.top.Name, path.Dir(s.path)
		b.finish(&c, values, top)
	}
}

// settle writes the topology of a case and checks it. The reason tells why it makes no case; without one and without a topology
// the problems were reported.
func (b *builder) settle(c *Case, doc *topology.Value, firmware *value) (top *topology.Topology, why string) {
	if firmware == nil {
		c.Text = doc.YAML()
		return b.check(c, doc), ""
	}
	name := firmware.name
	if firmware.firmware != nil {
		c.Firmware, name = firmware.firmware, firmware.firmware.Firmware
	}
	only, some, fewer := onlyFirmware(doc, firmware.at, name)
	if !some {
		return nil, "has no guest with firmware " + name
	}
	if b.check(c, doc) == nil { // what is wrong before is the file's fault; what only then, a reason
		return nil, ""
	}
	c.Text = only.YAML()
	top, err := topology.Parse(c.ID, []byte(c.Text), b.known)
	if err == nil {
		return top, ""
	}
	what := "its guest cannot have firmware " + name
	if fewer {
		what = "needs its other guests"
	}
	first := problemsOf(err)[0]
	return nil, fmt.Sprintf("%s (%s)", what, strings.TrimPrefix(first.Key+": "+first.Message, ": "))
}

// check parses the topology of a case, and reports what is wrong where that was written.
func (b *builder) check(c *Case, doc *topology.Value) *topology.Topology {
	text := doc.YAML()
	if top, ok := b.checked[text]; ok {
		return top
	}
	top, err := topology.Parse(c.ID, []byte(text), b.known)
	b.checked[text] = top
	if err == nil {
		return top
	}
	for _, p := range problemsOf(err) {
		at := doc.Find(p.Key)
		if key := unknownKey.FindStringSubmatch(p.Message); key != nil && at.Get(key[1]) != nil {
			at = at.Get(key[1]) // the mapping around it may be another file's
		}
		told := fmt.Sprint(at.Path, at.Line, at.Column, p.Message)
		if !b.told[told] {
			b.told[told] = true
			b.problem(at, p.Key, "%s (in case %s)", p.Message, c.ID)
		}
	}
	return nil
}

// unknownKey is how a topology's problem begins that is about a key, at the mapping it stands in.
var unknownKey = regexp.MustCompile(`^unknown key "([^"]+)"`)

// finish adds a case with what follows from the rest of it.
func (b *builder) finish(c *Case, values []value, top *topology.Topology) {
	for _, one := range b.f.expectFail {
		if one.matches(values, b.f.axes) {
			c.ExpectFail = one.reason
			break
		}
	}
	c.Inputs = inputs(*c)
	clock := c.Clock
	if clock == "auto" {
		clock = cmp.Or(top.Clock, "auto")
	}
	c.Needs.Cores, c.Needs.Memory = plan.Needs(top, clock)
	c.Needs.Estimate = estimate(top, clock)
	b.m.Plan.Cases = append(b.m.Plan.Cases, *c)
}

// inputs is the sum over everything that a case is run from.
func inputs(c Case) string {
	c.Index, c.Dir, c.Needs, c.Inputs = 0, "", Needs{}, ""
	text, err := json.Marshal(c)
	if err != nil {
		panic("a case does not go into JSON: " + err.Error()) // it holds text alone
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// estimate guesses how long a case runs, for want of a past time. Measured on one calm core without KVM; only the proportions
// matter.
func estimate(t *topology.Topology, clock string) time.Duration {
	took := 300 * time.Millisecond
	longest := time.Duration(0)
	for _, g := range t.Guests {
		one := map[bool]time.Duration{true: 3 * time.Second, false: 700 * time.Millisecond}[g.Firmware != "bios"]
		if clock == "real" {
			one = map[bool]time.Duration{true: 10 * time.Second, false: 6 * time.Second}[g.Firmware != "bios"]
		}
		took, longest = took+one, max(longest, one)
	}
	if clock == "real" { // side by side
		return took - (took-longest)/2
	}
	return took
}
