package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/server/socket"
)

// Relay relays on several interfaces.
type Relay struct {
	cfg     Config
	observe func(Decision)
	ports   []*port // one for each link
	towards []*port // for each server, the port its requests leave by
	route   *netlink.Handle
}

// port is the socket of one link.
type port struct {
	link *Link
	udp  *net.UDPConn
	out  socket.Link
}

// Listen opens the sockets of a relay, in the network namespace of the calling thread; Serve may run on any. The links'
// hardware addresses are filled in. observe is called for every message, links side by side.
func Listen(cfg Config, observe func(Decision)) (*Relay, error) {
	route, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("opening a route socket for neighbour entries: %w", err)
	}
	r := &Relay{cfg: cfg, observe: observe, route: route}
	r.cfg.Links = append([]Link(nil), cfg.Links...)
	for i := range r.cfg.Links {
		if err := r.open(&r.cfg.Links[i]); err != nil {
			r.Close()
			return nil, err
		}
	}
	for _, s := range cfg.Servers {
		p, err := r.wayTo(s)
		if err != nil {
			r.Close()
			return nil, err
		}
		r.towards = append(r.towards, p)
	}
	return r, nil
}

func (r *Relay) open(l *Link) error {
	ifi, err := net.InterfaceByName(l.Interface)
	if err != nil {
		return fmt.Errorf("interface %q: %w; ip link lists those that exist", l.Interface, err)
	}
	l.MAC = ifi.HardwareAddr
	udp, err := socket.ListenUDP(l.Interface, netip.AddrPortFrom(netip.IPv4Unspecified(), Port))
	if err != nil {
		return err
	}
	r.ports = append(r.ports, &port{link: l, udp: udp,
		out: socket.Link{Conn: ipv4.NewPacketConn(udp), Route: r.route, Index: ifi.Index, Address: l.Address}})
	return nil
}

// wayTo finds the port by which a server is reached. Sockets are bound to interfaces, so the kernel cannot choose.
func (r *Relay) wayTo(server netip.Addr) (*port, error) {
	routes, err := r.route.RouteGet(server.AsSlice())
	if err != nil {
		return nil, fmt.Errorf("server %s: no route to it (%w); ip route add gives one", server, err)
	}
	if len(routes) == 0 {
		return nil, fmt.Errorf("server %s: no route to it; ip route add gives one", server)
	}
	for _, p := range r.ports {
		if p.out.Index == routes[0].LinkIndex {
			return p, nil
		}
	}
	return nil, fmt.Errorf("server %s: the route to it leaves by interface %d, on which this relay does not listen; add that to its links",
		server, routes[0].LinkIndex)
}

// Close gives up the sockets of a Relay that is not served.
func (r *Relay) Close() {
	for _, p := range r.ports {
		p.udp.Close()
	}
	r.route.Close()
}

// Serve relays until ctx ends, then closes the sockets.
func (r *Relay) Serve(ctx context.Context) error {
	defer r.Close()
	errs := make([]error, len(r.ports))
	var wg sync.WaitGroup
	for i, p := range r.ports {
		wg.Go(func() { errs[i] = r.serve(ctx, p) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// serve relays what comes to one port.
func (r *Relay) serve(ctx context.Context, p *port) error {
	return socket.Serve(ctx, p.udp, fmt.Sprintf("messages to relay on %q", p.link.Interface), func(b []byte, from netip.AddrPort, _ netip.Addr) {
		if len(b) > 0 && b[opAt] == bootReply {
			r.back(b, from)
			return
		}
		r.forward(b, p)
	})
}

func (r *Relay) forward(datagram []byte, p *port) {
	out, d := Forward(datagram, p.link, &r.cfg)
	if out != nil {
		for i, s := range r.cfg.Servers {
			if _, err := r.towards[i].udp.WriteToUDPAddrPort(out, netip.AddrPortFrom(s, Port)); err != nil {
				d.Reason += fmt.Sprintf("; not sent to %s: %v", s, err)
			}
		}
	}
	r.observe(d)
}

func (r *Relay) back(datagram []byte, from netip.AddrPort) {
	reply, d := Return(datagram, &r.cfg)
	d.Reason = fmt.Sprintf("from %s: %s", from.Addr(), d.Reason)
	if reply != nil {
		if note := r.deliver(reply); note != "" {
			d.Reason += "; " + note
		}
	}
	r.observe(d)
}

// deliver sends a reply to a client, and says what did not go as planned.
func (r *Relay) deliver(d *Delivery) (note string) {
	for _, p := range r.ports {
		if p.link == d.Link {
			note = p.out.Deliver(d.Datagram, d.To, d.MAC)
		}
	}
	return note
}
