package pxeclient_test

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/pxeclient"
	"github.com/pxelab/pxelab/tests/netns"
)

// TestManyClientsOneInterface has clients of several MACs on one interface boot at once, each to an address of its own.
func TestManyClientsOneInterface(t *testing.T) {
	l := newLAN(t)
	l.own(tftpRoot(t, "bios.0"), &server.BootConfig{Files: map[string]string{"bios": "bios.0"}})
	h := l.host()
	var wg sync.WaitGroup
	var mu sync.Mutex
	addresses := map[netip.Addr]bool{}
	for i := range byte(8) {
		cfg := pxeclient.LikeIPXE(pxe.ArchBIOS)
		cfg.MAC, cfg.Enough, cfg.Schedule = net.HardwareAddr{0x52, 0x54, 0, 9, 0, i}, enough(1), once
		client := h.client(cfg)
		wg.Go(func() {
			w, err := client.Boot(t.Context(), pxeclient.FirstItem)
			if err != nil || !bytes.Equal(w.Program, program) {
				t.Errorf("client %d: %s", i, w)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			addresses[w.Lease.YIAddr] = true
			for _, p := range client.Trace() {
				if p.Message != nil && p.Message.CHAddr.String() != cfg.MAC.String() {
					t.Errorf("client %d heard what was for %s: %s", i, p.Message.CHAddr, p.String())
				}
			}
		})
	}
	wg.Wait()
	if len(addresses) != 8 {
		t.Errorf("addresses %v", addresses)
	}
}

// TestRouter downloads from another subnet, through the router that the lease named.
func TestRouter(t *testing.T) {
	l := newLAN(t)
	s := l.host("192.0.2.2/24")
	s.in(func() { netns.Address(t, netns.Link(t, "lo"), "198.51.100.9/32") })
	s.dnsmasq("--dhcp-range=192.0.2.100,192.0.2.199", "--dhcp-option=option:router,192.0.2.2", "--dhcp-boot=far,,198.51.100.9",
		"--enable-tftp", "--tftp-root="+tftpRoot(t, "far"), "--interface=lo")
	client := l.host().client(pxeclient.Config{Enough: enough(1), Schedule: once})
	w, err := client.Boot(t.Context(), pxeclient.FirstItem)
	if err != nil || w.File.Server != netip.MustParseAddr("198.51.100.9") || !bytes.Equal(w.Program, program) {
		t.Errorf("%s, %v", w, err)
	}
}

// TestDecline: a client declines what it was given, and the server gives another address to the next.
func TestDecline(t *testing.T) {
	l := newLAN(t)
	l.own(t.TempDir(), nil)
	client := l.leased(pxeclient.Config{})
	must(t, client.Decline("in use"))
	if _, err := client.Inform(t.Context()); err == nil || !strings.Contains(err.Error(), "inform: no address: call Request first") {
		t.Errorf("%v", err)
	}
	offers, err := client.Discover(t.Context())
	must(t, err)
	ack, err := client.Request(t.Context(), offers[0])
	must(t, err)
	if ack.YIAddr == netip.MustParseAddr("192.0.2.100") {
		t.Errorf("the declined address was given again: %s", ack.YIAddr)
	}
	if _, err := client.Inform(t.Context()); err != nil {
		t.Error(err)
	}
	problems(t, client)
}

func TestNewRefuses(t *testing.T) {
	l := newLAN(t)
	h := l.host()
	for want, cfg := range map[string]pxeclient.Config{
		`interface "eth7": `: {Interface: "eth7"},
		`interface "lo": "" is not the MAC of an Ethernet station`:                  {Interface: "lo"},
		`interface "eth0": "01:00:00:00:00:01" is not the MAC of an Ethernet stati`: {Interface: "eth0", MAC: net.HardwareAddr{1, 0, 0, 0, 0, 1}},
		`interface "eth0" is down; ip link set eth0 up`:                             {Interface: "eth0"},
	} {
		h.in(func() {
			if strings.Contains(want, "down") {
				must(t, netlink.LinkSetDown(netns.Link(t, "eth0")))
				defer func() { must(t, netlink.LinkSetUp(netns.Link(t, "eth0"))) }()
			}
			if _, err := pxeclient.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}
