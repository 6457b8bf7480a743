package report

import (
	"strings"
	"unicode/utf8"
)

// Style is how text is laid out.
type Style struct {
	Width  int    // columns; zero means 80, and no line is laid out narrower than 40
	Color  bool   // ANSI colours; see UseColor
	Bundle string // the run's folder, named in hints; empty when there is none
}

// UseColor decides on colours from the environment: only on a terminal that is not "dumb", and never when NO_COLOR
// is set and not empty (no-color.org).
func UseColor(terminal bool, term, noColor string) bool {
	return terminal && term != "dumb" && noColor == ""
}

// Colours, as ANSI SGR parameters. They only ever underline what the words already say.
const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (s Style) paint(color, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

func (s Style) width() int {
	if s.Width == 0 {
		return 80
	}
	return max(s.Width, 40)
}

// wrap breaks text into lines of at most width columns, each begun with indent. Words longer than a line are cut.
func wrap(text, indent string, width int) string {
	room := width - len(indent)
	var out strings.Builder
	line := ""
	flush := func() {
		if line != "" {
			out.WriteString(indent + line + "\n")
		}
		line = ""
	}
	for word := range strings.FieldsSeq(Visible(text)) {
		if columns(line)+1+columns(word) > room {
			flush()
		}
		for columns(word) > room {
			out.WriteString(indent + cut(word, room) + "\n")
			word = string([]rune(word)[room:])
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	flush()
	return out.String()
}

// hang wraps a text behind a head, the further lines at the indent.
func hang(head, text, indent string, s Style) string {
	return head + strings.TrimPrefix(wrap(text, indent, max(s.width(), len(indent)+20)), indent)
}

func columns(s string) int { return utf8.RuneCountInString(s) }

// cut shortens text to n columns.
func cut(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	return string([]rune(s)[:max(n, 0)])
}

// shorten cuts text to n columns and shows that it did.
func shorten(s string, n int) string {
	if columns(s) <= n || n < 4 {
		return cut(s, n)
	}
	return cut(s, n-3) + "..."
}

// pad fills text to n columns.
func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-columns(s))) }

// Columns is how wide a line may be.
func (s Style) Columns() int { return s.width() }

// Wrap breaks text, from whomever it comes, into lines that fit, each begun with indent.
func (s Style) Wrap(text, indent string) string { return wrap(text, indent, s.width()) }

// Red paints text that tells of a failure, where there are colours.
func (s Style) Red(text string) string { return s.paint(red, text) }

// Green paints text that tells of success, where there are colours.
func (s Style) Green(text string) string { return s.paint(green, text) }
