package main

import (
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// widthOf is how many columns a terminal has; 0 where there is none, and lines may be as long as they are.
func widthOf(out *os.File) int {
	width, _, err := term.GetSize(int(out.Fd()))
	if err != nil || width < 40 {
		return 0
	}
	return width
}

// folded breaks lines between words where a terminal would break them anywhere. What is left of a line goes on below
// at column hang, or where the line begins if that is further right. Words are never cut: paths stay whole.
func folded(text string, width, hang int) string {
	if width == 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if utf8.RuneCountInString(line) > width {
			lines[i] = foldLine(line, width, hang)
		}
	}
	return strings.Join(lines, "\n")
}

func foldLine(line string, width, hang int) string {
	indent := len(line) - len(strings.TrimLeft(line, " "))
	hang = max(hang, indent)
	out, column := line[:indent], indent
	for _, word := range strings.SplitAfter(line[indent:], " ") {
		if column > hang && column+utf8.RuneCountInString(strings.TrimSuffix(word, " ")) > width {
			out, column = strings.TrimRight(out, " ")+"\n"+strings.Repeat(" ", hang), hang
		}
		if column == hang && word == " " { // of a gap between columns
			continue
		}
		out += word
		column += utf8.RuneCountInString(word)
	}
	return out
}

// foldedPlan is a plan's text for a terminal: where a flag of QEMU's and its reason do not fit on one line, the reason
// goes below.
func foldedPlan(text string, width int) string {
	if width == 0 {
		return text
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		flag, why, ok := strings.Cut(line, " # ")
		if ok && utf8.RuneCountInString(line) > width+1 {
			line = fmt.Sprintf("%s\n      # %s", strings.TrimRight(flag, " "), why)
		}
		out.WriteString(line)
	}
	return folded(out.String(), width, 4)
}
