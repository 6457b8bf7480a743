package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	heartbeat = 15 * time.Second // of an event stream on which nothing happens
	farewell  = time.Second      // how long Close waits for clients that do not read
	maxBody   = 64 << 10         // octets of a request
)

// Server serves one lab on its control socket.
type Server struct {
	lab       Lab
	info      Info
	http      *http.Server
	heartbeat time.Duration
	stop      context.CancelFunc
	streams   sync.WaitGroup // event streams, captures and consoles
	followed  chan struct{}  // closed once somebody follows the events
	follow    sync.Once
	mu        sync.Mutex
	closed    bool
	path      string
}

// New gives the server of a lab. The version is that of pxelab; since is when the lab was brought up.
func New(l Lab, version string, since time.Time) *Server {
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{lab: l, info: describe(l, version, since), heartbeat: heartbeat, stop: stop, followed: make(chan struct{})}
	s.http = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	return s
}

// Serve answers on the listener until Close, which it then reports as nil. The listener is the one of Listen,
// or what became of it in another process (net.FileListener). Clients find this process as the lab's.
func (s *Server) Serve(l *net.UnixListener) error {
	if err := claim(l); err != nil {
		return fmt.Errorf("take over the control socket: %w", err)
	}
	l.SetUnlinkOnClose(false)
	s.mu.Lock()
	s.path = l.Addr().String()
	s.mu.Unlock()
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the control socket: %w", err)
	}
	return nil
}

// Close removes the socket and ends all calls: event streams after the last event that has happened, consoles
// and captures at once. A client that does not read delays it by a second at most.
func (s *Server) Close() error {
	s.mu.Lock()
	path := s.path
	s.path, s.closed = "", true
	s.mu.Unlock()
	if path != "" { // while still listening: afterwards the path may be another lab's
		_ = os.Remove(path) // a mount namespace may keep it out of reach: then the next Listen or List removes it
	}
	var err error
	s.stop()
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		err = s.http.Close()
	}
	s.streams.Wait()
	return err
}

// Followed is closed once somebody follows the lab's events. Before that nobody may know that there are any.
func (s *Server) Followed() <-chan struct{} { return s.followed }

// stream begins a call that Close waits for, or answers that it is too late for one.
func (s *Server) stream(w http.ResponseWriter) bool {
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.streams.Add(1)
	}
	s.mu.Unlock()
	if closed {
		fail(w, http.StatusServiceUnavailable, "lab %q is ending", s.info.Name)
	}
	return !closed
}

// routes has the patterns of all calls.
func (s *Server) routes() http.Handler {
	calls := map[string]map[string]http.HandlerFunc{
		"/v1/lab":                       {"GET": s.getLab},
		"/v1/plan":                      {"GET": s.getPlan},
		"/v1/events":                    {"GET": s.getEvents},
		"/v1/faults":                    {"GET": s.getFaults},
		"/v1/hold":                      {"GET": s.getHold},
		"/v1/step":                      {"POST": s.postStep},
		"/v1/guests/{guest}/power":      {"POST": s.postPower},
		"/v1/guests/{guest}/boot":       {"POST": s.postBoot},
		"/v1/services/{service}/listen": {"POST": s.postListen},
		"/v1/guests/{guest}/faults":     {"POST": s.postFault, "DELETE": s.deleteFaults},
		"/v1/guests/{guest}/console":    {"GET": s.getConsole},
		"/v1/capture":                   {"GET": s.getCapture},
		"/v1/stop":                      {"POST": s.postStop},
	}
	mux := http.NewServeMux()
	for path, methods := range calls {
		var allowed []string
		for method, call := range methods {
			mux.HandleFunc(method+" "+path, call)
			allowed = append(allowed, method)
		}
		slices.Sort(allowed)
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			fail(w, http.StatusMethodNotAllowed, "%s cannot be used with %s (have %s)", r.URL.Path, r.Method, strings.Join(allowed, ", "))
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "no such call: %s", r.URL.Path)
	})
	return mux
}

func (s *Server) getLab(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.info) }

func (s *Server) getPlan(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, s.lab.Plan())
}

func (s *Server) postPower(w http.ResponseWriter, r *http.Request) {
	var ask powerRequest
	if !s.guest(w, r) || !body(w, r, &ask) {
		return
	}
	if !slices.Contains(Actions, ask.Action) {
		fail(w, http.StatusBadRequest, "unknown action %q (have %s)", ask.Action, strings.Join(Actions, ", "))
		return
	}
	if err := s.lab.Power(r.Context(), r.PathValue("guest"), ask.Action); err != nil {
		fail(w, http.StatusConflict, "%v", err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) postBoot(w http.ResponseWriter, r *http.Request) {
	var ask bootRequest
	if !s.guest(w, r) || !body(w, r, &ask) {
		return
	}
	if err := s.lab.Boot(r.Context(), r.PathValue("guest"), ask.Expect); err != nil {
		fail(w, http.StatusConflict, "%v", err)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// postStop answers first, since the lab may take this server with it.
func (s *Server) postStop(w http.ResponseWriter, r *http.Request) {
	var ask stopRequest
	if !body(w, r, &ask) {
		return
	}
	if ask.Reason == "" {
		ask.Reason = "asked over the control socket"
	}
	w.WriteHeader(http.StatusAccepted)
	_ = http.NewResponseController(w).Flush() // a client that is gone still wants the lab stopped
	s.lab.Stop(ask.Reason)
}

// guest reports whether the plan has the guest that the path names, and answers if not.
func (s *Server) guest(w http.ResponseWriter, r *http.Request) bool {
	name := r.PathValue("guest")
	if slices.Contains(s.info.Guests, name) {
		return true
	}
	fail(w, http.StatusNotFound, "lab %q has no guest %q (have %s)", s.info.Name, name, strings.Join(s.info.Guests, ", "))
	return false
}

// body reads a JSON request, and answers if it is not one. An empty body is an empty request.
func body(w http.ResponseWriter, r *http.Request, into any) bool {
	if r.ContentLength == 0 {
		return true
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		fail(w, http.StatusBadRequest, "read the request: %v", err)
		return false
	}
	return true
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that is gone needs no answer
}

func fail(w http.ResponseWriter, status int, format string, args ...any) {
	reply(w, status, failure{fmt.Sprintf(format, args...)})
}
