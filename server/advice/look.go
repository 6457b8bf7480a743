package advice

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/pxelab/pxelab/server/pxeclient"
	"github.com/pxelab/pxelab/server/socket"
	"github.com/pxelab/pxelab/server/station"
)

// Look is what a TFTP server answers to a request for a boot file, of which no more than one block is taken.
type Look struct {
	Silent  bool              `json:"silent,omitempty"`  // nothing came
	Refused string            `json:"refused,omitempty"` // TFTP error in place of the file
	Options map[string]string `json:"options,omitempty"` // of the OACK (RFC 2347), by name in lower case; nil: there was none
}

// Size gives the option tsize of the answer (RFC 2349), in octets.
func (l *Look) Size() (n int64, ok bool) {
	n, err := strconv.ParseInt(l.Options["tsize"], 10, 64)
	return n, err == nil && n >= 0
}

// looker is a downloader that opens a file, as EDK2 does to learn its size, and aborts.
type looker struct {
	wait time.Duration // for an answer, twice
	uris bool          // a URI is one, and no name of a file
	saw  *Look
}

// Opcodes and the error of RFC 1350, RFC 2347 and RFC 2348.
const (
	opData  = 3
	opError = 5
	opOACK  = 6
)

var abort = []byte("\x00\x05\x00\x00aborted: this was a look\x00")

// Download looks at a file. What it returns is empty.
func (l *looker) Download(ctx context.Context, host *station.Station, f pxeclient.File) ([]byte, error) {
	if l.uris && isURI(f.Name) {
		return []byte{}, nil
	}
	conn, err := host.ListenUDP(0)
	if err != nil {
		return nil, err
	}
	defer socket.CloseWith(ctx, conn)()
	l.saw = &Look{Silent: true}
	request := pxeclient.TFTP{Window: 4}.Request(f.Name)
	for range 2 {
		if err := conn.Send(netip.AddrPortFrom(f.Server, 69), request); err != nil {
			return nil, err
		}
		if err := conn.SetReadDeadline(time.Now().Add(l.wait)); err != nil {
			return nil, err
		}
		d, err := receiveFrom(conn, f.Server)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			return nil, err
		}
		*l.saw = parseLook(d.Payload)
		if l.saw.Refused != "" {
			return nil, fmt.Errorf("%s: %s", name(f), l.saw.Refused)
		}
		return []byte{}, conn.Send(d.Src, abort)
	}
	return nil, fmt.Errorf("%s: %w", name(f), pxeclient.ErrNoAnswer)
}

// receiveFrom takes the first datagram of a server that is one of TFTP.
func receiveFrom(conn *station.Conn, server netip.Addr) (station.Datagram, error) {
	for {
		d, err := conn.Receive()
		if err != nil || d.Src.Addr() == server && len(d.Payload) >= 4 && d.Payload[0] == 0 {
			return d, err
		}
	}
}

// parseLook reads the first packet of an answer, of four octets or more.
func parseLook(b []byte) Look {
	switch b[1] {
	case opError:
		text, _, _ := bytes.Cut(b[4:], []byte{0})
		return Look{Refused: fmt.Sprintf("TFTP error %d %q", binary.BigEndian.Uint16(b[2:]), text)}
	case opOACK:
		return Look{Options: maps.Collect(pxeclient.Options(b[2:]))}
	case opData:
		return Look{}
	}
	return Look{Refused: fmt.Sprintf("an answer with opcode %d", b[1])}
}
