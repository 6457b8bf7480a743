package diagram

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/lab/story"
)

// Mermaid writes a story as a sequence diagram in Mermaid's language (https://mermaid.js.org), for a README or a page that draws it.
func Mermaid(lanes []story.Lane, rows []story.Timed, s Style) string {
	d := decide(lanes, rows, s)
	var b strings.Builder
	if s.Title != "" {
		name, _ := json.Marshal(plain(s.Title)) // a string of JSON is one of YAML
		fmt.Fprintf(&b, "---\ntitle: %s\n---\n", name)
	}
	b.WriteString("sequenceDiagram\n")
	for i, l := range d.lanes {
		fmt.Fprintf(&b, "    participant L%d as %s\n", i+1, quoted(l.Name))
	}
	for i := range d.rows {
		d.mermaid(&b, &d.rows[i])
	}
	return b.String()
}

// mostNote is about how many characters are said of a note.
const mostNote = 72

// mermaid writes one row.
func (d *drawn) mermaid(b *strings.Builder, r *row) {
	from, targets := d.at(r.From)+1, d.targets(r)
	if from == 0 {
		return
	}
	text := r.heading()
	if r.Bad != "" && r.Bad != r.Label {
		text += " (" + r.Bad + ")"
	}
	if r.Kind == story.Note || len(targets) == 0 {
		if more := cmp.Or(r.Why, r.Detail); r.Kind == story.Note && more != "" && more != r.Bad {
			text += ": " + fit(more, 1, mostNote*em)
		}
		fmt.Fprintf(b, "    Note over L%d: %s\n", from, quoted(text))
		return
	}
	for _, to := range targets {
		switch {
		case r.Kind == story.Transfer:
			fmt.Fprintf(b, "    L%d->>L%d: %s %s\n", from, to+1, quoted(strings.ToUpper(r.Proto)), quoted(r.Label))
			arrow := "-->>"
			if r.Bad != "" {
				arrow = "--x"
			}
			if t := r.tally(); t != "" {
				fmt.Fprintf(b, "    L%d%sL%d: %s\n", to+1, arrow, from, quoted(t))
			}
		case r.To == story.All:
			fmt.Fprintf(b, "    L%d-)L%d: %s\n", from, to+1, quoted(text+", to all"))
		default:
			fmt.Fprintf(b, "    L%d->>L%d: %s\n", from, to+1, quoted(text))
		}
	}
}

// quoted makes text of Mermaid of any text: what the language gives a meaning to becomes an entity, "#59;".
func quoted(text string) string {
	var b strings.Builder
	for _, r := range plain(text) {
		if strings.ContainsRune("#;<>%&\\`{}", r) {
			fmt.Fprintf(&b, "#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	out := strings.TrimSpace(b.String())
	if word, rest, ok := strings.Cut(out, ":"); ok && strings.HasSuffix(word, "wrap") { // how lines are to be broken
		out = word + "#58;" + rest
	}
	if out == "" {
		return "#8203;" // a name must be there
	}
	if strings.EqualFold(out, "end") { // which ends a block
		return "#" + fmt.Sprint(out[0]) + ";" + out[1:]
	}
	return out
}

// plain is a text on one line that holds nothing invisible.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffd || r >= 0x2028 && r <= 0x202e:
			return -1
		}
		return r
	}, text)
}
