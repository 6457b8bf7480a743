package console

import (
	"strings"
	"unicode"
)

// lastLines is how many lines a program's last words have at most.
const lastLines = 40

// LastLines gives the end of what a program said, 40 lines at most, as printable text.
func LastLines(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-lastLines):], "\n")
}
