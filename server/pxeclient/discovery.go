package pxeclient

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/pxelab/pxelab/server/pxe"
)

// Mode is a way to discover boot servers.
type Mode string

// The modes, in the order in which they are tried.
const (
	Multicast      Mode = "multicast"
	Broadcast      Mode = "broadcast"
	Unicast        Mode = "unicast"
	AsToldByServer Mode = ""
)

// Way is one mode of discovery and the places it asks.
type Way struct {
	Mode Mode
	To   []netip.AddrPort
}

// Ways lists the ways in which boot servers of a type may be discovered (PXE 2.1 table 2-1, tags 6 to 8).
func Ways(v *pxe.Vendor, t pxe.ServerType) ([]Way, error) {
	var ways []Way
	if control(v)&pxe.NoMulticast == 0 && v.Multicast.IsValid() {
		ways = append(ways, Way{Multicast, []netip.AddrPort{netip.AddrPortFrom(v.Multicast, BootPort)}})
	}
	if control(v)&pxe.NoBroadcast == 0 {
		ways = append(ways, Way{Broadcast, []netip.AddrPort{everyServer}})
	}
	listed := Way{Mode: Unicast}
	for _, a := range listedServers(v, t) {
		listed.To = append(listed.To, netip.AddrPortFrom(a, BootPort))
	}
	if listed.To != nil {
		ways = append(ways, listed)
	}
	if ways == nil {
		return nil, errors.New("no way to discover a boot server of type " + typeText(t) + ": " + noWay(v))
	}
	return ways, nil
}

func noWay(v *pxe.Vendor) string {
	why := "broadcast is forbidden, the server list has no address for it, multicast is forbidden"
	if control(v)&pxe.NoMulticast == 0 && !v.Multicast.IsValid() {
		why = "broadcast is forbidden, the server list has no address for it, multicast is allowed but tag 7 names no group"
	}
	return why
}

func typeText(t pxe.ServerType) string { return fmt.Sprintf("%#x", uint16(t)) }

func listedServers(v *pxe.Vendor, t pxe.ServerType) []netip.Addr {
	var all []netip.Addr
	for _, s := range v.Servers {
		if s.Type == t {
			all = append(all, s.Addrs...)
		}
	}
	return all
}

// accepts reports whether a boot server may be listened to: any, or with bit 2 only those that the list names; a line
// without addresses names all of its type.
func accepts(v *pxe.Vendor, t pxe.ServerType, server netip.Addr) bool {
	if control(v)&pxe.OnlyListed == 0 {
		return true
	}
	for _, s := range v.Servers {
		if s.Type != t {
			continue
		}
		if len(s.Addrs) == 0 {
			return true
		}
		for _, a := range s.Addrs {
			if a == server {
				return true
			}
		}
	}
	return false
}

var everyServer = netip.AddrPortFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), ServerPort)
