// Package wire turns the Ethernet frames of one guest's cable into packet events.
//
// It folds what no judge needs: the middle of a TFTP or TCP transfer, and chatter already seen once. Nothing
// is lost by that, as the capture keeps every frame. It opens no socket and reads no clock: the same frames
// give the same events.
package wire

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/gopacket/gopacket/layers"

	"github.com/pxelab/pxelab/lab/event"
)

// Decoder decodes the frames of one boot of one guest. What was seen before decides what is folded and what
// counts as a repetition, so every boot needs a new one. It is not safe for concurrent use.
type Decoder struct {
	own       map[[6]byte]bool    // addresses the guest's NIC answers to
	addresses map[netip.Addr]bool // IP addresses the guest has used
	xids      map[uint32]bool     // DHCP transactions the guest began
	seen      map[kind]bool       // chatter of which one event is enough
	dhcp      map[dhcpKey]int     // how often each DHCP message was seen
	dhcp6     map[dhcp6Key]int    // how often each DHCPv6 message was seen
	transfers map[transferKey]*transfer
	opened    map[netip.Addr]*transfer // the last asked of an MTFTP server
	conns     map[connKey]*connection
	newest    map[netip.AddrPort]*transfer // the last transfer a client port asked for
	asked     map[[2]netip.Addr]*transfer  // the last transfer a client's address asked a server's for
	solicited bool                         // a Router Solicitation waits for its answer
	moved     event.Progress               // of the file that the last frame brought a part of, if that is to be told
	cur       current

	// Reused for every frame, so that a folded frame costs no allocation.
	packet event.Packet
	eth    layers.Ethernet
	arp    layers.ARP
	ip4    layers.IPv4
	ip6    layers.IPv6
	udp    layers.UDP
	tcp    layers.TCP
	icmp   layers.ICMPv4
	ndp    layers.ICMPv6
}

// current is what is known of the frame being decoded.
type current struct {
	fromGuest bool
	foreign   bool // the guest's NIC sees it, but it came from another machine and went to all
	src, dst  netip.AddrPort
	ports     bool // src and dst carry port numbers
	fragment  bool // the first fragment of a larger datagram
	cut       bool // fewer octets than the headers promise
}

// SetTruncated is how gopacket's layers report a frame that ends too early.
func (c *current) SetTruncated() { c.cut = true }

// kind identifies chatter: frames of one kind tell a judge nothing after the first.
type kind struct {
	what      string
	number    int
	fromGuest bool
	src, dst  netip.AddrPort
}

// New gives the decoder for one boot of the guest whose NIC has this address. Addresses the guest is seen to
// send from are added to it. With a nil address every frame counts as the guest's affair until it sends one.
func New(mac net.HardwareAddr) *Decoder {
	d := &Decoder{
		own:       map[[6]byte]bool{},
		addresses: map[netip.Addr]bool{},
		xids:      map[uint32]bool{},
		seen:      map[kind]bool{},
		dhcp:      map[dhcpKey]int{},
		dhcp6:     map[dhcp6Key]int{},
		transfers: map[transferKey]*transfer{},
		opened:    map[netip.Addr]*transfer{},
		conns:     map[connKey]*connection{},
		newest:    map[netip.AddrPort]*transfer{},
		asked:     map[[2]netip.Addr]*transfer{},
	}
	if len(mac) == 6 {
		d.own[[6]byte(mac)] = true
	}
	return d
}

// Frame decodes one frame, given its number in the capture and whether the guest sent it. It reports false
// when the frame is folded away. The data is not kept.
//
// Proto "dhcp" comes with DHCP set, "dhcp6" with DHCP6, "tftp" with TFTP, "http" with HTTP. Bytes that cannot be decoded give the layer that was
// reached and the reason in Error. Text from the wire has its unprintable octets escaped as \xNN.
func (d *Decoder) Frame(number int, data []byte, fromGuest bool) (event.Packet, bool) {
	d.cur, d.moved = current{fromGuest: fromGuest}, event.Progress{}
	p := &d.packet
	*p = event.Packet{Frame: number, FromGuest: fromGuest, Proto: "other"}
	keep := d.ethernet(p, data)
	if d.cur.cut && p.Error == "" {
		p.Error = fmt.Sprintf("cut short: the frame ends after %d octets, its headers promise more", len(data))
		keep = true
	}
	if !keep {
		return event.Packet{}, false
	}
	if len(data) >= 12 {
		p.SrcMAC = net.HardwareAddr(data[6:12]).String()
	}
	p.Src, p.Dst = d.address(d.cur.src), d.address(d.cur.dst)
	if p.Info == "" {
		p.Info = "undecodable frame"
	}
	return *p, true
}

