package httpboot

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/tests/netns"
)

// served is a running server on loopback and what it decides.
type served struct {
	t         *testing.T
	root      string
	at        string // address:port
	decisions chan Decision
}

func serve(t *testing.T, cfg Config) *served {
	t.Helper()
	sv := &served{t: t, root: t.TempDir(), decisions: make(chan Decision, 1000)}
	cfg.Interface, cfg.Root, cfg.Address = "lo", sv.root, netip.MustParseAddr("127.0.0.1")
	s, err := listen(cfg, func(d Decision) { sv.decisions <- d })
	if err != nil {
		t.Fatal(err)
	}
	sv.at = s.ln.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return sv
}

func (sv *served) put(name string, n int) []byte {
	sv.t.Helper()
	content := make([]byte, n)
	for i := range content {
		content[i] = byte(i*7 + i>>8)
	}
	if err := os.WriteFile(filepath.Join(sv.root, name), content, 0o600); err != nil {
		sv.t.Fatal(err)
	}
	return content
}

// expect waits for the next decision and compares what is stable in it.
func (sv *served) expect(request, reply, outcome, reason string) Decision {
	sv.t.Helper()
	d := <-sv.decisions
	if d.Request != request || d.Reply != reply || d.Outcome != outcome || !strings.Contains(d.Reason, reason) || d.Client.Addr() != netip.MustParseAddr("127.0.0.1") {
		sv.t.Fatalf("decision %+v\nwant %q answered with %q, outcome %q, reason ...%s", d, request, reply, outcome, reason)
	}
	return d
}

// curl runs curl on a target of the server, which is sent as it is written.
func (sv *served) curl(target string, args ...string) string {
	sv.t.Helper()
	path := netns.Program(sv.t, "curl")
	out, err := exec.Command(path, append(args, "-sS", "--path-as-is", "http://"+sv.at+target)...).CombinedOutput()
	if err != nil {
		sv.t.Fatalf("curl %q: %v\n%s", target, err, out)
	}
	return string(out)
}

func TestCurl(t *testing.T) {
	sv := serve(t, Config{})
	for _, n := range []int{0, 1, 1460, 65536, 5_000_003} {
		name := fmt.Sprintf("f%d.efi", n)
		want := sv.put(name, n)
		head := sv.curl("/"+name, "--head")
		for _, line := range []string{"HTTP/1.1 200 OK", fmt.Sprintf("Content-Length: %d", n), "Content-Type: application/efi", "Accept-Ranges: bytes"} {
			if !strings.Contains(head, line+"\r\n") {
				t.Errorf("no %q in the answer to HEAD:\n%s", line, head)
			}
		}
		if d := sv.expect("HEAD /"+name, "200", SizeProbe, fmt.Sprintf("the size only, %d octets", n)); d.Bytes != 0 {
			t.Errorf("HEAD sent %d octets", d.Bytes)
		}
		if got := sv.curl("/" + name); got != string(want) {
			t.Errorf("%d octets of %d", len(got), n)
		}
		if d := sv.expect("GET /"+name, "200", OK, "transferred whole"); d.Bytes != int64(n) || d.File != name || d.Took <= 0 {
			t.Errorf("%+v", d)
		}
	}
}

func TestCurlRanges(t *testing.T) {
	sv := serve(t, Config{})
	content := string(sv.put("kernel", 1000))
	if got := sv.curl("/kernel", "--range", "100-199"); got != content[100:200] {
		t.Errorf("%d octets", len(got))
	}
	if d := sv.expect("GET /kernel", "206", OK, "bytes 100-199/1000"); d.Bytes != 100 {
		t.Errorf("%+v", d)
	}
	if got := sv.curl("/kernel", "--range", "-10"); got != content[990:] {
		t.Errorf("%d octets", len(got))
	}
	sv.expect("GET /kernel", "206", OK, "bytes 990-999/1000")
	if got := sv.curl("/kernel", "--range", "2000-", "-w", "%{http_code}"); !strings.HasSuffix(got, "416") {
		t.Errorf("answered %q", got)
	}
	sv.expect("GET /kernel", "416", Refused, `range "bytes=2000-" is outside its 1000 octets`)
	to := filepath.Join(t.TempDir(), "kernel")
	if err := os.WriteFile(to, []byte(content[:400]), 0o600); err != nil {
		t.Fatal(err)
	}
	sv.curl("/kernel", "-C", "-", "-o", to) // goes on where it broke off
	if got, _ := os.ReadFile(to); string(got) != content {
		t.Errorf("resumed to %d octets", len(got))
	}
	sv.expect("GET /kernel", "206", OK, "bytes 400-999/1000")
}

