package dhcp

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/pxe"
)

// Reply is one message to send.
type Reply struct {
	Packet *dhcpv4.DHCPv4
	To     netip.AddrPort
	MAC    net.HardwareAddr // not nil: deliver to this station without ARP, which it cannot answer before it has To's address
}

// broadcastClient is where a client without an address listens.
var broadcastClient = netip.AddrPortFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), ClientPort)

// newReply starts a reply of one type: header fields by RFC 2131 table 3, and the options that must come back as sent.
func (x *exchange) newReply(typ dhcpv4.MessageType) *Reply {
	q := x.req.Packet
	p := &dhcpv4.DHCPv4{
		OpCode: dhcpv4.OpcodeBootReply, HWType: q.HWType, TransactionID: q.TransactionID, Flags: q.Flags,
		ClientIPAddr: net.IPv4zero, YourIPAddr: net.IPv4zero, ServerIPAddr: net.IPv4zero, GatewayIPAddr: q.GatewayIPAddr,
		ClientHWAddr: q.ClientHWAddr, Options: dhcpv4.Options{},
	}
	p.Options[optMessageType] = []byte{byte(typ)}
	p.Options[optServerID] = x.cfg.Address.Addr().AsSlice()
	// 61 by RFC 6842, 82 by RFC 3046 section 2.2, 97 by RFC 4578 section 2.3 (some Intel ROMs drop replies without it).
	for _, code := range []uint8{optClientID, optRelayInfo, pxe.OptUUID} {
		if v, ok := q.Options[code]; ok {
			p.Options[code] = v
		}
	}
	return &Reply{Packet: p}
}

// configure adds what every client is told, and to boot clients what to boot. Option 60 is never PXEClient: EDK2 takes
// a server that says so for a boot server and asks it on port 4011, where this role does not listen.
func (x *exchange) configure(r *Reply, b boot) {
	o := r.Packet.Options
	o[optSubnetMask] = net.CIDRMask(x.cfg.Address.Bits(), 32)
	if x.cfg.Router.IsValid() {
		o[optRouter] = x.cfg.Router.AsSlice()
	}
	for _, a := range x.cfg.DNS {
		o[optDNS] = append(o[optDNS], a.AsSlice()...)
	}
	if b.noProxy {
		o[pxe.OptEtherboot] = []byte{pxe.EtherbootNoProxy, 1, 1}
	}
	if b.file == "" {
		return
	}
	// Both places: EDK2 prefers option 67, iPXE the header field. 67 ends in NUL because EDK2 writes one behind a
	// name that lacks it, over the next option. siaddr is the TFTP server; neither client takes it from option 66.
	if b.next.IsValid() {
		r.Packet.ServerIPAddr = b.next.AsSlice()
	}
	if len(b.file) <= maxFileField {
		r.Packet.BootFileName = b.file
	}
	if b.class != "" {
		o[pxe.OptClassID] = []byte(b.class)
	}
	o[optBootFile] = append([]byte(b.file), 0)
	x.d.File = b.file
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
	if !x.cfg.Address.Contains(a) || a == x.cfg.Address.Addr() {
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
		r.To = broadcastClient
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
