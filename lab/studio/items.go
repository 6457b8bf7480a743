package studio

import (
	"bufio"
	"context"
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
	opened, err := s.source.openSoon(r.Context(), number)
	if err != nil {
		missing(w, err)
		return
	}
	reply(w, http.StatusOK, opened)
}

// behind is how far the capture of a lab that runs may be behind its log, with much to spare.
const behind = 2 * time.Second

// openSoon opens a frame, and waits for one that the story has told of and that has not been written yet.
func (s *Source) openSoon(ctx context.Context, number int) (Opened, error) {
	ctx, stop := context.WithTimeout(ctx, behind)
	defer stop()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		opened, err := s.open(number)
		if !errors.Is(err, fs.ErrNotExist) || !s.tale.live() || s.tale.row(number) == 0 {
			return opened, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return opened, err
		}
	}
}

// missing answers for a file or a frame that could not be had.
func missing(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if errors.Is(err, fs.ErrNotExist) {
		status = http.StatusNotFound
	}
	fail(w, status, "%s", strings.TrimSuffix(err.Error(), ": "+fs.ErrNotExist.Error()))
}
