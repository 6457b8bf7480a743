// Package studio serves a page on which a network boot can be watched as it happens, held at each packet, explained, replayed and
// shared: of a lab that runs, of the bundle of one that did, or of a capture from elsewhere.
//
// What the page may do, its server checks: see guard.go and docs/studio.md. The API is the page's own and may change with it.
package studio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	heartbeat = 10 * time.Second // of a stream on which nothing happens
	farewell  = time.Second      // how long Close waits for who does not read
	maxBody   = 64 << 10         // octets of a request
	bodyTime  = 10 * time.Second // that they may take to arrive
)

// Options say what is served with a source.
type Options struct {
	Version   string // of pxelab
	WatchOnly bool   // nobody may change anything
	Loaded    func() // is told when the page has been loaded for the first time; nil: nobody is
}

// Server serves one studio.
type Server struct {
	source  *Source
	options Options
	at      *Listener
	http    *http.Server
	stop    context.CancelFunc

	loaded     sync.Once
	steerToken string // of those who may do everything; empty: nobody may
	watchToken string
}

// New gives the server of a studio that is to be reached at the listener.
func New(source *Source, at *Listener, o Options) *Server {
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{source: source, options: o, at: at, stop: stop, watchToken: newToken()}
	if source.lab != nil && !o.WatchOnly {
		s.steerToken = newToken()
	}
	s.http = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 10 * time.Second,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	return s
}

// Serve answers until Close, which it then reports as nil.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.at); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the studio: %w", err)
	}
	return nil
}

// Close ends all streams and closes the listener. The source stays open.
func (s *Server) Close() error {
	s.stop()
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		return s.http.Close()
	}
	return nil
}

// URL is the address for those who may do everything; of what does not run, or is for watching only, empty.
func (s *Server) URL() string {
	if s.steerToken == "" {
		return ""
	}
	return s.at.URL(s.steerToken)
}

// WatchURL is the address for those who may look.
func (s *Server) WatchURL() string { return s.at.URL(s.watchToken) }

// WatchElsewhere are the addresses for those on other hosts who may look, of a studio that listens on every address of this one.
func (s *Server) WatchElsewhere() []string { return s.at.Elsewhere(s.watchToken) }

// BestURL is the address by which most can be done.
func (s *Server) BestURL() string {
	if u := s.URL(); u != "" {
		return u
	}
	return s.WatchURL()
}

// routes has the patterns of all calls, behind what all of them have in common.
func (s *Server) routes() http.Handler {
	api := http.NewServeMux()
	for pattern, call := range map[string]http.HandlerFunc{
		"GET /api/about":                       s.getAbout,
		"GET /api/items":                       s.getItems,
		"GET /api/frames/{number}":             s.getFrame,
		"GET /api/export.html":                 s.getExport,
		"GET /api/diagram.svg":                 s.getDiagram(s.source.SVG, "image/svg+xml", ".svg"),
		"GET /api/diagram.mmd":                 s.getDiagram(s.source.Mermaid, "text/plain; charset=utf-8", ".mmd"),
		"GET /api/capture.pcapng":              s.getCapture,
		"GET /api/guests/{guest}/console.cast": s.getCast,
		"GET /api/lesson":                      s.getLesson,
		"GET /api/lessons":                     s.getLessons,
		"GET /api/held":                        s.getHeld,
		"POST /api/lesson/answer":              s.postAnswer,
		"POST /api/preview":                    s.postPreview,
		"POST /api/step":                       s.postStep,
		"POST /api/guests/{guest}/keys":        s.postKeys,
		"POST /api/guests/{guest}/power":       s.postPower,
	} {
		api.HandleFunc(pattern, call)
	}
	api.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "no such call: %s %s", r.Method, r.URL.Path)
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodPost {
			fail(w, http.StatusMethodNotAllowed, "%s is not used here", r.Method)
			return
		}
		if no := s.refuse(r); no != nil {
			fail(w, no.status, "%s", no.why)
			return
		}
		if r.Method == http.MethodPost {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			// Not the server's ReadTimeout: that would end the streams, too.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
		}
		api.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /{$}", s.getIndex)
	mux.HandleFunc("GET /page/{file...}", s.getAsset)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		harden(w.Header(), "")
		if no := s.foreign(r); no != nil {
			fail(w, no.status, "%s", no.why)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// body reads a JSON request, and answers if it is not one.
func body(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("something follows it")
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		fail(w, http.StatusRequestEntityTooLarge, "the request has more than %d octets", large.Limit)
	case err != nil:
		fail(w, http.StatusBadRequest, "read the request: %v", err)
	}
	return err == nil
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that is gone needs no answer
}

func fail(w http.ResponseWriter, status int, format string, args ...any) {
	reply(w, status, struct {
		Error string `json:"error"`
	}{fmt.Sprintf(format, args...)})
}
