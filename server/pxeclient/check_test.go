package pxeclient

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/server/pxe"
)

var (
	clientMAC = net.HardwareAddr{0x52, 0x54, 0, 9, 0, 0x10}
	clientIP  = netip.MustParseAddr("192.0.2.100")
	serverIP  = netip.MustParseAddr("192.0.2.1")
	relayIP   = netip.MustParseAddr("198.51.100.1")
	otherIP   = netip.MustParseAddr("192.0.2.66")
	someUUID  = pxe.UUID{1, 2, 3}
	group     = netip.MustParseAddr("224.0.1.2")
)

// talk is a request and the reply to it, to be spoilt before Check sees it.
type talk struct {
	q, r     *Message
	src, dst netip.AddrPort // of the reply
	to       netip.AddrPort // of the request
	from     netip.AddrPort
	vendor   *pxe.Vendor // of the reply; nil: as in r
	spoil    func(wire []byte) []byte
}

// offer is a DISCOVER and an OFFER of a server with PXE options, both without fault.
func offer() *talk {
	cfg := Config{MAC: clientMAC, UUID: &someUUID, Archs: []pxe.Arch{pxe.ArchEFIX64}}
	cfg = cfg.withDefaults()
	k := &talk{q: cfg.message(1, 7), from: netip.MustParseAddrPort("0.0.0.0:68"), to: everyServer,
		src: netip.AddrPortFrom(serverIP, 67), dst: netip.AddrPortFrom(clientIP, 68)}
	k.r = &Message{Reply: true, XID: 7, CHAddr: clientMAC, YIAddr: clientIP, SIAddr: serverIP, File: "x64.efi", Cookie: true}
	k.r.Set(optMessageType, 2)
	k.r.Set(optServerID, serverIP.AsSlice()...)
	k.r.Set(optLeaseTime, 0, 0, 14, 16)
	k.r.Set(optClassID, []byte("PXEClient")...)
	k.r.Set(optUUID, append([]byte{0}, someUUID[:]...)...)
	c := pxe.Direct
	k.vendor = &pxe.Vendor{Control: &c}
	return k
}

// menu is an offer that sends the client to boot servers.
func menu() *talk {
	k := offer()
	c := pxe.NoMulticast | pxe.NoBroadcast
	k.r.File = ""
	k.vendor = &pxe.Vendor{Control: &c, Servers: []pxe.Server{{Type: 0x8000, Addrs: []netip.Addr{serverIP}}},
		Menu: []pxe.MenuItem{{Type: 0x8000, Text: "Probe"}, {Type: 0, Text: "Local disk"}}, Prompt: &pxe.Prompt{Timeout: 3, Text: "F8"}}
	return k
}

// proxy is the offer of a proxy that is to be asked on port 4011.
func proxy() *talk {
	k := offer()
	k.r.YIAddr, k.r.File, k.vendor = netip.Addr{}, "", nil
	k.r.Del(optLeaseTime)
	k.dst = netip.MustParseAddrPort("255.255.255.255:68")
	return k
}

// bootServer is an exchange with a boot server.
func bootServer() *talk {
	k := offer()
	k.q.Set(optMessageType, 3)
	k.q.CIAddr = clientIP
	item := pxe.Item{Type: 0x8000}
	b, _ := (&pxe.Vendor{Item: &item}).Marshal()
	k.q.Set(optVendor, b...)
	k.from, k.to = netip.AddrPortFrom(clientIP, 4011), netip.AddrPortFrom(serverIP, 4011)
	k.src, k.dst = k.to, k.from
	k.r.Set(optMessageType, 5)
	k.r.YIAddr = netip.Addr{}
	k.r.Del(optLeaseTime)
	k.vendor = &pxe.Vendor{Item: &item}
	return k
}

// request is a DHCPREQUEST and its ACK.
func request() *talk {
	k := offer()
	k.q.Set(optMessageType, 3)
	k.q.Set(optServerID, serverIP.AsSlice()...)
	k.q.Set(optRequestedAddr, clientIP.AsSlice()...)
	k.r.Set(optMessageType, 5)
	return k
}

// relayed is an offer through a relay.
func relayed() *talk {
	k := offer()
	k.q.GIAddr, k.r.GIAddr = relayIP, relayIP
	k.q.Set(optRelayInfo, 1, 2, 'p', '1')
	k.from, k.to = netip.AddrPortFrom(relayIP, 67), netip.AddrPortFrom(serverIP, 67)
	k.dst = k.from
	return k
}

