package pxeclient

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/pxelab/pxelab/server/socket"
	"github.com/pxelab/pxelab/server/station"
)

// Downloader fetches boot programs over a client's station, by multicast (File.MTFTP) if it can.
type Downloader interface {
	Download(ctx context.Context, host *station.Station, f File) ([]byte, error)
}

// TFTP downloads by RFC 1350 with the options of RFC 2347 to 2349 and 7440. Zero fields are what EDK2 asks for.
type TFTP struct {
	BlockSize int           // octets; 0 is 1468, negative asks for no option at all
	Window    int           // blocks to an ACK; 0 or 1 asks for none
	Timeout   time.Duration // before a packet is sent again; 0 is 4 s
	Tries     int           // 0 is 6
	Limit     int           // largest file, in octets; 0 is 256 MiB
}

// Error is what a TFTP server sent in place of a file (RFC 1350 section 5).
type Error struct {
	Code uint16
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("TFTP error %d: %s", e.Code, e.Text) }

// Opcodes of RFC 1350 and RFC 2347.
const (
	opRRQ = iota + 1
	_
	opData
	opAck
	opError
	opOptions
)

const tftpPort = 69

// transfer is one file on its way.
type transfer struct {
	TFTP
	conn   *station.Conn
	to     netip.AddrPort // the server; its port is 69 until it answers from another
	last   []byte         // what to send again when nothing comes
	block  uint16         // last one received in order
	since  int            // blocks since the last ACK
	begun  bool           // the server has answered
	file   bytes.Buffer
	size   int // of a block
	window int
	done   bool
}

// Download reads one file in octet mode.
func (t TFTP) Download(ctx context.Context, host *station.Station, f File) ([]byte, error) {
	t = t.withDefaults()
	conn, err := host.ListenUDP(0)
	if err != nil {
		return nil, err
	}
	defer socket.CloseWith(ctx, conn)()
	x := &transfer{TFTP: t, conn: conn, to: netip.AddrPortFrom(f.Server, tftpPort), size: 512, window: 1}
	x.last = t.Request(f.Name)
	if err := x.run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("tftp://%s/%s: %w", f.Server, f.Name, err)
	}
	return x.file.Bytes(), nil
}

func (t TFTP) withDefaults() TFTP {
	if t.BlockSize == 0 {
		t.BlockSize = 1468
	}
	if t.Timeout == 0 {
		t.Timeout = 4 * time.Second
	}
	if t.Tries == 0 {
		t.Tries = 6
	}
	if t.Limit == 0 {
		t.Limit = 256 << 20
	}
	return t
}

// Request is the read request for a file (RFC 1350 section 5), with the options that the fields ask for.
func (t TFTP) Request(name string) []byte {
	t = t.withDefaults()
	b := []byte{0, opRRQ}
	add := func(words ...string) {
		for _, w := range words {
			b = append(append(b, w...), 0)
		}
	}
	add(name, "octet")
	if t.BlockSize > 0 {
		add("tsize", "0", "blksize", strconv.Itoa(t.BlockSize))
		if t.Window > 1 {
			add("windowsize", strconv.Itoa(t.Window))
		}
	}
	return b
}

// run sends and receives until the last block, with Tries silences in a row at most.
func (x *transfer) run() error {
	for silences := 0; !x.done; {
		if err := x.conn.Send(x.to, x.last); err != nil {
			return err
		}
		heard, err := x.listen()
		if err != nil {
			return err
		}
		if silences++; heard {
			silences = 0
		}
		if silences >= x.Tries {
			return fmt.Errorf("%w after %d octets", ErrNoAnswer, x.file.Len())
		}
	}
	return x.conn.Send(x.to, x.last) // the last ACK: if it is lost the server gives up by itself
}

// listen takes packets until there is something to send; a false heard means that nothing came in time.
func (x *transfer) listen() (heard bool, err error) {
	if err := x.conn.SetReadDeadline(time.Now().Add(x.Timeout)); err != nil {
		return false, err
	}
	for {
		d, err := x.conn.Receive()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if d.Src.Addr() != x.to.Addr() || x.to.Port() != tftpPort && d.Src != x.to {
			continue // a stranger's (RFC 1350 section 4)
		}
		send, err := x.packet(d.Payload)
		if err != nil {
			return false, err
		}
		x.to = d.Src
		if send {
			return true, nil
		}
	}
}

// packet takes one packet and says whether last is now to be sent.
func (x *transfer) packet(b []byte) (send bool, err error) {
	if len(b) < 4 || b[0] != 0 {
		return false, nil
	}
	word := binary.BigEndian.Uint16(b[2:])
	switch b[1] {
	case opError:
		text, _, _ := bytes.Cut(b[4:], []byte{0})
		return false, &Error{word, string(text)}
	case opOptions:
		if x.block != 0 || x.file.Len() > 0 {
			return false, nil
		}
		if err := x.options(b[2:]); err != nil {
			return false, err
		}
		x.begun = true
	case opData:
		if word != x.block+1 { // lost or doubled: what came before it is acknowledged again (RFC 7440 section 4)
			send := x.since > 0 || x.begun && word == x.block
			x.since = 0
			return send, nil
		}
		x.block, x.since, x.begun = word, x.since+1, true
		x.file.Write(b[4:])
		if x.file.Len() > x.Limit {
			return false, fmt.Errorf("longer than %d octets", x.Limit)
		}
		x.done = len(b)-4 < x.size
		if !x.done && x.since < x.window {
			x.ack()
			return false, nil
		}
	default:
		return false, nil
	}
	x.ack()
	x.since = 0
	return true, nil
}

func (x *transfer) ack() { x.last = binary.BigEndian.AppendUint16([]byte{0, opAck}, x.block) }

// options takes an OACK, which may change what was asked only where its RFC says so.
func (x *transfer) options(b []byte) error {
	for name, value := range Options(b) {
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return fmt.Errorf("OACK: option %s=%q is no number", name, value)
		}
		switch {
		case name == "blksize" && n >= 8 && n <= x.BlockSize:
			x.size = n
		case name == "windowsize" && n >= 1 && n <= x.Window:
			x.window = n
		case name == "tsize" && n <= x.Limit:
		default:
			return fmt.Errorf("OACK: option %s=%d was not asked for", name, n)
		}
	}
	return nil
}

// Options gives the options of an OACK (RFC 2347), of which b is what follows the opcode: names in lower case, and values.
func Options(b []byte) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		words := bytes.Split(bytes.TrimSuffix(b, []byte{0}), []byte{0})
		for ; len(words) >= 2; words = words[2:] {
			if !yield(string(bytes.ToLower(words[0])), string(words[1])) {
				return
			}
		}
	}
}
