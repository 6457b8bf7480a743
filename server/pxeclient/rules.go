package pxeclient

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// rules are the traps of the field, one a row. Rows in which a client is named hold for that client, whatever the
// specification allows.
var rules = []rule{
	{"malformed message", "RFC 2131 section 3", func(p *pair) string { return p.rp.Malformed }},
	{"shorter than 300 octets", "RFC 1542 section 2.1", (*pair).short},
	{"longer than the client takes", "RFC 2132 section 9.10", (*pair).long},
	{"DHCP answer to BOOTP", "RFC 1534 section 2", (*pair).dhcpToBOOTP},
	{"option 54 missing", "RFC 2131 table 3", (*pair).noServerID},
	{"option 54 of another", "RFC 2131 section 4.1; RFC 5107 section 4", (*pair).foreignServerID},
	{"answer to another server's request", "RFC 2131 section 4.3.2", (*pair).notAsked},
	{"address changed", "RFC 2131 section 3.1 step 4", (*pair).addressChanged},
	{"address in an answer to INFORM", "RFC 2131 section 4.3.5", (*pair).addressInform},

	{"option 60 not exactly PXEClient", "PXE 2.1 table 2-1", (*pair).classInexact},
	{"option 60 of another protocol", "UEFI 2.10 section 24.7", (*pair).classMixed},
	{"proxy without option 60", "PXE 2.1 table 2-1", (*pair).proxyNoClass},
	{"option 43 without option 60", "RFC 2132 section 8.4", (*pair).vendorNoClass},
	{"option 97 not returned", "PXE 2.1 table 2-1; RFC 4578 section 2.3", (*pair).uuid},
	{"proxy leases", "PXE 2.1 section 2.2", (*pair).proxyLeases},

	{"option 43 not ended", "PXE 2.1 table 2-1", (*pair).vendorNoEnd},
	{"option 43 too long", "EDK2 and iPXE read one option 43 of 255 octets", (*pair).vendorLong},
	{"option 43 malformed", "PXE 2.1 table 2-1", (*pair).vendorBad},
	{"reserved discovery control", "PXE 2.1 table 2-1 tag 6", (*pair).reservedControl},
	{"multicast without group", "PXE 2.1 table 2-1 tag 7; EDK2 PXE-E99", (*pair).noGroup},
	{"menu item not in the server list", "PXE 2.1 table 2-1 tags 8 and 9; EDK2 PXE-E07", (*pair).unlisted},
	{"menu item with no way to it", "PXE 2.1 table 2-1 tags 6 to 8", (*pair).noWay},
	{"discovery without menu", "EDK2 PXE-E21", (*pair).noMenu},
	{"menu to iPXE on EFI", "iPXE builds for EFI have no PXE menu", (*pair).menuToIPXE},
	{"MTFTP without discovery options", "EDK2 drops such an offer", (*pair).mtftpAlone},
	{"boot item not returned", "PXE 2.1 table 2-1 tag 71; iPXE", (*pair).itemLost},
	{"two hosts to ask on port 4011", "PXE 2.1 section 2.2; EDK2 asks siaddr, iPXE option 54", (*pair).twoHosts},

	{"boot file without siaddr", "RFC 2131 section 2; iPXE boots nothing", (*pair).noNextServer},
	{"two boot file names", "EDK2 takes option 67, iPXE the header field", (*pair).twoNames},
	{"boot file name with odd octets", "RFC 2131 section 2", (*pair).oddName},
	{"URI expected", "UEFI 2.10 section 24.7", (*pair).noURI},
	{"option overload to iPXE", "RFC 2132 section 9.3; iPXE reads file and sname as names", (*pair).overload},

	{"answer not from port 4011", "PXE 2.1 section 2.2; iPXE", (*pair).wrongSource},
	{"answer not to the source port", "PXE 2.1 section 2.2; EDK2 asks from 4011, iPXE from 68", (*pair).wrongPort},
	{"answer not to ciaddr", "RFC 2131 section 4.1; iPXE drops broadcasts once it has an address", (*pair).wrongAddress},
	{"broadcast flag ignored", "RFC 2131 section 4.1", (*pair).notBroadcast},
	{"answer not to the relay", "RFC 2131 section 4.1", (*pair).notToRelay},
	{"giaddr not returned", "RFC 2131 table 3", (*pair).giaddr},
	{"option 82 not returned", "RFC 3046 section 2.2", (*pair).relayInfo},
}

func (p *pair) short() string {
	if p.rp.Size < minMessage {
		return fmt.Sprintf("%d octets", p.rp.Size)
	}
	return ""
}

// long counts the headers of IP and UDP, as option 57 does. EDK2 promises 65280 and keeps 1472.
func (p *pair) long() string {
	limit := 576
	if v, _ := p.q.Get(optMaxSize); len(v) == 2 {
		limit = max(limit, min(int(binary.BigEndian.Uint16(v)), 1500))
	}
	if n := p.rp.Size + 28; n > limit {
		return fmt.Sprintf("%d octets with IP and UDP headers, %d taken", n, limit)
	}
	return ""
}

