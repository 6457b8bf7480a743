package server

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/pxelab/pxelab/server/socket"
)

// echoPrefix begins every answer, so that a datagram that came back by itself is not taken for one.
const echoPrefix = "ECHO:"

// echo answers every datagram with echoPrefix and its payload.
type echo struct {
	udp     *net.UDPConn
	own     netip.Addr
	observe func(Decision)
}

// listenEcho opens the echo's port for the family of the host's own address.
func listenEcho(c Config, own netip.Addr, observe func(Decision)) (*echo, error) {
	every := netip.IPv4Unspecified()
	if own.Is6() {
		every = netip.IPv6Unspecified()
	}
	udp, err := socket.ListenUDP(c.Interface, netip.AddrPortFrom(every, uint16(c.Echo.Port)))
	if err != nil {
		return nil, err
	}
	return &echo{udp: udp, own: own, observe: observe}, nil
}

// Close closes the socket of an echo that is not served.
func (e *echo) Close() { e.udp.Close() }

// Serve answers until ctx ends.
func (e *echo) Serve(ctx context.Context) error {
	return socket.Serve(ctx, e.udp, "echo requests", e.answer)
}

// answer leaves answers alone: two echo services must not keep each other busy for ever.
func (e *echo) answer(payload []byte, from netip.AddrPort, _ netip.Addr) {
	d := Decision{Role: "echo", Client: from.String(),
		Request: fmt.Sprintf("datagram of %d octets", len(payload))}
	if len(payload) >= len(echoPrefix) && string(payload[:len(echoPrefix)]) == echoPrefix {
		d.Reason = "ignored: an answer, not a question"
		e.observe(d)
		return
	}
	answer := append([]byte(echoPrefix), payload...)
	if err := socket.Send(e.udp, answer, e.own, from); err != nil {
		d.Reason = "not sent: " + err.Error()
		e.observe(d)
		return
	}
	d.Reply, d.Reason, d.Bytes = "echo", "every datagram is answered", int64(len(payload))
	e.observe(d)
}
