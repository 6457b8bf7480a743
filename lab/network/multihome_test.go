package network

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

// twoNetworks is a host on each of two bridges, and a router between them.
func twoNetworks(t *testing.T) (near, router, far *Host) {
	t.Helper()
	lan := newBridge(t)
	second, err := NewBridge("far")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { second.Close() })
	near = addHost(t, lan, "near", hostMAC, hostAddress)
	router = addHost(t, lan, "router-long", net.HardwareAddr{0x52, 0x54, 0, 0, 0, 2}, netip.MustParsePrefix("198.51.100.9/24"))
	if err := router.Join(second, net.HardwareAddr{0x52, 0x54, 0, 0, 0, 3}, netip.MustParsePrefix("203.0.113.1/24")); err != nil {
		t.Fatal(err)
	}
	far = addHost(t, second, "far", net.HardwareAddr{0x52, 0x54, 0, 0, 0, 4}, netip.MustParsePrefix("203.0.113.7/24"))
	for h, r := range map[*Host][2]string{near: {"203.0.113.0/24", "198.51.100.9"}, far: {"198.51.100.0/24", "203.0.113.1"}} {
		if err := h.AddRoute(netip.MustParsePrefix(r[0]), netip.MustParseAddr(r[1])); err != nil {
			t.Fatal(err)
		}
	}
	return near, router, far
}

// TestHostsRoute: datagrams cross from one network to the other once the host between them is a router, not before.
func TestHostsRoute(t *testing.T) {
	near, router, far := twoNetworks(t)
	seen := newLog()
	w, err := router.Watch(WatchConfig{Interface: "eth1", Observe: seen.observe})
	if err != nil {
		t.Fatal(err)
	}
	a, z := listenUDP(t, near, ":69"), listenUDP(t, far, ":69")
	to := &net.UDPAddr{IP: net.IP{203, 0, 113, 7}, Port: 69}
	if _, err := a.WriteToUDP([]byte("too early"), to); err != nil {
		t.Fatal(err)
	}
	if err := router.Forward(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.WriteToUDP([]byte("question"), to); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, from, err := z.ReadFromUDP(buf)
	if err != nil || string(buf[:n]) != "question" || from.String() != "198.51.100.1:69" {
		t.Fatalf("got %q from %v, %v", buf[:n], from, err)
	}
	if _, err := z.WriteToUDP([]byte("answer"), from); err != nil {
		t.Fatal(err)
	}
	if n, from, err = a.ReadFromUDP(buf); err != nil || string(buf[:n]) != "answer" || from.String() != "203.0.113.7:69" {
		t.Fatalf("got %q from %v, %v", buf[:n], from, err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	var got []string
	for _, f := range seen.all() {
		for _, word := range []string{"too early", "question", "answer"} {
			if bytes.Contains(f.Data, []byte(word)) {
				got = append(got, fmt.Sprint(word, " ", f.FromGuest))
			}
		}
	}
	if want := "question true, answer false"; strings.Join(got, ", ") != want {
		t.Errorf("the watch saw %q, want %q", got, want)
	}
}

// TestRouterHasNoWayOut: routes lead to the lab's own networks, none out of them.
func TestRouterHasNoWayOut(t *testing.T) {
	near, router, far := twoNetworks(t)
	if err := router.Forward(); err != nil {
		t.Fatal(err)
	}
	for _, h := range []*Host{near, router, far} {
		err := h.Do(func() error {
			routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
			for _, r := range routes {
				if ones, _ := r.Dst.Mask.Size(); ones == 0 {
					t.Errorf("host %q has a default route: %v", h.name, r)
				}
			}
			if _, err := netlink.RouteGet(net.IP{192, 0, 2, 1}); err == nil {
				t.Errorf("host %q has a route to a network that is not of the lab", h.name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestHostsMayHaveNoAddress: a DHCP client's host has none.
func TestHostsMayHaveNoAddress(t *testing.T) {
	b := newBridge(t)
	h, err := b.AddHost(HostConfig{Name: "client", MAC: hostMAC, Client: true})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := h.Do(func() error {
		ifi, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		if addresses, err := ifi.Addrs(); err != nil || len(addresses) > 0 {
			t.Errorf("addresses %v, %v", addresses, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if h, err := b.AddHost(HostConfig{Name: "both", MAC: hostMAC, Address: hostAddress, Client: true}); err == nil {
		h.Close()
		t.Error("a client with an address")
	}
}
