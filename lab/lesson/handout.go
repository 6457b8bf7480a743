package lesson

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
)

// Handout is what a lesson on paper has besides its text.
type Handout struct {
	Diagram []byte            // an SVG picture of the boot, if there is one
	Of      string            // whose boot that is: a guest
	Answers map[string]Answer // by question, for the trainer's pages at the end; nil: there are none
}

//go:embed handout.html
var handoutText string

var handoutPage = template.Must(template.New("handout").Funcs(template.FuncMap{
	"html": func(s string) template.HTML { return template.HTML(s) }, // what goldmark made, without raw HTML
}).Parse(handoutText))

// sheet is what the template is filled with.
type sheet struct {
	*Lesson
	Diagram template.HTML
	Of      string
	Answers bool
	Parts   []part
}

// part is a section on paper.
type part struct {
	Section
	Text, Notes string // HTML
	Asked       []asked
}

type asked struct {
	Question
	Answer Answer
}

// Handout writes the lesson as a page to be printed: text, questions with room to write, a picture of the boot; for the trainer, on pages
// of their own at the end, the answers and the notes. The page needs nothing else. An error says which question has no answer.
func (l *Lesson) Handout(h Handout) ([]byte, error) {
	s := sheet{Lesson: l, Diagram: template.HTML(h.Diagram), Of: h.Of, Answers: h.Answers != nil}
	for _, section := range l.Sections {
		p := part{Section: section, Text: section.students, Notes: section.trainer}
		for _, q := range section.Questions {
			a, ok := h.Answers[q.ID]
			if h.Answers != nil && !ok {
				return nil, fmt.Errorf("hand-out of lesson %q: question %s has no answer", l.Name, q.ID)
			}
			p.Asked = append(p.Asked, asked{q, a})
		}
		s.Parts = append(s.Parts, p)
	}
	var out bytes.Buffer
	if err := handoutPage.Execute(&out, s); err != nil {
		return nil, fmt.Errorf("hand-out of lesson %q: %w", l.Name, err)
	}
	return out.Bytes(), nil
}
