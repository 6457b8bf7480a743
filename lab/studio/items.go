package studio

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab"
)

// getItems sends the story from ?from=N (default 1), an item a line, and follows it until it is over or the client goes. An empty line
// says that nothing has happened.
func (s *Server) getItems(w http.ResponseWriter, r *http.Request) {
	from := 1
	if text := r.FormValue("from"); text != "" {
		var err error
		if from, err = strconv.Atoi(text); err != nil || from < 1 {
			fail(w, http.StatusBadRequest, "from=%q is not the number of an item", text)
			return
		}
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out, lines := http.NewResponseController(w), bufio.NewWriter(w)
	encode := json.NewEncoder(lines)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		items, more := s.source.tale.since(from)
		for i := range items {
			if encode.Encode(&items[i]) != nil {
				return
			}
		}
		from += len(items)
		if lines.Flush() != nil || out.Flush() != nil || more == nil {
			return
		}
		select {
		case <-more:
		case <-r.Context().Done():
			return
		case <-beat.C:
			if lines.WriteByte('\n') != nil {
				return
			}
		}
	}
}

func (s *Server) getFrame(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil {
		fail(w, http.StatusBadRequest, "%q is not the number of a frame", r.PathValue("number"))
		return
	}
	opened, err := s.source.open(number)
	if err != nil {
		missing(w, err)
		return
	}
	reply(w, http.StatusOK, opened)
}

// missing answers for a file or a frame that could not be had.
func missing(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if errors.Is(err, fs.ErrNotExist) {
		status = http.StatusNotFound
	}
	fail(w, status, "%s", strings.TrimSuffix(err.Error(), ": "+fs.ErrNotExist.Error()))
}

// download names a file that the page saves.
func (s *Server) download(w http.ResponseWriter, kind, suffix string) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+fileName(s.source.Name()+suffix)+`"`)
}

// fileName is a name that is one everywhere.
func fileName(name string) string {
	out := []byte(name)
	for i, c := range out {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			out[i] = '-'
		}
	}
	return string(out)
}

func (s *Server) getCapture(w http.ResponseWriter, _ *http.Request) {
	s.sendFile(w, s.source.path, "application/x-pcapng", ".pcapng")
}

func (s *Server) getCast(w http.ResponseWriter, r *http.Request) {
	guest := r.PathValue("guest")
	if err := s.source.guest(guest); err != nil || s.source.bundle == "" { // so that no path is made of what is none
		fail(w, http.StatusNotFound, "there is no console of %q here", guest)
		return
	}
	s.sendFile(w, lab.Bundle(s.source.bundle).Cast(guest), "application/x-asciicast", "-"+guest+".cast")
}

// sendFile sends a file as it stands now, to be saved.
func (s *Server) sendFile(w http.ResponseWriter, path, kind, suffix string) {
	file, err := os.Open(path)
	if err != nil {
		missing(w, err)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		missing(w, err)
		return
	}
	s.download(w, kind, suffix)
	w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	_, _ = io.CopyN(w, file, info.Size()) // it may have grown since
}