// http is an offer to UEFI HTTP boot.
func http() *talk {
	k := offer()
	k.q.Set(optClassID, []byte("HTTPClient:Arch:00016:UNDI:003000")...)
	k.r.Set(optClassID, []byte("HTTPClient")...)
	k.r.Del(optVendor)
	k.r.File, k.r.SIAddr, k.vendor = "http://192.0.2.1/x64.efi", netip.Addr{}, nil
	return k
}

// trace is what a client would have recorded of it.
func (k *talk) trace(t *testing.T) Trace {
	t.Helper()
	if k.vendor != nil {
		b, err := k.vendor.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		k.r.Set(optVendor, b...)
	}
	if info, ok := k.q.Get(optRelayInfo); ok {
		if _, ok := k.r.Get(optRelayInfo); !ok {
			k.r.Set(optRelayInfo, info...)
		}
	}
	sent, got := k.q.Marshal(), k.r.Marshal()
	if k.spoil != nil {
		got = k.spoil(got)
	}
	return Trace{packet(true, k.from, k.to, sent), packet(false, k.src, k.dst, got)}
}

func packet(sent bool, src, dst netip.AddrPort, wire []byte) Packet {
	p := Packet{Time: time.Unix(0, 0), Sent: sent, Src: src, Dst: dst, Size: len(wire), Raw: wire}
	m, err := ParseMessage(wire)
	if p.Message = m; err != nil {
		p.Malformed = err.Error()
	}
	return p
}

// lose takes an option away after all were set.
func lose(code uint8) func(*talk) {
	return func(k *talk) {
		k.spoil = func(b []byte) []byte {
			m, _ := ParseMessage(b)
			m.Del(code)
			return m.Marshal()
		}
	}
}

// rawVendor replaces option 43.
func rawVendor(b ...byte) func(*talk) {
	return func(k *talk) { k.vendor = nil; k.r.Set(optVendor, b...) }
}

func bits(k *talk, c pxe.Control) { k.vendor.Control = &c }

func as(user string) func(*talk) {
	return func(k *talk) { k.q.Set(optUserClass, []byte(user)...) }
}

func both(fs ...func(*talk)) func(*talk) {
	return func(k *talk) {
		for _, f := range fs {
			f(k)
		}
	}
}

