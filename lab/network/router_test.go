package network

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/ipv6"
)

// listenForRouters opens an NDP socket on a host that hears router advertisements with their hop limit.
func listenForRouters(t *testing.T, h *Host) (conn *ndp.Conn) {
	t.Helper()
	err := h.Do(func() error {
		ifi, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		ifi.Name = strconv.Itoa(ifi.Index) // as in listenNDP
		if _, err := addLinkLocal(ifi.Index, hostMAC); err != nil {
			return err
		}
		conn, _, err = ndp.Listen(ifi, ndp.LinkLocal)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	var filter ipv6.ICMPFilter
	filter.SetAll(true)
	filter.Accept(ipv6.ICMPTypeRouterAdvertisement)
	conn.SetICMPFilter(&filter)
	if err := conn.SetControlMessage(ipv6.FlagHopLimit, true); err != nil {
		t.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	return conn
}

func TestRouterAdvertisesNothing(t *testing.T) {
	b := newBridge(t)
	h := addHost(t, b, "dhcp", hostMAC, hostAddress)
	conn := listenForRouters(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.AdvertiseRouter(ctx) }()
	read := func() {
		t.Helper()
		m, cm, _, err := conn.ReadFrom()
		if err != nil {
			t.Fatal(err)
		}
		ra := m.(*ndp.RouterAdvertisement)
		if cm.HopLimit != 255 || ra.RouterLifetime != 0 || ra.ManagedConfiguration || ra.OtherConfiguration {
			t.Errorf("hop limit %d, %+v", cm.HopLimit, ra)
		}
		if o, ok := ra.Options[0].(*ndp.LinkLayerAddress); len(ra.Options) != 1 || !ok || o.Direction != ndp.Source {
			t.Errorf("options %+v, want the router's own address alone", ra.Options)
		}
	}
	read() // unasked
	// Ten answers within the deadline of 10 s cannot be those that come unasked every 3 s.
	for range 10 {
		if err := conn.WriteTo(&ndp.RouterSolicitation{}, nil, netip.MustParseAddr("ff02::2")); err != nil {
			t.Fatal(err)
		}
		read()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestRouterOnEmptyBridge: a network nobody is plugged into yet is no error.
func TestRouterOnEmptyBridge(t *testing.T) {
	b := newBridge(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.AdvertiseRouter(ctx) }()
	h := addHost(t, b, "dhcp", hostMAC, hostAddress)
	conn := listenForRouters(t, h)
	if _, _, _, err := conn.ReadFrom(); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
