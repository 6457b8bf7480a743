package pxe

import (
	"net/netip"
	"strings"
)

// ClassPXE is what a server says in option 60 of everything that it tells a PXE client (PXE 2.1 section 2.2): no more
// than that. The client's own class in return would be taken for a server's too, but says another thing.
const ClassPXE = "PXEClient"

// Offer is what a server tells PXE clients beside the boot file: the "extended" part of its OFFERs and ACKs (PXE 2.1
// section 2.2, table 2-1). The zero Offer says no more than ClassPXE: the client then asks the same host on port 4011.
type Offer struct {
	Control   *Control
	Multicast netip.Addr
	Servers   []Server
	Menu      []MenuItem
	Prompt    *Prompt
	MTFTP     map[string]MTFTP // by boot file, without a leading slash: how to have it by multicast (tags 1 to 5)
	Flaws     OfferFlaws
}

// OfferFlaws are mistakes to make on purpose: what servers in the field do wrong.
type OfferFlaws struct {
	NoClass     bool // leave out option 60
	MenuForEFI  bool // send the menu to an iPXE that has no code for it
	NoEnd       bool // do not end option 43 with tag 255
	ClientClass bool // send the client's whole class back
}

// Empty reports whether there is nothing to say in option 43 of how to find a boot server.
func (o *Offer) Empty() bool {
	return o.Control == nil && !o.Multicast.IsValid() && len(o.Servers) == 0 && len(o.Menu) == 0 && o.Prompt == nil
}

// Vendor is what option 43 says of how to find a boot server, to a client that understands all of it.
func (o *Offer) Vendor() Vendor {
	return Vendor{Control: o.Control, Multicast: o.Multicast, Servers: o.Servers, Menu: o.Menu, Prompt: o.Prompt}
}

// direct reports whether clients are told to boot the named file at once.
func (o *Offer) direct() bool { return o.Control != nil && *o.Control&Direct != 0 }

// Told is the PXE part of one reply.
type Told struct {
	Class  string // option 60; empty leaves it out
	Vendor []byte // option 43; nil leaves it out
	Why    string // what was decided, for people; empty when there was nothing to decide
	Refuse bool   // nothing that could be said would be right: stay silent
}

// multicast gives tags 1 to 5 of a boot file; nil if it comes by TFTP alone.
func (o *Offer) multicast(file string) *MTFTP {
	if m, ok := o.MTFTP[strings.TrimLeft(file, "/")]; ok {
		return &m
	}
	return nil
}

// For says what one client is told. file is the boot file that the same reply names; empty is none.
//
// iPXE's EFI builds have no menu: told of one, they end the boot without a word (there is no PXE_MENU in
// config/defaults/efi.h). They are told to boot the file instead.
func (o *Offer) For(c Client, file string) (Told, error) {
	hasFile := file != ""
	t := Told{Class: ClassPXE}
	if o.Flaws.NoClass {
		t.Class = ""
	}
	if o.Flaws.ClientClass {
		t.Class = c.Class
	}
	v := o.Vendor()
	v.MTFTP = o.multicast(file)
	switch {
	case o.Empty() && v.MTFTP != nil:
		t.Why = "a file that may be had by multicast"
	case o.Empty():
		t.Why = "option 60 alone, so that it asks port 4011"
		return t, nil
	case c.IPXE && c.EFI() && len(o.Menu) > 0 && !o.Flaws.MenuForEFI && !(o.direct() && hasFile):
		if !hasFile {
			return Told{Refuse: true, Why: "iPXE on EFI has no PXE menu, and no file is configured that it could boot instead"}, nil
		}
		direct := Direct
		v = Vendor{Control: &direct, MTFTP: v.MTFTP}
		t.Why = "iPXE on EFI has no PXE menu, so it is told to boot the file at once"
	case o.direct() && hasFile:
		t.Why = "boot the file at once (discovery control bit 3)"
	case len(o.Menu) > 0:
		t.Why = "discovery, with a menu"
	}
	var err error
	if t.Vendor, err = v.Marshal(); err != nil {
		return Told{}, err
	}
	if o.Flaws.NoEnd {
		t.Vendor = t.Vendor[:len(t.Vendor)-1]
	}
	return t, nil
}
