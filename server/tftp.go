package server

import (
	"net/netip"

	"github.com/pxelab/pxelab/server/tftp"
)

// TFTPConfig is a read-only TFTP server (RFC 1350, 2090, 2347, 2348, 2349, 7440). The last four make it a broken one, for
// teaching.
type TFTPConfig struct {
	Root      string           `json:"root"`                 // directory; no name leads out of it
	MaxBlk    int              `json:"maxBlksize,omitempty"` // largest blksize granted, at least 8; zero means the interface's MTU decides
	MaxWindow int              `json:"maxWindow,omitempty"`  // largest windowsize granted; 1 refuses the option; zero means 64
	Multicast *MulticastConfig `json:"multicast,omitempty"`  // nil refuses option multicast
	Silent    bool             `json:"silent,omitempty"`     // bind the port and never answer
	NoOptions bool             `json:"noOptions,omitempty"`  // know no options (RFC 2347): EDK2 then gives up (PXE-E99)
	NoTsize   bool             `json:"noTsize,omitempty"`    // leave tsize unanswered: EDK2 then gives up (PXE-E53)
	StopAfter int              `json:"stopAfter,omitempty"`  // fall silent after so many blocks of a transfer; zero does not
}

// MulticastConfig is what a TFTP server gives out for multicast transfers (RFC 2090).
type MulticastConfig struct {
	First netip.Addr `json:"first"` // range of group addresses, both ends included
	Last  netip.Addr `json:"last"`
	Port  int        `json:"port"` // that DATA is sent to
}

// tftp turns the checked configuration into the role's own.
func (t *TFTPConfig) tftp(ifname string, ip6 bool) tftp.Config {
	c := tftp.Config{Interface: ifname, IPv6: ip6, Root: t.Root, MaxBlk: t.MaxBlk, MaxWindow: t.MaxWindow, Silent: t.Silent,
		NoOptions: t.NoOptions, NoTsize: t.NoTsize, StopAfter: t.StopAfter}
	if m := t.Multicast; m != nil && !ip6 {
		c.Multicast = tftp.Multicast{First: m.First, Last: m.Last, Port: uint16(m.Port)}
	}
	return c
}

func (t *TFTPConfig) validate(p *problems) {
	if t.Root == "" {
		p.addf("tftp: root is empty; name the directory to serve")
	}
	if t.MaxBlk != 0 && (t.MaxBlk < 8 || t.MaxBlk > 65464) {
		p.addf("tftp: maxBlksize %d is outside 8 to 65464", t.MaxBlk)
	}
	if t.MaxWindow < 0 || t.MaxWindow > 65535 {
		p.addf("tftp: maxWindow %d is outside 1 to 65535", t.MaxWindow)
	}
	if t.StopAfter < 0 {
		p.addf("tftp: stopAfter %d is no number of blocks", t.StopAfter)
	}
	if m := t.Multicast; m != nil {
		m.validate(p)
	}
}

func (m *MulticastConfig) validate(p *problems) {
	for _, a := range []netip.Addr{m.First, m.Last} {
		if !a.Is4() || !a.IsMulticast() || a.IsLinkLocalMulticast() {
			p.addf("tftp: multicast: %q is not a group address such as 239.255.0.1", a)
		}
	}
	if m.Last.Less(m.First) {
		p.addf("tftp: multicast: last %s is before first %s", m.Last, m.First)
	}
	if m.Port < 1 || m.Port > 65535 {
		p.addf("tftp: multicast: port %d is outside 1 to 65535", m.Port)
	}
}
