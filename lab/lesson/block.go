package lesson

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/topology"
)

// block is a mapping in YAML: the front matter, a checkpoint or a question.
type block struct {
	*reader
	*topology.Value
	at place // where its text begins
}

// block reads one, and reports keys that it does not know; nil if it is no mapping.
func (r *reader) block(data []byte, at place, noun string, known []string) *block {
	if len(bytes.TrimSpace(data)) == 0 {
		r.problem(at, "", "an empty %s; write its keys", noun)
		return nil
	}
	v, err := topology.ReadValue(r.file, data, noun)
	if err != nil {
		for _, p := range problemsOf(err, at) {
			if p.Line > at.line+strings.Count(string(data), "\n") { // YAML puts the end of the text on a line of its own
				p.Line = at.line
			}
			r.problem(place{p.Line, p.Column}, p.Key, "%s", p.Message)
		}
		return nil
	}
	b := &block{reader: r, Value: v, at: at}
	if v.Kind != topology.Mapping {
		r.problem(b.moved(v), "", "a %s holds keys (key: value), not %s", noun, v.Kind)
		return nil
	}
	for _, e := range v.Entries {
		if !slices.Contains(known, e.Key) {
			r.problem(b.moved(&topology.Value{Line: e.Line, Column: e.Column}), "", "unknown key %q %s", e.Key, topology.Hint(e.Key, known))
		}
	}
	return b
}

// moved is a value's place in the file.
func (b *block) moved(v *topology.Value) place {
	return place{v.Line + b.at.line - 1, v.Column + b.at.column - 1}
}

// place is that of a key's value; without the key, of the block.
func (b *block) place(key string) place {
	if v := b.Get(key); v != nil {
		return b.moved(v)
	}
	return b.moved(b.Value)
}

func (b *block) wrong(key, format string, args ...any) { b.problem(b.place(key), key, format, args...) }

// text is a key's text; empty without the key.
func (b *block) text(key string) string {
	v := b.Get(key)
	if v == nil {
		return ""
	}
	if !v.Scalar() || v.Kind == topology.Null || strings.TrimSpace(v.Text) == "" {
		b.wrong(key, "want text, not %s", v.Kind)
		return ""
	}
	return strings.Join(strings.Fields(v.Text), " ")
}

// need is a text that must be there.
func (b *block) need(key, example string) string {
	if b.Get(key) == nil {
		b.problem(b.moved(b.Value), "", "needs %q, such as %s: %s", key, key, example)
	}
	return b.text(key)
}

// number is a whole number that must be there.
func (b *block) number(key string, low, high int) int {
	v := b.Get(key)
	if v == nil {
		b.problem(b.moved(b.Value), "", "needs %q, a number from %d to %d", key, low, high)
		return 0
	}
	n, err := strconv.Atoi(v.Text)
	if v.Kind != topology.Number || err != nil || n < low || n > high {
		b.wrong(key, "want a number from %d to %d, not %q", low, high, v.Text)
	}
	return n
}

// flag is true or false; false without the key.
func (b *block) flag(key string) bool {
	v := b.Get(key)
	if v != nil && v.Kind != topology.Bool {
		b.wrong(key, "want true or false, not %s", v.Kind)
	}
	return v != nil && v.Text == "true"
}

// pattern is a regular expression; nil without the key.
func (b *block) pattern(key string) *regexp.Regexp {
	s := b.text(key)
	if s == "" {
		return nil
	}
	re, err := regexp.Compile(s)
	if err != nil {
		b.wrong(key, "not a pattern: %v", err)
	}
	return re
}

// pathForm is that of the paths of lab/dissect, and of the facts about a guest.
var pathForm = regexp.MustCompile(`^[a-z][a-z0-9-]*(\.[A-Za-z0-9-]+)*(#[0-9]+)?(\.[A-Za-z0-9-]+(#[0-9]+)?)*$`)

// path is that of a field; empty without the key.
func (b *block) path(key string) string {
	s := b.text(key)
	if s != "" && !pathForm.MatchString(s) {
		b.wrong(key, "%q is not the path of a field, such as dhcp.option.43.6", s)
	}
	return s
}

// fenced is the text of a fenced block, and where it begins.
func (r *reader) fenced(code *ast.FencedCodeBlock, source []byte) ([]byte, place) {
	if code.Lines().Len() == 0 {
		return nil, r.placeAt(code.Info.Segment.Start)
	}
	return code.Lines().Value(source), r.placeAt(code.Lines().At(0).Start)
}

