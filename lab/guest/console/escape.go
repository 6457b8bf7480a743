package console

import (
	"bytes"
	"strconv"
)

const (
	maxParams = 64  // bytes of a control sequence that are kept; real ones have fewer than 20
	maxColumn = 511 // rightmost column a cursor escape can reach
)

// escape handles the byte after ESC (ECMA-48 section 5.3, and DEC's private ones).
func (c *Cleaner) escape(b byte) {
	c.parse = nil
	switch b {
	case '[':
		c.params = c.params[:0]
		c.parse = (*Cleaner).csi
	case ']', 'P', 'X', '^', '_': // OSC, DCS, SOS, PM, APC: a string for the terminal
		c.parse = (*Cleaner).str
	case ' ', '#', '%', '(', ')', '*', '+', '-', '.', '/': // one more byte follows: character sets and the like
		c.parse = func(c *Cleaner, _ byte) { c.parse = nil }
	case 'c': // reset
		c.end()
		c.wraps = false
	case 'D', 'E', 'M': // index, next line, reverse index
		if !c.row.direct {
			c.leave(0, c.row.col)
		}
	case '7', '8', '=', '>', '<', 'H', 'N', 'O', 'Z', '\\': // save, restore, keypad, tab stop, shifts, identify, ST
	default: // no escape sequence at all: a stray ESC
		c.ground(b)
	}
}

// str swallows a string for the terminal. One that never ends must not swallow the console with it, so a new
// line ends it too.
func (c *Cleaner) str(b byte) {
	switch b {
	case 0x07, 0x18, 0x1a:
		c.parse = nil
	case 0x1b:
		c.parse = (*Cleaner).escape
	case '\r', '\n':
		c.parse = nil
		c.ground(b)
	}
}

// csi collects a control sequence: parameters, intermediates, one final byte.
func (c *Cleaner) csi(b byte) {
	switch {
	case b >= 0x20 && b < 0x40:
		if len(c.params) < maxParams {
			c.params = append(c.params, b)
		}
	case b >= 0x40 && b < 0x7f:
		c.parse = nil
		c.control(b)
	default: // a broken sequence
		c.parse = nil
		c.ground(b)
	}
}

// control carries out a control sequence, as far as it moves or erases text.
func (c *Cleaner) control(final byte) {
	switch string(c.params) + string(final) {
	case "?7l": // no automatic wrap: the sender does it. SeaBIOS begins so
		c.wraps = true
	case "?7h":
		c.wraps = false
	}
	if c.row.direct || bytes.ContainsAny(c.params, "<=>?") {
		return // the firmware's console catching up within a line that is not its own, or a private mode
	}
	switch n := c.number(0, 1); final {
	case 'H', 'f':
		c.move(n, c.number(1, 1)-1)
	case 'd':
		c.move(n, c.row.col)
	case 'A', 'B':
		c.leave(0, c.row.col)
	case 'E', 'F':
		c.leave(0, 0)
	case 'C', 'a':
		c.row.goTo(c.row.col + n)
	case 'D':
		c.row.back(n)
	case 'G', '`':
		c.row.goTo(n - 1)
	case 'X':
		c.row.erase(c.row.col, c.row.col+n)
	case 'K':
		c.eraseRow(c.number(0, 0))
	case 'J':
		if c.number(0, 0) == 0 {
			c.eraseRow(0)
		} else {
			c.leave(0, c.row.col)
		}
	}
}

// eraseRow is "erase in line": from the cursor on, up to the cursor, or all of the row.
func (c *Cleaner) eraseRow(what int) {
	switch what {
	case 0:
		c.row.erase(c.row.col, maxLine)
	case 1:
		c.row.erase(0, c.row.col+1)
	case 2:
		c.row.erase(0, maxLine)
	}
}

// number is the i-th parameter, or otherwise where it is absent. Zero counts as absent, as on a terminal.
func (c *Cleaner) number(i, otherwise int) int {
	fields := bytes.Split(c.params, []byte{';'})
	if i >= len(fields) {
		return otherwise
	}
	n, err := strconv.Atoi(string(fields[i]))
	if err != nil || n <= 0 {
		return otherwise
	}
	return min(n, maxColumn+1)
}
