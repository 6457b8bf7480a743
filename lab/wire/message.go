package wire

import (
	"bytes"
	"strconv"
	"strings"
)

// maxHead bounds the head of a message, as servers do.
const maxHead = 64 << 10

// framing says where the body of a message ends (RFC 9112 section 6.3).
type framing int

const (
	noBody  framing = iota
	sized           // after Content-Length octets
	chunked         // after the last chunk
	toEnd           // with the connection
)

// messageReader reads one HTTP/1 message after the other from a stream, in whatever pieces it comes.
type messageReader struct {
	text    []byte // of the head so far
	headed  bool   // the head is whole
	first   string // its first line
	host    string
	length  *int64 // Content-Length
	framing framing
	left    int64  // octets of the body, or of the chunk, still to come
	line    []byte // of a chunk's beginning or end, so far
	inChunk bool
	trailer bool // the last chunk has come, what follows are trailer fields
	broken  bool // it is no HTTP
}

// fresh tells that a message has not begun.
func (m *messageReader) fresh() bool { return !m.headed && len(m.text) == 0 }

// head reads up to the end of the head, and gives what follows it.
func (m *messageReader) head(b []byte) (rest []byte, done bool) {
	had := len(m.text)
	m.text = append(m.text, b...)
	from := max(0, had-3)
	end := -1
	for _, blank := range []string{"\n\r\n", "\n\n"} {
		if i := bytes.Index(m.text[from:], []byte(blank)); i >= 0 && (end < 0 || from+i+len(blank) < end) {
			end = from + i + len(blank)
		}
	}
	if end < 0 {
		m.broken = len(m.text) > maxHead
		return nil, false
	}
	rest = b[end-had:]
	m.parse(m.text[:end])
	m.text, m.headed = nil, true
	return rest, true
}

// parse reads the fields that matter here; the rest is nobody's business.
func (m *messageReader) parse(head []byte) {
	first, fields, _ := bytes.Cut(head, []byte("\n"))
	m.first = string(bytes.TrimRight(first, "\r"))
	for line := range bytes.Lines(fields) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		text := string(bytes.TrimSpace(value))
		switch strings.ToLower(string(name)) {
		case "host":
			m.host = text
		case "content-length":
			if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
				m.length, m.left = &n, n
			}
		case "transfer-encoding":
			if strings.Contains(strings.ToLower(text), "chunked") {
				m.framing = chunked
			}
		}
	}
}

// frameRequest settles how a request's body ends: without a length it has none.
func (m *messageReader) frameRequest() {
	if m.framing != chunked && m.left > 0 {
		m.framing = sized
	}
}

// frameResponse settles how a response's body ends.
func (m *messageReader) frameResponse(method string, status int) {
	switch {
	case method == "HEAD" || status < 200 || status == 204 || status == 304:
		m.framing = noBody
	case m.framing == chunked:
	case m.length != nil:
		m.framing = sized
	default:
		m.framing = toEnd
	}
}

// body reads up to the end of the body, hands over its octets, and gives what follows it.
func (m *messageReader) body(b []byte, add func([]byte)) (rest []byte, done bool) {
	switch m.framing {
	case sized:
		n := min(m.left, int64(len(b)))
		add(b[:n])
		m.left -= n
		return b[n:], m.left == 0
	case toEnd:
		add(b)
		return nil, false
	case chunked:
		return m.chunks(b, add)
	}
	return b, true
}

// chunks reads a chunked body (RFC 9112 section 7.1).
func (m *messageReader) chunks(b []byte, add func([]byte)) (rest []byte, done bool) {
	for len(b) > 0 && !m.broken {
		if m.inChunk {
			n := min(m.left, int64(len(b)))
			add(b[:n])
			m.left -= n
			b, m.inChunk = b[n:], m.left > 0
			continue
		}
		line, after, whole := bytes.Cut(b, []byte("\n"))
		m.line = append(m.line, line...)
		if m.broken = len(m.line) > maxHead; !whole {
			return nil, false
		}
		text := strings.TrimSpace(string(m.line))
		b, m.line = after, nil
		switch {
		case m.trailer && text == "":
			return b, true
		case m.trailer, text == "": // a trailer field, or the line's end behind a chunk
		default:
			size, _, _ := strings.Cut(text, ";")
			n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 64)
			m.broken = err != nil || n < 0
			m.left, m.inChunk, m.trailer = n, n > 0, n == 0
		}
	}
	return b, false
}

// requestMethods are how requests begin that a boot client can send.
var requestMethods = [][]byte{[]byte("GET "), []byte("HEAD "), []byte("POST "), []byte("PUT ")}

// beginsRequest tells whether octets begin a request.
func beginsRequest(b []byte) bool {
	for _, m := range requestMethods {
		if bytes.HasPrefix(b, m) {
			return true
		}
	}
	return false
}

// couldBegin tells whether octets are the beginning of one of these words, or begin with one.
func couldBegin(b []byte, words [][]byte) bool {
	for _, w := range words {
		if n := min(len(b), len(w)); bytes.Equal(b[:n], w[:n]) {
			return true
		}
	}
	return false
}
