package judge

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// httpError is what EDK2's HTTP boot client says, word for word.
var httpError = regexp.MustCompile(`^ *Error: |^ *(?:Client|Server) Error: `)

// onHTTP is what is known of a transfer over HTTP beyond any transfer.
type onHTTP struct {
	status  int
	crc     string       // of the whole body, as it crossed the wire
	unsized *event.Event // the latest answer, if it says neither how long the file is nor sends it in chunks
	cut     *event.Event // the connection ended in the middle
}

// bootsOverHTTP tells whether the guest's firmware boots by its HTTP boot client.
func (b *boot) bootsOverHTTP() bool { return b.guest.BootsOver == topology.OverHTTP }

// complains tells whether the client says in this line what is wrong.
func (b *boot) complains(line string) bool {
	return ipxeError(line) != 0 || pxeCode.MatchString(line) || b.bootsOverHTTP() && httpError.MatchString(line)
}

// httpSent takes a request of the guest. EDK2 asks with HEAD for the size, and then with GET.
func (b *boot) httpSent(e event.Event) {
	p := e.Packet.HTTP
	if p.Op != "request" || p.Method != "GET" && p.Method != "HEAD" {
		return
	}
	file := fileOf(p.Target)
	t := b.findHTTP(file)
	b.secondStage(e, t == nil)
	if t == nil {
		t = &transfer{file: file, http: &onHTTP{}}
		b.transfers = append(b.transfers, t)
		b.show("http> "+file, e)
	}
	if p.Repeat == 0 {
		t.answered = false
	}
	t.server, t.asked = event.HostOf(e.Packet.Dst), append(t.asked, e)
	b.reach(event.StageDownload, e)
}

// httpReceived takes a step of a response, or the end of a connection.
func (b *boot) httpReceived(e event.Event) {
	p := e.Packet.HTTP
	t := b.findHTTP(fileOf(p.Target))
	if t == nil || p.Op == "request" {
		return
	}
	if e.Service != "" && (t.whole == nil || p.Method == "GET" && p.Last && p.Status == 200) { // as over TFTP
		t.service = e.Service
	}
	if p.Op == "cut" {
		t.http.cut = &e
		return
	}
	t.answered, t.http.status = true, p.Status
	switch {
	case p.Status >= 400:
		t.failed = &e
	case p.Op == "response":
		if t.http.unsized = nil; p.Length == nil && !p.Chunks { // the answer to GET is what counts
			t.http.unsized = &e
		}
	}
	if p.Method == "GET" && p.Status < 300 {
		if p.Bytes > t.bytes {
			t.bytes, b.progress = p.Bytes, e.At
		}
		if p.Last && p.Status == 200 {
			t.http.crc, t.http.cut = p.CRC32, nil
			t.whole, t.failed, t.aborted = &e, nil, nil
		}
	}
}

// httpCut notes that the guest itself ended a connection before it had the whole response.
func (b *boot) httpCut(e event.Event) {
	if t := b.findHTTP(fileOf(e.Packet.HTTP.Target)); t != nil && t.whole == nil {
		t.aborted = &e
	}
}

// fileOf gives the file that the target of a request names.
func fileOf(target string) string {
	path, _, _ := strings.Cut(target, "?")
	if u, err := url.PathUnescape(path); err == nil {
		return u
	}
	return path
}

// findHTTP gives the transfer of a file over HTTP.
func (b *boot) findHTTP(file string) *transfer {
	for _, t := range b.transfers {
		if t.http != nil && sameFile(t.file, file) {
			return t
		}
	}
	return nil
}

// findOver gives the transfer of a file over a protocol, or over any: then the one that came whole before others.
func (b *boot) findOver(file, protocol string) *transfer {
	if protocol == topology.OverHTTP {
		return b.findHTTP(file)
	}
	t := b.find(file)
	if h := b.findHTTP(file); protocol == "" && h != nil && (t == nil || t.whole == nil) {
		return h
	}
	return t
}

// over says how a file was fetched, unless by TFTP, which goes without saying.
func (t *transfer) over() string {
	if t.http != nil {
		return " over HTTP"
	}
	return ""
}

func overWhat(protocol string) string {
	if protocol == "" {
		return ""
	}
	return " over " + protocol
}

// spoiled says that a file arrived otherwise than it is served; empty if it did not, or if the run does not know the file.
func (b *boot) spoiled(t *transfer) string {
	if t.http == nil || t.whole == nil {
		return ""
	}
	for _, m := range b.t.run.Images {
		if sameFile(m.File, t.file) && (m.CRC32 != t.http.crc || int64(m.Size) != t.bytes && m.Size != 0) {
			return fmt.Sprintf("%q as it crossed the wire (%d bytes, crc %s) is not the file as served (%d bytes, crc %s)",
				t.file, t.bytes, t.http.crc, m.Size, m.CRC32)
		}
	}
	return ""
}

// imageOverHTTP gives the transfer by which an image for this guest came whole over HTTP, unless it came over TFTP.
func (b *boot) imageOverHTTP(name string) *transfer {
	var found *transfer
	for _, t := range b.transfers {
		switch {
		case t.whole == nil || !b.isImage(t.file, name):
		case t.http == nil:
			return nil
		case b.otherArch(t) == "":
			found = t
		}
	}
	return found
}

// checkRoundTrips checks what the probe did over the network by itself: it tries only where the firmware gives it the
// means, and can succeed only where the server that DHCP named plays TFTP, too.
func (b *boot) checkRoundTrips(r *report) string {
	serves := slices.ContainsFunc(b.t.plan.Services, func(s plan.Service) bool {
		return s.Server != nil && s.Server.TFTP != nil && b.t.isAt(s, r.fetch["server"])
	})
	if !serves {
		return ""
	}
	if wrong := b.checkFetch(r); wrong != "" {
		return wrong
	}
	return b.checkUDP(r)
}

// bootedOverHTTP checks the claim that an image ran that came over HTTP. Its nonce says that it is of this run. That it
// ran as it was served is read from the wire: EDK2's HTTP boot gives a program no protocol to fetch itself again with.
// What the probe could do by itself must be right nevertheless.
func (b *boot) bootedOverHTTP(c *topology.Booted, t *transfer) finding {
	r := &b.report
	checks := []func() string{
		func() string { return b.checkBanner(r) },
		func() string { return b.spoiled(t) },
		func() string {
			if !worked(r.self) {
				return ""
			}
			return b.checkSelf(r, c.Image)
		},
		func() string { return b.checkRoundTrips(r) },
		func() string { return b.checkAddress(r) },
		func() string { return b.checkServer(c) },
	}
	for _, check := range checks {
		if wrong := check(); wrong != "" {
			return fail(wrong, slices.Concat(r.lines, []event.Event{*t.whole})...)
		}
	}
	return pass(fmt.Sprintf("%s ran %s (the nonce of this run), which came over HTTP as served (%d bytes, crc %s)",
		b.guest.Name, c.Image, t.bytes, t.http.crc), *r.banner, *t.whole, *r.end)
}
