package guest

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pxelab/pxelab/lab/guest/console"
)

// typingLimit is how long the guest may leave what was typed unread, once the pipe to it is full.
const typingLimit = 5 * time.Second

// Type sends bytes to the guest's serial port, as a terminal would: "\r" is Enter, "\x1b[19~" is F8 to SeaBIOS.
func (m *Machine) Type(keys []byte) error {
	m.typing.Lock()
	defer m.typing.Unlock()
	_ = m.serial.SetWriteDeadline(time.Now().Add(typingLimit))
	_, err := m.serial.Write(keys)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("type on the serial console: the guest does not read it")
	case err != nil:
		return fmt.Errorf("type on the serial console: %w", err)
	}
	return nil
}

// readSerial hands out what the guest writes, until QEMU has closed its end.
func (m *Machine) readSerial(out *os.File) {
	var (
		cleaner   console.Cleaner
		published string // the unfinished line, as last published
		keys      = typist{machine: m, left: m.config.Keys}
		buf       [4096]byte
	)
	hear := func(b []byte) {
		m.tee(b)
		for _, line := range cleaner.Feed(b) {
			published = ""
			m.config.Line(line)
			keys.see(line.Text)
		}
		keys.see(cleaner.Pending().Text)
	}
	if len(m.config.Said) > 0 {
		hear(m.config.Said)
	}
	for {
		var deadline time.Time
		if text := cleaner.Pending().Text; text != "" && text != published {
			deadline = time.Now().Add(m.config.Quiet)
		}
		_ = out.SetReadDeadline(deadline)
		n, err := out.Read(buf[:])
		if n > 0 {
			hear(buf[:n])
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			line := cleaner.Pending()
			published = line.Text
			m.config.Line(line)
		case err != nil:
			for _, line := range cleaner.Flush() {
				m.config.Line(line)
			}
			m.history.close()
			return
		}
	}
}

// tee copies raw bytes to whoever wants them.
func (m *Machine) tee(p []byte) {
	m.history.write(p)
	if m.config.RawConsole == nil || m.err != nil {
		return
	}
	if _, err := m.config.RawConsole.Write(p); err != nil {
		m.err = fmt.Errorf("record the serial console: %w", err)
	}
}
