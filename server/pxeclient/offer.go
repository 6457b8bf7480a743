package pxeclient

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/pxe"
)

// Reply is a message from a server, and whence it came.
type Reply struct {
	*Message
	Time      time.Time
	From      netip.AddrPort
	FromMAC   net.HardwareAddr
	Vendor    *pxe.Vendor // option 43 as far as it could be read; never nil, empty unless option 60 says PXEClient
	VendorErr error
}

// Kind is what an offer is, by PXE 2.1.
type Kind string

// The kinds of offers.
const (
	Unusable  Kind = "unusable"
	PlainDHCP Kind = "DHCP"         // an address, nothing of PXE, perhaps a boot file
	DHCPPXE   Kind = "DHCP+PXE"     // an address, and PXE options that say how to boot
	DHCPBINL  Kind = "DHCP+BINL"    // an address, and a word that port 4011 of the same host knows more
	ProxyPXE  Kind = "proxy"        // no address; PXE options that say how to boot
	ProxyBINL Kind = "proxy (BINL)" // no address, and a word that its port 4011 knows more
	BOOTP     Kind = "BOOTP"        // no option 53
	HTTP      Kind = "HTTP"         // an address and a URI (UEFI 2.10 section 24.7)
	HTTPProxy Kind = "HTTP proxy"   // a URI alone
)

// newReply reads what a reply says of PXE.
func newReply(m *Message, from netip.AddrPort, mac net.HardwareAddr, at time.Time) *Reply {
	r := &Reply{Message: m, Time: at, From: from, FromMAC: mac, Vendor: &pxe.Vendor{}}
	if v, ok := m.Get(optVendor); ok && r.isPXE() {
		r.Vendor, r.VendorErr = pxe.ParseVendor(v)
	}
	return r
}

func (r *Reply) isPXE() bool  { return r.class("PXEClient") }
func (r *Reply) isHTTP() bool { return r.class("HTTPClient") }

func (r *Reply) class(prefix string) bool {
	v, _ := r.Get(optClassID)
	return strings.HasPrefix(string(v), prefix)
}

// Server gives the name of who replied: option 54, else siaddr, else the source address.
func (r *Reply) Server() netip.Addr {
	if a := r.Addr(optServerID); a.IsValid() {
		return a
	}
	if r.SIAddr.IsValid() {
		return r.SIAddr
	}
	return r.From.Addr()
}

// Kind classifies an offer. why is the reason of an unusable one.
func (r *Reply) Kind() (kind Kind, why string) {
	proxy := !r.YIAddr.IsValid()
	switch {
	case r.Type() == dhcpv4.MessageTypeNone && proxy:
		return Unusable, "a BOOTP reply without yiaddr"
	case r.Type() == dhcpv4.MessageTypeNone:
		return BOOTP, ""
	case !r.Addr(optServerID).IsValid():
		return Unusable, "no option 54 (RFC 2131 table 3)"
	case r.VendorErr != nil:
		return Unusable, r.VendorErr.Error()
	case r.isHTTP() && proxy:
		return HTTPProxy, ""
	case r.isHTTP():
		return HTTP, ""
	case !r.isPXE() && proxy:
		return Unusable, "neither yiaddr nor option 60 PXEClient"
	case !r.isPXE():
		return PlainDHCP, ""
	case r.tellsHow() && proxy:
		return ProxyPXE, ""
	case r.tellsHow():
		return DHCPPXE, ""
	case proxy:
		return ProxyBINL, ""
	}
	return DHCPBINL, ""
}

// tellsHow reports whether option 43 says how to find a boot program, so that port 4011 need not be asked.
func (r *Reply) tellsHow() bool { return r.discovers() || r.Vendor.MTFTP != nil }

// discovers reports whether option 43 has any of the tags of boot server discovery, 6 to 10.
func (r *Reply) discovers() bool {
	v := r.Vendor
	return v.Control != nil || v.Multicast.IsValid() || v.Servers != nil || v.Menu != nil || v.Prompt != nil
}

// control gives tag 6; a missing one allows everything.
func control(v *pxe.Vendor) pxe.Control {
	if v.Control == nil {
		return 0
	}
	return *v.Control
}

// Direct reports whether the reply names a file and forbids to look any further (PXE 2.1 table 2-1, tag 6 bit 3).
func (r *Reply) Direct() bool {
	return control(r.Vendor)&pxe.Direct != 0 && r.bootFile() != ""
}

// bootFile gives option 67, else the header field, without the NULs that fill either.
func (r *Reply) bootFile() string {
	if v, ok := r.Get(optBootFile); ok {
		if name := strings.TrimRight(string(v), "\x00"); name != "" {
			return name
		}
	}
	return r.Message.File
}

