// Package bootserver answers the requests of PXE clients for a boot server of a certain type (PXE 2.1 section 2.2.4).
//
// It gives no addresses. Answer is the whole of its judgement; the sockets are those of package dhcp.
package bootserver

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/server/dhcp"
	"github.com/pxelab/pxelab/server/pxe"
)

// Config is one boot server, of one type or several.
type Config struct {
	Address netip.Prefix
	Boots   []Boot
	Flaws   Flaws
}

// Boot is one layer of the boot program of one type.
type Boot struct {
	Type  pxe.ServerType
	Layer uint16
	dhcp.Boot
	MTFTP       *pxe.MTFTP // nil: the file comes by TFTP alone
	Credentials *Credentials
}

// Credentials are what a client with BIS is given on its second request, with bit 15 of the layer.
type Credentials struct {
	Types []uint32          // that the client may be able to check
	Files map[string]string // architecture name to credentials file
}

// Flaws are mistakes to make on purpose: what servers in the field do wrong.
type Flaws struct {
	NoItem     bool // do not echo option 43.71
	Broadcast  bool // broadcast the reply to port 68
	ClientPort bool // send it to port 68 whatever port it was asked from
}

// Answer decides on one request, sent to port 4011 of the own address or of a group, or by broadcast to port 67. The
// reply is nil when the server stays silent; the Decision says why in any case.
func Answer(req *dhcp.Request, cfg *Config) (*dhcp.Reply, dhcp.Decision) {
	d := dhcp.Decide(req)
	typ, item := req.Packet.MessageType(), req.Client.Vendor.Item
	switch {
	case req.Packet.OpCode != dhcpv4.OpcodeBootRequest:
		return d.Silent("ignored: not a BOOTREQUEST")
	case !req.Client.PXE:
		return d.Silent("ignored: not a PXE client (option 60 does not begin with PXEClient)")
	case item == nil:
		return d.Silent("ignored: it names no boot server type (option 43.71)")
	case typ != dhcpv4.MessageTypeRequest && typ != dhcpv4.MessageTypeInform:
		return d.Silent("ignored: neither DHCPREQUEST nor DHCPINFORM")
	case serverID(req).IsValid() && serverID(req) != cfg.Address.Addr():
		return d.Silent("ignored: for server %s", serverID(req))
	}
	d.Request += " for " + itemName(*item)
	for i := range cfg.Boots {
		if b := &cfg.Boots[i]; b.Type == item.Type && b.Layer == item.Layer&^pxe.CredentialsLayer {
			return serve(req, cfg, b, d)
		}
	}
	return d.Silent("ignored: not one of its own, %s", cfg.own())
}

// serve answers for one type and layer, unless there is nothing for the client's architecture.
func serve(req *dhcp.Request, cfg *Config, b *Boot, d dhcp.Decision) (*dhcp.Reply, dhcp.Decision) {
	file, why := b.For(req.Client)
	if req.Client.Vendor.Item.Layer&pxe.CredentialsLayer != 0 {
		file, why = b.credentials(req.Client)
	}
	if file == "" {
		return d.Silent("ignored: %s", why)
	}
	r := dhcp.NewReply(req, dhcpv4.MessageTypeAck, cfg.Address.Addr())
	vendor := pxe.Vendor{Item: req.Client.Vendor.Item, MTFTP: b.MTFTP}
	if cfg.Flaws.NoItem {
		vendor.Item = nil
	}
	text, err := vendor.Marshal()
	if err != nil {
		return d.Silent("silent: %v", err)
	}
	r.Tell(pxe.Told{Class: pxe.ClassPXE, Vendor: text})
	next := cfg.Address.Addr()
	if b.NextServer.IsValid() {
		next = b.NextServer
	}
	r.NameFile(file, next)
	r.Packet.ClientIPAddr = req.Packet.ClientIPAddr
	if !r.ToSource(req) {
		return d.Silent("ignored: neither its source nor ciaddr is an address to answer to")
	}
	d.File = file
	how := cfg.Flaws.spoil(r)
	return d.With(r, why, how)
}

// credentials gives the credentials file for a client that can check one of the types it comes in.
func (b *Boot) credentials(c pxe.Client) (file, why string) {
	if b.Credentials == nil {
		return "", "it asks for credentials (layer bit 15), and this boot program has none"
	}
	for _, want := range c.Vendor.Credentials {
		for _, have := range b.Credentials.Types {
			if want == have {
				boot := dhcp.Boot{Files: b.Credentials.Files}
				file, why = boot.For(c)
				return file, fmt.Sprintf("credentials of type %#x; %s", have, why)
			}
		}
	}
	return "", fmt.Sprintf("it asks for credentials of the types %s (option 43.12), and there are none but %s",
		hex(c.Vendor.Credentials), hex(b.Credentials.Types))
}

// spoil makes the mistakes asked for, and says so.
func (f Flaws) spoil(r *dhcp.Reply) string {
	switch {
	case f.Broadcast:
		r.To = netip.AddrPortFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), dhcp.ClientPort)
		return "sent by broadcast, as configured"
	case f.ClientPort:
		r.To = netip.AddrPortFrom(r.To.Addr(), dhcp.ClientPort)
		return "sent to port 68, as configured"
	case f.NoItem:
		return "without option 43.71, as configured"
	}
	return ""
}

// serverID is the server that a request names (option 54); iPXE names the one it asks, EDK2 none.
func serverID(req *dhcp.Request) netip.Addr {
	a, _ := netip.AddrFromSlice(req.Packet.Options[54])
	return a
}

func itemName(i pxe.Item) string {
	text := fmt.Sprintf("type %#04x layer %d", uint16(i.Type), i.Layer&^pxe.CredentialsLayer)
	if i.Layer&pxe.CredentialsLayer != 0 {
		text += " credentials"
	}
	return text
}

// own lists what the server has.
func (c *Config) own() string {
	var names []string
	for _, b := range c.Boots {
		names = append(names, itemName(pxe.Item{Type: b.Type, Layer: b.Layer}))
	}
	return strings.Join(names, ", ")
}

func hex(list []uint32) string {
	var words []string
	for _, t := range list {
		words = append(words, fmt.Sprintf("%#x", t))
	}
	if len(words) == 0 {
		return "(none)"
	}
	return strings.Join(words, ", ")
}
