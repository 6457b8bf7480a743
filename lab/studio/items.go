package studio

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"
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
