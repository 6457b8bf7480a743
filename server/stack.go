package server

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/pxelab/pxelab/server/dhcp"
)

// Stack is what of a Config decides on DHCP, BOOTP and PXE requests, without a socket or a clock: for replaying what
// was captured, and for asking what a client would be told. It remembers leases. Not safe for concurrent use.
type Stack struct{ ports []port }

// Answer is what one role decided on a request.
type Answer struct {
	Role     string
	Reply    *dhcp.Reply // nil: it stays silent
	Decision dhcp.Decision
}

// NewStack makes the Stack of a valid Config.
func NewStack(c Config) (*Stack, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("server %q: %w", c.Name, err)
	}
	return &Stack{c.ports(func(Decision) {})}, nil
}

// Answer gives what each role behind the port that a datagram was sent to decides on it, in the order of roles. The
// error says why the datagram is no request.
func (s *Stack) Answer(datagram []byte, from, to netip.AddrPort, now time.Time) ([]Answer, error) {
	var out []Answer
	for _, p := range s.ports {
		if p.number != to.Port() {
			continue
		}
		req, err := dhcp.ParseRequest(datagram, from, to)
		if err != nil {
			return nil, err
		}
		for _, role := range p.roles {
			reply, d := role.Answer(req, now)
			out = append(out, Answer{role.Name, reply, d})
		}
	}
	return out, nil
}
