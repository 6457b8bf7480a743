package dhcp

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/socket"
)

// Reply is one message to send.
type Reply struct {
	Packet *dhcpv4.DHCPv4
	To     netip.AddrPort
	MAC    net.HardwareAddr // not nil: deliver to this station without ARP, which it cannot answer before it has To's address

	NoCookie bool // leave the vendor area empty, as the client's was (RFC 951)
}

// Bytes encodes the reply.
func (r *Reply) Bytes() []byte {
	b := r.Packet.ToBytes() // 300 octets at least, which some ROMs insist on (RFC 1542 section 2.1)
	if r.NoCookie {
		b = b[:bootpLength]
		clear(b[bootpHeader:])
	}
	return b
}

// bootpLength is the fixed length of a BOOTP message (RFC 951 section 3).
const bootpLength = 300

func (x *exchange) newReply(typ dhcpv4.MessageType) *Reply {
	return NewReply(x.req, typ, x.serverID)
}

// NewReply starts a reply of one type from a server: header fields by RFC 2131 table 3, and the options that must come
// back as sent. MessageTypeNone makes a BOOTP reply, which has neither option 53 nor 54.
func NewReply(req *Request, typ dhcpv4.MessageType, server netip.Addr) *Reply {
	q := req.Packet
	p := &dhcpv4.DHCPv4{
		OpCode: dhcpv4.OpcodeBootReply, HWType: q.HWType, TransactionID: q.TransactionID, Flags: q.Flags,
		ClientIPAddr: net.IPv4zero, YourIPAddr: net.IPv4zero, ServerIPAddr: net.IPv4zero, GatewayIPAddr: q.GatewayIPAddr,
		ClientHWAddr: q.ClientHWAddr, Options: dhcpv4.Options{},
	}
	if typ == dhcpv4.MessageTypeNone {
		return &Reply{Packet: p}
	}
	p.Options[optMessageType] = []byte{byte(typ)}
	p.Options[optServerID] = server.AsSlice()
	// 61 by RFC 6842, 82 by RFC 3046 section 2.2, 97 by RFC 4578 section 2.3 (some Intel ROMs drop replies without it).
	for _, code := range []uint8{optClientID, optRelayInfo, pxe.OptUUID} {
		if v, ok := q.Options[code]; ok {
			p.Options[code] = v
		}
	}
	return &Reply{Packet: p}
}

// configure adds what every client is told, and to boot clients what to boot. Option 60 says PXEClient only with an
// Offer: EDK2 takes a server that says so for a boot server and asks it on port 4011.
func (x *exchange) configure(r *Reply, b boot) {
	o := r.Packet.Options
	o[optSubnetMask] = net.CIDRMask(x.cfg.subnet().Bits(), 32)
	if x.cfg.Router.IsValid() {
		o[optRouter] = x.cfg.Router.AsSlice()
	}
	for _, a := range x.cfg.DNS {
		o[optDNS] = append(o[optDNS], a.AsSlice()...)
	}
	if b.noProxy {
		o[pxe.OptEtherboot] = []byte{pxe.EtherbootNoProxy, 1, 1}
	}
	if b.class != "" {
		o[pxe.OptClassID] = []byte(b.class)
	}
	if b.file != "" {
		r.NameFile(b.file, b.next)
		x.d.File = b.file
	}
}

// NameFile says which boot file to fetch, and from where. Both places: EDK2 prefers option 67, iPXE the header field.
// 67 ends in NUL because EDK2 writes one behind a name that lacks it, over the next option. siaddr is the TFTP server;
// neither client takes it from option 66. The fields are never used for options (52): iPXE does not read that.
func (r *Reply) NameFile(file string, next netip.Addr) {
	if next.IsValid() {
		r.Packet.ServerIPAddr = next.AsSlice()
	}
	if len(file) <= maxFileField {
		r.Packet.BootFileName = file
	}
	if r.Packet.MessageType() != dhcpv4.MessageTypeNone {
		r.Packet.Options[optBootFile] = append([]byte(file), 0)
	}
}

