package pxeclient_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"golang.org/x/net/ipv4"

	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/pxeclient"
	"github.com/pxelab/pxelab/server/station"
)

// nothing is a Downloader for walks whose end does not matter.
type nothing struct{}

func (nothing) Download(context.Context, *station.Station, pxeclient.File) ([]byte, error) {
	return []byte{}, nil
}

// answer makes the host answer at a port as a test says: no server that can be had discovers by multicast, or errs on
// purpose. The reply goes to whom the request came from.
func (h *host) answer(port int, group netip.Addr, f func(*pxeclient.Message) *pxeclient.Message) {
	h.t.Helper()
	var conn net.PacketConn
	h.in(func() {
		var err error
		conn, err = net.ListenUDP("udp4", &net.UDPAddr{Port: port})
		must(h.t, err)
		if group.IsValid() {
			eth0, err := net.InterfaceByName("eth0")
			must(h.t, err)
			must(h.t, ipv4.NewPacketConn(conn).JoinGroup(eth0, &net.UDPAddr{IP: group.AsSlice()}))
		}
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b := make([]byte, 2000)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			q, err := pxeclient.ParseMessage(slices.Clone(b[:n]))
			if err != nil {
				h.t.Error(err)
				continue
			}
			if r := f(q); r != nil {
				if _, err := conn.WriteTo(r.Marshal(), from); err != nil {
					h.t.Error(err)
				}
			}
		}
	}()
	h.t.Cleanup(func() {
		conn.Close()
		<-ended
	})
}

// bootServer answers for one type of boot server.
func bootServer(t *testing.T, own string, typ pxe.ServerType, file string) func(*pxeclient.Message) *pxeclient.Message {
	return func(q *pxeclient.Message) *pxeclient.Message {
		b, _ := q.Get(pxe.OptVendor)
		v, err := pxe.ParseVendor(b)
		if err != nil || v.Item == nil {
			t.Errorf("request with option 43 %x: %v", b, err)
			return nil
		}
		if v.Item.Type != typ {
			return nil
		}
		echo, _ := (&pxe.Vendor{Item: v.Item}).Marshal()
		uuid, _ := q.Get(pxe.OptUUID)
		addr := netip.MustParseAddr(own)
		return &pxeclient.Message{Reply: true, XID: q.XID, CHAddr: q.CHAddr, SIAddr: addr, File: file, Cookie: true, Options: []pxeclient.Option{
			{Code: 53, Value: []byte{byte(dhcpv4.MessageTypeAck)}}, {Code: 54, Value: addr.AsSlice()}, {Code: 60, Value: []byte("PXEClient")},
			{Code: 97, Value: uuid}, {Code: 43, Value: echo}}}
	}
}

// leased puts a client on the LAN that has an address of our own server.
func (l *lan) leased(cfg pxeclient.Config) *pxeclient.Client {
	l.t.Helper()
	cfg.Enough, cfg.Schedule = enough(1), once
	client := l.host().client(cfg)
	offers, err := client.Discover(l.t.Context())
	must(l.t, err)
	_, err = client.Request(l.t.Context(), offers[0])
	must(l.t, err)
	return client
}

