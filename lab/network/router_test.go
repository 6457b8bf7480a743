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

// TestManagedRouterSendsToDHCPv6: the flags and the prefix that make a guest ask for an address.
func TestManagedRouterSendsToDHCPv6(t *testing.T) {
	b := newBridge(t)
	h := addHost(t, b, "dhcp", hostMAC, hostAddress)
	conn := listenForRouters(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.AdvertiseManaged(ctx, netip.MustParsePrefix("2001:db8::/64")) }()
	m, _, _, err := conn.ReadFrom()
	if err != nil {
		t.Fatal(err)
	}
	ra := m.(*ndp.RouterAdvertisement)
	if !ra.ManagedConfiguration || !ra.OtherConfiguration || ra.RouterLifetime != managedLifetime || len(ra.Options) != 2 {
		t.Fatalf("%+v", ra)
	}
	if p, ok := ra.Options[1].(*ndp.PrefixInformation); !ok || p.Prefix.String() != "2001:db8::" || p.PrefixLength != 64 ||
		!p.OnLink || p.AutonomousAddressConfiguration {
		t.Errorf("prefix %+v", ra.Options[1])
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestIPv6HostsReachEachOther at once, without duplicate address detection or any other word of theirs before.
func TestIPv6HostsReachEachOther(t *testing.T) {
	b := newBridge(t)
	add := func(name string, last byte, address string) *Host {
		t.Helper()
		h, err := b.AddHost(HostConfig{Name: name, MAC: net.HardwareAddr{0x52, 0x54, 0, 0, 6, last}, Address6: netip.MustParsePrefix(address)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.Close() })
		return h
	}
	var asked, asker *net.UDPConn
	listen := func(h *Host, at string) (conn *net.UDPConn) {
		t.Helper()
		err := h.Do(func() (err error) {
			conn, err = net.ListenUDP("udp6", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(at)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	asked, asker = listen(add("one", 1, "2001:db8::1/64"), "[2001:db8::1]:7"), listen(add("two", 2, "2001:db8::2/64"), "[2001:db8::2]:0")
	if _, err := asker.WriteToUDPAddrPort([]byte("hello"), netip.MustParseAddrPort("[2001:db8::1]:7")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	if n, from, err := asked.ReadFromUDPAddrPort(buf); err != nil || string(buf[:n]) != "hello" || from.Addr() != netip.MustParseAddr("2001:db8::2") {
		t.Errorf("%q from %v, %v", buf[:n], from, err)
	}
}