// ToNewcomer sends a reply without an address in it to a client that has none yet: by broadcast, there being no address
// to send to, with the flag set so that a relay does the same.
func (r *Reply) ToNewcomer(req *Request) {
	r.To = socket.EveryClient
	r.Packet.SetBroadcast()
	if relay := addrField(req.Packet.GatewayIPAddr); relay.IsValid() {
		r.To = netip.AddrPortFrom(relay, ServerPort)
	}
}

// tellPXE adds the PXE part for clients that have one. Where nothing right could be said the address alone is given.
func (x *exchange) tellPXE(r *Reply, b *boot) {
	if x.cfg.PXE == nil || !x.req.Client.PXE {
		return
	}
	told, err := x.cfg.PXE.For(x.req.Client, b.file)
	if err != nil {
		told = pxe.Told{Refuse: true, Why: err.Error()}
	}
	b.why = join(b.why, told.Why)
	if !told.Refuse {
		r.Tell(told)
	}
}

// Tell adds the PXE part of a reply.
func (r *Reply) Tell(t pxe.Told) {
	if t.Class != "" {
		r.Packet.Options[pxe.OptClassID] = []byte(t.Class)
	}
	if t.Vendor != nil {
		r.Packet.Options[pxe.OptVendor] = t.Vendor
	}
}

// ToSource sends a reply where its request came from, port and all: what boot servers and proxyDHCP on port 4011 must
// do, for EDK2 asks from port 4011 and iPXE from 68, and iPXE, once it has an address, hears only what is sent to that.
// It reports false if the request shows no such place.
func (r *Reply) ToSource(req *Request) bool {
	relay, ciaddr := addrField(req.Packet.GatewayIPAddr), addrField(req.Packet.ClientIPAddr)
	switch {
	case relay.IsValid():
		r.To = netip.AddrPortFrom(relay, ServerPort)
	case req.hasSource():
		r.To = req.From
	case ciaddr.IsValid():
		r.To = netip.AddrPortFrom(ciaddr, ClientPort)
	default:
		return false
	}
	return true
}

// addLease adds the address and its lease time.
func (x *exchange) addLease(r *Reply, a netip.Addr) {
	r.Packet.YourIPAddr = a.AsSlice()
	r.Packet.Options[optLeaseTime] = binary.BigEndian.AppendUint32(nil, uint32(x.cfg.lease().Seconds()))
	x.d.Address = a.String()
}

// ciaddr gives the address the client says it has, if it can be true: a reply is never sent out of the subnet on the
// word of an unauthenticated datagram.
func (x *exchange) ciaddr() netip.Addr {
	a := addrField(x.req.Packet.ClientIPAddr)
	if !x.cfg.subnet().Contains(a) || a == x.cfg.Address.Addr() {
		return netip.Addr{}
	}
	return a
}

// route decides where an OFFER or ACK goes (RFC 2131 section 4.1).
func (x *exchange) route(r *Reply) {
	q := x.req.Packet
	relay, ciaddr := addrField(q.GatewayIPAddr), x.ciaddr()
	switch {
	case relay.IsValid():
		r.To = netip.AddrPortFrom(relay, ServerPort)
	case ciaddr.IsValid():
		// iPXE, once it has an address, hears only what is sent to it; and EDK2 asks from other ports than 68.
		port := uint16(ClientPort)
		if x.req.From.Addr() == ciaddr {
			port = x.req.From.Port()
		}
		r.To = netip.AddrPortFrom(ciaddr, port)
	case q.IsBroadcast() || x.req.mac() == nil:
		r.To = socket.EveryClient
	default:
		r.To = netip.AddrPortFrom(addrField(r.Packet.YourIPAddr), ClientPort)
		r.MAC = x.req.mac()
	}
}

// tooLong reports whether the reply exceeds what the client takes: option 57, which counts IP and UDP headers and is at
// least 576 (RFC 2132 section 9.10). Only options that the client made long itself can bring a reply there.
func (x *exchange) tooLong(r *Reply) bool {
	limit := 576
	if v := x.req.Packet.Options[optMaxSize]; len(v) == 2 {
		limit = max(limit, int(binary.BigEndian.Uint16(v)))
	}
	return len(r.Packet.ToBytes())+28 > min(limit, 1500)
}