// TestKeepAlive: EDK2 sends its HEAD and its GET over one connection.
func TestKeepAlive(t *testing.T) {
	sv := serve(t, Config{})
	content := string(sv.put("a.efi", 3000))
	out := sv.curl("/a.efi", "--head", "http://"+sv.at+"/a.efi", "--next", "-v")
	if !strings.Contains(out, content) || !strings.Contains(strings.ToLower(out), "re-using existing connection") {
		t.Errorf("curl -v:\n%q", out)
	}
	first, second := sv.expect("HEAD /a.efi", "200", SizeProbe, ""), sv.expect("GET /a.efi", "200", OK, "")
	if first.Client != second.Client {
		t.Errorf("two connections: %s and %s", first.Client, second.Client)
	}
}

func TestRefusals(t *testing.T) {
	sv := serve(t, Config{})
	sv.put("file", 10)
	outside := filepath.Join(t.TempDir(), "secret")
	for _, err := range []error{
		os.WriteFile(outside, []byte("secret"), 0o600),
		os.Mkdir(filepath.Join(sv.root, "folder"), 0o700),
		os.Symlink(outside, filepath.Join(sv.root, "way-out")),
		exec.Command("mkfifo", filepath.Join(sv.root, "fifo")).Run(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args            []string
		target, request string
		reply, outcome  string
		reason          string
	}{
		{nil, "/none", "GET /none", "404", NotFound, "no such file in the root"},
		{nil, "/", "GET /", "404", NotFound, "it names no file"},
		{nil, "/folder", "GET /folder", "404", NotFound, "not a regular file"},
		{nil, "/folder/", "GET /folder/", "404", NotFound, "not a regular file"},
		{nil, "/fifo", "GET /fifo", "404", NotFound, "not a regular file"},
		{nil, "/../secret", "GET /../secret", "403", Refused, `".." could lead out`},
		{nil, "/folder/../../secret", "GET /folder/../../secret", "403", Refused, `".." could lead out`},
		{nil, "/%2e%2e/secret", "GET /%2e%2e/secret", "403", Refused, `".." could lead out`},
		{nil, "/..%2fsecret", "GET /..%2fsecret", "403", Refused, `".." could lead out`},
		{nil, "/file%00.efi", "GET /file%00.efi", "403", Refused, "NUL"},
		{nil, "/way-out", "GET /way-out", "403", Refused, "escapes"},
		{nil, "/file/x", "GET /file/x", "403", Refused, "not a directory"},
		{[]string{"--head"}, "/none", "HEAD /none", "404", NotFound, "no such file"},
		{[]string{"--data", "x"}, "/file", "POST /file", "405", Refused, "read-only"},
		{[]string{"-T", "/dev/null"}, "/file", "PUT /file", "405", Refused, "read-only"},
	} {
		t.Run(c.request, func(t *testing.T) {
			sv.t = t
			out := sv.curl(c.target, append(c.args, "-w", " %{http_code}")...)
			if !strings.HasSuffix(out, c.reply) || strings.Contains(out, "secret") || strings.Contains(out, sv.root) {
				t.Errorf("answered %q", out)
			}
			if d := sv.expect(c.request, c.reply, c.outcome, c.reason); d.File != "" {
				t.Errorf("file %q", d.File)
			}
		})
	}
}

// TestNames: leading slashes, dots and percent signs lead to the file that is meant.
func TestNames(t *testing.T) {
	sv := serve(t, Config{})
	want := string(sv.put("a file.efi", 99))
	for _, target := range []string{"/a%20file.efi", "//a%20file.efi", "/./a%20file.efi", "/a%20file.efi?query"} {
		if got := sv.curl(target); got != want {
			t.Errorf("%s: %q", target, got)
		}
		if d := sv.expect("GET "+target, "200", OK, ""); d.File != "a file.efi" {
			t.Errorf("%s: file %q", target, d.File)
		}
	}
}

// raw sends octets and gives all that comes back until the server ends the connection.
func (sv *served) raw(request string) string {
	sv.t.Helper()
	conn, err := net.Dial("tcp", sv.at)
	if err != nil {
		sv.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		sv.t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		sv.t.Fatal(err)
	}
	return string(answer)
}

func TestOldAndOdd(t *testing.T) {
	sv := serve(t, Config{})
	want := string(sv.put("f", 20))
	if got := sv.raw("GET /f HTTP/1.0\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.0 200 OK\r\n") || !strings.HasSuffix(got, "\r\n\r\n"+want) {
		t.Errorf("HTTP/1.0: %q", got)
	}
	sv.expect("GET /f", "200", OK, "")
	if got := sv.raw("hello\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 400 ") {
		t.Errorf("nonsense: %q", got)
	}
	sv.expect("none", "400", Refused, "no whole request")
	if got := sv.raw("GET /\x1b[2J HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); strings.Contains(got, "\x1b") {
		t.Errorf("control characters come back: %q", got)
	}
	if d := <-sv.decisions; strings.Contains(d.Request, "\x1b") {
		t.Errorf("%+v", d)
	}
}

// TestBrokenOff: a client that goes away in the middle is told from one that has the whole file.
func TestBrokenOff(t *testing.T) {
	sv := serve(t, Config{})
	sv.put("big", 30_000_000)
	conn, err := net.Dial("tcp", sv.at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 10_000)); err != nil {
		t.Fatal(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0) // ends in a reset
	conn.Close()
	if d := sv.expect("GET /big", "200", Aborted, "of 30000000 octets"); d.Bytes >= 30_000_000 {
		t.Errorf("%+v", d)
	}
}

func TestNoLength(t *testing.T) {
	sv := serve(t, Config{NoLength: true})
	want := sv.put("a.efi", 70_000)
	for method, more := range map[string]string{"HEAD": "Connection: close\r\n", "GET": ""} {
		head, body, _ := bytes.Cut([]byte(sv.raw(method+" /a.efi HTTP/1.1\r\nHost: x\r\n"+more+"\r\n")), []byte("\r\n\r\n"))
		if h := strings.ToLower(string(head)); strings.Contains(h, "content-length") || strings.Contains(h, "transfer-encoding") || !strings.HasPrefix(h, "http/1.1 200") {
			t.Errorf("%s: %s", method, head)
		}
		if method == "GET" && !bytes.Equal(body, want) || method == "HEAD" && len(body) > 0 {
			t.Errorf("%s: %d octets", method, len(body))
		}
	}
	for range 2 {
		if d := <-sv.decisions; d.Request == "GET /a.efi" && (d.Bytes != 70_000 || d.Outcome != OK) || d.Request == "HEAD /a.efi" && d.Outcome != SizeProbe {
			t.Errorf("%+v", d)
		}
	}
}

func TestSilent(t *testing.T) {
	sv := serve(t, Config{Silent: true})
	sv.put("f", 10)
	conn, err := net.Dial("tcp", sv.at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET /f HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	sv.expect("GET /f", "", "", "silent, as configured")
	conn.Close() // by its client: the server never ends it
}

func TestPortInUse(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port := ln.Addr().(*net.TCPAddr).Port
	_, err = Listen(Config{Interface: "lo", Root: t.TempDir(), Port: port, Address: netip.MustParseAddr("127.0.0.1")}, nil)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf(`port %d on "lo" is in use by another program; stop it`, port)) {
		t.Error(err)
	}
	if _, err := Listen(Config{Interface: "lo", Root: "/nowhere/at/all"}, nil); err == nil || !strings.Contains(err.Error(), "HTTP root: open /nowhere/at/all") {
		t.Error(err)
	}
}

// FuzzLocalName: whatever a client asks for, what is opened lies in the root.
func FuzzLocalName(f *testing.F) {
	for _, s := range []string{"/f", "//f", "/../f", "/a/../../b", "/.", "", "/a\x00b", "/a/./b", "/...", `/..\x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		name, refused := localName(path)
		switch {
		case refused != nil && (name != "" || refused.status != http.StatusNotFound && refused.status != http.StatusForbidden):
			t.Errorf("%q: %q, %+v", path, name, refused)
		case refused == nil && !filepath.IsLocal(name):
			t.Errorf("%q gives %q, which is not below the root", path, name)
		}
	})
}