func (p *pair) dhcpToBOOTP() string {
	if p.q.Type() == dhcpv4.MessageTypeNone && p.r.Type() != dhcpv4.MessageTypeNone {
		return p.r.Name() + " to a client that knows no option 53"
	}
	return ""
}

func (p *pair) noServerID() string {
	if p.r.Type() != dhcpv4.MessageTypeNone && !p.r.Addr(optServerID).IsValid() {
		return p.r.Name() + " from " + p.r.From.String()
	}
	return ""
}

// foreignServerID: a reply's option 54 is its sender's own address, or the one that the relay asked for (sub-option 11 of
// option 82). Behind a relay the sender is not seen.
func (p *pair) foreignServerID() string {
	got := p.r.Addr(optServerID)
	want := p.r.From.Addr()
	if p.q.GIAddr.IsValid() {
		want = p.q.override()
	}
	if got.IsValid() && want.IsValid() && got != want {
		return fmt.Sprintf("%s from %s says %s, not %s", p.r.Name(), p.r.From, got, want)
	}
	return ""
}

// override gives the server identifier that a relay asks for (RFC 5107).
func (m *Message) override() netip.Addr {
	info, _ := m.Get(optRelayInfo)
	for len(info) >= 2 && len(info) >= 2+int(info[1]) {
		if info[0] == 11 && info[1] == 4 {
			return netip.AddrFrom4([4]byte(info[2:6]))
		}
		info = info[2+int(info[1]):]
	}
	return netip.Addr{}
}

func (p *pair) notAsked() string {
	asked, got := p.q.Addr(optServerID), p.r.Addr(optServerID)
	if p.q.Type() == dhcpv4.MessageTypeRequest && asked.IsValid() && got.IsValid() && asked != got {
		return fmt.Sprintf("%s of %s to a request for %s", p.r.Name(), got, asked)
	}
	return ""
}

func (p *pair) addressChanged() string {
	asked := p.q.Addr(optRequestedAddr)
	if p.q.Type() == dhcpv4.MessageTypeRequest && p.r.Type() == dhcpv4.MessageTypeAck && asked.IsValid() && p.r.YIAddr != asked {
		return fmt.Sprintf("%s was offered and asked for, %s is acknowledged", asked, p.r.YIAddr)
	}
	return ""
}

func (p *pair) addressInform() string {
	_, leased := p.r.Get(optLeaseTime)
	if p.q.Type() == dhcpv4.MessageTypeInform && (leased || p.r.YIAddr.IsValid() && p.r.YIAddr != p.q.CIAddr) {
		return fmt.Sprintf("yiaddr %v, lease time %v", p.r.YIAddr, leased)
	}
	return ""
}

func (p *pair) class() string {
	v, _ := p.r.Get(optClassID)
	return string(v)
}

// classInexact: who returns the client's whole string makes itself a PXE server that has to be asked on port 4011.
func (p *pair) classInexact() string {
	if c := p.class(); p.r.isPXE() && c != "PXEClient" {
		return fmt.Sprintf("%q", c)
	}
	return ""
}

func (p *pair) classMixed() string {
	if p.client.HTTP && p.r.isPXE() || p.client.PXE && p.r.isHTTP() {
		return fmt.Sprintf("%q to %q", p.class(), p.client.Class)
	}
	return ""
}

func (p *pair) proxyNoClass() string {
	switch offer := p.r.Type() == dhcpv4.MessageTypeOffer; {
	case p.r.isPXE() || p.r.isHTTP():
	case offer && !p.r.YIAddr.IsValid():
		return fmt.Sprintf("offer of %s has neither an address nor option 60: EDK2 drops it", p.r.Server())
	case p.toBootPort():
		return fmt.Sprintf("%s of %s from port 4011", p.r.Name(), p.r.Server())
	}
	return ""
}

func (p *pair) vendorNoClass() string {
	if _, ok := p.r.Get(optVendor); ok && p.client.PXE && !p.r.isPXE() {
		return "clients do not read it"
	}
	return ""
}

// uuid: a server that knows nothing of PXE owes no option 97, but whoever sends one sends the client's.
func (p *pair) uuid() string {
	sent, ok := p.q.Get(optUUID)
	got, is := p.r.Get(optUUID)
	if ok && (is || p.r.isPXE()) && !bytes.Equal(sent, got) {
		return fmt.Sprintf("%x, not %x", got, sent)
	}
	return ""
}

