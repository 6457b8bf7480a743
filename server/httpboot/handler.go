package httpboot

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// ServeHTTP answers one request. Only GET and HEAD are known (RFC 9110 section 9.1 asks for no more), with ranges.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.taken(r)
	began := time.Now()
	d := Decision{Client: addrPort(r.RemoteAddr), Request: printable(r.Method + " " + r.RequestURI)}
	if s.cfg.Silent {
		d.Reason = "silent, as configured"
		s.observe(d)
		<-r.Context().Done() // until the client goes away, or the server stops
		panic(http.ErrAbortHandler)
	}
	out := &counter{ResponseWriter: w}
	s.answer(out, r, &d)
	d.Bytes, d.Took, d.Reply = out.bytes, time.Since(began), strconv.Itoa(out.status)
	s.observe(d)
}

// taken notes that what came by a connection was a request.
func (s *Server) taken(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := r.Context().Value(connKey{}).(*connection); ok {
		k.spoke = false
	}
}

// answer writes the response and completes the decision but for what the counter knows.
func (s *Server) answer(w *counter, r *http.Request, d *Decision) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		(&refusal{http.StatusMethodNotAllowed, Refused, "this server is read-only"}).write(w, d)
		return
	}
	file, info, refused := open(s.root, r.URL.Path)
	if refused != nil {
		refused.write(w, d)
		return
	}
	defer file.Close()
	d.File = strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	w.Header().Set("Content-Type", contentType(d.File))
	if s.cfg.NoLength {
		s.unsized(w, r, file)
	} else {
		http.ServeContent(w, r, d.File, info.ModTime(), file)
	}
	d.Outcome, d.Reason = outcome(w, r, info.Size())
}

// unsized answers without a Content-Length, nor chunks in its place.
func (s *Server) unsized(w *counter, r *http.Request, file *os.File) {
	w.Header().Set("Transfer-Encoding", "identity") // net/http then ends the connection in place of the body
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = io.Copy(w, file) // an error is kept by the counter
	}
}

// outcome says how an answer with a file ended.
func outcome(w *counter, r *http.Request, size int64) (outcome, reason string) {
	promised := size
	if n, err := strconv.ParseInt(w.Header().Get("Content-Length"), 10, 64); err == nil {
		promised = n
	}
	switch {
	case w.status == http.StatusNotModified:
		return OK, "the client has it already"
	case w.status == http.StatusRequestedRangeNotSatisfiable:
		return Refused, fmt.Sprintf("range %q is outside its %d octets", printable(r.Header.Get("Range")), size)
	case w.status >= 400:
		return Refused, "refused: its conditions are not met"
	case r.Method == http.MethodHead:
		return SizeProbe, fmt.Sprintf("it asked for the size only, %d octets", size)
	case w.err != nil:
		return Aborted, fmt.Sprintf("the client went away after %d of %d octets", w.bytes, promised)
	case w.status == http.StatusPartialContent:
		return OK, fmt.Sprintf("a part of %d octets, as asked for: %s", w.bytes, w.Header().Get("Content-Range"))
	}
	return OK, fmt.Sprintf("transferred whole, %d octets", w.bytes)
}

// contentType says what a file is. EDK2 starts what is called application/efi, or ends in .efi (UEFI 2.10
// section 24.7.4).
func contentType(name string) string {
	if strings.EqualFold(path.Ext(name), ".efi") {
		return "application/efi"
	}
	return "application/octet-stream"
}

// counter keeps what was answered.
type counter struct {
	http.ResponseWriter
	status int
	bytes  int64
	err    error
}

// WriteHeader keeps the final status.
func (c *counter) WriteHeader(status int) {
	if c.status == 0 && status >= 200 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

// Write counts what TCP took.
func (c *counter) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	return n, c.wrote(int64(n), err)
}

// ReadFrom lets the kernel copy from file to socket.
func (c *counter) ReadFrom(r io.Reader) (int64, error) {
	n, err := io.Copy(c.ResponseWriter, r)
	return n, c.wrote(n, err)
}

func (c *counter) wrote(n int64, err error) error {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	c.bytes += n
	if c.err == nil {
		c.err = err
	}
	return err
}
