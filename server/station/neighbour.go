package station

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket/layers"
)

// How often, and how long each time, a neighbour is asked for its MAC.
const (
	arpTries   = 3
	arpTimeout = time.Second
)

// resolve finds the MAC a datagram goes to: of the destination if it is on the link, of the router if not.
func (s *Station) resolve(from, to netip.Addr) (net.HardwareAddr, error) {
	s.mu.Lock()
	direct := to == broadcast
	next := s.router
	for _, p := range s.addrs {
		direct = direct || to == last(p)
		if p.Contains(to) {
			next = to
		}
	}
	s.mu.Unlock()
	switch {
	case direct:
		return everyone, nil
	case to.IsMulticast(): // RFC 1112 section 6.4
		b := to.As4()
		return net.HardwareAddr{0x01, 0x00, 0x5e, b[1] & 0x7f, b[2], b[3]}, nil
	case from.IsUnspecified():
		return nil, fmt.Errorf("no address to reach %s from", to)
	case !next.IsValid():
		return nil, fmt.Errorf("%s is on no subnet of this station (%s), and it was told of no router", to, from)
	}
	return s.ask(from, next)
}

// ask finds a neighbour's MAC: what was heard before, or ARP (RFC 826).
func (s *Station) ask(from, to netip.Addr) (net.HardwareAddr, error) {
	for range arpTries {
		s.mu.Lock()
		mac, answer := s.arp[to], s.asking[to]
		if mac == nil && answer == nil {
			answer = make(chan struct{})
			s.asking[to] = answer
		}
		s.mu.Unlock()
		if mac != nil {
			return mac, nil
		}
		if err := s.sendARP(layers.ARPRequest, from, nil, to); err != nil {
			return nil, err
		}
		select {
		case <-answer:
		case <-s.done:
			return nil, net.ErrClosed
		case <-time.After(arpTimeout):
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if mac := s.arp[to]; mac != nil {
		return mac, nil
	}
	return nil, fmt.Errorf("%s answers no ARP request", to)
}
