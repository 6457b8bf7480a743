package httpboot

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/server/quote"
)

// refusal is why a request gets no file: what the client is told, and what the observer is told.
type refusal struct {
	status  int
	outcome string
	reason  string // never on the wire: it may name paths of the server
}

// write answers with the status and its name.
func (r *refusal) write(w *counter, d *Decision) {
	d.Outcome, d.Reason = r.outcome, r.reason
	http.Error(w, http.StatusText(r.status), r.status)
}

func notFound(reason string) *refusal  { return &refusal{http.StatusNotFound, NotFound, reason} }
func forbidden(reason string) *refusal { return &refusal{http.StatusForbidden, Refused, reason} }

// localName turns the path of a request, percent signs decoded, into a path below the root.
func localName(path string) (string, *refusal) {
	parts := slices.DeleteFunc(strings.Split(path, "/"), func(p string) bool { return p == "" || p == "." })
	switch {
	case strings.ContainsRune(path, 0):
		return "", forbidden("a NUL ends no file name")
	case len(parts) == 0:
		return "", notFound("it names no file")
	case slices.Contains(parts, ".."):
		return "", forbidden(`".." could lead out of the root`)
	}
	return strings.Join(parts, "/"), nil
}

// open opens the regular file that a request names. os.Root keeps symbolic links inside the root.
func open(root *os.Root, path string) (*os.File, fs.FileInfo, *refusal) {
	name, refused := localName(path)
	if refused != nil {
		return nil, nil, refused
	}
	info, err := root.Stat(name) // before opening: to open a FIFO would wait for its writer
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, notFound("no such file in the root")
	case err != nil:
		return nil, nil, forbidden(err.Error())
	case !info.Mode().IsRegular():
		return nil, nil, notFound("not a regular file")
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, nil, forbidden(err.Error())
	}
	return f, info, nil
}

// printable shortens text of a client for a decision, and quotes it when it would upset a terminal.
func printable(s string) string {
	const longest = 300
	if len(s) > longest {
		s = s[:longest] + "..."
	}
	return quote.Hidden(s)
}
