// Package console turns the raw bytes of a guest's serial port into clean lines of text.
//
// The bytes are meant for a terminal: firmware moves the cursor, erases with backspaces, and SeaBIOS cuts its
// text at 80 columns. A Cleaner undoes that, so that a message is one line however it was painted. Programs
// that write to the port directly, such as the lab's probe, pass through unchanged.
package console

import "unicode/utf8"

// Line is one line of console text: printable runes only, no trailing blanks, never empty.
type Line struct {
	Text    string
	Partial bool // the guest has not ended the line: a prompt, or progress. What it becomes will follow
}

// Cleaner turns a serial byte stream into lines. The zero value is ready. The lines depend on the bytes alone,
// not on how they were cut into chunks. It is not safe for concurrent use.
//
// A line is delivered when the guest leaves its row: by a line feed, a clear screen, or a cursor movement to
// another row. Blank lines are not delivered. Of a line that was rewritten (a countdown, a progress bar) the last
// text counts, and so it does where the guest wiped the line before leaving it.
type Cleaner struct {
	lines  []Line // delivered, not yet returned
	row    row
	parse  func(*Cleaner, byte) // what to do with the next byte; nil means ground
	params []byte               // of the control sequence being read
	text   Decoder
	wraps  bool // the sender cuts its text at the last column by itself
}

// Feed takes the next bytes of the stream and returns the lines that ended in them.
func (c *Cleaner) Feed(p []byte) []Line {
	for _, b := range p {
		if c.parse != nil {
			c.parse(c, b)
		} else {
			c.ground(b)
		}
	}
	lines := c.lines
	c.lines = nil
	return lines
}

// Pending is the unfinished line as it stands, with Partial set. Its Text is empty if there is none.
func (c *Cleaner) Pending() Line { return Line{Text: c.row.text(), Partial: true} }

// Flush ends the stream and returns the line that it left unfinished, if any.
func (c *Cleaner) Flush() []Line {
	c.parse = nil
	c.text.flush(c.put)
	c.end()
	return c.Feed(nil)
}

// end delivers the current line and begins another in the first column.
func (c *Cleaner) end() {
	if text := c.row.outcome(); text != "" {
		c.lines = append(c.lines, Line{Text: text})
	}
	c.row.reset()
}

// ground handles a byte outside any control sequence.
func (c *Cleaner) ground(b byte) {
	if b >= utf8.RuneSelf {
		c.text.add(b, c.put)
		return
	}
	c.text.flush(c.put)
	switch b {
	case 0x1b:
		c.parse = (*Cleaner).escape
	case '\b':
		c.row.back(1)
	case '\r':
		c.row.home()
	case '\n', '\v', '\f':
		c.feedLine()
	case '\t':
		for range 8 - c.row.col%8 {
			c.put(' ')
		}
	default:
		if b >= ' ' && b < 0x7f {
			c.put(rune(b))
		}
	}
}
