package lab

import (
	"errors"
	"fmt"
	"net"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/network"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/wire"
)

// hostOf makes the host of a service, or gives the one that it shares, which is in the plan before it.
func (l *lab) hostOf(s plan.Service) (*network.Host, error) {
	if s.Host != "" {
		return l.services[s.Host].host, nil
	}
	var host *network.Host
	for k, link := range s.Interfaces() {
		mac, err := net.ParseMAC(link.MAC)
		if err != nil {
			return nil, err
		}
		if k == 0 {
			host, err = l.bridges[link.Network].AddHost(network.HostConfig{Name: s.Name, MAC: mac, Address: link.Address, Address6: s.Address6,
				Client: !link.Address.IsValid() && !s.Address6.IsValid()})
		} else {
			err = host.Join(l.bridges[link.Network], mac, link.Address)
		}
		if err != nil {
			return nil, err
		}
		if s.Capture {
			if err := l.watchHostLink(host, s, link, mac); err != nil {
				return nil, err
			}
		}
	}
	for _, r := range s.Routes {
		if err := host.AddRoute(r.To, r.Via); err != nil {
			return nil, err
		}
	}
	if s.Router {
		return host, host.Forward()
	}
	return host, nil
}

// watchHostLink records what passes an interface of a service's host, as a cable does for a guest.
func (l *lab) watchHostLink(host *network.Host, s plan.Service, link plan.Link, mac net.HardwareAddr) error {
	name := s.Name
	if link.Interface != "eth0" {
		name += "." + link.Interface
	}
	decoder := wire.New(mac)
	w, err := host.Watch(network.WatchConfig{
		Interface: link.Interface,
		Capture:   l.capture.AddInterface(name, fmt.Sprintf("service %s on network %s", s.Name, link.Network)),
		Observe: func(f network.Frame) {
			packet, ok := decoder.Frame(f.Number, f.Data, f.FromGuest)
			if !ok {
				return
			}
			e := event.Event{Kind: event.PacketSeen, Network: link.Network, Watched: s.Name, Packet: &packet}
			e.Service, e.Via = l.senders.origin(packet)
			l.log.Append(e)
		},
	})
	if err == nil {
		l.watches = append(l.watches, w)
	}
	return err
}

// closeWatches ends the recording at the hosts of services, once all that has passed is recorded.
func (l *lab) closeWatches() error {
	var errs []error
	for _, w := range l.watches {
		errs = append(errs, w.Close())
	}
	l.watches = nil
	return errors.Join(errs...)
}
