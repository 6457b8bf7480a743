package tftp

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// refusal is why a request is not served: what the client is told, and what the observer is told.
type refusal struct {
	code    uint16
	message string // on the wire: never a path of the server
	outcome string
	reason  string
}

var (
	notFound  = refusal{code: codeNotFound, message: "file not found", outcome: NotFound}
	forbidden = refusal{code: codeAccess, message: "access violation", outcome: Refused}
)

func (r refusal) because(reason string) *refusal {
	r.reason = reason
	return &r
}

// localName turns the name of a request into a path below the root. Boot clients write names as DHCP servers of many
// systems hand them out: `\boot\x64\wdsnbp.com`, `/pxelinux.0`, `C:\boot`.
func localName(name string) (string, *refusal) {
	name = strings.ReplaceAll(name, `\`, "/")
	if len(name) >= 2 && name[1] == ':' && isLetter(name[0]) {
		name = name[2:]
	}
	parts := slices.DeleteFunc(strings.Split(name, "/"), func(p string) bool { return p == "" || p == "." })
	switch {
	case len(parts) == 0:
		return "", notFound.because("it names no file")
	case slices.Contains(parts, ".."):
		return "", forbidden.because(`".." could lead out of the root`)
	}
	return strings.Join(parts, "/"), nil
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// open opens the regular file that a request names. os.Root keeps symbolic links inside the root.
func open(root *os.Root, name string) (*os.File, int64, *refusal) {
	path, refused := localName(name)
	if refused != nil {
		return nil, 0, refused
	}
	info, err := root.Stat(path) // before opening: to open a FIFO would wait for its writer
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, notFound.because("no such file in the root")
	case err != nil:
		return nil, 0, forbidden.because(err.Error())
	case !info.Mode().IsRegular():
		return nil, 0, notFound.because("not a regular file")
	}
	f, err := root.Open(path)
	if err != nil {
		return nil, 0, forbidden.because(err.Error())
	}
	return f, info.Size(), nil
}

// readAhead is how much of a file is read at once.
const readAhead = 64 << 10

// content gives a file's octets in order, as they go on the wire in a mode.
func content(f *os.File, size int64, mode string) io.Reader {
	if mode == "netascii" {
		return &netascii{r: bufio.NewReaderSize(f, readAhead)}
	}
	return bufio.NewReaderSize(f, int(min(size+1, readAhead)))
}

// netascii writes the line ends of a text as RFC 764 does, which RFC 1350 refers to: LF as CR LF, CR as CR NUL.
type netascii struct {
	r       io.ByteReader
	pending byte
	more    bool // pending comes next
}

// Read implements io.Reader.
func (a *netascii) Read(p []byte) (int, error) {
	for n := range p {
		if a.more {
			p[n], a.more = a.pending, false
			continue
		}
		c, err := a.r.ReadByte()
		if err != nil {
			return n, err
		}
		switch c {
		case '\n':
			p[n], a.pending, a.more = '\r', '\n', true
		case '\r':
			p[n], a.pending, a.more = '\r', 0, true
		default:
			p[n] = c
		}
	}
	return len(p), nil
}
