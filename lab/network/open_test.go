package network

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

// TestHostsOpen speaks from outside the hosts' namespaces, by sockets that were opened inside.
func TestHostsOpen(t *testing.T) {
	b := newBridge(t)
	one := addHost(t, b, "one", hostMAC, hostAddress)
	two := addHost(t, b, "two", net.HardwareAddr{0x52, 0x54, 0, 0, 0, 2}, netip.MustParsePrefix("198.51.100.2/24"))
	packets := func(h *Host, address string) net.PacketConn {
		file, _, err := h.Open("udp4", address)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		c, err := net.FilePacketConn(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	a, z := packets(one, ":67"), packets(two, ":68")
	if _, err := a.WriteTo([]byte("offer"), &net.UDPAddr{IP: net.IPv4bcast, Port: 68}); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 16)
	if n, from, err := z.ReadFrom(buf); err != nil || string(buf[:n]) != "offer" || from.String() != "198.51.100.1:67" {
		t.Errorf("got %q from %v, %v", buf[:n], from, err)
	}

	file, at, err := two.Open("tcp", "198.51.100.2:80")
	if err != nil || at.String() != "198.51.100.2:80" {
		t.Fatal(at, err)
	}
	l, err := net.FileListener(file)
	file.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if open, err := two.Listens("tcp", 80); err != nil || !open {
		t.Errorf("port 80 is open: %t, %v", open, err)
	}
	if file, _, err := two.Open("tcp", "198.51.100.2:80"); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("port 80 twice: %v, %v", file, err)
	}
	if file, _, err := two.Open("unix", "/x"); err == nil || !strings.Contains(err.Error(), `unknown network "unix"`) {
		t.Errorf("a unix socket: %v, %v", file, err)
	}
}
