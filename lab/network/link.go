package network

import (
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// interfaceName makes an interface name of at most 15 octets (IFNAMSIZ) from a kind and any name: "h-dhcp".
// A name that does not fit is cut and told apart by a hash.
func interfaceName(kind, name string) string {
	const room = unix.IFNAMSIZ - 1
	whole := kind + "-" + name
	if len(whole) <= room && !strings.ContainsAny(name, "/: \t\n\v\f\r%") {
		return whole
	}
	h := fnv.New32a()
	h.Write([]byte(name))
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, name)
	return fmt.Sprintf("%s-%.4s-%08x", kind, clean, h.Sum32())
}

// keepQuiet stops the kernel from giving an interface a link-local address, and from sending duplicate
// address detection, router solicitations and multicast reports for it. A kernel without IPv6 is quiet.
func keepQuiet(link netlink.Link) error {
	err := netlink.LinkSetIP6AddrGenMode(link, nl.IN6_ADDR_GEN_MODE_NONE)
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	// Once it has an address it would solicit routers. A read-only /proc/sys costs a few needless frames.
	os.WriteFile("/proc/sys/net/ipv6/conf/"+link.Attrs().Name+"/accept_ra", []byte("0"), 0)
	if err != nil {
		return fmt.Errorf("switch IPv6 autoconfiguration off on %q: %w", link.Attrs().Name, err)
	}
	return nil
}

// addLinkLocal gives an interface the link-local address of its MAC, usable at once: without duplicate
// address detection, which takes a second.
func addLinkLocal(index int, mac net.HardwareAddr) (netip.Addr, error) {
	eui := [16]byte{0: 0xfe, 1: 0x80, 8: mac[0] ^ 0x02, 9: mac[1], 10: mac[2], 11: 0xff, 12: 0xfe, 13: mac[3], 14: mac[4], 15: mac[5]}
	address := netip.AddrFrom16(eui) // RFC 4291 appendix A
	link := &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: index}}
	err := netlink.AddrReplace(link, &netlink.Addr{
		IPNet: &net.IPNet{IP: address.AsSlice(), Mask: net.CIDRMask(64, 128)},
		Flags: unix.IFA_F_NODAD,
	})
	if err != nil {
		return netip.Addr{}, fmt.Errorf("add the address %v: %w", address, err)
	}
	return address, nil
}

// awaitUp waits until interfaces in the calling thread's network namespace carry frames. The kernel brings the
// transmit queue of an interface into being, and a port of a bridge to forwarding, somewhat after it has said
// that the interface is up, and drops frames until then: the first frame of a guest that speaks at once.
func awaitUp(names ...string) error {
	const patience = 10 * time.Second // it takes a few milliseconds
	deadline := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for _, name := range names {
		for {
			link, err := netlink.LinkByName(name)
			if err != nil {
				return fmt.Errorf("wait for interface %q: %w", name, err)
			}
			state := link.Attrs().OperState
			if state == netlink.OperUp || state == netlink.OperUnknown { // a tap knows no state, and is up
				break
			}
			select {
			case <-tick.C:
			case <-deadline:
				return fmt.Errorf("interface %q is %v, not up, after %v", name, link.Attrs().OperState, patience)
			}
		}
	}
	return nil
}

// The features that leave frames unfinished for hardware that a lab does not have: a packet socket, a capture
// and a guest would see wrong UDP checksums and frames over 1514 octets.
const ethtoolSetTxChecksum = 0x17 // ETHTOOL_STXCSUM of linux/ethtool.h, which x/sys lacks

var offloads = []uint32{ethtoolSetTxChecksum, unix.ETHTOOL_STSO, unix.ETHTOOL_SGSO, unix.ETHTOOL_SGRO}

// finishFrames switches the offloads of an interface in the calling thread's network namespace off.
func finishFrames(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("switch offloads of %q off: %w", name, err)
	}
	defer unix.Close(fd)
	for _, command := range offloads {
		value := struct{ command, data uint32 }{command, 0}
		request := struct { // struct ifreq
			name  [unix.IFNAMSIZ]byte
			value unsafe.Pointer
			_     [16]byte
		}{value: unsafe.Pointer(&value)}
		copy(request.name[:unix.IFNAMSIZ-1], name)
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
		if errno != 0 && errno != unix.EOPNOTSUPP {
			return fmt.Errorf("switch offload %#x of %q off: %w", command, name, errno)
		}
	}
	return nil
}