// proxyLeases: an offer is a lease or a proxy's, and clients tell them by yiaddr; port 4011 leases nothing. A boot
// server may return the client's own address.
func (p *pair) proxyLeases() string {
	_, leased := p.r.Get(optLeaseTime)
	switch offer := p.r.Type() == dhcpv4.MessageTypeOffer; {
	case offer && p.r.isPXE() && p.r.YIAddr.IsValid() && !leased:
		return fmt.Sprintf("yiaddr %s without a lease time", p.r.YIAddr)
	case offer && !p.r.YIAddr.IsValid() && leased:
		return "a lease time without yiaddr"
	case p.toBootPort() && leased:
		return "a lease time from port 4011"
	case p.toBootPort() && p.r.YIAddr.IsValid() && p.r.YIAddr != p.q.CIAddr:
		return fmt.Sprintf("yiaddr %s from port 4011 to %v", p.r.YIAddr, p.q.CIAddr)
	}
	return ""
}

func (p *pair) toBootPort() bool { return p.qp.Dst.Port() == BootPort }

func (p *pair) noNextServer() string {
	name := p.r.bootFile()
	if name != "" && !p.r.SIAddr.IsValid() && !strings.Contains(name, "://") {
		return fmt.Sprintf("%q", name)
	}
	return ""
}

func (p *pair) twoNames() string {
	v, ok := p.r.Get(optBootFile)
	name := strings.TrimRight(string(v), "\x00")
	if ok && p.r.Message.File != "" && name != p.r.Message.File {
		return fmt.Sprintf("option 67 %q, header field %q", name, p.r.Message.File)
	}
	return ""
}

func (p *pair) oddName() string {
	name := p.r.bootFile()
	odd := func(c rune) bool { return c < ' ' || c >= 0x7f }
	if len(p.r.Message.File) == 128 {
		return "it fills the header field, with no NUL behind it"
	}
	if strings.ContainsFunc(name, odd) || strings.TrimSpace(name) != name {
		return fmt.Sprintf("%q", name)
	}
	return ""
}

func (p *pair) noURI() string {
	name := strings.ToLower(p.r.bootFile())
	if p.r.isHTTP() && !strings.HasPrefix(name, "http://") && !strings.HasPrefix(name, "https://") {
		return fmt.Sprintf("boot file %q", p.r.bootFile())
	}
	return ""
}

func (p *pair) overload() string {
	if v, ok := p.r.Get(optOverload); ok && p.client.IPXE {
		return fmt.Sprintf("option 52 is %x", v)
	}
	return ""
}

// settled reports whether the client spoke as one that has its address and looks for boot servers.
func (p *pair) settled() bool { return p.toBootPort() || p.item != nil }

func (p *pair) wrongSource() string {
	port := p.r.From.Port()
	if p.toBootPort() && port != BootPort || p.settled() && port != BootPort && port != ServerPort {
		return "answered from " + p.r.From.String()
	}
	return ""
}

func (p *pair) wrongPort() string {
	want, got := p.qp.Src.Port(), p.rp.Dst.Port()
	if p.settled() && want != got {
		return fmt.Sprintf("asked from port %d, answered to %d", want, got)
	}
	return ""
}

// wrongAddress: RFC 2131 has every answer to a client with an address sent to that address, whatever its flags say.
func (p *pair) wrongAddress() string {
	nak := p.r.Type() == dhcpv4.MessageTypeNak // broadcast by RFC 2131 section 4.1
	if ci := p.q.CIAddr; ci.IsValid() && !p.q.GIAddr.IsValid() && !nak && p.rp.Dst.Addr() != ci {
		return fmt.Sprintf("sent to %s, not to %s", p.rp.Dst, ci)
	}
	return ""
}

func (p *pair) notBroadcast() string {
	wants := p.q.Flags&FlagBroadcast != 0 && !p.q.CIAddr.IsValid() && !p.q.GIAddr.IsValid()
	if wants && p.rp.Dst.Addr() != everyServer.Addr() {
		return "sent to " + p.rp.Dst.String()
	}
	return ""
}

func (p *pair) notToRelay() string {
	if gi := p.q.GIAddr; gi.IsValid() && p.rp.Dst != netip.AddrPortFrom(gi, ServerPort) {
		return fmt.Sprintf("sent to %s, not to %s:%d", p.rp.Dst, gi, ServerPort)
	}
	return ""
}

func (p *pair) giaddr() string {
	if p.q.GIAddr != p.r.GIAddr {
		return fmt.Sprintf("%v, not %v", p.r.GIAddr, p.q.GIAddr)
	}
	return ""
}

func (p *pair) relayInfo() string {
	sent, ok := p.q.Get(optRelayInfo)
	got, is := p.r.Get(optRelayInfo)
	switch {
	case ok && !bytes.Equal(sent, got):
		return fmt.Sprintf("%x, not %x", got, sent)
	case is && p.r.Options[len(p.r.Options)-1].Code != optRelayInfo:
		return "it is not the last option"
	}
	return ""
}
