package topology

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// YAML writes the value as a YAML file that reads as the same values.
func (v *Value) YAML() string {
	var out strings.Builder
	v.block(&out, "")
	return strings.TrimPrefix(out.String(), "\n")
}

// widest is how many columns a mapping or list may take on one line.
const widest = 110

// block writes a value that stands behind a key or a dash, with what leads up to it: a blank, or a line of its own.
func (v *Value) block(out *strings.Builder, indent string) {
	keys := indent == "" && len(v.Entries) > 0 // the file's own keys stand a line each
	if flow, ok := v.flow(); ok && !keys && len(indent)+len(flow) <= widest {
		out.WriteString(" " + flow + "\n")
		return
	}
	switch v.Kind {
	case Mapping:
		out.WriteString("\n")
		for _, e := range v.Entries {
			out.WriteString(indent + scalarText(e.Key) + ":")
			e.Value.block(out, indent+"  ")
		}
	case List:
		out.WriteString("\n")
		for _, item := range v.Items {
			out.WriteString(indent + "-")
			item.block(out, indent+"  ")
		}
	default:
		out.WriteString(" " + v.literal(indent) + "\n")
	}
}

// flow writes a value on one line, and tells whether that can be done.
func (v *Value) flow() (string, bool) {
	switch v.Kind {
	case Text:
		return scalarText(v.Text), !v.fitsLiteral()
	case Mapping, List:
	default:
		return v.Text, true
	}
	var parts []string
	for _, e := range v.Entries {
		text, ok := e.Value.flow()
		if !ok {
			return "", false
		}
		parts = append(parts, scalarText(e.Key)+": "+text)
	}
	for _, item := range v.Items {
		text, ok := item.flow()
		if !ok {
			return "", false
		}
		parts = append(parts, text)
	}
	if v.Kind == Mapping {
		return "{" + strings.Join(parts, ", ") + "}", true
	}
	return "[" + strings.Join(parts, ", ") + "]", true
}

// literal writes a scalar behind a key; text of several lines as a block.
func (v *Value) literal(indent string) string {
	if v.Kind != Text {
		return v.Text
	}
	if !v.fitsLiteral() {
		return scalarText(v.Text)
	}
	body, mark := v.Text, "|-"
	if strings.HasSuffix(body, "\n") {
		body, mark = strings.TrimSuffix(body, "\n"), "|"
	}
	for line := range strings.SplitSeq(body, "\n") {
		mark += "\n"
		if line != "" {
			mark += indent + line
		}
	}
	return mark
}

// fitsLiteral tells whether text of several lines can stand as a block: one that begins with a blank, or ends in empty lines,
// would read as another.
func (v *Value) fitsLiteral() bool {
	body := strings.TrimSuffix(v.Text, "\n")
	odd := func(r rune) bool { return r != '\n' && (r == '\t' || !unicode.IsPrint(r)) }
	return strings.Contains(v.Text, "\n") && body != "" && !strings.HasPrefix(body, "\n") && !strings.HasSuffix(body, "\n") &&
		!strings.HasPrefix(body, " ") && !strings.Contains(body, " \n") && !strings.HasSuffix(body, " ") && strings.IndexFunc(body, odd) < 0
}

// plainText is what needs no quotes: a word, or an address.
var plainText = regexp.MustCompile(`^([A-Za-z/][A-Za-z0-9_./-]*|[0-9]+(\.[0-9]+){3}([-/][0-9.]+)?)$`)

// scalarText writes text so that it reads as text.
func scalarText(s string) string {
	words := []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
	if plainText.MatchString(s) && !slices.Contains(words, strings.ToLower(s)) {
		return s
	}
	return strconv.Quote(s)
}
