package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/network"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/server/pxeclient"
)

// largestPool bounds the strangers that lease addresses for a fault.
const largestPool = 1024

// strangerWaits is how long they wait for an answer: servers ping an address before they offer it.
var strangerWaits = []time.Duration{2 * time.Second, 4 * time.Second}

// fillPool has strangers on the guest's network lease addresses until the service offers none any more, and gives how many they
// got.
func (l *lab) fillPool(ctx context.Context, g plan.Guest, service string) (n int, err error) {
	var from []netip.Addr
	for _, link := range l.running(service).plan.Interfaces() {
		from = append(from, link.Address.Addr())
	}
	host, err := l.bridges[g.Network].AddHost(network.HostConfig{Name: "strangers of " + g.Name, MAC: strangerMAC(0), Client: true})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, host.Close()) }()
	for ; n < largestPool; n++ {
		switch err := l.leaseTo(ctx, host, strangerMAC(n+1), from); {
		case errors.Is(err, pxeclient.ErrNoAnswer):
			return n, nil
		case err != nil:
			return n, err
		}
	}
	return n, fmt.Errorf("%d addresses were leased, and there are more; make its range smaller", n)
}

// strangerMAC is locally administered, and nobody else's of the lab.
func strangerMAC(n int) net.HardwareAddr {
	return net.HardwareAddr{0x02, 's', 't', 'r', byte(n >> 8), byte(n)}
}

// leaseTo leases one address, and keeps it.
func (l *lab) leaseTo(ctx context.Context, host *network.Host, mac net.HardwareAddr, from []netip.Addr) error {
	var c *pxeclient.Client
	err := host.Do(func() (err error) {
		c, err = pxeclient.New(pxeclient.Config{Interface: "eth0", MAC: mac,
			Schedule: pxeclient.Schedule{Discover: strangerWaits, Request: strangerWaits},
			Enough:   func(offers []*pxeclient.Reply) bool { return lends(offers, from) != nil }})
		return err
	})
	if err != nil {
		return err
	}
	defer c.Close()
	offers, err := c.Discover(ctx)
	if err != nil {
		return err
	}
	offer := lends(offers, from)
	if offer == nil {
		return pxeclient.ErrNoAnswer
	}
	_, err = c.Request(ctx, offer)
	return err
}

// lends finds an offer with an address from one who has these addresses.
func lends(offers []*pxeclient.Reply, from []netip.Addr) *pxeclient.Reply {
	for _, o := range offers {
		if o.YIAddr.IsValid() && slices.Contains(from, o.Server()) {
			return o
		}
	}
	return nil
}