// TestRules breaks each rule once, and once only nearly.
func TestRules(t *testing.T) {
	tested := map[string]bool{}
	for _, c := range []struct {
		rule      string
		talk      func() *talk
		bad, near func(*talk)
	}{
		{"malformed message", offer, func(k *talk) {
			k.spoil = func(b []byte) []byte { return slices.Concat(b[:240], []byte{53, 1, 2, 54, 9, 1}) }
		},
			func(k *talk) { k.r.Set(250, make([]byte, 255)...) }},
		{"shorter than 300 octets", http, func(k *talk) { k.spoil = func(b []byte) []byte { return b[:299] } },
			func(k *talk) { k.spoil = func(b []byte) []byte { return b[:300] } }},
		{"longer than the client takes", offer, func(k *talk) { k.q.Set(optMaxSize, 2, 64); k.r.Set(250, make([]byte, 400)...) },
			func(k *talk) { k.r.Set(250, make([]byte, 400)...) }},
		{"DHCP answer to BOOTP", offer, func(k *talk) { k.q.Del(optMessageType) },
			func(k *talk) { k.q.Del(optMessageType); k.r.Del(optMessageType) }},
		{"option 54 missing", offer, func(k *talk) { k.r.Del(optServerID) },
			func(k *talk) { k.q.Del(optMessageType); k.r.Del(optMessageType); k.r.Del(optServerID) }},
		{"option 54 of another", offer, func(k *talk) { k.r.Set(optServerID, otherIP.AsSlice()...) },
			func(k *talk) { k.r.SIAddr = otherIP }},
		{"option 54 of another", relayed, func(k *talk) { k.q.Set(optRelayInfo, 11, 4, 198, 51, 100, 1) },
			func(k *talk) {
				k.q.Set(optRelayInfo, 11, 4, 198, 51, 100, 1)
				k.r.Set(optServerID, relayIP.AsSlice()...)
			}},
		{"answer to another server's request", request, func(k *talk) { k.q.Set(optServerID, otherIP.AsSlice()...) },
			func(k *talk) { k.q.Del(optServerID) }},
		{"address changed", request, func(k *talk) { k.r.YIAddr = otherIP }, func(k *talk) { k.q.Set(optMessageType, 1); k.r.YIAddr = otherIP }},
		{"address in an answer to INFORM", bootServer, func(k *talk) { k.q.Set(optMessageType, 8); k.r.YIAddr = otherIP },
			func(k *talk) { k.q.Set(optMessageType, 8); k.r.YIAddr = clientIP }},

		{"option 60 not exactly PXEClient", offer, func(k *talk) { k.r.Set(optClassID, []byte("PXEClient:Arch:00007:UNDI:003000")...) },
			func(k *talk) { k.r.Del(optClassID); k.vendor = nil }},
		{"option 60 of another protocol", http, func(k *talk) { k.r.Set(optClassID, []byte("PXEClient")...) }, func(*talk) {}},
		{"proxy without option 60", proxy, func(k *talk) { k.r.Del(optClassID) }, func(k *talk) { k.r.Set(optMessageType, 5) }},
		{"proxy without option 60", bootServer, func(k *talk) { k.r.Del(optClassID) },
			func(k *talk) { k.to = everyServer; k.dst = netip.AddrPortFrom(clientIP, 4011); k.r.Del(optClassID) }},
		{"option 43 without option 60", offer, func(k *talk) { k.r.Del(optClassID) },
			func(k *talk) { k.r.Del(optClassID); k.q.Set(optClassID, []byte("MSFT 5.0")...) }},
		{"option 97 not returned", offer, func(k *talk) { k.r.Set(optUUID, append([]byte{0}, make([]byte, 16)...)...) },
			func(k *talk) { k.r.Del(optUUID); k.r.Del(optClassID); k.vendor = nil }},
		{"option 97 not returned", offer, func(k *talk) { k.r.Del(optUUID) }, func(k *talk) { k.q.Del(optUUID); k.r.Del(optUUID) }},
		{"proxy leases", offer, func(k *talk) { k.r.Del(optLeaseTime) }, func(k *talk) { k.r.Del(optLeaseTime); k.r.Del(optClassID); k.vendor = nil }},
		{"proxy leases", proxy, func(k *talk) { k.r.Set(optLeaseTime, 0, 0, 0, 9) }, func(*talk) {}},
		{"proxy leases", bootServer, func(k *talk) { k.r.YIAddr = otherIP }, func(k *talk) { k.r.YIAddr = clientIP }},
		{"proxy leases", bootServer, func(k *talk) { k.r.Set(optLeaseTime, 0, 0, 0, 9) }, func(*talk) {}},

		{"option 43 not ended", offer, rawVendor(6, 1, 8), rawVendor(6, 1, 8, 255)},
		{"option 43 not ended", offer, rawVendor(6, 1, 8, 255-1, 1, 255), rawVendor(6, 1, 8, 0, 0, 255, 6)},
		{"option 43 too long", offer, rawVendor(append(append([]byte{6, 1, 8, 200, 249}, make([]byte, 249)...), 0, 255)...),
			rawVendor(append(append([]byte{6, 1, 8, 200, 249}, make([]byte, 249)...), 255)...)},
		{"option 43 malformed", offer, rawVendor(6, 2, 8, 255), rawVendor(200, 2, 8, 255, 6, 1, 8, 255)},
		{"reserved discovery control", offer, rawVendor(6, 1, 0x18, 255), rawVendor(6, 1, 0x0f, 255)},
		{"multicast without group", menu, func(k *talk) { bits(k, pxe.NoBroadcast) },
			func(k *talk) { bits(k, pxe.NoBroadcast); k.vendor.Multicast = group }},
		{"multicast without group", menu, func(k *talk) { k.vendor.Control = nil }, func(k *talk) { bits(k, pxe.Direct); k.r.File = "x" }},
		{"menu item not in the server list", menu, func(k *talk) { k.vendor.Menu[0].Type = 0x8001; bits(k, pxe.NoMulticast) },
			func(k *talk) { bits(k, pxe.NoMulticast); k.vendor.Servers[0].Addrs = nil }},
		{"menu item with no way to it", menu, func(k *talk) { k.vendor.Servers = nil },
			func(k *talk) { k.vendor.Servers = nil; bits(k, pxe.NoMulticast) }},
		{"discovery without menu", menu, func(k *talk) { k.vendor.Menu = nil },
			func(k *talk) { k.vendor.Menu = nil; k.r.File = "x"; bits(k, pxe.Direct) }},
		{"discovery without menu", menu, func(k *talk) { k.vendor.Menu = nil; k.r.File = "x" }, func(k *talk) { k.r.File = "x" }},
		{"menu to iPXE on EFI", menu, as("iPXE"), both(as("iPXE"), func(k *talk) { k.q.Set(optArch, 0, 0) })},
		{"menu to iPXE on EFI", menu, as("\x04iPXE"), as("gPXE")},
		{"MTFTP without discovery options", offer, func(k *talk) { k.vendor = &pxe.Vendor{MTFTP: mtftpTags} }, func(k *talk) { k.vendor.MTFTP = mtftpTags }},
		{"boot item not returned", bootServer, func(k *talk) { k.vendor = nil }, func(k *talk) { k.q.Del(optVendor); k.vendor = nil }},
		{"boot item not returned", bootServer, func(k *talk) { k.vendor = nil }, func(k *talk) { k.to, k.vendor = everyServer, nil; k.r.Del(optClassID) }},
		{"boot item not returned", bootServer, func(k *talk) { k.vendor.Item = &pxe.Item{Type: 0x8000, Layer: 1} },
			func(k *talk) { k.vendor.Prompt = &pxe.Prompt{Text: "x"} }},
		{"two hosts to ask on port 4011", proxy, func(k *talk) { k.r.SIAddr = otherIP }, func(k *talk) { k.r.SIAddr = otherIP; k.r.Set(optMessageType, 5) }},

		{"boot file without siaddr", offer, func(k *talk) { k.r.SIAddr = netip.Addr{} },
			func(k *talk) { k.r.SIAddr, k.r.File = netip.Addr{}, "tftp://192.0.2.1/x64.efi" }},
		{"two boot file names", offer, func(k *talk) { k.r.Set(optBootFile, []byte("y64.efi")...) },
			func(k *talk) { k.r.Set(optBootFile, []byte("x64.efi\x00")...) }},
		{"boot file name with odd octets", offer, func(k *talk) { k.r.File = "x64.efi\r" }, func(k *talk) { k.r.File = `\boot\x 64.efi` }},
		{"boot file name with odd octets", offer, func(k *talk) { k.spoil = func(b []byte) []byte { copy(b[108:], strings.Repeat("x", 128)); return b } },
			func(k *talk) { k.r.File = strings.Repeat("x", 127) }},
		{"URI expected", http, func(k *talk) { k.r.File = "x64.efi" }, func(k *talk) { k.r.File = "HTTPS://192.0.2.1/x" }},
		{"option overload to iPXE", offer, both(as("iPXE"), func(k *talk) { k.r.Set(optOverload, 1); k.r.File = "\xff" }),
			func(k *talk) { k.r.Set(optOverload, 1); k.r.File = "\xff" }},

		{"answer not from port 4011", bootServer, func(k *talk) { k.src = netip.AddrPortFrom(serverIP, 67) }, func(*talk) {}},
		{"answer not from port 4011", bootServer, func(k *talk) { k.to = everyServer; k.src = netip.AddrPortFrom(serverIP, 1067) },
			func(k *talk) { k.to = everyServer; k.src = netip.AddrPortFrom(serverIP, 67) }},
		{"answer not to the source port", bootServer, func(k *talk) { k.dst = netip.AddrPortFrom(clientIP, 68) },
			func(k *talk) { k.from, k.dst = netip.AddrPortFrom(clientIP, 68), netip.AddrPortFrom(clientIP, 68) }},
		{"answer not to ciaddr", bootServer, func(k *talk) { k.dst = netip.MustParseAddrPort("255.255.255.255:4011") }, func(*talk) {}},
		{"answer not to ciaddr", bootServer, func(k *talk) {
			k.from, k.to, k.dst = netip.AddrPortFrom(clientIP, 68), everyServer, netip.MustParseAddrPort("255.255.255.255:68")
		}, func(k *talk) {
			k.from, k.to, k.dst = netip.AddrPortFrom(clientIP, 68), everyServer, netip.AddrPortFrom(clientIP, 68)
		}},
		{"broadcast flag ignored", offer, func(k *talk) { k.q.Flags = FlagBroadcast },
			func(k *talk) { k.q.Flags, k.dst = FlagBroadcast, netip.MustParseAddrPort("255.255.255.255:68") }},
		{"answer not to the relay", relayed, func(k *talk) { k.dst = netip.AddrPortFrom(relayIP, 68) }, func(k *talk) { k.q.Flags = FlagBroadcast }},
		{"answer not to the relay", relayed, func(k *talk) { k.dst = netip.MustParseAddrPort("255.255.255.255:68") }, func(*talk) {}},
		{"giaddr not returned", relayed, func(k *talk) { k.r.GIAddr = netip.Addr{} }, func(*talk) {}},
		{"option 82 not returned", relayed, lose(optRelayInfo), func(k *talk) { k.q.Del(optRelayInfo) }},
		{"option 82 not returned", relayed, func(k *talk) { k.r.Set(optRelayInfo, 1, 2, 'p', '2') }, func(*talk) {}},
		{"option 82 not returned", relayed, func(k *talk) {
			k.r.Set(optRelayInfo, 1, 2, 'p', '1')
			k.r.Set(250, 1)
		}, func(k *talk) { k.r.Set(250, 1) }},
	} {
		tested[c.rule] = true
		if found := Check(c.talk().trace(t)); len(found) > 0 {
			t.Fatalf("%s: without any fault: %v", c.rule, found)
		}
		bad, near := c.talk(), c.talk()
		c.bad(bad)
		c.near(near)
		if found := Check(bad.trace(t)); !slices.ContainsFunc(found, func(p Problem) bool { return p.Rule == c.rule && p.Packet == 1 }) {
			t.Errorf("%s: not found, but %v", c.rule, found)
		}
		if found := Check(near.trace(t)); slices.ContainsFunc(found, func(p Problem) bool { return p.Rule == c.rule }) {
			t.Errorf("%s: found in what is nearly that: %v", c.rule, found)
		}
	}
	for _, r := range rules {
		if !tested[r.name] {
			t.Errorf("no test breaks %q", r.name)
		}
	}
}