// address prints one end of the frame: with its port if it has one, empty if it has no address.
func (d *Decoder) address(a netip.AddrPort) string {
	switch {
	case !a.Addr().IsValid():
		return ""
	case d.cur.ports:
		return a.String()
	}
	return a.Addr().String()
}

// once reports whether the frame is the first of its kind in its direction.
func (d *Decoder) once(k kind) bool {
	k.fromGuest = d.cur.fromGuest
	if d.seen[k] {
		return false
	}
	room(d.seen)
	d.seen[k] = true
	return true
}

func (d *Decoder) ethernet(p *event.Packet, data []byte) bool {
	if len(data) < 14 {
		p.Error = fmt.Sprintf("frame of %d octets is shorter than an Ethernet header (14)", len(data))
		return true
	}
	if err := d.eth.DecodeFromBytes(data, &d.cur); err != nil {
		p.Error = "Ethernet: " + err.Error()
		return true
	}
	if !d.addressed(data) {
		return false
	}
	switch d.eth.EthernetType {
	case layers.EthernetTypeARP:
		return d.resolve(p)
	case layers.EthernetTypeIPv4:
		return d.ipv4(p)
	case layers.EthernetTypeIPv6:
		return d.ipv6(p)
	case layers.EthernetTypeLLC:
		p.Info = "LLC frame"
	default:
		p.Info = fmt.Sprintf("ethertype 0x%04x", uint16(d.eth.EthernetType))
	}
	return d.once(kind{what: "ethertype", number: int(d.eth.EthernetType)})
}

// addressed reports whether the frame concerns the guest. A bridge floods what it has not learned yet, so a
// cable also carries unicast frames for others, which the guest's NIC drops.
func (d *Decoder) addressed(data []byte) bool {
	if d.cur.fromGuest {
		if src := [6]byte(data[6:12]); !d.own[src] && len(d.own) < maxRemembered {
			d.own[src] = true
		}
		return true
	}
	if len(d.own) == 0 {
		return true
	}
	group := data[0]&1 == 1
	d.cur.foreign = group
	return group || d.own[[6]byte(data[0:6])]
}

// resolve decodes ARP (RFC 826). Unanswered questions of the guest are a finding, so all of its own are kept;
// of what others ask each other, the first.
func (d *Decoder) resolve(p *event.Packet) bool {
	p.Proto = "arp"
	if err := d.arp.DecodeFromBytes(d.eth.Payload, &d.cur); err != nil {
		p.Info, p.Error = "ARP", err.Error()
		return true
	}
	sender, ok1 := netip.AddrFromSlice(d.arp.SourceProtAddress)
	target, ok2 := netip.AddrFromSlice(d.arp.DstProtAddress)
	if !ok1 || !ok2 || !sender.Is4() || !target.Is4() {
		p.Info = "ARP"
		p.Error = fmt.Sprintf("ARP for protocol 0x%04x with addresses of %d octets",
			uint16(d.arp.Protocol), d.arp.ProtAddressSize)
		return true
	}
	d.cur.src, d.cur.dst = netip.AddrPortFrom(sender, 0), netip.AddrPortFrom(target, 0)
	d.learn(sender)
	switch {
	case d.arp.Operation != layers.ARPRequest:
		p.Info = fmt.Sprintf("ARP %s is at %s", sender, net.HardwareAddr(d.arp.SourceHwAddress))
	case sender == target:
		p.Info = "ARP announces " + target.String()
	default:
		p.Info = "ARP who has " + target.String()
	}
	if d.cur.foreign && !d.addresses[target] {
		return d.once(kind{what: "arp", number: int(d.arp.Operation), dst: d.cur.dst})
	}
	return true
}

// learn notes an address that the guest uses.
func (d *Decoder) learn(a netip.Addr) {
	if d.cur.fromGuest && !a.IsUnspecified() && !d.addresses[a] && len(d.addresses) < maxRemembered {
		d.addresses[a] = true
	}
}
