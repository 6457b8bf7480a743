package diagram

import (
	"bytes"
	"encoding/xml"
	"strings"
	"unicode"
)

// em is about how much of its size a character of a proportional font takes.
const em = 0.5

// wide is about how many pixels a text takes at a font size.
func wide(text string, size float64) float64 {
	n := 0.0
	for _, r := range text {
		switch {
		case r >= 0x1100: // East Asian, for the most part
			n++
		case unicode.IsUpper(r) || unicode.IsDigit(r):
			n += em + 0.1
		default:
			n += em
		}
	}
	return n * size
}

// fit shortens a text to so many pixels.
func fit(text string, size, room float64) string {
	if wide(text, size) <= room {
		return text
	}
	runes := []rune(text)
	for len(runes) > 1 && wide(string(runes)+"…", size) > room {
		runes = runes[:len(runes)-1]
	}
	return strings.TrimRight(string(runes), " ") + "…"
}

// lines breaks a text at blanks into at most so many lines of so many pixels.
func lines(text string, size, room float64, most int) []string {
	var out []string
	line := ""
	words := strings.Fields(text)
	for i, w := range words {
		switch {
		case line == "":
			line = w
		case wide(line+" "+w, size) <= room:
			line += " " + w
		case len(out) == most-1:
			return append(out, fit(line+" "+strings.Join(words[i:], " "), size, room))
		default:
			out, line = append(out, fit(line, size, room)), w
		}
	}
	if line != "" {
		out = append(out, fit(line, size, room))
	}
	return out
}

// esc makes text of XML of any text.
func esc(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes all
	return b.String()
}
