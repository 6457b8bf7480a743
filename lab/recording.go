package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pxelab/pxelab/lab/guest/console"
	"github.com/pxelab/pxelab/lab/story/cast"
)

// screen is what the serial console is drawn for, whatever the terminal: SeaBIOS and EDK2 take no other size to be there.
var screen = struct{ width, height int }{80, 25}

// clear begins a screen anew (RIS, ECMA-48): what an earlier power-on had set there is gone with that machine.
const clearScreen = "\x1bc"

// gather is how long what is written waits for more, to be one event of the recording: firmware writes octet by octet.
const gather = 10 * time.Millisecond

// recording is one power-on of a guest in the two recordings of its console: the octets as they came, and with their times. What is
// written and what is typed comes from different goroutines.
type recording struct {
	now   func() time.Duration
	raw   *os.File
	mu    sync.Mutex
	file  *os.File
	cast  *cast.Writer
	text  console.Decoder
	wait  cast.Event // what was written and is not in the recording yet
	timer *time.Timer
	err   error // of what was recorded later
}

// record opens the recordings of a guest's console for a power-on.
func (m *machine) record(dir string, boot int) (*recording, error) {
	raw, err := os.OpenFile(filepath.Join(dir, "console.raw"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	r := &recording{now: m.lab.now, raw: raw, wait: cast.Event{Kind: cast.Output}}
	r.timer = time.AfterFunc(gather, r.due)
	if err := r.begin(m, boot); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// begin writes the header, at first, and that the machine is powered on.
func (r *recording) begin(m *machine, boot int) (err error) {
	if r.file, err = os.OpenFile(m.lab.bundle.Cast(m.name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
		return err
	}
	at, err := r.file.Stat()
	if err != nil {
		return err
	}
	r.cast = cast.Resume(r.file)
	if at.Size() == 0 {
		r.cast, err = cast.Begin(r.file, cast.Header{Width: screen.width, Height: screen.height, Timestamp: m.lab.job.Started.Unix(),
			Title: fmt.Sprintf("%s of %s", m.name, m.lab.plan.Name), IdleLimit: 2})
		if err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(cast.Marker, fmt.Sprintf("boot %d", boot))
	r.add(cast.Output, clearScreen)
	return r.err
}

// Write records what the guest wrote.
func (r *recording) Write(p []byte) (int, error) {
	if n, err := r.raw.Write(p); err != nil {
		return n, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.written(r.text.Text(p))
	return len(p), r.err
}

// maxGathered is how much text waits at most.
const maxGathered = 4096

// written takes text that waits for more.
func (r *recording) written(text string) {
	if text == "" {
		return
	}
	if r.wait.Data == "" {
		r.wait.At = r.now()
		r.timer.Reset(gather)
	}
	if r.wait.Data += text; len(r.wait.Data) > maxGathered {
		r.flush()
	}
}

// due is called when what was written has waited long enough.
func (r *recording) due() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flush()
}

// flush records what waits.
func (r *recording) flush() {
	if r.wait.Data != "" && r.err == nil {
		r.err = r.cast.Add(r.wait)
	}
	r.wait.Data = ""
}

// typed records what was typed.
func (r *recording) typed(keys []byte) {
	var text console.Decoder
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(cast.Input, text.Text(keys)+text.Flush())
}

// add records an event after all that came before it.
func (r *recording) add(kind cast.Kind, data string) {
	r.flush()
	if r.err == nil {
		r.err = r.cast.Add(cast.Event{At: r.now(), Kind: kind, Data: data})
	}
}

// Close ends the recordings of this power-on.
func (r *recording) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.timer.Stop()
	r.written(r.text.Flush())
	r.flush()
	err := r.err
	if r.file != nil {
		err = errors.Join(err, r.file.Close())
	}
	r.err = errors.Join(r.err, os.ErrClosed) // what comes now is too late
	return errors.Join(err, r.raw.Close())
}
