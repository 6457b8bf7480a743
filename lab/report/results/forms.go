package results

import (
	"fmt"
	"slices"

	"github.com/pxelab/pxelab/lab/report"
)

// Form is one form of a report, as it is named on the command line.
type Form string

// The forms.
const (
	Text        Form = "text"
	JUnit       Form = "junit"
	JSON        Form = "json"
	HTML        Form = "html"
	Markdown    Form = "markdown"
	Annotations Form = "annotations"
)

// Forms lists them.
func Forms() []Form { return []Form{Text, JUnit, JSON, HTML, Markdown, Annotations} }

// File is the name under which a form is kept in a folder.
func (f Form) File() string {
	return map[Form]string{Text: "report.txt", JUnit: "junit.xml", JSON: "results.json", HTML: "report.html", Markdown: "summary.md", Annotations: "annotations.txt"}[f]
}

// ParseForm takes a word of the command line.
func ParseForm(word string) (Form, error) {
	if !slices.Contains(Forms(), Form(word)) {
		return "", fmt.Errorf("%q is no form of a report: use one of %v, or all", word, Forms())
	}
	return Form(word), nil
}

// Render gives the report in a form; text as for a file.
func (r *Report) Render(f Form) ([]byte, error) {
	switch f {
	case JUnit:
		return r.JUnit()
	case JSON:
		return r.JSON()
	case HTML:
		return r.HTML()
	case Markdown:
		return r.Markdown(), nil
	case Annotations:
		return r.Annotations(), nil
	}
	return []byte(r.Text(report.Style{Width: 120})), nil
}
