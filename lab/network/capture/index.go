package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// Types of blocks (section 4 and 11.1 of the draft).
const (
	sectionBlock   = 0x0a0d0d0a
	interfaceBlock = 1
	packetBlock    = 6
)

// Index finds the frames of a capture of this program by their numbers, also of one that still grows. Many goroutines may use it.
type Index struct {
	mu      sync.Mutex
	file    file
	head    []byte  // the section header and all interfaces so far: what a reader must have seen before a frame
	frames  []place // of frame number 1, 2 ...
	scanned int64   // where the next block begins
}

// file is what an index needs of a file.
type file interface {
	io.ReaderAt
	io.Closer
	Name() string
	Stat() (fs.FileInfo, error)
}

// place is where a block is in the file.
type place struct {
	at     int64
	length uint32
}

// OpenIndex opens the capture at path.
func OpenIndex(path string) (*Index, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open capture: %w", err)
	}
	return &Index{file: file}, nil
}

// Close closes the file.
func (i *Index) Close() error { return i.file.Close() }

// Frame gives a frame by its number, from 1. There being none of that number, or none yet, is an error that wraps fs.ErrNotExist.
func (i *Index) Frame(number int) (Frame, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if number > len(i.frames) {
		if err := i.scan(); err != nil {
			return Frame{}, fmt.Errorf("read capture %q: %w", i.file.Name(), err)
		}
	}
	if number < 1 || number > len(i.frames) {
		return Frame{}, fmt.Errorf("capture %q has no frame %d, its last is %d: %w", i.file.Name(), number, len(i.frames), fs.ErrNotExist)
	}
	p := i.frames[number-1]
	block := make([]byte, p.length)
	if _, err := i.file.ReadAt(block, p.at); err != nil {
		return Frame{}, fmt.Errorf("read frame %d of capture %q: %w", number, i.file.Name(), err)
	}
	for f, err := range Read(io.MultiReader(bytes.NewReader(i.head), bytes.NewReader(block))) {
		if err != nil {
			return Frame{}, fmt.Errorf("frame %d of %q: %w", number, i.file.Name(), err)
		}
		f.Number = number
		return f, nil
	}
	return Frame{}, fmt.Errorf("frame %d of capture %q is none", number, i.file.Name())
}

// scan notes the whole blocks that have come since.
func (i *Index) scan() error {
	info, err := i.file.Stat()
	if err != nil {
		return err
	}
	var begin [8]byte // type and total length
	for i.scanned+int64(len(begin)) <= info.Size() {
		if _, err := i.file.ReadAt(begin[:], i.scanned); err != nil {
			return err
		}
		kind, p := binary.LittleEndian.Uint32(begin[:]), place{i.scanned, binary.LittleEndian.Uint32(begin[4:])}
		if p.length < 12 || p.length%4 != 0 || p.length > maxBlock {
			return fmt.Errorf("block at octet %d claims %d octets: not a capture of this program", p.at, p.length)
		}
		if p.at+int64(p.length) > info.Size() {
			return nil // it was cut short, or is being written
		}
		switch kind {
		case packetBlock:
			i.frames = append(i.frames, p)
		case sectionBlock, interfaceBlock:
			if err := i.learn(p); err != nil {
				return err
			}
		}
		i.scanned = p.at + int64(p.length)
	}
	return nil
}

// maxHead bounds what is kept of a file's interfaces: a lab has one for each guest.
const maxHead = 1 << 20

// learn keeps a block that frames need.
func (i *Index) learn(p place) error {
	if len(i.head)+int(p.length) > maxHead {
		return errors.New("it has too many interfaces: not a capture of this program")
	}
	block := make([]byte, p.length)
	if _, err := i.file.ReadAt(block, p.at); err != nil {
		return err
	}
	i.head = append(i.head, block...)
	return nil
}
