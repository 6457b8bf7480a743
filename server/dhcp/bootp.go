package dhcp

import (
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
)

// BOOTP is a server that knows no DHCP (RFC 951, vendor area by RFC 1048): it takes every BOOTREQUEST for a BOOTP
// client's, whatever options it carries, and tells all of them the same boot file unless a reservation names another.
type BOOTP struct {
	Config // of which Lease, PXE and the architectures of Boot have no place in BOOTP
	File   string
	Once   bool // answer each client once: a mistake that old servers made with clients that ask again
}

// forever is how long a BOOTP client keeps its address: the protocol has no leases.
const forever = 100 * 365 * 24 * time.Hour

// AnswerBOOTP decides on one request as a BOOTP server. Like Answer, it changes only leases.
//
// Every request is answered, since the protocol has one kind only: iPXE, having taken a BOOTREPLY for an offer, asks
// once more with a DHCPREQUEST and waits for another reply without option 53.
func AnswerBOOTP(req *Request, cfg *BOOTP, leases *Leases, now time.Time) (*Reply, Decision) {
	d := Decide(req)
	key := req.key()
	_, answered := leases.Of(key)
	relay := addrField(req.Packet.GatewayIPAddr)
	switch {
	case req.Packet.OpCode != dhcpv4.OpcodeBootRequest:
		return d.Silent("ignored: not a BOOTREQUEST")
	case len(req.Packet.ClientHWAddr) == 0:
		return d.Silent("ignored: no hardware address")
	case req.Client.Vendor.Item != nil || req.To.Port() == PXEPort:
		return d.Silent("ignored: it asks for a boot server")
	case relay.IsValid() && !cfg.Address.Contains(relay):
		return d.Silent("ignored: relayed from %s, a network this server has no addresses for", relay)
	case cfg.Once && answered:
		return d.Silent("silent: it was answered once, which this server takes for enough")
	}
	fixed, file := cfg.reserved(req.mac(), req.Client.UUID)
	a, why := leases.choose(key, &cfg.Config, fixed, netip.Addr{}, now)
	if !a.IsValid() {
		return d.Silent("ignored: %s", why)
	}
	leases.Bind(key, a, now.Add(forever))
	x := &exchange{req: req, cfg: &cfg.Config, leases: leases, now: now, key: key, d: d}
	r := NewReply(req, dhcpv4.MessageTypeNone, cfg.Address.Addr())
	r.NoCookie = req.NoCookie
	r.Packet.YourIPAddr = a.AsSlice()
	r.Packet.Options[optSubnetMask] = net.CIDRMask(cfg.Address.Bits(), 32)
	if cfg.Router.IsValid() {
		r.Packet.Options[optRouter] = cfg.Router.AsSlice()
	}
	more := "the boot file of all"
	if file != "" {
		more = "boot file reserved for it"
	} else if file = cfg.File; file == "" {
		more = "no boot file"
	}
	next := cfg.Address.Addr()
	if cfg.Boot != nil && cfg.Boot.NextServer.IsValid() {
		next = cfg.Boot.NextServer
	}
	r.NameFile(file, next)
	x.route(r)
	d.Address, d.File = a.String(), file
	return d.With(r, why, more)
}
