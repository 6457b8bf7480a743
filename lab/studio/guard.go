package studio

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Who may do what. A token is sent as `Authorization: Bearer TOKEN`, so no other page can have a browser send it.
type right int

const (
	nothing right = iota
	watch         // look at everything, change nothing
	steer         // type, step, switch guests on and off
)

// newToken is one that nobody guesses: 130 bits.
func newToken() string { return rand.Text() }

// right is what the token of a request lets its sender do.
func (s *Server) right(r *http.Request) right {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	may := nothing
	// Both are always compared, in the same time whatever they have in common.
	if ok && subtle.ConstantTimeCompare([]byte(token), []byte(s.watchToken)) == 1 {
		may = watch
	}
	if ok && s.steerToken != "" && subtle.ConstantTimeCompare([]byte(token), []byte(s.steerToken)) == 1 {
		may = steer
	}
	return may
}

// refusal is why a request is not answered, with its status.
type refusal struct {
	status int
	why    string
}

// asks are the POSTs that change nothing: whoever may watch may ask.
var asks = map[string]bool{"/api/preview": true, "/api/lesson/answer": true}

// refuse looks at everything of a request to the API that no call has to look at itself. A call that changes something is a POST.
func (s *Server) refuse(r *http.Request) *refusal {
	if f := s.foreign(r); f != nil {
		return f
	}
	may := s.right(r)
	switch {
	case may == nothing && r.Header.Get("Authorization") == "":
		return &refusal{http.StatusUnauthorized, "this needs the token of the studio: open the whole address that `pxelab studio` printed"}
	case may == nothing:
		return &refusal{http.StatusForbidden, "this is not the token of this studio: open the address that `pxelab studio` printed last"}
	case r.Method == http.MethodGet:
		return nil
	case may != steer && !asks[r.URL.Path]:
		return &refusal{http.StatusForbidden, "this address is for watching only"}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &refusal{http.StatusUnsupportedMediaType, "the body must be JSON, with Content-Type: application/json"}
	}
	return nil
}

// foreign refuses what did not come from this studio's own page, or came by a name that is not its own: a page from elsewhere whose
// name was made to lead here (DNS rebinding) has that name in Host.
func (s *Server) foreign(r *http.Request) *refusal {
	if !s.own(r.Host) {
		return &refusal{http.StatusForbidden, fmt.Sprintf("%q is not this studio's name: open the address that `pxelab studio` printed", r.Host)}
	}
	if origin := r.Header.Values("Origin"); len(origin) > 1 || len(origin) == 1 && origin[0] != "http://"+r.Host {
		return &refusal{http.StatusForbidden, fmt.Sprintf("a page of %q may not ask this studio", strings.Join(origin, ", "))}
	}
	// Browsers that send no Origin with a GET say this (Fetch Metadata).
	if site := r.Header.Get("Sec-Fetch-Site"); strings.HasPrefix(r.URL.Path, "/api/") && site != "" && site != "same-origin" && site != "none" {
		return &refusal{http.StatusForbidden, "a page from elsewhere may not ask this studio"}
	}
	return nil
}

// own tells whether a Host header names this server: by the address that it listens on, or as --listen named it. One that listens on
// every address is its own by any address, and by no name.
func (s *Server) own(host string) bool {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, "80"
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	address, err := netip.ParseAddr(name)
	switch {
	case s.at.port == "": // a unix socket, reached through what leads a port of this host there
		return name == "localhost" || err == nil && address.IsLoopback()
	case port != s.at.port:
		return false
	case s.at.names[name]:
		return true
	}
	return err == nil && s.at.everywhere
}

// policy is what a browser may do for the page. Styles need a nonce beside 'self' because xterm.js makes <style> elements for its
// colours and cells; scripts get none.
func policy(nonce string) string {
	styles := "'self'"
	if nonce != "" {
		styles += " 'nonce-" + nonce + "'"
	}
	return "default-src 'none'; script-src 'self'; style-src " + styles + "; connect-src 'self'; img-src 'self' data:; " +
		"font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// harden sets what every answer has.
func harden(h http.Header, nonce string) {
	h.Set("Content-Security-Policy", policy(nonce))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.Set("Cache-Control", "no-store")
}
