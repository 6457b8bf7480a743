package studio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/lesson"
	"github.com/pxelab/pxelab/lab/network/capture"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/story"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorded is the log of a real boot of three guests.
const recordedRun = "../judge/testdata/real/firmware-trio"

// bundleOf makes a bundle of a recorded run, with further events at its end and the capture of another boot.
func bundleOf(t testing.TB, more ...event.Event) string {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join(recordedRun, "plan.json"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "plan.json"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(recordedRun, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	seq := strings.Count(string(log), "\n")
	for i, e := range more {
		e.Seq = seq + i + 1
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		log = append(append(log, line...), '\n')
	}
	if err := os.WriteFile(filepath.Join(dir, "events.jsonl"), log, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bios", "x64", "ia32"} {
		if err := os.MkdirAll(filepath.Join(dir, "guests", name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	captured(t, filepath.Join(dir, "wire.pcapng"))
	return dir
}

// captured writes the frames of a real boot as a lab does.
func captured(t testing.TB, path string) {
	t.Helper()
	wire, err := capture.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open("../wire/testdata/ovmf-x64.pcap")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cable := wire.AddInterface("x64", "")
	for f, err := range explain.Frames(file) {
		if err == nil {
			_, err = cable.Write(f.Data, f.At, f.Data[6] == 0x52, "")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := wire.Close(); err != nil {
		t.Fatal(err)
	}
}

// memoryLab is a lab without machines: its log grows as the test says.
type memoryLab struct {
	control.Lab // what the studio does not call
	plan        plan.Plan
	files       string

	mu    sync.Mutex
	log   []event.Event
	more  chan struct{}
	did   []string // what was done to it
	hold  control.Holding
	typed chan string
}

func newLab(t testing.TB) *memoryLab {
	l := &memoryLab{files: t.TempDir(), more: make(chan struct{}), typed: make(chan string, 8)}
	l.plan = plan.Plan{Version: plan.Version, Name: "studio-test", Networks: []plan.Network{{Name: "lan"}}, Guests: []plan.Guest{{Name: "x64", MAC: "52:54:00:70:78:02"}}}
	return l
}

func (l *memoryLab) Plan() *plan.Plan { return &l.plan }
func (l *memoryLab) Files() string    { return l.files }

func (l *memoryLab) Events(from int) ([]event.Event, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log[min(max(from-1, 0), len(l.log)):], l.more
}

// add appends an event.
func (l *memoryLab) add(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Seq = len(l.log) + 1
	l.log = append(l.log, e)
	close(l.more)
	l.more = make(chan struct{})
}

func (l *memoryLab) done(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.did = append(l.did, what)
}

// deeds are what was done to it.
func (l *memoryLab) deeds() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.did, "; ")
}

func (l *memoryLab) Power(_ context.Context, guest, action string) error {
	l.done(guest + " " + action)
	return nil
}

func (l *memoryLab) Hold(context.Context) (control.Holding, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.hold, nil
}

func (l *memoryLab) Step(_ context.Context, s control.Step) (control.Holding, error) {
	l.done(fmt.Sprintf("step %q %d octets until %+v", s.Do, len(s.Data), s.Until))
	return control.Holding{Until: "the next packet"}, nil
}

func (l *memoryLab) Console(ctx context.Context, guest string, rw io.ReadWriter) error {
	b := make([]byte, 100)
	for {
		n, err := rw.Read(b)
		if err != nil {
			return nil
		}
		l.typed <- string(b[:n])
	}
}

// served is a studio that is served until the test ends.
type served struct {
	*Server
	t     testing.TB
	base  string      // "http://127.0.0.1:PORT"
	ended chan string // paths whose calls have returned; the first ones, if nobody looks
}

func serve(t testing.TB, source *Source, o Options) *served {
	t.Helper()
	at, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(source, at, o)
	calls, handler := make(chan string, 1000), s.http.Handler
	s.http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			select {
			case calls <- r.URL.Path:
			default:
			}
		}()
		handler.ServeHTTP(w, r)
	})
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), <-ended, source.Close()); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	base, _, _ := strings.Cut(s.WatchURL(), "/#")
	return &served{s, t, base, calls}
}

// serveLab serves a studio of a lab in memory.
func serveLab(t testing.TB, l *memoryLab, o Options) *served {
	t.Helper()
	return serve(t, openMemory(t, l, nil), o)
}

// serveLesson serves one that teaches.
func serveLesson(t testing.TB, l *memoryLab, taught *lesson.Lesson) *served {
	t.Helper()
	return serve(t, openMemory(t, l, taught), Options{})
}

// openMemory opens a lab in memory by its control socket.
func openMemory(t testing.TB, l *memoryLab, taught *lesson.Lesson) *Source {
	t.Helper()
	dir, err := os.MkdirTemp("", "std") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("XDG_RUNTIME_DIR", dir)
	listener, err := control.Listen(l.plan.Name)
	if err != nil {
		t.Fatal(err)
	}
	lab := control.New(l, "v0.test", time.Unix(0, 0))
	ended := make(chan error, 1)
	go func() { ended <- lab.Serve(listener) }()
	t.Cleanup(func() {
		if err := errors.Join(lab.Close(), <-ended); err != nil {
			t.Error(err)
		}
	})
	c, err := control.Dial(l.plan.Name)
	if err != nil {
		t.Fatal(err)
	}
	source, err := OpenLab(t.Context(), c, taught)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// request is a call of the API by who may do everything.
func (s *served) request(method, path, body string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	token := s.steerToken
	if token == "" {
		token = s.watchToken
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// do sends a request and gives the whole answer.
func (s *served) do(r *http.Request) (*http.Response, string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second) // a stream that should have been refused does not end
	defer cancel()
	res, err := http.DefaultClient.Do(r.WithContext(ctx))
	if err != nil {
		s.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return res, string(text)
}

// get is the answer to a GET, which must be one.
func (s *served) get(path string) string {
	s.t.Helper()
	res, text := s.do(s.request(http.MethodGet, path, ""))
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %s: %s", path, res.Status, text)
	}
	return text
}

// told are the items so far.
func (s *served) told() []story.Item {
	items, _ := s.source.tale.since(1)
	return items
}

// steps are the checkpoints as they are reached, until the test ends.
func (s *served) steps(t *testing.T) <-chan *story.Reached {
	t.Helper()
	out := make(chan *story.Reached, 8)
	res, err := http.DefaultClient.Do(s.request(http.MethodGet, "/api/items", ""))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { res.Body.Close(); <-ended })
	go func() {
		defer close(ended)
		in := json.NewDecoder(res.Body)
		for {
			var i story.Item
			if in.Decode(&i) != nil {
				return
			}
			if i.Step != nil {
				out <- i.Step
			}
		}
	}()
	return out
}
