package lesson

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pxelab/pxelab/lab/dissect"
)

// Evidence is where the answer to a question is looked up: the packet by which the checkpoint before it was reached, and how its guest
// stood then.
type Evidence struct {
	Packet dissect.Frame     // empty, if it was reached by none
	Facts  map[string]string // of Reached
}

// Answer is a question's answer, as it is in this run. Of a wrong one it gives nothing away.
type Answer struct {
	Right   bool   `json:"right"`           // what was answered is right; of Solve always true
	Value   string `json:"value,omitempty"` // the right answer
	Field   string `json:"field,omitempty"` // the field of the packet that shows it, by its path
	Shows   string `json:"shows,omitempty"` // what that field, or the guest, says
	Explain string `json:"explain"`         // a sentence or two; of a wrong answer, where to look again
}

// Question finds a question by its ID, and the section that it is in, from 0.
func (l *Lesson) Question(id string) (q *Question, section int, ok bool) {
	for i := range l.Sections {
		for k := range l.Sections[i].Questions {
			if q := &l.Sections[i].Questions[k]; q.ID == id {
				return q, i, true
			}
		}
	}
	return nil, 0, false
}

// Solve looks the right answer up. The error says why this run does not have it: the packet lacks the field, or says something else
// than the lesson means, as one that was edited may.
func (q *Question) Solve(e Evidence) (Answer, error) {
	path := q.answer
	if path == "" {
		path = q.shows
	}
	shown, where := e.lookUp(path)
	if shown == "" {
		return Answer{}, fmt.Errorf("question %s: what it is about has no %s in this run", q.ID, path)
	}
	a := Answer{Right: true, Value: q.right, Field: where, Shows: shown, Explain: q.explain}
	if q.answer != "" {
		a.Value = shown
		if i := slices.IndexFunc(q.Choices, func(c string) bool { return same(c, shown) }); i >= 0 {
			a.Value = q.Choices[i]
		} else if len(q.Choices) > 0 {
			return Answer{}, fmt.Errorf("question %s: %s is %q in this run, which is none of the choices", q.ID, path, shown)
		}
	}
	if q.matches != nil && !q.matches.MatchString(shown) {
		return Answer{}, fmt.Errorf("question %s: %s is %q in this run, which does not show that the answer is %q", q.ID, path, shown, q.right)
	}
	return a, nil
}

// Check compares an answer with the right one, whatever its form: capitals, blanks, 0x and leading zeros make no difference. The error
// is that of Solve, or says that nothing was answered.
func (q *Question) Check(e Evidence, answer string) (Answer, error) {
	a, err := q.Solve(e)
	if err != nil {
		return Answer{}, err
	}
	if strings.TrimSpace(answer) == "" {
		return Answer{}, errors.New("question " + q.ID + ": no answer was given")
	}
	k := q.key(a)
	if !k.opens(answer) {
		return Answer{Field: k.Field, Explain: k.Wrong}, nil
	}
	a.Explain = k.Right
	return a, nil
}

// Key tells right answers to a question from wrong ones, where there is no Question to ask: in a page by itself, which does as opens.
type Key struct {
	Choice string `json:"choice,omitempty"` // of a question with choices: the right one, to the letter
	// Forms are how a right answer to any other may be written, a kind each: "=" and its words, "#" and a decimal number, "x" and
	// octets. An answer is right if any of its own forms is one of them.
	Forms []string `json:"forms,omitempty"`
	Right string   `json:"right"` // what is said to a right answer
	Wrong string   `json:"wrong"` // and to a wrong one
	Field string   `json:"field,omitempty"`
}

// Key is the key to the question, as the answer is in this run. The error is that of Solve.
func (q *Question) Key(e Evidence) (Key, error) {
	a, err := q.Solve(e)
	if err != nil {
		return Key{}, err
	}
	return q.key(a), nil
}

func (q *Question) key(a Answer) Key {
	k := Key{Wrong: q.again(a.Field), Field: a.Field, Right: strings.TrimSpace("It is " + strings.TrimSuffix(a.Value, ".") + ". " + q.explain)}
	if len(q.Choices) > 0 {
		k.Choice = a.Value
	} else {
		k.Forms = rightForms(a.Value)
	}
	return k
}

// opens tells whether an answer is right.
func (k *Key) opens(answer string) bool {
	if k.Choice != "" {
		return strings.TrimSpace(answer) == k.Choice
	}
	return meet(formsOf(answer), k.Forms)
}

// again says where to look again, after a wrong answer.
func (q *Question) again(field string) string {
	switch {
	case q.Hint != "":
		return q.Hint
	case field != "":
		return "Look at " + field + " of the packet again."
	}
	return "Look at the machine's console, and at the stages that it came to."
}

// lookUp gives the value at a path, and the path if that is a field of the packet.
func (e Evidence) lookUp(path string) (value, field string) {
	if name, ok := strings.CutPrefix(path, "guest."); ok {
		return e.Facts[name], ""
	}
	if f := find(e.Packet.Layers, path); f != nil {
		return f.Value, f.Path
	}
	return "", ""
}

// find looks for a field by its path.
func find(list []dissect.Field, path string) *dissect.Field {
	for i := range list {
		if list[i].Path == path {
			return &list[i]
		}
		if f := find(list[i].Fields, path); f != nil {
			return f
		}
	}
	return nil
}

// same tells whether an answer says what a field's value does.
func same(answer, value string) bool {
	return meet(formsOf(answer), rightForms(value))
}

// meet tells whether two lists have something in common.
func meet(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// rightForms are the forms of what says the same as a value. Of one such as "7 (EFI x86-64)" either part will do.
func rightForms(value string) []string {
	forms := formsOf(value)
	if head, tail, ok := strings.Cut(value, " ("); ok {
		forms = slices.Concat(forms, formsOf(head), formsOf(strings.TrimSuffix(tail, ")")))
	}
	return forms
}

// formsOf are the forms of a text, as of Key: its words; the number that it is; the octets that it is. The page has the same in
// JavaScript.
func formsOf(text string) []string {
	plain := plainly(text)
	forms := []string{"=" + plain}
	if n, ok := number(plain); ok {
		forms = append(forms, "#"+strconv.FormatUint(n, 10))
	}
	if o := octets(plain); o != "" {
		forms = append(forms, "x"+o)
	}
	return forms
}

// plainly is a text without what makes no difference: blanks around words, capitals, quotation marks, a full stop.
func plainly(s string) string {
	return strings.Trim(strings.ToLower(strings.Join(strings.Fields(s), " ")), `"'. `)
}

// number reads a decimal number, or a hexadecimal one that begins with 0x.
func number(s string) (uint64, bool) {
	base := 10
	if hex, ok := strings.CutPrefix(s, "0x"); ok {
		s, base = hex, 16
	}
	n, err := strconv.ParseUint(s, base, 64)
	return n, err == nil
}

// octets are hexadecimal digits, in pairs with or without signs between them; empty if it is something else.
func octets(s string) string {
	s = strings.NewReplacer(":", "", "-", "", " ", "").Replace(s)
	if len(s) < 4 || len(s)%2 != 0 || strings.Trim(s, "0123456789abcdef") != "" {
		return ""
	}
	return s
}
