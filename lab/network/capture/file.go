// Package capture writes, follows and reads packet captures in the pcapng format (draft-ietf-opsawg-pcapng).
package capture

import (
	"bytes"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Frames wait in memory no longer than flushDelay, sooner written when flushSize octets wait. At maxPending a
// disk that does not keep up holds up whoever captures.
const (
	flushDelay = 200 * time.Millisecond
	flushSize  = 256 << 10
	maxPending = 16 << 20
)

// maxComment keeps a text within an option's 16-bit length.
const maxComment = 60_000

// File is a capture being written. It may be used by several goroutines, none of which waits for the disk.
//
// Only whole blocks are handed to the kernel, so whoever reads the file while it grows, or after the process
// was killed, finds it well formed; frames of the last quarter second may be missing.
type File struct {
	mu      sync.Mutex
	writer  *pcapgo.NgWriter // into pending; nil until there is an interface, which it wants first
	pending bytes.Buffer     // whole blocks
	flusher *time.Timer      // armed while anything is pending
	ids     int              // interfaces so far
	frames  int              // frames so far
	err     error            // the first failure; nothing is written after it

	disk    sync.Mutex // held while writing; taken before mu
	file    *os.File
	writing bytes.Buffer // what was pending
	size    int64        // octets in the file, all of whole blocks
}

// Interface is one place at which frames are captured, such as a guest's cable.
type Interface struct {
	file *File
	id   int
}

// Create makes or truncates the capture file at path. It stays empty until the first AddInterface.
func Create(path string) (*File, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create capture: %w", err)
	}
	f := &File{file: file}
	f.flusher = time.AfterFunc(time.Hour, func() { f.Flush() })
	f.flusher.Stop()
	return f, nil
}

// AddInterface adds an Ethernet interface; the format allows it between frames too. A file that cannot be
// written is reported by Err and by every Write.
func (f *File) AddInterface(name, description string) *Interface {
	defer f.Flush() // at once, so that the file can be opened before the first frame
	f.mu.Lock()
	defer f.mu.Unlock()
	i := &Interface{file: f, id: f.ids}
	f.ids++
	ng := pcapgo.NgInterface{Name: clip(name), Description: clip(description), LinkType: layers.LinkTypeEthernet}
	f.block(func() (err error) {
		if f.writer != nil {
			_, err = f.writer.AddInterface(ng)
			return err
		}
		section := pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "pxelab"}}
		f.writer, err = pcapgo.NewNgWriterInterface(&f.pending, ng, section)
		return err
	})
	return i
}

// Write adds a frame and gives its number in the file, from 1. The timestamp has nanoseconds. A frame that
// the guest sent is marked outbound, any other inbound. The comment, if any, is for people.
func (i *Interface) Write(data []byte, at time.Time, fromGuest bool, comment string) (number int, err error) {
	f := i.file
	f.mu.Lock()
	flags := pcapgo.NgEpbFlags{Direction: pcapgo.NgEpbFlagDirectionInbound}
	if fromGuest {
		flags.Direction = pcapgo.NgEpbFlagDirectionOutbound
	}
	options := pcapgo.NgPacketOptions{Flags: &flags}
	if comment != "" {
		options.Comments = []string{clip(comment)}
	}
	info := gopacket.CaptureInfo{Timestamp: at, CaptureLength: len(data), Length: len(data), InterfaceIndex: i.id}
	f.block(func() error { return f.writer.WritePacketWithOptions(info, data, options) })
	if err = f.err; err == nil {
		f.frames++
		number = f.frames
	}
	full := f.pending.Len() >= maxPending
	f.mu.Unlock()
	if full {
		f.Flush()
	}
	return number, err
}

// block lets write add one block to pending and sees to it that it is written to disk in time.
func (f *File) block(write func() error) {
	if f.err != nil {
		return
	}
	before := f.pending.Len()
	err := write()
	if err == nil {
		err = f.writer.Flush() // out of the writer's own buffer
	}
	if err != nil {
		f.pending.Truncate(before)
		f.err = fmt.Errorf("write capture %q: %w", f.file.Name(), err)
		return
	}
	switch after := f.pending.Len(); {
	case before == 0:
		f.flusher.Reset(flushDelay)
	case before < flushSize && after >= flushSize:
		f.flusher.Reset(0)
	}
}

// Flush writes all frames so far to disk and gives the first error that the file ever met.
func (f *File) Flush() error {
	f.disk.Lock()
	defer f.disk.Unlock()
	f.mu.Lock()
	f.pending, f.writing = f.writing, f.pending
	err := f.err
	f.mu.Unlock()
	defer f.writing.Reset()
	if err != nil || f.writing.Len() == 0 {
		return err
	}
	n, err := f.file.Write(f.writing.Bytes())
	if err == nil {
		f.size += int64(n)
		return nil
	}
	f.file.Truncate(f.size) // take back half a block: what is there stays readable
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = fmt.Errorf("write capture: %w; frames since then are lost", err)
	}
	return f.err
}

// Err is the first error the file met, such as a full disk. Nothing is captured after it.
func (f *File) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Close writes what is left and closes the file. Every later Write fails.
func (f *File) Close() error {
	err := f.Flush()
	f.disk.Lock()
	defer f.disk.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flusher.Stop()
	if f.err == nil {
		f.err = fmt.Errorf("write capture %q: %w", f.file.Name(), os.ErrClosed)
	}
	if closeErr := f.file.Close(); err == nil {
		err = closeErr
	}
	return err
}

// clip shortens a text to what an option can hold.
func clip(text string) string { return text[:min(len(text), maxComment)] }
