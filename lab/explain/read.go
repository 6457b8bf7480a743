package explain

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Frame is one frame of a capture, as an Ethernet frame without VLAN tags.
type Frame struct {
	Number int // in the file, from 1, as other readers count
	At     time.Time
	Data   []byte // the caller's to keep
	VLAN   int    // zero: untagged
	Cut    bool   // the capture holds only its beginning
	Card   int    // the capture's number of the interface that saw it
	Side   Side   // zero, but in cooked captures
	Odd    string // why it is not understood; empty: it is, and Data is it
}

// Frames reads a capture in pcap or pcapng form, also packed with gzip. An error is the last thing it gives. A file that was cut short gives its whole
// frames and then io.ErrUnexpectedEOF.
func Frames(r io.Reader) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		next, err := open(bufio.NewReaderSize(r, 1<<16))
		for n := 1; err == nil; n++ {
			var f Frame
			if f, err = next(); err == nil {
				f.Number = n
				if !yield(f, nil) {
					return
				}
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(Frame{}, err)
		}
	}
}

// Untagged is a frame of an Ethernet interface as boots are followed by.
func Untagged(number int, data []byte, at time.Time) Frame {
	frame, vlan := untagged(bytes.Clone(data))
	return Frame{Number: number, At: at, Data: frame, VLAN: vlan}
}

// The first octets of the two forms of capture, in either order of octets.
const (
	magicNG      = 0x0a0d0d0a
	magicMicro   = 0xa1b2c3d4
	magicNano    = 0xa1b23c4d
	maxSnapshot  = 1 << 18 // octets of a frame; libpcap's own limit
	notACapture  = "this is no capture: it begins neither as pcap nor as pcapng does"
	emptyCapture = "the capture is empty: it has not even a header"
)

// open finds out which form a capture has.
func open(r *bufio.Reader) (func() (Frame, error), error) {
	head, err := r.Peek(4)
	if err != nil && len(head) == 0 {
		return nil, errors.New(emptyCapture)
	} else if err != nil {
		return nil, errors.New(notACapture)
	}
	switch le, be := binary.LittleEndian.Uint32(head), binary.BigEndian.Uint32(head); {
	case le == magicNG:
		return openNG(r)
	case head[0] == 0x1f && head[1] == 0x8b:
		return openGzip(r)
	case le == magicMicro, le == magicNano, be == magicMicro, be == magicNano:
		return openClassic(r)
	}
	for _, p := range packers {
		if bytes.HasPrefix(head, p.begins) {
			return nil, fmt.Errorf("this is packed with %s: unpack it first (%s)", p.name, p.unpack)
		}
	}
	return nil, errors.New(notACapture)
}

// packers are those whose files are not read, by their first octets.
var packers = []struct {
	begins       []byte
	name, unpack string
}{
	{[]byte{0xfd, '7', 'z', 'X'}, "xz", "xz -d FILE"},
	{[]byte{0x28, 0xb5, 0x2f, 0xfd}, "zstd", "zstd -d FILE"},
	{[]byte("BZh"), "bzip2", "bunzip2 FILE"},
	{[]byte("PK\x03\x04"), "zip", "unzip FILE"},
	{[]byte{0x04, 0x22, 0x4d, 0x18}, "lz4", "lz4 -d FILE"},
}

// openGzip reads a capture that is packed, once: what is packed in it is no capture.
func openGzip(r *bufio.Reader) (func() (Frame, error), error) {
	unpacked, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("unpack the capture: %w", err)
	}
	inner := bufio.NewReaderSize(unpacked, 1<<16)
	if head, _ := inner.Peek(2); len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		return nil, errors.New("this is packed with gzip twice: unpack it first (gunzip FILE)")
	}
	return open(inner)
}

func openClassic(r io.Reader) (func() (Frame, error), error) {
	reader, err := pcapgo.NewReader(r)
	if err != nil {
		return nil, headless(err)
	}
	if _, err := ethernet(reader.LinkType(), make([]byte, 64)); err != nil { // as all its frames will be
		return nil, err
	}
	if reader.Snaplen() == 0 || reader.Snaplen() > maxSnapshot {
		reader.SetSnaplen(maxSnapshot) // frames that claim more are refused
	}
	return func() (Frame, error) {
		data, info, err := reader.ReadPacketData()
		if err != nil {
			return Frame{}, ended(err)
		}
		return frame(reader.LinkType(), data, info), nil
	}, nil
}

func openNG(r io.Reader) (func() (Frame, error), error) {
	reader, err := pcapgo.NewNgReader(&blockGuard{r: r}, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		return nil, headless(err)
	}
	return func() (Frame, error) {
		data, info, err := reader.ReadPacketData()
		if err != nil {
			return Frame{}, ended(err)
		}
		link := reader.LinkType()
		if i, err := reader.Interface(info.InterfaceIndex); err == nil {
			link = i.LinkType
		}
		return frame(link, data, info), nil
	}, nil
}

// headless says what is wrong with the header of a file.
func headless(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("the file ends within the header of the capture: it was not written to its end")
	}
	return fmt.Errorf("read the header of the capture: %w", err)
}

// ended says of a file that ends in the middle of a frame that it does.
func ended(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the capture is cut short: %w", io.ErrUnexpectedEOF)
	}
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("read the capture: %w", err)
}

func frame(link layers.LinkType, data []byte, info gopacket.CaptureInfo) Frame {
	f, err := ethernet(link, data)
	if err != nil {
		f.Odd = err.Error()
	}
	f.At, f.Cut, f.Card = info.Timestamp, info.CaptureLength < info.Length, info.InterfaceIndex
	return f
}

// blockGuard refuses a block of pcapng that claims to be larger than any frame: a reader would make room for it first. It
// follows the blocks by their length, which stands after their type; the section header says in which order its octets are.
type blockGuard struct {
	r     io.Reader
	order binary.ByteOrder
	head  []byte // of the block that begins, up to 12 octets
	left  int64  // octets of the block still to come
}

// maxBlock is the longest block: a frame with its options.
const maxBlock = maxSnapshot + 1<<16

func (g *blockGuard) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	for b := p[:n]; len(b) > 0; {
		if g.left > 0 {
			skip := min(g.left, int64(len(b)))
			g.left -= skip
			b = b[skip:]
			continue
		}
		take := min(12-len(g.head), len(b))
		g.head, b = append(g.head, b[:take]...), b[take:]
		if len(g.head) < 12 {
			continue
		}
		if err := g.begin(); err != nil {
			return 0, err
		}
	}
	return n, err
}

// begin takes the head of a block.
func (g *blockGuard) begin() error {
	if binary.LittleEndian.Uint32(g.head) == magicNG {
		g.order = binary.LittleEndian
		if binary.BigEndian.Uint32(g.head[8:]) == 0x1a2b3c4d {
			g.order = binary.BigEndian
		}
	}
	if g.order == nil {
		return errors.New(notACapture)
	}
	length := g.order.Uint32(g.head[4:])
	if length < 12 || length > maxBlock {
		return fmt.Errorf("a block of the capture claims %d octets: the file is damaged", length)
	}
	g.head, g.left = g.head[:0], int64(length)-12
	return nil
}
