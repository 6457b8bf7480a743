package studio

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/event"
)

// posts are all calls that change something, each with a body that it takes.
var posts = map[string]string{
	"/api/step":             `{"until":{}}`,
	"/api/guests/x64/keys":  `{"data":"x"}`,
	"/api/guests/x64/power": `{"action":"reset"}`,
}

// TestRefused: nothing is done, and nothing told, for a request that is not the page's own.
func TestRefused(t *testing.T) {
	l := newLab(t)
	s := serveLab(t, l, Options{})
	for _, c := range []struct {
		name string
		want int
		make func(r *http.Request)
	}{
		{"no token", 401, func(r *http.Request) { r.Header.Del("Authorization") }},
		{"another token", 403, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+newToken()) }},
		{"half the token", 403, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+s.steerToken[:13]) }},
		{"an empty token", 403, func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }},
		{"token in the address", 401, func(r *http.Request) { r.Header.Del("Authorization"); r.URL.RawQuery = "token=" + s.steerToken }},
		{"token as a cookie", 401, func(r *http.Request) { r.Header.Del("Authorization"); r.Header.Set("Cookie", "token="+s.steerToken) }},
		{"another origin", 403, func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }},
		{"the origin of another port", 403, func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") }},
		{"its own name, but HTTPS", 403, func(r *http.Request) { r.Header.Set("Origin", "https://"+r.Host) }},
		{"no origin that has a name", 403, func(r *http.Request) { r.Header.Set("Origin", "null") }},
		{"two origins", 403, func(r *http.Request) { r.Header["Origin"] = []string{s.base, "http://evil.example"} }},
		{"from another site", 403, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }},
		{"from another port", 403, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }},
		{"a name made to lead here", 403, func(r *http.Request) { r.Host = "evil.example:" + s.at.port }},
		{"that name as its own origin", 403, func(r *http.Request) {
			r.Host = "evil.example:" + s.at.port
			r.Header.Set("Origin", "http://evil.example:"+s.at.port)
		}},
		{"another port in Host", 403, func(r *http.Request) { r.Host = "127.0.0.1:1" }},
		{"no port in Host", 403, func(r *http.Request) { r.Host = "127.0.0.1" }},
		{"another address in Host", 403, func(r *http.Request) { r.Host = "192.0.2.1:" + s.at.port }},
	} {
		for path, body := range posts {
			r := s.request(http.MethodPost, path, body)
			c.make(r)
			if res, text := s.do(r); res.StatusCode != c.want {
				t.Errorf("%s: POST %s: %s: %s; want %d", c.name, path, res.Status, text, c.want)
			}
		}
		for _, path := range []string{"/api/about", "/api/items", "/api/frames/1", "/api/held", "/api/export.html", "/api/capture.pcapng", "/api/guests/x64/console.cast", "/api/none"} {
			r := s.request(http.MethodGet, path, "")
			c.make(r)
			res, text := s.do(r)
			if res.StatusCode != c.want || strings.Contains(text, "studio-test") {
				t.Errorf("%s: GET %s: %s: %s; want %d", c.name, path, res.Status, text, c.want)
			}
		}
	}
	if did := l.deeds(); did != "" {
		t.Errorf("it was done: %s", did)
	}
}

// TestRefusedPosts: what changes something is a POST of JSON, of a bounded size, by who may.
func TestRefusedPosts(t *testing.T) {
	l := newLab(t)
	s := serveLab(t, l, Options{})
	for path, body := range posts {
		for _, c := range []struct {
			name, method string
			want         int
			body         string
			make         func(r *http.Request)
		}{
			{"GET", http.MethodGet, 404, "", nil},
			{"PUT", http.MethodPut, 405, body, nil},
			{"DELETE", http.MethodDelete, 405, body, nil},
			{"a preflight", http.MethodOptions, 405, "", nil},
			{"as a form", http.MethodPost, 415, body, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }},
			{"as nothing", http.MethodPost, 415, body, func(r *http.Request) { r.Header.Del("Content-Type") }},
			{"no JSON", http.MethodPost, 400, "until=now", nil},
			{"no body", http.MethodPost, 400, "", nil},
			{"two bodies", http.MethodPost, 400, body + body, nil},
			{"an unknown field", http.MethodPost, 400, `{"else":1}`, nil},
			{"too large", http.MethodPost, 413, `{"data":"` + strings.Repeat("x", maxBody) + `"}`, nil},
			{"only watching", http.MethodPost, 403, body, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+s.watchToken) }},
		} {
			if c.want == 413 && path != "/api/guests/x64/keys" {
				continue // another field is unknown before it is too large
			}
			r := s.request(c.method, path, c.body)
			if c.make != nil {
				c.make(r)
			}
			if res, text := s.do(r); res.StatusCode != c.want || res.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: %s: %s: %s; want %d", c.name, path, res.Status, text, c.want)
			}
		}
	}
	if did := l.deeds(); did != "" {
		t.Errorf("it was done: %s", did)
	}
}

