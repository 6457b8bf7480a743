// Package proxydhcp answers PXE clients beside a DHCP server that knows nothing of PXE (PXE 2.1 section 2.2.3).
//
// It gives no addresses. Answer is the whole of its judgement; the sockets are those of package dhcp.
package proxydhcp

import (
	"net/netip"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/dhcp"
	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/socket"
)

// Config is one proxyDHCP service.
type Config struct {
	Address   netip.Prefix
	Offer     pxe.Offer  // what PXE clients are told
	Boot      *dhcp.Boot // boot files by architecture; nil: none, the boot servers name them
	ClassOnly bool       // on port 67 say only that there is a PXE service here: the client then asks port 4011
	YourIP    netip.Addr // a mistake to make on purpose: an address in the offer, which turns it into a DHCP server's
	AnyClient bool       // a mistake to make on purpose: answer clients that are no PXE clients as if they were
	Unrelayed bool       // a mistake to make on purpose: offer by broadcast here what a relay asked for elsewhere
}

// Answer decides on one request to port 67 or 4011. The reply is nil when the service stays silent; the Decision says
// why in any case.
func Answer(req *dhcp.Request, cfg *Config) (*dhcp.Reply, dhcp.Decision) {
	d := dhcp.Decide(req)
	if cfg.AnyClient && !req.Client.PXE && !req.Client.HTTP {
		taken := *req
		taken.Client.PXE = true
		req, d.Request = &taken, d.Request+" of no PXE client, answered as configured"
	}
	switch {
	case req.Packet.OpCode != dhcpv4.OpcodeBootRequest:
		return d.Silent("ignored: not a BOOTREQUEST")
	case req.Client.HTTP:
		return d.Silent("ignored: an HTTPClient, which no proxyDHCP service may answer as a PXEClient")
	case !req.Client.PXE:
		return d.Silent("ignored: not a PXE client (option 60 does not begin with PXEClient)")
	case req.Client.Vendor.Item != nil:
		return d.Silent("ignored: it asks for a boot server (option 43.71)")
	case req.To.Port() == dhcp.PXEPort:
		return onPXEPort(req, cfg, d)
	}
	return onServerPort(req, cfg, d)
}

// onServerPort answers a DHCPDISCOVER, and nothing else: a DHCPREQUEST on port 67 is for the server that it names, or
// for the one that gave the address which it renews (PXE 2.1 section 2.2.3).
func onServerPort(req *dhcp.Request, cfg *Config, d dhcp.Decision) (*dhcp.Reply, dhcp.Decision) {
	switch req.Packet.MessageType() {
	case dhcpv4.MessageTypeDiscover:
	case dhcpv4.MessageTypeRequest:
		return d.Silent("ignored: a DHCPREQUEST on port 67 is for the DHCP server")
	default:
		return d.Silent("ignored: not a DHCPDISCOVER")
	}
	if cfg.ClassOnly {
		r := dhcp.NewReply(req, dhcpv4.MessageTypeOffer, cfg.Address.Addr())
		told, _ := (&pxe.Offer{Flaws: cfg.Offer.Flaws}).For(req.Client, "")
		r.Tell(told)
		r.Packet.ServerIPAddr = cfg.Address.Addr().AsSlice() // EDK2 asks siaddr's port 4011
		cfg.send(r, req)
		return d.With(r, told.Why)
	}
	return tell(req, cfg, d, dhcpv4.MessageTypeOffer)
}

// send decides where an offer goes.
func (c *Config) send(r *dhcp.Reply, req *dhcp.Request) {
	r.ToNewcomer(req)
	if c.Unrelayed {
		r.To = socket.EveryClient
	}
}

// onPXEPort answers the client that has its address and asks for the rest (PXE 2.1 section 2.2.3): where it asked from.
func onPXEPort(req *dhcp.Request, cfg *Config, d dhcp.Decision) (*dhcp.Reply, dhcp.Decision) {
	switch req.Packet.MessageType() {
	case dhcpv4.MessageTypeRequest, dhcpv4.MessageTypeInform:
		return tell(req, cfg, d, dhcpv4.MessageTypeAck)
	}
	return d.Silent("ignored: neither DHCPREQUEST nor DHCPINFORM")
}

// tell makes the whole answer.
func tell(req *dhcp.Request, cfg *Config, d dhcp.Decision, typ dhcpv4.MessageType) (*dhcp.Reply, dhcp.Decision) {
	r := dhcp.NewReply(req, typ, cfg.Address.Addr())
	file, why, next := "", "", cfg.Address.Addr()
	if cfg.Boot != nil {
		file, why = cfg.Boot.For(req.Client)
		if cfg.Boot.NextServer.IsValid() {
			next = cfg.Boot.NextServer
		}
	}
	if file == "" && cfg.Offer.Empty() {
		return d.Silent("ignored: nothing to tell it: %s", orElse(why, "neither boot files nor boot servers are configured"))
	}
	// Without anything in option 43 the file is the whole answer, and bit 3 says so to clients that would look further.
	offer := cfg.Offer
	if offer.Empty() {
		direct := pxe.Direct
		offer.Control = &direct
	}
	told, err := offer.For(req.Client, file)
	if err != nil {
		return d.Silent("silent: %v", err)
	}
	if told.Refuse {
		return d.Silent("ignored: %s", told.Why)
	}
	r.Tell(told)
	r.Packet.ServerIPAddr = cfg.Address.Addr().AsSlice()
	if file != "" {
		r.NameFile(file, next)
		d.File = file
	}
	if typ == dhcpv4.MessageTypeOffer {
		if cfg.YourIP.IsValid() {
			r.Packet.YourIPAddr = cfg.YourIP.AsSlice()
		}
		cfg.send(r, req)
		return d.With(r, why, told.Why)
	}
	r.Packet.ClientIPAddr = req.Packet.ClientIPAddr
	if !r.ToSource(req) {
		return d.Silent("ignored: neither its source nor ciaddr is an address to answer to")
	}
	return d.With(r, why, told.Why)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
