package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// tailInterval is how often a followed file is looked at.
const tailInterval = 100 * time.Millisecond

// maxBlock bounds a block's length; pcapng itself knows no bound.
const maxBlock = 16 << 20

// Tail copies the capture at path to w from its start and follows it as it grows, until ctx ends; what is
// in the file by then is still copied. Only whole blocks are written, so w may end at any time and hold a
// valid capture. It returns nil when ctx ended, and w's error when w failed.
func Tail(ctx context.Context, path string, w io.Writer) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("follow capture: %w", err)
	}
	defer file.Close()
	tick := time.NewTicker(tailInterval)
	defer tick.Stop()
	var held []byte // read, but not yet a whole block
	for {
		done := ctx.Err() != nil // looked at before the file, so that its last frames are not missed
		if held, err = copyBlocks(file, w, held); err != nil {
			return fmt.Errorf("follow capture %q: %w", path, err)
		}
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// copyBlocks copies whole blocks up to where the file ends now, and gives what is left over. A file that
// grows faster than w takes it in must not keep the caller here for ever.
func copyBlocks(file *os.File, w io.Writer, held []byte) ([]byte, error) {
	info, err := file.Stat()
	if err != nil {
		return held, err
	}
	at, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return held, err
	}
	chunk := make([]byte, 64<<10)
	for rest := io.LimitReader(file, info.Size()-at); ; {
		n, readErr := rest.Read(chunk)
		held = append(held, chunk[:n]...)
		whole, err := wholeBlocks(held)
		if whole > 0 {
			if _, err := w.Write(held[:whole]); err != nil {
				return held, err
			}
			held = append(held[:0], held[whole:]...)
		}
		if err != nil {
			return held, err
		}
		if errors.Is(readErr, io.EOF) {
			return held, nil
		}
		if readErr != nil {
			return held, readErr
		}
	}
}

// wholeBlocks is how many octets at the start of b are whole blocks. Every block begins with its type and
// its total length, and ends with the length once more (section 3.1 of the draft).
func wholeBlocks(b []byte) (n int, err error) {
	const framing = 12
	for len(b)-n >= framing {
		length := binary.LittleEndian.Uint32(b[n+4:])
		if length < framing || length%4 != 0 || length > maxBlock {
			return n, fmt.Errorf("block at octet %d claims %d octets: not a capture of this program", n, length)
		}
		end := n + int(length)
		if end > len(b) {
			break
		}
		if trailer := binary.LittleEndian.Uint32(b[end-4:]); trailer != length {
			return n, fmt.Errorf("block at octet %d of %d octets ends with the length %d", n, length, trailer)
		}
		n = end
	}
	return n, nil
}