var mtftpTags = &pxe.MTFTP{Addr: netip.MustParseAddr("239.1.1.1"), ClientPort: 1758, ServerPort: 1759, Timeout: 1, Delay: 1}

// TestSilentPort is about requests that nobody answers.
func TestSilentPort(t *testing.T) {
	const rule = "nobody on port 4011"
	found := func(tr Trace) (text string) {
		for _, p := range Check(tr) {
			if p.Rule == rule {
				text = p.Text
			}
		}
		return text
	}
	offered := offer()
	offered.vendor = nil // PXEClient, a boot file, and no more
	binl := bootServer()
	binl.q.Del(optVendor)
	binl.q.XID, binl.r.XID, binl.vendor = 8, 8, nil
	tr, asked := offered.trace(t), binl.trace(t)

	silent := append(slices.Clone(tr), asked[0], asked[0])
	if text := found(silent); !strings.Contains(text, `192.0.2.1:4011 does not answer, though its offer says PXEClient and no more: EDK2 stops here and never fetches "x64.efi"`) {
		t.Errorf("%q", text)
	}
	if n := len(Check(silent)); n != 1 {
		t.Errorf("told %d times", n)
	}
	refused := append(silent, Packet{ICMP: "DestinationUnreachable(Port)", Dst: asked[0].Dst})
	if text := found(refused); !strings.Contains(text, "; destinationunreachable(port)") {
		t.Errorf("%q", text)
	}
	if text := found(append(slices.Clone(tr), asked...)); text != "" {
		t.Errorf("answered, and yet %q", text)
	}
	if text := found(bootServer().trace(t)[:1]); text != "" {
		t.Errorf("boot servers of other types are silent by right, and yet %q", text)
	}
}

func TestStrayReply(t *testing.T) {
	k := offer()
	k.r.XID = 8
	if found := Check(k.trace(t)); len(found) != 1 || found[0].Rule != "reply to no request" {
		t.Errorf("%v", found)
	}
	k = offer()
	k.r.XID, k.r.CHAddr = 8, net.HardwareAddr{2, 0, 0, 0, 0, 1} // another client's offer, by broadcast
	if found := Check(k.trace(t)); len(found) != 0 {
		t.Errorf("%v", found)
	}
}
