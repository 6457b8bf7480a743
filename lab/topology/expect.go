package topology

import (
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
)

// everyGuest stands for all guests in expect.
const everyGuest = "*"

// expectations builds what is expected of each guest, in file order.
func (c *checker) expectations() {
	guests := c.keys["guests"]
	for _, name := range c.keys["expect"] {
		key := join("expect", name)
		switch guest, service := slices.Contains(guests, name), slices.Contains(c.keys["services"], name); {
		case guest && service:
			c.report(key, "%s is a guest and a service; give one of them another name", quote(name))
		case service:
			c.expectsService(name)
			continue
		case name != everyGuest && !guest:
			c.report(key, "unknown guest %s %s; \"*\" stands for all", quote(name), hint(name, guests))
		}
		e := GuestExpect{Guest: name}
		for i, f := range c.form.Expect[guestOrAll(name)] {
			at := item(key, i)
			c.oneClaim(at, guestClaims)
			c.onlyServices(at, f)
			e.List = append(e.List, c.expectation(at, f))
		}
		c.topo.Expect = append(c.topo.Expect, e)
	}
}

// guestClaims are the claims that one can make about a guest.
var guestClaims = []string{"booted", "address", "offer", "dhcp", "silent", "note", "served", "stage", "stops", "serial", "never", "ends", "os", "fetched"}

// oneClaim checks that an expectation makes one claim, so that each has a verdict of its own.
func (c *checker) oneClaim(at string, claims []string) {
	keys := c.keys[at]
	if len(keys) > 1 {
		c.report(at, "makes %d claims (%s); begin each with a \"-\" of its own", len(keys), strings.Join(keys, ", "))
	}
	if len(keys) == 0 && c.whole(at) {
		c.report(at, "claims nothing; write one of %s", strings.Join(claims, ", "))
	}
}

// expectation builds one claim.
func (c *checker) expectation(at string, f expectation) Expectation {
	e := Expectation{Serial: string(f.Serial), Ends: string(f.Ends), Note: string(f.Note)}
	if f.Booted != nil {
		e.Booted = &Booted{Image: string(f.Booted.Image), From: f.Booted.From}
		c.from(join(at, "booted"), f.Booted.From, anyFiles)
	}
	if f.Address != nil {
		e.Address = c.fromVia(join(at, "address"), f.Address)
		c.from(join(at, "address"), f.Address.From, "dhcp")
	}
	if f.Offer != nil {
		e.Offer = &Offer{From: f.Offer.From, File: f.Offer.File, Via: f.Offer.Via}
		c.via(join(at, "offer"), f.Offer.Via)
		c.from(join(at, "offer"), f.Offer.From, "offer")
	}
	if f.DHCP != nil {
		e.DHCP = c.messages(join(at, "dhcp"), f.DHCP)
	}
	if f.Silent != nil {
		e.Silent = &Silent{From: f.Silent.From, Reason: string(f.Silent.Reason)}
		c.from(join(at, "silent"), f.Silent.From, "")
	}
	if f.Served != nil {
		e.Served = c.served(join(at, "served"), f.Served)
	}
	if f.Stage != nil {
		e.Stage = &Reaches{Reaches: stage(f.Stage.Reaches), Within: time.Duration(f.Stage.Within)}
	}
	if f.Stops != nil {
		e.Stops = &Stops{At: stage(f.Stops.At), Reason: string(f.Stops.Reason)}
	}
	c.loaded(at, f, &e)
	if f.Never != nil {
		e.Never = &Never{Serial: string(f.Never.Serial), Packet: string(f.Never.Packet)}
		if n := len(c.keys[join(at, "never")]); n != 1 && c.whole(join(at, "never")) {
			c.report(join(at, "never"), "names %d things; write exactly one of serial and packet", n)
		}
	}
	return e
}

// from checks that the service a claim names exists and can have done what is claimed.
func (c *checker) from(key, name, role string) {
	if name == "" {
		return
	}
	key = join(key, "from")
	i := c.service(key, name)
	if i < 0 {
		return
	}
	s := c.topo.Services[i]
	switch {
	case s.Foreign() && role != "": // only its author knows what it serves
	case role != "offer" && role != "" && !s.plays(role):
		c.report(key, "service %q has no %s, so this cannot come from it", name, role)
	case role == "offer" && s.DHCP == nil && s.DHCP6 == nil && s.BOOTP == nil && s.ProxyDHCP == nil:
		c.report(key, "service %q has neither dhcp, dhcp6 nor proxydhcp, so this cannot come from it", name)
	}
}

// fromVia builds a claim about who sent something, and who passed it on.
func (c *checker) fromVia(key string, f *fromForm) *From {
	c.via(key, f.Via)
	return &From{From: f.From, Via: f.Via}
}

// via checks the service that is said to have passed something on.
func (c *checker) via(key, via string) {
	if via == "" {
		return
	}
	if i := c.service(join(key, "via"), via); i >= 0 && len(c.topo.Services[i].Networks()) < 2 {
		c.report(join(key, "via"), "service %q is on one network, so it passes nothing on", via)
	}
}

// stage gives a stage by its name. A name that was refused is the first stage, which nobody will see.
func stage(name stageWord) event.Stage {
	var s event.Stage
	if i := slices.Index(event.StageNames(), string(name)); i >= 0 {
		s = event.Stage(i)
	}
	return s
}
