package dissect

import (
	"fmt"
	"io"
	"strings"
)

// columns is the width of a page of text.
const columns = 80

// Print writes a frame as an indented text of 80 columns: each field with its value, then what it means, what the firmware does with it
// and what is wrong with it, and in brackets its path, its octets and where it is specified.
func (f Frame) Print(w io.Writer) error {
	var b strings.Builder
	wrap(&b, "", f.Summary)
	fmt.Fprintf(&b, "%s\n", count(f.Size, "octet"))
	if f.Error != "" {
		wrap(&b, "", "Not opened further: "+f.Error)
	}
	for _, l := range f.Layers {
		b.WriteByte('\n')
		l.print(&b, "")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (f *Field) print(b *strings.Builder, indent string) {
	head := f.Name
	if f.Value != "" {
		head += ": " + f.Value
	}
	wrap(b, indent, head)
	under := indent + "    "
	if f.Meaning != "" {
		wrap(b, under, f.Meaning)
	}
	if f.Client != "" {
		wrap(b, under, "Firmware: "+f.Client)
	}
	if f.Bad != "" {
		wrap(b, under, "WRONG: "+f.Bad)
	}
	where := fmt.Sprintf("[%s, %d+%d", f.Path, f.At, f.Len)
	if f.Spec != "" {
		where += ", " + f.Spec
	}
	if f.Edit {
		where += ", can be set"
	}
	wrap(b, under, where+"]")
	for i := range f.Fields {
		f.Fields[i].print(b, indent+"  ")
	}
}

// wrap writes a text in lines that begin with the indent; a word that is too long for a line is cut.
func wrap(b *strings.Builder, indent, text string) {
	room := max(columns-len(indent), 20)
	for first := true; first || text != ""; first = false {
		line := text
		if runes := []rune(text); len(runes) > room {
			line = string(runes[:room])
			if cut := strings.LastIndexByte(line, ' '); cut > 0 {
				line = line[:cut]
			}
		}
		text = strings.TrimPrefix(text[len(line):], " ")
		b.WriteString(strings.TrimRight(indent+line, " ") + "\n")
		if first {
			room, indent = max(room-2, 20), indent+"  "
		}
	}
}
