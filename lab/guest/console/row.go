package console

import (
	"slices"
	"strings"
	"unicode"
)

const (
	columns = 80   // of SeaBIOS's serial console, whatever the terminal
	maxLine = 4096 // runes in a line; a longer one is cut there
	mark    = "PXELAB"
)

// row is the line being written. It may span several rows of the screen, if the sender cut it.
type row struct {
	cells  []rune // what the line shows; 0 where the cursor skipped
	before []rune // what it showed before the guest last set out to overwrite or wipe it
	inked  int    // cells that are not blank
	fresh  bool   // text was written since before was kept
	base   int    // index in cells at which the current screen row begins
	col    int    // cursor column in that screen row
	at     int    // screen row, from 1, if a cursor escape chose it; 0 otherwise
	full   bool   // the cursor stood behind the last column when a carriage return came
	direct bool   // written by a program of the lab straight to the port: a line is a line
}

func (r *row) reset() {
	*r = row{cells: r.cells[:0], before: r.before[:0]}
}

func blank(r rune) bool { return r == 0 || r == ' ' }

// keep remembers the line as it stands.
func (r *row) keep() {
	r.before = append(r.before[:0], r.cells...)
	r.fresh = false
}

// back moves the cursor left, at most to the first column, as terminals and SeaBIOS do.
func (r *row) back(n int) {
	if r.fresh {
		r.keep()
	}
	r.goTo(r.col - n)
}

// goTo moves the cursor within the screen row.
func (r *row) goTo(col int) {
	r.col = min(max(col, 0), maxColumn)
	r.full = false
}

// home is a carriage return.
func (r *row) home() {
	if r.inked > 0 {
		r.keep()
	}
	r.full = r.full || r.col == columns
	r.col = 0
}

// set writes one cell, which exists.
func (r *row) set(i int, c rune) {
	if !blank(r.cells[i]) {
		r.inked--
	}
	if !blank(c) {
		r.inked++
		r.fresh = true
	}
	r.cells[i] = c
}

// erase blanks the columns from first up to, not including, end, as far as they were written.
func (r *row) erase(first, end int) {
	if r.fresh {
		r.keep()
	}
	for i := r.base + first; i < min(r.base+end, len(r.cells)); i++ {
		r.set(i, ' ')
	}
}

// padded tells whether the screen row ends in blanks: the sender painted it full, its text did not fill it.
// One blank may well be the space between two words of a message that was cut there.
func (r *row) padded() bool {
	return r.base+columns > len(r.cells) || blank(r.cells[r.base+columns-1]) && blank(r.cells[r.base+columns-2])
}

// text is the line as it stands.
func (r *row) text() string { return trim(r.cells) }

// outcome is what the line comes to, now that it has ended: what it shows, or what was wiped from it.
func (r *row) outcome() string {
	if r.inked == 0 {
		return trim(r.before)
	}
	return r.text()
}

// trim makes text of cells: without the columns skipped at its beginning and without blanks at its end.
func trim(cells []rune) string {
	first := slices.IndexFunc(cells, func(r rune) bool { return r != 0 })
	if first < 0 {
		return ""
	}
	text := strings.ReplaceAll(string(cells[first:]), "\x00", " ")
	return strings.TrimRight(text, " ")
}

// put writes a rune at the cursor.
func (c *Cleaner) put(r rune) {
	if unicode.IsSpace(r) {
		r = ' '
	}
	if !unicode.IsPrint(r) {
		return
	}
	line := &c.row
	if c.wraps && line.full && !line.direct {
		c.end() // the whole row was painted, as in a menu: what comes now is another row, whatever was said
	}
	if line.base+line.col >= maxLine {
		direct := line.direct
		c.end()
		line.direct = direct
	}
	if r != ' ' && line.col >= columns && !line.direct {
		c.wraps = false // the text runs on past the last column, so its writer does not cut it
	}
	i := line.base + line.col
	for len(line.cells) <= i {
		line.cells = append(line.cells, 0)
	}
	line.set(i, r)
	line.col++
	line.full = false
	if r == rune(mark[len(mark)-1]) && !line.direct {
		c.recognise(i)
	}
}

// recognise notices, at its last letter, the mark with which the lab's programs begin each of their lines.
// From there on nothing is cut or joined. If the screen row looked like the continuation of a cut line, it
// was none: the line before it was just as long as the screen is wide.
//
// One thing cannot be undone here. SeaBIOS holds back the last character and the cursor's position until
// something else is printed or the timer ticks, and so puts "]\r\n" in the middle of what a program meanwhile
// writes to the port itself. Such a program first has the BIOS print a carriage return and a backspace (INT 10h,
// AH=0Eh), which make it write out what it holds and show nothing.
func (c *Cleaner) recognise(i int) {
	line := &c.row
	first := i + 1 - len(mark)
	if first < line.base || string(line.cells[first:i+1]) != mark {
		return
	}
	for _, r := range line.cells[line.base:first] {
		if r != 0 {
			return
		}
	}
	if line.base > 0 {
		if text := trim(line.cells[:line.base]); text != "" {
			c.lines = append(c.lines, Line{Text: text})
		}
		line.cells = append(line.cells[:0], line.cells[line.base:]...)
		line.base, line.inked = 0, len(mark)
	}
	line.direct = true
}

// feedLine is a line feed: the end of the line, or of a screen row that was cut at the last column.
func (c *Cleaner) feedLine() {
	line := &c.row
	if !c.wraps || line.direct || !line.full || line.padded() {
		c.end()
		return
	}
	line.base += columns
	line.full = false
	if line.at > 0 {
		line.at++
	}
}

// move puts the cursor at a screen row, from 1, and a column, from 0. Staying in a row that was reached in
// this way continues its line: a countdown is repainted so.
//
// SeaBIOS, if the timer ticks while a program writes a line, says again where the cursor is: first at the last character,
// then behind it. The line goes on. (The second alone may be its way to write a line feed.)
func (c *Cleaner) move(at, col int) {
	if c.wraps && c.row.at == 0 && c.row.inked > 0 && col == c.row.col-1 {
		c.row.at = at
	}
	if c.row.at == at {
		c.row.goTo(col)
		return
	}
	c.leave(at, col)
}

// leave ends the line and goes to another screen row; at is 0 if nobody knows which.
func (c *Cleaner) leave(at, col int) {
	c.end()
	c.row.at = at
	c.row.goTo(col)
}
