package plan

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Hypervisor is the libvirt daemon that runs the guests' QEMU, where the lab does not run it itself.
type Hypervisor struct {
	URI       string `json:"uri"`              // as libvirt's clients take it: "qemu:///session"
	Driver    string `json:"driver"`           // what the daemon itself is asked for: "qemu:///session" or "qemu:///system"
	Transport string `json:"transport"`        // how it is reached: "unix", "tcp" or "ssh"
	User      string `json:"user,omitempty"`   // of ssh, if the URI has one
	Host      string `json:"host,omitempty"`   // of tcp and ssh
	Port      int    `json:"port,omitempty"`   // of tcp and ssh; zero: the usual one
	Socket    string `json:"socket,omitempty"` // of the daemon; empty: the usual one
	KeyFile   string `json:"keyFile,omitempty"`
	NoVerify  bool   `json:"noVerify,omitempty"` // ssh takes any host key
	Command   string `json:"command,omitempty"`  // in place of ssh
}

// Remote tells whether the daemon is reached over a network, so that no file of this host is taken to be one of its.
func (h *Hypervisor) Remote() bool { return h != nil && h.Transport != "unix" }

// far tells whether it is on another machine, as far as one can tell from its name.
func (h *Hypervisor) far() bool {
	if !h.Remote() || h.Host == "localhost" {
		return false
	}
	address, err := netip.ParseAddr(h.Host)
	return err != nil || !address.IsLoopback()
}

// connectForms says what ParseConnect takes.
const connectForms = "use qemu:///session, qemu:///system, qemu+ssh://[USER@]HOST/system or qemu+tcp://HOST/system"

// ParseConnect reads a connection URI as libvirt's clients write it (https://libvirt.org/uri.html), with its parameters socket,
// keyfile, no_verify and command.
func ParseConnect(uri string) (*Hypervisor, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return nil, fmt.Errorf("connection %q: %w; %s", uri, errors.Unwrap(err), connectForms)
	}
	bad := func(format string, args ...any) (*Hypervisor, error) {
		return nil, fmt.Errorf("connection %q: "+format+"; %s", append(append([]any{uri}, args...), connectForms)...)
	}
	driver, transport, _ := strings.Cut(u.Scheme, "+")
	if driver != "qemu" {
		return bad("its driver is %q, and guests are QEMU's", driver)
	}
	if u.Path != "/system" && u.Path != "/session" {
		return bad("it ends in %q, not in /system or /session", u.Path)
	}
	h := &Hypervisor{URI: uri, Driver: "qemu://" + u.Path, Transport: transport, User: u.User.Username(), Host: u.Hostname()}
	switch {
	case transport == "" && h.Host == "":
		h.Transport = "unix"
	case transport == "" || transport == "tls":
		return bad("TLS is not spoken here, ssh is")
	case transport == "unix" && h.Host != "":
		return bad("a unix socket has no host")
	case transport != "unix" && transport != "tcp" && transport != "ssh":
		return bad("its transport is %q", transport)
	case transport != "unix" && h.Host == "":
		return bad("it names no host")
	}
	if port := u.Port(); port != "" {
		if h.Port, err = strconv.Atoi(port); err != nil || h.Port < 1 || h.Port > 65535 {
			return bad("%s is no port", port)
		}
	}
	for name, values := range u.Query() {
		value := values[len(values)-1]
		switch name {
		case "socket":
			h.Socket = value
		case "keyfile":
			h.KeyFile = value
		case "no_verify":
			h.NoVerify = value != "0"
		case "command":
			h.Command = value
		default:
			return bad("its parameter %q is not known (have socket, keyfile, no_verify, command)", name)
		}
	}
	return h, nil
}