// TestDiscoveryModes finds boot servers in each way, as the control bits have it and by force, asking from either port.
func TestDiscoveryModes(t *testing.T) {
	l := newLAN(t)
	l.own(t.TempDir(), nil)
	group := netip.MustParseAddr("224.0.1.2")
	a, b := netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	l.host("192.0.2.2/24").answer(pxeclient.BootPort, group, bootServer(t, "192.0.2.2", 0x8000, "a"))
	hostB := l.host("192.0.2.3/24")
	hostB.answer(pxeclient.BootPort, group, bootServer(t, "192.0.2.3", 0x8001, "b"))
	hostB.answer(pxeclient.ServerPort, netip.Addr{}, func(q *pxeclient.Message) *pxeclient.Message {
		if _, ok := q.Get(pxe.OptVendor); !ok {
			return nil // for the DHCP server
		}
		return bootServer(t, "192.0.2.3", 0x8001, "b67")(q)
	})
	list := []pxe.Server{{Type: 0x8000, Addrs: []netip.Addr{a}}, {Type: 0x8001, Addrs: []netip.Addr{b}}}
	control := func(c pxe.Control) *pxe.Control { return &c }
	for name, c := range map[string]struct {
		d        pxeclient.Discovery
		to, file string
	}{
		"multicast, told":   {pxeclient.Discovery{Item: pxe.Item{Type: 0x8000}, By: &pxe.Vendor{Multicast: group}}, "224.0.1.2:4011", "a"},
		"multicast, second": {pxeclient.Discovery{Item: pxe.Item{Type: 0x8001}, By: &pxe.Vendor{Multicast: group}}, "224.0.1.2:4011", "b"},
		"broadcast, told":   {pxeclient.Discovery{Item: pxe.Item{Type: 0x8001}, By: &pxe.Vendor{Control: control(pxe.NoMulticast)}}, "255.255.255.255:67", "b67"},
		"unicast, told": {pxeclient.Discovery{Item: pxe.Item{Type: 0x8001},
			By: &pxe.Vendor{Control: control(pxe.NoMulticast | pxe.NoBroadcast), Servers: list}}, "192.0.2.3:4011", "b"},
		"broadcast by force": {pxeclient.Discovery{Item: pxe.Item{Type: 0x8001}, Mode: pxeclient.Broadcast}, "255.255.255.255:67", "b67"},
		"multicast by force": {pxeclient.Discovery{Item: pxe.Item{Type: 0x8000}, Mode: pxeclient.Multicast,
			By: &pxe.Vendor{Control: control(pxe.NoMulticast), Multicast: group}}, "224.0.1.2:4011", "a"},
		"unicast by force, INFORM, layer 1": {pxeclient.Discovery{Item: pxe.Item{Type: 0x8000, Layer: 1}, Mode: pxeclient.Unicast, To: []netip.Addr{a}, Inform: true},
			"192.0.2.2:4011", "a"},
		"accept list": {pxeclient.Discovery{Item: pxe.Item{Type: 0x8001},
			By: &pxe.Vendor{Control: control(pxe.OnlyListed), Multicast: group, Servers: list}}, "224.0.1.2:4011", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			l.t = t
			for port, cfg := range map[uint16]pxeclient.Config{68: pxeclient.LikeIPXE(pxe.ArchBIOS), 4011: pxeclient.LikeEDK2(pxe.ArchEFIX64)} {
				client := l.leased(cfg)
				before := len(client.Trace())
				ack, err := client.DiscoverBootServer(t.Context(), c.d)
				must(t, err)
				if ack.Message.File != c.file {
					t.Errorf("file %q, want %q", ack.Message.File, c.file)
				}
				asked := client.Trace()[before]
				if c.to == "255.255.255.255:67" {
					port = 68 // broadcasts come from the client's port
				}
				if asked.Dst.String() != c.to || asked.Src.Port() != port || asked.Message.Type() != wantType(c.d.Inform) {
					t.Errorf("asked: %s, want from port %d to %s", asked.String(), port, c.to)
				}
				problems(t, client)
			}
		})
	}
}

func wantType(inform bool) dhcpv4.MessageType {
	if inform {
		return dhcpv4.MessageTypeInform
	}
	return dhcpv4.MessageTypeRequest
}

// TestAcceptList: a server that the list does not name is not listened to, however quick it is.
func TestAcceptList(t *testing.T) {
	l := newLAN(t)
	l.own(t.TempDir(), nil)
	group := netip.MustParseAddr("224.0.1.2")
	l.host("192.0.2.66/24").answer(pxeclient.BootPort, group, bootServer(t, "192.0.2.66", 0x8000, "stranger"))
	heard := make(chan struct{})
	cfg := pxeclient.LikeIPXE(pxe.ArchBIOS)
	cfg.Saw = func(p pxeclient.Packet) {
		if p.Src.String() == "192.0.2.66:4011" {
			close(heard)
		}
	}
	only := pxe.OnlyListed
	client := l.leased(cfg)
	known := bootServer(t, "192.0.2.2", 0x8000, "known")
	l.host("192.0.2.2/24").answer(pxeclient.BootPort, group, func(q *pxeclient.Message) *pxeclient.Message {
		<-heard
		return known(q)
	})
	ack, err := client.DiscoverBootServer(t.Context(), pxeclient.Discovery{Item: pxe.Item{Type: 0x8000}, By: &pxe.Vendor{Control: &only, Multicast: group,
		Servers: []pxe.Server{{Type: 0x8000, Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.2")}}}}})
	if err != nil || ack.Message.File != "known" {
		t.Errorf("%v, %v", ack, err)
	}
}

// TestRefused asks for an address that was never offered.
func TestRefused(t *testing.T) {
	l := newLAN(t)
	l.own(t.TempDir(), nil)
	client := l.host().client(pxeclient.Config{Enough: enough(1), Schedule: once, Broadcast: true})
	offers, err := client.Discover(t.Context())
	must(t, err)
	taken := *offers[0].Message
	taken.YIAddr = netip.MustParseAddr("192.0.2.250") // outside the pool: our server says NAK
	_, err = client.Request(t.Context(), &pxeclient.Reply{Message: &taken, From: offers[0].From, Vendor: &pxe.Vendor{}})
	var refused *pxeclient.Refused
	if !errors.As(err, &refused) || refused.Reply.Server() != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("%v", err)
	}
	if _, err := client.Renew(t.Context()); err == nil {
		t.Error("renewed what was refused")
	}
}
