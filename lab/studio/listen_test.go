package studio

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNames: a studio is its own by the address that it listens on, or as it was named, and by no other name.
func TestNames(t *testing.T) {
	for _, c := range []struct {
		at       Listener
		own, not string
	}{
		{Listener{names: map[string]bool{"127.0.0.1": true, "localhost": true}, port: "8080"},
			"127.0.0.1:8080 localhost:8080 LOCALHOST:8080", "127.0.0.1 localhost:80 127.0.0.2:8080 localhost.evil.example:8080 [::1]:8080 :8080 evil.example:8080 127.0.0.1:8080:8080 127.0.0.1.:8080 2130706433:8080"},
		{Listener{names: map[string]bool{"::1": true, "localhost": true}, port: "8080"}, "[::1]:8080 localhost:8080", "::1:8080 127.0.0.1:8080"},
		{Listener{names: map[string]bool{"bench": true, "192.0.2.7": true}, port: "80"}, "bench:80 bench 192.0.2.7 192.0.2.7:80", "bench:81 192.0.2.8"},
		{Listener{names: map[string]bool{"0.0.0.0": true}, port: "8080", everywhere: true}, "192.0.2.7:8080 127.0.0.1:8080 [2001:db8::1]:8080", "localhost:8080 evil.example:8080 192.0.2.7:8081"},
		{Listener{}, "localhost localhost:9 127.0.0.1:8080 [::1]:1", "evil.example evil.example:80 192.0.2.7"},
	} {
		s := &Server{at: &c.at}
		for _, host := range strings.Fields(c.own) {
			if !s.own(host) {
				t.Errorf("%+v: %q is not its own", c.at, host)
			}
		}
		for _, host := range append(strings.Fields(c.not), "", "[") {
			if s.own(host) {
				t.Errorf("%+v: %q is its own", c.at, host)
			}
		}
	}
}

func TestListen(t *testing.T) {
	for _, bad := range []string{"", "8080", ":8080", "127.0.0.1", "127.0.0.1:70000", "nobody.invalid:80", "unix:", "unix:/no/such/folder/s", "unix:listen_test.go"} {
		if l, err := Listen(bad); err == nil {
			l.Close()
			t.Errorf("it listens on %q", bad)
		} else if !strings.Contains(err.Error(), "--listen") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := os.Stat("listen_test.go"); err != nil {
		t.Error("a file was removed that is no socket")
	}
	for address, open := range map[string]bool{"127.0.0.1:0": false, "localhost:0": false, "0.0.0.0:0": true} {
		l, err := Listen(address)
		if err != nil {
			t.Fatal(err)
		}
		if l.Open != open || !strings.HasPrefix(l.URL("T"), "http://127.0.0.1:") || !strings.HasSuffix(l.URL("T"), "/#token=T") {
			t.Errorf("%s: open %v, %s", address, l.Open, l.URL("T"))
		}
		for _, u := range l.Elsewhere("T") { // each must be its own
			host := strings.TrimSuffix(strings.TrimPrefix(u, "http://"), "/#token=T")
			if !open || !(&Server{at: l}).own(host) {
				t.Errorf("%s is reached from elsewhere as %s", address, u)
			}
		}
		l.Close()
	}
}

// TestUnix: a studio on a unix socket is its user's alone, is there after one that was killed, and leaves no socket.
func TestUnix(t *testing.T) {
	dir, err := os.MkdirTemp("", "std")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	killed, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	killed.SetUnlinkOnClose(false)
	if l, err := Listen("unix:" + path); err == nil {
		l.Close()
		t.Fatal("it took the socket of another that listens")
	}
	killed.Close()
	source, err := OpenCapture("../wire/testdata/ovmf-x64.pcap")
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	at, err := Listen("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	s := New(source, at, Options{})
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}}
	for host, want := range map[string]int{"localhost": 200, "localhost:8080": 200, "evil.example": 403} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/api/about", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.watchToken)
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("as %s: %s", host, res.Status)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}