// File is a boot program to fetch.
type File struct {
	Server netip.Addr // TFTP server; zero for a URI
	Name   string     // file name, or URI
	Size   int64      // what option 13 promises, rounded up to 512 octets; zero: nothing
	MTFTP  *pxe.MTFTP // how to take part in a multicast transfer; nil: TFTP
}

// File gives the boot program a reply names. The TFTP server is siaddr, else who replied; option 66 is a name that no
// known client resolves.
func (r *Reply) File() (File, error) {
	f := File{Name: r.bootFile(), MTFTP: r.Vendor.MTFTP}
	if f.Name == "" {
		return f, fmt.Errorf("%s of %s names no boot file", r.Name(), r.Server())
	}
	if v, _ := r.Get(optFileSize); len(v) == 2 {
		f.Size = 512 * int64(binary.BigEndian.Uint16(v))
	}
	if r.isHTTP() {
		return f, nil
	}
	if f.Server = r.SIAddr; !f.Server.IsValid() {
		f.Server = r.Server()
	}
	return f, nil
}

// Menu is what a client shows before it looks for a boot server.
type Menu struct {
	Items   []pxe.MenuItem
	Prompt  string
	Timeout time.Duration // zero takes the first item at once; negative shows the menu and waits for ever
}

// Menu gives a reply's boot menu (PXE 2.1 table 2-1, tags 9 and 10). Without a prompt the menu is shown at once.
func (r *Reply) Menu() Menu {
	m := Menu{Items: r.Vendor.Menu, Timeout: -1}
	if p := r.Vendor.Prompt; p != nil {
		m.Prompt = p.Text
		if p.Timeout != 255 {
			m.Timeout = time.Duration(p.Timeout) * time.Second
		}
	}
	return m
}

// Choice is which offers a client takes, and why.
type Choice struct {
	Address *Reply   // gives the address; nil: nothing here can be booted from
	Boot    *Reply   // tells what to boot; Address itself, or a proxy's
	Kind    Kind     // of Boot
	Reason  string   // why these
	Passed  []string // why not each of the others
}

// AskBoot reports whether port 4011 of Boot's server has to be asked before anything can be booted.
func (c Choice) AskBoot() bool { return c.Kind == DHCPBINL || c.Kind == ProxyBINL }

// ranks is the order in which a client prefers offers: an offer that tells of PXE before a proxy's, complete ones before
// those that have to be asked again, and all of PXE before DHCP and BOOTP alone (PXE 2.1 section 2.2, and the order of
// EDK2, which was Intel's).
var ranks = []struct {
	address, boot Kind
	file          bool // counts only if it names a boot file
	reason        string
}{
	{HTTP, HTTP, true, "an address and a URI in one offer"},
	{PlainDHCP, HTTPProxy, true, "an address, and a URI from a proxy"},
	{DHCPPXE, DHCPPXE, false, "address and PXE options in one offer"},
	{PlainDHCP, ProxyPXE, false, "an address, and PXE options from a proxy"},
	{DHCPBINL, DHCPBINL, false, "an address, and port 4011 of the same server to be asked"},
	{PlainDHCP, ProxyBINL, false, "an address, and port 4011 of a proxy to be asked"},
	{PlainDHCP, PlainDHCP, true, "an address and a boot file, nothing of PXE"},
	{BOOTP, BOOTP, true, "a BOOTP reply with a boot file"},
}

// Choose picks the best of the offers, of two equals the first.
func Choose(offers []*Reply) Choice {
	for _, rank := range ranks {
		address, boot := first(offers, rank.address, rank.file && rank.address == rank.boot), first(offers, rank.boot, rank.file)
		if address == nil || boot == nil {
			continue
		}
		c := Choice{Address: address, Boot: boot, Kind: rank.boot, Reason: rank.reason}
		for _, o := range offers {
			if o != address && o != boot {
				c.Passed = append(c.Passed, passed(o))
			}
		}
		return c
	}
	c := Choice{Reason: "no offer, or pair of offers, has both an address and a way to boot"}
	for _, o := range offers {
		c.Passed = append(c.Passed, passed(o))
	}
	return c
}

func first(offers []*Reply, want Kind, file bool) *Reply {
	for _, o := range offers {
		if k, _ := o.Kind(); k == want && (!file || o.bootFile() != "") {
			return o
		}
	}
	return nil
}

func passed(o *Reply) string {
	kind, why := o.Kind()
	if why == "" {
		why = "not the first of the best"
		if o.bootFile() == "" && (kind == PlainDHCP || kind == BOOTP) {
			why = "names no boot file"
		}
	}
	return fmt.Sprintf("%s from %s: %s", kind, o.Server(), why)
}
