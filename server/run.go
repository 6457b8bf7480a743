package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pxelab/pxelab/server/dhcp"
	"github.com/pxelab/pxelab/server/dhcp6"
	"github.com/pxelab/pxelab/server/tftp"
)

// Bounds of a lease time: shorter, clients would be busy renewing; longer does not fit option 51's 32 bits of seconds.
const (
	minLease = 10 * time.Second
	maxLease = (1<<32 - 1) * time.Second
)

// role is one opened service. Serve closes what is open; Close does for a role that is not served.
type role interface {
	Serve(ctx context.Context) error
	Close()
}

// Run plays the roles of a Config until ctx ends, then returns nil. All sockets are open before ready is called; ready
// may be nil. It must be called in the network namespace that it is to serve, by a process that lives there as a whole.
func Run(ctx context.Context, c Config, o Observer, ready func()) error {
	if err := c.Validate(); err != nil {
		return fmt.Errorf("server %q: %w", c.Name, err)
	}
	var mu sync.Mutex
	observe := func(d Decision) {
		mu.Lock()
		defer mu.Unlock()
		d.Time = time.Now()
		o.Observe(d)
	}
	roles, err := c.open(observe)
	if err != nil {
		return fmt.Errorf("server %q: %w", c.Name, err)
	}
	if ready != nil {
		ready()
	}
	return serve(ctx, roles)
}

// serve runs the roles; the first that fails ends them all.
func serve(ctx context.Context, roles []role) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(roles))
	var wg sync.WaitGroup
	for i, r := range roles {
		wg.Go(func() {
			defer cancel()
			errs[i] = r.Serve(ctx)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// open opens the sockets of all roles, or none. Every role that cannot be opened is reported.
func (c Config) open(observe func(Decision)) ([]role, error) {
	var roles []role
	var errs []error
	add := func(name string, r role, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			return
		}
		roles = append(roles, r)
	}
	if err := c.checkAddress(); err != nil {
		return nil, err
	}
	for _, p := range c.ports(observe) {
		r, err := dhcp.Listen(dhcp.Port{Interface: c.Interface, Address: c.Address.Addr(), Number: p.number, Groups: p.groups, Roles: p.roles})
		add(p.roles[0].Name, r, err)
	}
	if c.DHCP6 != nil {
		r, err := dhcp6.Listen(c.Interface, c.dhcp6(), func(d dhcp6.Decision) {
			observe(Decision{Role: "dhcp6", Client: d.Client, Request: d.Request, Reply: d.Reply, Reason: d.Reason,
				XID: d.XID, Address: d.Address, File: d.File})
		})
		add("dhcp6", r, err)
	}
	for _, own := range c.own(c.TFTP != nil) {
		r, err := tftp.Listen(c.TFTP.tftp(c.Interface, own.Is6()), func(d tftp.Decision) {
			observe(Decision{Role: "tftp", Client: d.Client.String(), Request: d.Request, Reply: d.Reply, Reason: d.Reason,
				File: d.File, Bytes: d.Bytes, Sent: d.Sent, Took: d.Took, Resent: d.Resent, Outcome: d.Outcome})
		})
		add("tftp", r, err)
	}
	if c.MTFTP != nil {
		r, err := listenMTFTP(c, observe)
		add("mtftp", r, err)
	}
	if c.Relay != nil {
		r, err := c.Relay.open(observe)
		add("relay", r, err)
	}
	for _, own := range c.own(c.HTTP != nil) {
		r, err := c.listenHTTP(own, observe)
		add("http", r, err)
	}
	for _, own := range c.own(c.Echo != nil) {
		r, err := listenEcho(c, own, observe)
		add("echo", r, err)
	}
	if len(errs) > 0 {
		for _, r := range roles {
			r.Close()
		}
		return nil, errors.Join(errs...)
	}
	return roles, nil
}

// own lists the host's addresses, one of each family it has; none if the role that asks is not played.
func (c Config) own(played bool) []netip.Addr {
	var out []netip.Addr
	for _, p := range []netip.Prefix{c.Address, c.Address6} {
		if played && p.IsValid() {
			out = append(out, p.Addr())
		}
	}
	return out
}

// checkAddress refuses an address that the interface does not have: replies could not be sent from it.
func (c Config) checkAddress() error {
	link, err := net.InterfaceByName(c.Interface)
	if err != nil {
		return fmt.Errorf("interface %q: %w; ip link lists those that exist", c.Interface, err)
	}
	addrs, err := link.Addrs()
	if err != nil {
		return fmt.Errorf("addresses of interface %q: %w", c.Interface, err)
	}
	for _, own := range []netip.Prefix{c.Address, c.Address6} {
		has := func(a net.Addr) bool {
			n, ok := a.(*net.IPNet)
			return ok && n.IP.Equal(own.Addr().AsSlice())
		}
		if own.IsValid() && !slices.ContainsFunc(addrs, has) {
			return fmt.Errorf("interface %q does not have address %s (it has %v); ip addr add %s dev %s gives it",
				c.Interface, own.Addr(), addrs, own, c.Interface)
		}
	}
	return nil
}

// dhcp turns the checked configuration into the role's own.
func (c Config) dhcp() dhcp.Config {
	d := c.DHCP
	out := dhcp.Config{Address: c.Address, First: d.First, Last: d.Last, Lease: d.Lease, Router: d.Router, DNS: d.DNS,
		Pools: d.pools()}
	out.Reservations = reservations(d.Reservations)
	out.Boot, out.PXE = d.Boot.boot(), d.PXE.offer()
	return out
}

// reservations turns checked reservations into the role's own.
func reservations(list []Reservation) []dhcp.Reservation {
	var out []dhcp.Reservation
	for _, r := range list {
		mac, uuid, _ := r.client() // checked by Validate
		out = append(out, dhcp.Reservation{MAC: mac, UUID: uuid, Address: r.Address, File: r.File})
	}
	return out
}
