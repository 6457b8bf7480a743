// Package station is an Ethernet host in user space: it has the MAC and the IPv4 addresses it is told, whatever the
// kernel thinks of the interface.
//
// It is what a boot client needs and a kernel socket cannot do: to hear what is sent to an address it does not have yet,
// and to leave the host's own addresses and routes alone.
package station

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Datagram is a UDP datagram that the station sent or received, or an ICMP error about one it sent.
type Datagram struct {
	Time     time.Time
	Sent     bool
	Src, Dst netip.AddrPort
	SrcMAC   net.HardwareAddr
	DstMAC   net.HardwareAddr
	Payload  []byte // of UDP; not to be changed
	ICMP     string // "destination unreachable (port)": Src is who complains, Dst what could not be reached
}

// Station is open until Close. Its methods may be called from any goroutine.
type Station struct {
	mac  net.HardwareAddr
	wire *os.File // packet socket on the interface
	join int      // kernel socket whose multicast memberships make the kernel send IGMP reports and set the NIC's filter
	link int      // interface index
	seen func(Datagram)
	done chan struct{} // closed when the reader has ended

	mu     sync.Mutex
	addrs  []netip.Prefix
	router netip.Addr
	conns  map[uint16]*Conn
	arp    map[netip.Addr]net.HardwareAddr
	asking map[netip.Addr]chan struct{} // closed when the answer is in arp
	groups map[netip.Addr]int           // how many Conns are members
	lastID uint16                       // of IP
}

// Open puts a station on an interface of the calling thread's network namespace. A nil mac is the interface's own; with
// any other the interface is made promiscuous while the station is open. seen, if not nil, is told of every datagram in
// order, sent ones before they leave; it must not call the station.
func Open(ifname string, mac net.HardwareAddr, seen func(Datagram)) (*Station, error) {
	link, err := net.InterfaceByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("interface %q: %w; ip link lists those that exist", ifname, err)
	}
	if mac == nil {
		mac = link.HardwareAddr
	}
	if len(mac) != 6 || mac[0]&1 != 0 {
		return nil, fmt.Errorf("interface %q: %q is not the MAC of an Ethernet station", ifname, mac)
	}
	if link.Flags&net.FlagUp == 0 {
		return nil, fmt.Errorf("interface %q is down; ip link set %s up", ifname, ifname)
	}
	if seen == nil {
		seen = func(Datagram) {}
	}
	s := &Station{mac: mac, link: link.Index, seen: seen, done: make(chan struct{}), conns: map[uint16]*Conn{},
		arp: map[netip.Addr]net.HardwareAddr{}, asking: map[netip.Addr]chan struct{}{}, groups: map[netip.Addr]int{}}
	if s.join, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("interface %q: socket for multicast: %w", ifname, err)
	}
	if s.wire, err = openWire(link.Index, mac.String() != link.HardwareAddr.String()); err != nil {
		unix.Close(s.join)
		return nil, fmt.Errorf("interface %q: packet socket: %w; run as root, or grant cap_net_raw", ifname, err)
	}
	go s.read()
	return s, nil
}

// receiveBuffer is in octets as the kernel counts them, more than twice those of the frames.
const receiveBuffer = 4 << 20

// openWire opens a socket for all frames that arrive at an interface (packet(7)).
func openWire(index int, promiscuous bool) (*os.File, error) {
	const protocol = unix.ETH_P_ALL>>8 | unix.ETH_P_ALL&0xff<<8 // network byte order
	// Protocol 0 receives nothing until bind says on which interface.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	// A whole transmission to a group must fit, while others are on the cores. More than the host allows everybody is
	// refused in a user namespace: then as much as that.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
	err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	if promiscuous && err == nil {
		err = unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
			&unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC})
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: index})
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "packet socket"), nil
}

// MAC gives the station's hardware address.
func (s *Station) MAC() net.HardwareAddr { return s.mac }

// Close ends the station and every Conn on it.
func (s *Station) Close() error {
	err := s.wire.Close()
	<-s.done
	for _, c := range s.open() {
		c.Close()
	}
	return errors.Join(err, unix.Close(s.join))
}

func (s *Station) open() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*Conn
	for _, c := range s.conns {
		all = append(all, c)
	}
	return all
}

// SetAddresses gives the station its addresses, the first of which it sends from, and its router (zero: none). Without
// an address it hears whatever is sent to its MAC, as a client does that waits for one.
func (s *Station) SetAddresses(router netip.Addr, addrs ...netip.Prefix) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addrs, s.router = addrs, router
}

// Address gives the address the station sends from; zero when it has none.
func (s *Station) Address() netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.from()
}

func (s *Station) from() netip.Addr {
	if len(s.addrs) == 0 {
		return netip.Addr{}
	}
	return s.addrs[0].Addr()
}

// mine reports whether a datagram to an address is for this station.
func (s *Station) mine(to netip.Addr) bool {
	if to == broadcast || s.groups[to] > 0 {
		return true
	}
	if to.IsMulticast() {
		return false
	}
	for _, p := range s.addrs {
		if to == p.Addr() || to == last(p) {
			return true
		}
	}
	return len(s.addrs) == 0
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// last gives the broadcast address of a subnet.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}