// TestSteered: the page's own requests are done, and who watches sees everything.
func TestSteered(t *testing.T) {
	l := newLab(t)
	s := serveLab(t, l, Options{Version: "v0.test"})
	for _, path := range []string{"/api/step", "/api/guests/x64/power", "/api/guests/x64/keys"} {
		r := s.request(http.MethodPost, path, posts[path])
		r.Header.Set("Origin", s.base)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		if res, text := s.do(r); res.StatusCode >= 300 {
			t.Errorf("%s: %s: %s", path, res.Status, text)
		}
	}
	if got := <-l.typed; got != "x" {
		t.Errorf("typed %q", got)
	}
	want := `step "" 0 octets until {Never:false Now:false Any:false Packet: Guest: Stage:}; x64 reset`
	if did := l.deeds(); did != want {
		t.Errorf("done: %s; want %s", did, want)
	}
	about := s.get("/api/about")
	if !strings.Contains(about, `"live":true`) || !strings.Contains(about, `"watchOnly":false`) {
		t.Errorf("about: %s", about)
	}
	r := s.request(http.MethodGet, "/api/about", "")
	r.Header.Set("Authorization", "Bearer "+s.watchToken)
	r.Host = "localhost:" + s.at.port
	if res, text := s.do(r); res.StatusCode != 200 || !strings.Contains(text, `"watchOnly":true`) {
		t.Errorf("about, for who watches: %s: %s", res.Status, text)
	}
}

// TestWatchOnly: a studio that is for watching has no token for more.
func TestWatchOnly(t *testing.T) {
	l := newLab(t)
	s := serveLab(t, l, Options{WatchOnly: true})
	if s.URL() != "" {
		t.Errorf("it has an address for more: %s", s.URL())
	}
	for path, body := range posts {
		for _, token := range []string{s.watchToken, ""} {
			r := s.request(http.MethodPost, path, body)
			r.Header.Set("Authorization", "Bearer "+token)
			if res, text := s.do(r); res.StatusCode != 403 {
				t.Errorf("%s: %s: %s", path, res.Status, text)
			}
		}
	}
	if did := l.deeds(); did != "" {
		t.Errorf("it was done: %s", did)
	}
}

