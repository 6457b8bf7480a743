package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// advertiseInterval is how often a router advertises itself unasked.
const advertiseInterval = 3 * time.Second

// AdvertiseRouter plays a router that offers nothing: it answers every router solicitation on the bridge at
// once, and advertises unasked every 3 s, until ctx ends; then it returns nil.
//
// The advertisement (RFC 4861 section 4.2) has lifetime 0, no prefix and neither the M nor the O flag, so no
// guest gets an address or a route from it. It is there because iPXE waits 13 s for a router before it boots.
func (b *Bridge) AdvertiseRouter(ctx context.Context) error {
	return b.advertiseRouter(ctx, &ndp.RouterAdvertisement{CurrentHopLimit: 64})
}

// managedLifetime is how long hosts may use a managed router without hearing of it again (RFC 4861 section 6.2.1).
const managedLifetime = 30 * time.Minute

// AdvertiseManaged plays the router of a network whose hosts get their addresses from DHCPv6, until ctx ends; then it
// returns nil. It answers and advertises as AdvertiseRouter does.
//
// The advertisement has the M and O flags, and the prefix as on link but not for autoconfiguration. It forwards
// nothing: there is nowhere to forward to.
func (b *Bridge) AdvertiseManaged(ctx context.Context, prefix netip.Prefix) error {
	return b.advertiseRouter(ctx, &ndp.RouterAdvertisement{
		CurrentHopLimit: 64, ManagedConfiguration: true, OtherConfiguration: true, RouterLifetime: managedLifetime,
		Options: []ndp.Option{&ndp.PrefixInformation{PrefixLength: uint8(prefix.Bits()), OnLink: true,
			ValidLifetime: 2 * time.Hour, PreferredLifetime: time.Hour, Prefix: prefix.Masked().Addr()}},
	})
}

// advertiseRouter sends one advertisement, completed by the router's own address, whenever one is due.
func (b *Bridge) advertiseRouter(ctx context.Context, ra *ndp.RouterAdvertisement) error {
	ra.Options = append([]ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: b.mac}}, ra.Options...)
	conn, err := b.listenNDP()
	if err != nil {
		return fmt.Errorf("advertise a router on %q: %w", b.name, err)
	}
	defer conn.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	go func() { // unasked ones; their errors are met by the answers too
		tick := time.NewTicker(advertiseInterval)
		defer tick.Stop()
		for ctx.Err() == nil {
			b.advertise(conn, ra)
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	buf := make([]byte, 1500)
	for {
		// Nothing but solicitations passes the filter, and how well formed one is makes no difference.
		_, _, _, err := conn.ReadRaw(buf)
		if err == nil {
			err = b.advertise(conn, ra)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("advertise a router on %q: %w", b.name, err)
		}
	}
}

func (b *Bridge) listenNDP() (*ndp.Conn, error) {
	ifi, err := net.InterfaceByIndex(b.index)
	if err != nil {
		return nil, err
	}
	// The zone is the number, not the name: package net remembers which number a name had for a minute.
	ifi.Name = strconv.Itoa(ifi.Index)
	address, err := addLinkLocal(b.index, b.mac)
	if err != nil {
		return nil, err
	}
	conn, _, err := ndp.Listen(ifi, ndp.Addr(address.String()))
	if err != nil {
		return nil, err
	}
	var filter ipv6.ICMPFilter
	filter.SetAll(true)
	filter.Accept(ipv6.ICMPTypeRouterSolicitation)
	if err := errors.Join(conn.SetICMPFilter(&filter), conn.JoinGroup(netip.MustParseAddr("ff02::2"))); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// advertise sends one advertisement to all nodes: an answer to one guest alone would need its link-layer
// address, which a solicitation from :: does not give.
func (b *Bridge) advertise(conn *ndp.Conn, ra *ndp.RouterAdvertisement) error {
	err := conn.WriteTo(ra, nil, netip.IPv6LinkLocalAllNodes())
	if errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.ENETDOWN) {
		return nil // nothing is plugged in: nobody to tell
	}
	return err
}
