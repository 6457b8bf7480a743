package dissect

import (
	"bytes"
	"fmt"
	"strings"
)

const specHTTP = "RFC 9112 section 3"

// httpFields are the header fields that a network boot turns on.
var httpFields = map[string]struct{ means, spec string }{
	"host":              {"The server by the name that the client knows it by.", "RFC 9110 section 7.2"},
	"user-agent":        {"The client's program.", "RFC 9110 section 10.1.5"},
	"server":            {"The server's program.", "RFC 9110 section 10.2.4"},
	"content-length":    {"The size of what follows, in octets.", "RFC 9110 section 8.6"},
	"content-type":      {"What kind of file it is.", "RFC 9110 section 8.3"},
	"transfer-encoding": {"What follows comes in chunks, each behind its size, as the whole size was not known.", "RFC 9112 section 6.1"},
	"connection":        {"Whether the connection is used again.", "RFC 9110 section 7.6.1"},
	"range":             {"Only this part of the file is asked for.", "RFC 9110 section 14.2"},
	"content-range":     {"The part of the file that follows.", "RFC 9110 section 14.4"},
	"accept-ranges":     {"Whether parts of files can be asked for.", "RFC 9110 section 14.3"},
	"last-modified":     {"When the file was changed last.", "RFC 9110 section 8.8.2"},
	"location":          {"Where the file is instead.", "RFC 9110 section 10.2.2"},
	"date":              {"When the answer was made.", "RFC 9110 section 6.6.1"},
	"accept":            {"The kinds of files that the client takes.", "RFC 9110 section 12.5.1"},
}

// http opens the head of an HTTP request or response, or shows octets of a file in the middle.
func (d *dissector) http(at, end int) {
	v := d.data[at:end]
	line, _, whole := bytes.Cut(v, []byte("\n"))
	words := bytes.Fields(line)
	request := len(words) == 3 && bytes.HasPrefix(words[2], []byte("HTTP/"))
	response := len(words) >= 2 && bytes.HasPrefix(words[0], []byte("HTTP/"))
	if !whole || !request && !response {
		d.rest("tcp.data", "data", at, end)
		return
	}
	head := end - at
	if n := bytes.Index(v, []byte("\r\n\r\n")); n >= 0 {
		head = n + 4
	}
	f := d.field("http", "HTTP", at, head).spec(specHTTP)
	f.Value = escape(bytes.TrimRight(line, "\r"))
	first := d.field("http.status", "status line", at, len(line)).spec("RFC 9112 section 4")
	if request {
		first = d.field("http.request", "request line", at, len(line)).spec(specHTTP)
		first.Meaning = httpMethod(string(words[0]))
	} else {
		first.Meaning = httpStatus(string(words[1]))
	}
	first.Value = f.Value
	d.summarize("HTTP %s", escape(bytes.Join(words[:2], []byte(" "))))
	if response {
		_, rest, _ := strings.Cut(f.Value, " ")
		d.summarize("HTTP %s", rest)
	}
	f.with(first)
	d.httpHeader(&f, at+len(line)+1, at+head)
	d.layer(f)
	d.rest("http.body", "body", at+head, end)
}

// httpHeader opens the header's lines.
func (d *dissector) httpHeader(f *Field, at, end int) {
	for at < end && !d.full() {
		n := bytes.IndexByte(d.data[at:end], '\n')
		if n < 0 {
			n = end - at
		}
		line := bytes.TrimRight(d.data[at:at+n], "\r")
		if len(line) == 0 {
			return
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		path := strings.ToLower(string(name))
		if !simple(path) {
			path = "line"
		}
		h := d.field("http."+path, escape(name), at, len(line)).spec("RFC 9110 section 5")
		h.Value = escape(bytes.TrimSpace(value))
		if known, is := httpFields[path]; is {
			h.Meaning, h.Spec = known.means, known.spec
		}
		if !ok {
			h.flaw("it has no colon")
		}
		h.Client = d.says(h.Path, value)
		f.with(h)
		at += n + 1
	}
}

func httpMethod(method string) string {
	switch method {
	case "HEAD":
		return "The client asks for the size and the like of the file, not yet for the file."
	case "GET":
		return "The client asks for the file."
	}
	return ""
}

func httpStatus(code string) string {
	switch {
	case code == "200":
		return "The server has the file."
	case code == "206":
		return "The server sends a part of the file."
	case code == "404":
		return "There is no such file."
	case code == "403":
		return "The server may not hand out the file."
	case strings.HasPrefix(code, "3"):
		return "The file is elsewhere."
	case strings.HasPrefix(code, "4"):
		return fmt.Sprintf("The server does not take the request (%s).", escape([]byte(code)))
	case strings.HasPrefix(code, "5"):
		return "The server has a fault of its own."
	}
	return ""
}
