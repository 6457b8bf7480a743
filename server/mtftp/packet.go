package mtftp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/server/quote"
)

// Opcodes (RFC 1350 section 5).
const (
	opRRQ   = 1
	opWRQ   = 2
	opDATA  = 3
	opACK   = 4
	opERROR = 5
)

// Error codes (RFC 1350 appendix).
const (
	codeUndefined = 0
	codeNotFound  = 1
	codeAccess    = 2
	codeIllegal   = 4
)

const (
	// blockSize is what every block but the last carries. PXE 2.1 negotiates no other: a listener has not seen the request.
	blockSize = 512
	// maxBlocks is how many blocks can be told apart: a client that joins late cannot know how often the number wrapped.
	maxBlocks = 65535
	// MaxFile is the largest file that MTFTP carries, in octets: the last block has to be a short one.
	MaxFile = maxBlocks*blockSize - 1
)

// packet is one datagram of MTFTP, which has those of TFTP.
type packet struct {
	op      uint16
	block   uint16   // DATA, ACK
	data    []byte   // DATA; part of the datagram
	file    string   // RRQ, WRQ
	mode    string   // RRQ, WRQ; lower case
	options []string // RRQ, WRQ: names of the options asked for
	code    uint16   // ERROR
	message string   // ERROR
}

// parse reads a datagram.
func parse(b []byte) (packet, error) {
	if len(b) < 4 {
		return packet{}, fmt.Errorf("datagram of %d octets is too short", len(b))
	}
	p := packet{op: binary.BigEndian.Uint16(b)}
	number := binary.BigEndian.Uint16(b[2:])
	switch p.op {
	case opRRQ, opWRQ:
		return p, p.parseRequest(b[2:])
	case opDATA:
		p.block, p.data = number, b[4:]
		if p.block == 0 || len(p.data) > blockSize {
			return p, fmt.Errorf("block %d of %d octets: blocks count from 1 and have %d at most", p.block, len(p.data), blockSize)
		}
	case opACK:
		p.block = number
	case opERROR:
		text, _, _ := bytes.Cut(b[4:], []byte{0})
		p.code, p.message = number, string(text)
	default:
		return p, fmt.Errorf("opcode %d is none of MTFTP's", p.op)
	}
	return p, nil
}

func (p *packet) parseRequest(b []byte) error {
	fields := bytes.Split(b, []byte{0})
	fields = fields[:len(fields)-1] // the last is what follows the last NUL
	if len(fields) < 2 {
		return fmt.Errorf("request without file name or mode")
	}
	p.file, p.mode = string(fields[0]), strings.ToLower(string(fields[1]))
	for rest := fields[2:]; len(rest) >= 2; rest = rest[2:] {
		p.options = append(p.options, string(rest[0]))
	}
	return nil
}

// String names the packet for people: `RRQ probe.0`, `ACK 7`.
func (p packet) String() string {
	switch p.op {
	case opRRQ:
		return "RRQ " + quote.Hidden(p.file)
	case opWRQ:
		return "WRQ " + quote.Hidden(p.file)
	case opDATA:
		return fmt.Sprintf("DATA %d", p.block)
	case opACK:
		return fmt.Sprintf("ACK %d", p.block)
	case opERROR:
		return fmt.Sprintf("ERROR %d", p.code)
	}
	return fmt.Sprintf("opcode %d", p.op)
}

// requestPacket encodes the RRQ that opens a transmission. It asks for no option.
func requestPacket(file string) []byte { return []byte("\x00\x01" + file + "\x00octet\x00") }

func dataPacket(block uint16, data []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0, opDATA}, block), data...)
}

func ackPacket(block uint16) []byte { return binary.BigEndian.AppendUint16([]byte{0, opACK}, block) }

func errorPacket(code uint16, message string) []byte {
	return append(append(binary.BigEndian.AppendUint16([]byte{0, opERROR}, code), message...), 0)
}
