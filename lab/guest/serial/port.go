// Package serial is the lab's end of a guest's serial port: its bytes turned into lines, what is typed on it, and who looks on.
package serial

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/pxelab/pxelab/lab/guest/console"
)

// Line is a cleaned line of the serial console.
type Line = console.Line

// Config says what becomes of what a guest writes on its serial port, and what is typed there.
type Config struct {
	// Said is what the guest had written before this power-on, if it goes on from a snapshot; it is handed out first.
	Said []byte
	// RawConsole receives every byte of the serial port as it came; nil means nobody does.
	RawConsole io.Writer
	// Input receives what was typed, whoever typed it, once the guest has it; nil means nobody does. It is called by one goroutine at
	// a time.
	Input func([]byte)
	// Line is called with every line of the console as soon as it is complete, from one goroutine, and with a
	// Partial one when the guest has begun a line and then was silent for Quiet. nil means nobody wants to know.
	Line func(Line)
	// Quiet is that silence; zero means 150 ms.
	Quiet time.Duration
	// Keys are typed on the serial console, each once a line of it, begun or finished, matches after those before it
	// were typed.
	Keys []Keys
	// Typed is called after each of Keys was typed, from the goroutine that calls Line; nil means nobody wants to know.
	Typed func(Keys)
}

// Port is a guest's serial port during one power-on.
type Port struct {
	config  Config
	out     Reader
	in      Writer
	typing  sync.Mutex
	history history
	err     error // of RawConsole; the reading goroutine's until Read has returned
}

// Reader gives what the guest writes: a pipe, or a socket.
type Reader interface {
	io.Reader
	SetReadDeadline(time.Time) error
}

// Writer takes what the guest is to read: another pipe, or the same socket.
type Writer interface {
	io.Writer
	SetWriteDeadline(time.Time) error
}

// New makes a port of the two directions. Nothing is read before Read.
func New(config Config, out Reader, in Writer) *Port {
	if config.Line == nil {
		config.Line = func(Line) {}
	}
	if config.Quiet == 0 {
		config.Quiet = 150 * time.Millisecond
	}
	p := &Port{config: config, out: out, in: in}
	p.history.init()
	return p
}

// typingLimit is how long the guest may leave what was typed unread, once the pipe to it is full.
const typingLimit = 5 * time.Second

// Type sends bytes to the guest's serial port, as a terminal would: "\r" is Enter, "\x1b[19~" is F8 to SeaBIOS.
func (p *Port) Type(keys []byte) error {
	p.typing.Lock()
	defer p.typing.Unlock()
	_ = p.in.SetWriteDeadline(time.Now().Add(typingLimit))
	_, err := p.in.Write(keys)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("type on the serial console: the guest does not read it")
	case err != nil:
		return fmt.Errorf("type on the serial console: %w", err)
	}
	if p.config.Input != nil {
		p.config.Input(keys)
	}
	return nil
}

// Read hands out what the guest writes, until QEMU has closed its end. Its error is what went wrong on this side, such as a
// full disk under RawConsole.
func (p *Port) Read() error {
	var (
		cleaner   console.Cleaner
		published string // the unfinished line, as last published
		keys      = typist{port: p, left: p.config.Keys}
		buf       [4096]byte
	)
	hear := func(b []byte) {
		p.tee(b)
		for _, line := range cleaner.Feed(b) {
			published = ""
			p.config.Line(line)
			keys.see(line.Text)
		}
		keys.see(cleaner.Pending().Text)
	}
	if len(p.config.Said) > 0 {
		hear(p.config.Said)
	}
	for {
		var deadline time.Time
		if text := cleaner.Pending().Text; text != "" && text != published {
			deadline = time.Now().Add(p.config.Quiet)
		}
		_ = p.out.SetReadDeadline(deadline)
		n, err := p.out.Read(buf[:])
		if n > 0 {
			hear(buf[:n])
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			line := cleaner.Pending()
			published = line.Text
			p.config.Line(line)
		case err != nil:
			for _, line := range cleaner.Flush() {
				p.config.Line(line)
			}
			p.history.close()
			return p.err
		}
	}
}

// tee copies raw bytes to whoever wants them.
func (p *Port) tee(b []byte) {
	p.history.write(b)
	if p.config.RawConsole == nil || p.err != nil {
		return
	}
	if _, err := p.config.RawConsole.Write(b); err != nil {
		p.err = fmt.Errorf("record the serial console: %w", err)
	}
}