// checkpoint reads a fenced block "checkpoint".
func (s *section) checkpoint(code *ast.FencedCodeBlock, source []byte) {
	data, at := s.fenced(code, source)
	if s.Checkpoint != nil {
		s.problem(at, "", "a second checkpoint in one section; begin another with ##")
		return
	}
	b := s.block(data, at, "checkpoint", []string{"says", "guest", "packet", "from", "stage", "console", "settled", "beside", "hold", "look"})
	if b == nil {
		return
	}
	c := &Checkpoint{Says: b.need("says", "The proxy has answered"), Guest: b.text("guest"), Packet: b.text("packet"), From: b.text("from"),
		Stage: b.text("stage"), Console: b.text("console"), Settled: b.flag("settled"), Beside: b.flag("beside"), Hold: b.flag("hold"), Look: b.path("look"),
		at: b.place("guest"), who: b.place("from")}
	c.line = b.pattern("console")
	s.Checkpoint = c
	var what []string
	for _, key := range []string{"packet", "stage", "console", "settled"} {
		if b.Get(key) != nil {
			what = append(what, key)
		}
	}
	if len(what) != 1 {
		b.problem(b.moved(b.Value), "", "needs one of packet, stage, console and settled, and has %s", listed(what))
	}
	b.words(c)
}

// words checks what must be one of certain words, and goes with what.
func (b *block) words(c *Checkpoint) {
	if c.Packet != "" && !slices.Contains(fault.Packets, c.Packet) {
		b.wrong("packet", "unknown packet %q %s", c.Packet, topology.Hint(c.Packet, fault.Packets))
	}
	if c.Stage != "" && !slices.Contains(event.StageNames(), c.Stage) {
		b.wrong("stage", "unknown stage %q %s", c.Stage, topology.Hint(c.Stage, event.StageNames()))
	}
	for _, key := range []string{"from", "hold", "look"} {
		if b.Get(key) != nil && c.Packet == "" {
			b.wrong(key, "is about a packet; name one by packet, or leave it out")
		}
	}
	if c.Hold && c.Packet == "http" {
		b.wrong("hold", "http is a message of many frames, which the lab cannot be held at; write http-request or http-response as the packet")
	}
	if c.Console != "" && c.Guest == "" {
		b.wrong("console", "whose console? name the guest")
	}
}

// listed is a list in words.
func listed(words []string) string {
	switch n := len(words); n {
	case 0:
		return "none"
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}

// question reads a fenced block "question".
func (s *section) question(code *ast.FencedCodeBlock, source []byte) {
	data, at := s.fenced(code, source)
	b := s.block(data, at, "question", []string{"ask", "answer", "choices", "right", "shows", "matches", "hint", "explain"})
	if b == nil {
		return
	}
	q := Question{ID: fmt.Sprintf("%d.%d", s.number, len(s.Questions)+1), Ask: b.need("ask", "Which server gave the address?"), Hint: b.text("hint"),
		answer: b.path("answer"), right: b.text("right"), shows: b.path("shows"), matches: b.pattern("matches"), explain: b.text("explain")}
	if list := b.Get("choices"); list != nil {
		q.Choices = b.choices(list)
	}
	switch {
	case (q.answer == "") == (q.right == ""):
		b.problem(b.moved(b.Value), "", "needs either answer, a field of the packet that is the answer, or right, one of choices")
	case q.right != "" && len(q.Choices) > 0 && !slices.Contains(q.Choices, q.right):
		b.wrong("right", "%q is none of the choices", q.right)
	case q.right != "" && len(q.Choices) == 0:
		b.wrong("right", "is one of choices, which are missing")
	case q.right != "" && q.shows == "":
		b.wrong("right", "needs shows beside it: the field of the packet that proves it")
	case q.answer != "" && (q.shows != "" || q.matches != nil):
		b.wrong("answer", "is a field whose value is the answer; shows and matches are for right")
	}
	s.Questions = append(s.Questions, q)
}

// choices are the answers to choose from.
func (b *block) choices(list *topology.Value) []string {
	var out []string
	for _, item := range list.Items {
		if !item.Scalar() || item.Text == "" || slices.Contains(out, item.Text) {
			b.problem(b.moved(item), "choices", "want texts that differ from each other")
			continue
		}
		out = append(out, item.Text)
	}
	if len(out) < 2 {
		b.wrong("choices", "want a list of two or more")
	}
	return out
}
