package server

import (
	"net/netip"
	"slices"
	"time"

	"github.com/pxelab/pxelab/server/bootserver"
	"github.com/pxelab/pxelab/server/dhcp"
	"github.com/pxelab/pxelab/server/proxydhcp"
	"github.com/pxelab/pxelab/server/pxe"
)

// port is one UDP port of the configuration, with the roles that share it.
type port struct {
	number uint16
	groups []netip.Addr
	roles  []dhcp.Role
}

// ports lists the ports that DHCP, BOOTP, proxyDHCP and boot server roles listen on, in the order of their numbers.
func (c Config) ports(observe func(Decision)) []port {
	server, client := port{number: dhcp.ServerPort}, port{number: dhcp.PXEPort}
	add := func(p *port, name string, answer func(*dhcp.Request, time.Time) (*dhcp.Reply, dhcp.Decision)) {
		p.roles = append(p.roles, dhcp.Role{Name: name, Answer: answer, Observe: func(d dhcp.Decision) {
			observe(Decision{Role: name, Client: d.Client, Request: d.Request, Reply: d.Reply, Reason: d.Reason,
				Port: p.number, XID: d.XID, Address: d.Address, File: d.File})
		}})
	}
	if c.DHCP != nil {
		cfg, leases := c.dhcp(), dhcp.NewLeases()
		add(&server, "dhcp", func(r *dhcp.Request, now time.Time) (*dhcp.Reply, dhcp.Decision) {
			return dhcp.Answer(r, &cfg, leases, now)
		})
	}
	if c.BOOTP != nil {
		cfg, leases := c.bootp(), dhcp.NewLeases()
		add(&server, "bootp", func(r *dhcp.Request, now time.Time) (*dhcp.Reply, dhcp.Decision) {
			return dhcp.AnswerBOOTP(r, &cfg, leases, now)
		})
	}
	if p := c.ProxyDHCP; p != nil {
		cfg := c.proxy()
		answer := func(r *dhcp.Request, _ time.Time) (*dhcp.Reply, dhcp.Decision) { return proxydhcp.Answer(r, &cfg) }
		for _, at := range []*port{&server, &client} {
			if len(p.Ports) == 0 || slices.Contains(p.Ports, int(at.number)) {
				add(at, "proxydhcp", answer)
			}
		}
	}
	if b := c.BootServer; b != nil {
		cfg := c.bootServer()
		answer := func(r *dhcp.Request, _ time.Time) (*dhcp.Reply, dhcp.Decision) { return bootserver.Answer(r, &cfg) }
		add(&client, "bootserver", answer)
		if b.Multicast.IsValid() {
			client.groups = append(client.groups, b.Multicast)
		}
		if b.Broadcast {
			add(&server, "bootserver", answer)
		}
	}
	return slices.DeleteFunc([]port{server, client}, func(p port) bool { return len(p.roles) == 0 })
}

func (c Config) bootp() dhcp.BOOTP {
	b := c.BOOTP
	cfg := dhcp.Config{Address: c.Address, First: b.First, Last: b.Last, Reservations: reservations(b.Reservations)}
	if b.NextServer.IsValid() {
		cfg.Boot = &dhcp.Boot{NextServer: b.NextServer}
	}
	return dhcp.BOOTP{Config: cfg, File: b.File, Once: b.Once}
}

func (c Config) proxy() proxydhcp.Config {
	p := c.ProxyDHCP
	out := proxydhcp.Config{Address: c.Address, Boot: p.Boot.boot(), ClassOnly: p.ClassOnly, YourIP: p.YourIP, AnyClient: p.AnyClient, Unrelayed: p.Unrelayed}
	if p.PXE != nil {
		out.Offer = *p.PXE.offer()
	}
	return out
}

func (c Config) bootServer() bootserver.Config {
	b := c.BootServer
	out := bootserver.Config{Address: c.Address, Flaws: bootserver.Flaws{NoItem: b.NoItem, Broadcast: b.ToAll, ClientPort: b.ToPort68}}
	for _, i := range b.Boots {
		boot := bootserver.Boot{Type: pxe.ServerType(i.Type), Layer: uint16(i.Layer), Boot: *i.Boot.boot()}
		if len(i.CredentialsFile) > 0 {
			boot.Credentials = &bootserver.Credentials{Types: i.Credentials, Files: i.CredentialsFile}
		}
		if m := i.MTFTP; m != nil {
			tags := m.tags()
			boot.MTFTP = &tags
		}
		out.Boots = append(out.Boots, boot)
	}
	return out
}

// boot turns the checked configuration into the role's own; nil stays nil.
func (b *BootConfig) boot() *dhcp.Boot {
	if b == nil {
		return nil
	}
	return &dhcp.Boot{NextServer: b.NextServer, Files: b.Files, IPXE: b.IPXE, HTTP: b.HTTP, Default: b.Default, NoProxy: b.NoProxy}
}

// offer turns the checked configuration into the protocol's own; nil stays nil.
func (p *PXEConfig) offer() *pxe.Offer {
	if p == nil {
		return nil
	}
	o := &pxe.Offer{Multicast: p.Multicast,
		Flaws: pxe.OfferFlaws{NoClass: p.NoClass, MenuForEFI: p.AnyMenu, ClientClass: p.FullClass, NoEnd: p.NoEnd}}
	if p.Control != nil {
		control := pxe.Control(*p.Control)
		o.Control = &control
	}
	for _, s := range p.Servers {
		o.Servers = append(o.Servers, pxe.Server{Type: pxe.ServerType(s.Type), Addrs: s.Addresses})
	}
	for _, m := range p.Menu {
		o.Menu = append(o.Menu, pxe.MenuItem{Type: pxe.ServerType(m.Type), Text: m.Text})
	}
	for file, m := range p.MTFTP {
		if o.MTFTP == nil {
			o.MTFTP = map[string]pxe.MTFTP{}
		}
		o.MTFTP[file] = m.tags()
	}
	if p.Prompt != nil {
		o.Prompt = &pxe.Prompt{Timeout: byte(p.Prompt.Timeout), Text: p.Prompt.Text}
	}
	return o
}

// tags turns the checked configuration into the protocol's own.
func (m MTFTPTags) tags() pxe.MTFTP {
	return pxe.MTFTP{Addr: m.Group, ClientPort: uint16(m.ClientPort), ServerPort: uint16(m.ServerPort), Timeout: byte(m.Timeout), Delay: byte(m.Delay)}
}
