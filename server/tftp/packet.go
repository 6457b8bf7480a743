package tftp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/server/quote"
)

// Opcodes (RFC 1350 section 5, RFC 2347).
const (
	opRRQ   = 1
	opWRQ   = 2
	opDATA  = 3
	opACK   = 4
	opERROR = 5
	opOACK  = 6
)

// Error codes (RFC 1350 appendix, RFC 2347).
const (
	codeUndefined  = 0
	codeNotFound   = 1
	codeAccess     = 2
	codeIllegal    = 4
	codeUnknownTID = 5
	codeOption     = 8 // EDK2 ends its size probe with it
)

// request is a read or write request.
type request struct {
	op      uint16
	name    string
	mode    string // lower case
	options []option
}

type option struct{ name, value string } // name in lower case: RFC 2347 compares without regard to case

var errNotRequest = errors.New("not a request")

// parseRequest reads the datagram that opens a transfer. Options after the last complete pair are dropped.
func parseRequest(b []byte) (request, error) {
	if len(b) < 2 {
		return request{}, fmt.Errorf("datagram of %d octets: %w", len(b), errNotRequest)
	}
	r := request{op: binary.BigEndian.Uint16(b)}
	if r.op != opRRQ && r.op != opWRQ {
		return request{}, fmt.Errorf("opcode %d: %w", r.op, errNotRequest)
	}
	fields := bytes.Split(b[2:], []byte{0})
	if len(fields) < 3 { // the last is what follows the last NUL
		return request{}, errors.New("request without file name or mode")
	}
	fields = fields[:len(fields)-1]
	r.name, r.mode = string(fields[0]), strings.ToLower(string(fields[1]))
	for fields = fields[2:]; len(fields) >= 2; fields = fields[2:] {
		r.options = append(r.options, option{strings.ToLower(string(fields[0])), string(fields[1])})
	}
	return r, nil
}

// String names the request for people: `RRQ probe.0`.
func (r request) String() string {
	op := "RRQ"
	if r.op == opWRQ {
		op = "WRQ"
	}
	return op + " " + quote.Hidden(r.name)
}

// value gives what the request says of an option; empty if it does not name it.
func (r request) value(name string) string {
	for _, o := range r.options {
		if o.name == name {
			return o.value
		}
	}
	return ""
}

func (r request) has(name string) bool {
	for _, o := range r.options {
		if o.name == name {
			return true
		}
	}
	return false
}

// errorPacket encodes an ERROR.
func errorPacket(code uint16, message string) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0, opERROR}, code)
	return append(append(b, message...), 0)
}
