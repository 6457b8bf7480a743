package wire

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// exchange is one HTTP request and its response.
type exchange struct {
	method, target, host string
	status               int
	text                 string // the status in words
	length               *int64
	chunks               bool
	bytes                int64
	crc                  uint32
	repeats              int
	last                 bool
	marks                marks
}

// newExchange begins an exchange with the request that was read.
func newExchange(m *messageReader) *exchange {
	method, rest, _ := strings.Cut(m.first, " ")
	target, _, _ := strings.Cut(rest, " HTTP/")
	return &exchange{method: printable([]byte(method)), target: printable([]byte(target)), host: printable([]byte(m.host))}
}

// answered takes the head of a response; false for an interim one (RFC 9110 section 15.2).
func (x *exchange) answered(m *messageReader) bool {
	_, rest, _ := strings.Cut(m.first, " ")
	code, text, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if err != nil || status < 100 || status > 999 {
		m.broken = true
		return false
	}
	if status < 200 {
		return false
	}
	x.status, x.text, x.length = status, printable([]byte(text)), m.length
	m.frameResponse(x.method, status)
	x.chunks = m.framing == chunked
	return true
}

// add counts octets of the response's body.
func (x *exchange) add(b []byte) {
	x.bytes += int64(len(b))
	x.crc = crc32.Update(x.crc, crc32.IEEETable, b)
}

// event tells a step of the exchange, and in one line for people.
func (x *exchange) event(op string) (*event.HTTP, string) {
	h := &event.HTTP{Op: op, Method: x.method, Target: x.target, Host: x.host, Status: x.status, Length: x.length, Chunks: x.chunks,
		Bytes: x.bytes, Last: x.last}
	if x.last && x.method != "HEAD" {
		h.CRC32 = fmt.Sprintf("%08x", x.crc)
	}
	whole := ""
	if h.CRC32 != "" {
		whole = fmt.Sprintf(" last, %d octets", x.bytes)
	}
	switch op {
	case "request":
		h.Repeat = x.repeats
		return h, "HTTP " + x.method + " " + x.target
	case "response":
		info := strings.TrimSpace(fmt.Sprintf("HTTP %d %s", x.status, x.text))
		switch {
		case x.chunks:
			info += " in chunks"
		case x.length != nil:
			info += fmt.Sprintf(" length=%d", *x.length)
		}
		return h, info + whole
	case "end":
		return h, "HTTP body of " + orUnknown(x.target) + whole
	}
	return h, fmt.Sprintf("HTTP body of %s cut off, %d octets%s", orUnknown(x.target), x.bytes, of(x.length))
}

func of(length *int64) string {
	if length == nil {
		return ""
	}
	return fmt.Sprintf(" of %d", *length)
}

func orUnknown(target string) string {
	if target == "" {
		return "an unseen request"
	}
	return target
}
