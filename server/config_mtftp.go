package server

import (
	"net/netip"
	"strings"

	"github.com/pxelab/pxelab/server/mtftp"
)

// MTFTPConfig is a multicast TFTP server by Intel's scheme (PXE 2.1, tags 1 to 5 of option 43). The time-outs are for
// its clients only: they hear of them, and of the rest, from a boot server (MTFTPTags).
type MTFTPConfig struct {
	Root       string      `json:"root"`                 // directory; nothing outside Files is served from it
	ClientPort int         `json:"clientPort,omitempty"` // that clients listen on; zero means 1758
	ServerPort int         `json:"serverPort,omitempty"` // that requests are received on; zero means 1759
	Timeout    int         `json:"timeout"`              // seconds to listen before opening a transmission
	Delay      int         `json:"delay"`                // seconds of silence before opening one again
	Files      []MTFTPFile `json:"files"`
	Silent     bool        `json:"silent,omitempty"` // flaw: take requests and never answer
}

// MTFTPFile is one file and the group it is sent to.
type MTFTPFile struct {
	Name  string     `json:"name"` // relative to the root
	Group netip.Addr `json:"group"`
}

// Tags gives what a client must be told to receive a file; nil if this server does not have it.
func (m *MTFTPConfig) Tags(file string) *MTFTPTags {
	for _, f := range m.Files {
		if f.Name == strings.TrimLeft(file, "/") {
			return &MTFTPTags{Group: f.Group, ClientPort: m.clientPort(), ServerPort: m.Port(), Timeout: m.Timeout, Delay: m.Delay}
		}
	}
	return nil
}

func (m *MTFTPConfig) clientPort() int { return orElse(m.ClientPort, mtftp.ClientPort) }

// Port is the UDP port that requests are received on.
func (m *MTFTPConfig) Port() int { return orElse(m.ServerPort, mtftp.ServerPort) }

func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// listenMTFTP opens the role of a checked configuration.
func listenMTFTP(c Config, observe func(Decision)) (role, error) {
	m := c.MTFTP
	cfg := mtftp.Config{Interface: c.Interface, Address: c.Address.Addr(), Root: m.Root,
		ClientPort: uint16(m.clientPort()), ServerPort: uint16(m.Port()), Silent: m.Silent}
	for _, f := range m.Files {
		cfg.Files = append(cfg.Files, mtftp.File{Name: f.Name, Group: f.Group})
	}
	return mtftp.Listen(cfg, func(d mtftp.Decision) {
		observe(Decision{Role: "mtftp", Client: d.Client.String(), Request: d.Request, Reply: d.Reply, Reason: d.Reason,
			File: d.File, Bytes: d.Bytes, Sent: d.Sent, Took: d.Took, Resent: d.Resent, Outcome: d.Outcome})
	})
}

func (m *MTFTPConfig) validate(p *problems, own netip.Prefix) {
	if !own.Addr().Is4() {
		p.addf("mtftp: there is no IPv4 address to send from; add address")
	}
	if m.Root == "" {
		p.addf("mtftp: root is empty; name the directory to serve")
	}
	for _, n := range []struct {
		name             string
		value, low, high int
	}{{"clientPort", m.clientPort(), 1, 65535}, {"serverPort", m.Port(), 1, 65535}, {"timeout", m.Timeout, 0, 255}, {"delay", m.Delay, 0, 255}} {
		if n.value < n.low || n.value > n.high {
			p.addf("mtftp: %s %d is outside %d to %d", n.name, n.value, n.low, n.high)
		}
	}
	if len(m.Files) == 0 {
		p.addf("mtftp: files is empty; name at least one, with its group")
	}
	names, groups := map[string]bool{}, map[netip.Addr]bool{}
	for _, f := range m.Files {
		if f.Name == "" || strings.HasPrefix(f.Name, "/") {
			p.addf("mtftp: file name %q is not relative to the root", f.Name)
		}
		checkFile(p, "mtftp", f.Name)
		if !f.Group.Is4() || !f.Group.IsMulticast() || f.Group.IsLinkLocalMulticast() {
			p.addf("mtftp: %s: group %q is no IPv4 multicast address beyond 224.0.0.0/24; 239.255.0.0/16 is free for use (RFC 2365)", f.Name, f.Group)
		}
		if names[f.Name] {
			p.addf("mtftp: %s is there twice", f.Name)
		}
		if groups[f.Group] {
			p.addf("mtftp: %s: group %s has a file already, and listeners tell files by the group", f.Name, f.Group)
		}
		names[f.Name], groups[f.Group] = true, true
	}
}