// TestPreview: who watches may ask what a changed packet would be, and nothing is changed by that.
func TestPreview(t *testing.T) {
	l := newLab(t)
	s := serveLab(t, l, Options{})
	bundle, err := OpenBundle(bundleOf(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer bundle.Close()
	discover := bytes.Repeat([]byte{0}, 0)
	for n := 1; len(discover) == 0; n++ {
		f, err := bundle.frames.Frame(n)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(f.data, []byte("PXEClient")) {
			discover = f.data
		}
	}
	ask := func(path, body string) (int, string) {
		r := s.request(http.MethodPost, path, body)
		if path == "/api/preview" {
			r.Header.Set("Authorization", "Bearer "+s.watchToken)
		}
		res, text := s.do(r)
		return res.StatusCode, text
	}
	if status, text := ask("/api/preview", `{"changes":[]}`); status != 404 || !strings.Contains(text, "not held") {
		t.Errorf("nothing is held: %d: %s", status, text)
	}
	l.mu.Lock()
	l.hold = control.Holding{On: true, Guest: "x64", Data: discover, FromGuest: true}
	l.mu.Unlock()
	if text := s.get("/api/held"); !strings.Contains(text, "DHCPDISCOVER") || !strings.Contains(text, `"tx":true`) {
		t.Errorf("held: %s", text)
	}
	if status, text := ask("/api/preview", `{"changes":["dhcp.option.60=Something else"]}`); status != 200 || !strings.Contains(text, "Something else") {
		t.Errorf("changed: %d: %s", status, text)
	}
	for _, path := range []string{"/api/preview", "/api/step"} {
		if status, text := ask(path, `{"changes":["dhcp.option.60"]}`); status != 400 || !strings.Contains(text, "dhcp.option.60") {
			t.Errorf("no change at %s: %d: %s", path, status, text)
		}
	}
	if did := l.deeds(); did != "" {
		t.Errorf("it was done: %s", did)
	}
	if status, text := ask("/api/step", `{"changes":["dhcp.option.60=Something else"],"until":{"any":true}}`); status != 200 || !strings.HasPrefix(l.deeds(), `step "" `) || strings.Contains(l.deeds(), " 0 octets") {
		t.Errorf("stepped: %d: %s; done: %s", status, text, l.deeds())
	}
}

// TestPaths: nothing but the page's own files is served, whatever the path.
func TestPaths(t *testing.T) {
	dir := bundleOf(t, event.Event{Kind: event.RunEnded})
	source, err := OpenBundle(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, source, Options{})
	for _, path := range []string{
		"/page/../server.go", "/page/..%2fserver.go", "/page/%2e%2e/server.go", "/page//etc/passwd", "/page/vendor/", "/page/", "/page",
		"/page/vendor/package-lock.json", "/page/index.html", "/plan.json", "/etc/passwd",
		"/api/guests/..%2f..%2fplan.json%00/console.cast", "/api/guests/%2e%2e%2f%2e%2e/console.cast", "/api/guests/x64%2f..%2fx64/console.cast", "/api/guests/nobody/console.cast",
		"/api/frames/0", "/api/frames/-1", "/api/frames/1e3", "/api/frames/99999999999999999999", "/api/frames/x",
		"/api/items?from=0", "/api/items?from=x",
	} {
		r := s.request(http.MethodGet, "/", "")
		target, query, _ := strings.Cut(path, "?")
		r.URL.Opaque = "//" + r.Host + target // as it is written, not mended
		r.URL.RawQuery = query
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode < 300 {
			t.Errorf("GET %s: %s", path, res.Status)
		}
		hardened(t, path, res.Header)
	}
}

// hardened checks what every answer has.
func hardened(t *testing.T, what string, h http.Header) {
	t.Helper()
	policy := h.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self'") || strings.Contains(policy, "unsafe") {
		t.Errorf("%s: policy %q", what, policy)
	}
	for _, part := range []string{"connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%s: policy %q lacks %s", what, policy, part)
		}
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
	} {
		if h.Get(name) != want {
			t.Errorf("%s: %s is %q, want %q", what, name, h.Get(name), want)
		}
	}
	if len(h["Set-Cookie"]) > 0 || h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%s: cookies or other origins: %v", what, h)
	}
}

// TestPage: the page needs no token, has none in it, and is served with its policy; it is another nonce each time.
func TestPage(t *testing.T) {
	l := newLab(t)
	s := serveLab(t, l, Options{})
	var nonces []string
	for _, path := range []string{"/", "/", "/page/studio.js", "/page/studio.css"} {
		r := s.request(http.MethodGet, path, "")
		r.Header.Del("Authorization")
		r.Header.Set("Sec-Fetch-Site", "cross-site") // a link from elsewhere leads here
		res, text := s.do(r)
		if res.StatusCode != 200 || strings.Contains(text, s.steerToken) || strings.Contains(text, s.watchToken) || strings.Contains(text, "studio-test") {
			t.Errorf("GET %s: %s: %s", path, res.Status, text)
		}
		hardened(t, path, res.Header)
		if _, nonce, ok := strings.Cut(res.Header.Get("Content-Security-Policy"), "'nonce-"); ok {
			nonce, _, _ = strings.Cut(nonce, "'")
			nonces = append(nonces, nonce)
			if len(nonce) < 20 || Vendored() && !strings.Contains(text, `content="`+nonce+`"`) {
				t.Errorf("nonce %q", nonce)
			}
		}
	}
	if len(nonces) != 2 || nonces[0] == nonces[1] {
		t.Errorf("nonces %q: want one for each time the page was served", nonces)
	}
	r := s.request(http.MethodGet, "/", "")
	r.Host = "evil.example"
	if res, text := s.do(r); res.StatusCode != 403 || strings.Contains(text, "<") {
		t.Errorf("the page by another name: %s: %s", res.Status, text)
	}
	if res, _ := s.do(s.request(http.MethodPost, "/", "{}")); res.StatusCode != 405 {
		t.Errorf("POST of the page: %s", res.Status)
	}
}
