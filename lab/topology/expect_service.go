package topology

import (
	"slices"
	"strings"
)

// ServiceExpect is what one service is expected to do.
type ServiceExpect struct {
	Service string
	List    []Expectation
}

// serviceClaims are the claims that one can make about a service.
var serviceClaims = []string{"log", "exits", "restarts", "sent", "sees", "never"}

// sentence lists words as one says them: "log, exits and never".
func sentence(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// expectsService builds what is expected of a service.
func (c *checker) expectsService(name string) {
	key := join("expect", name)
	s := c.topo.Services[slices.IndexFunc(c.topo.Services, func(s Service) bool { return s.Name == name })]
	e := ServiceExpect{Service: name}
	for i, f := range c.form.Expect[guestOrAll(name)] {
		at := item(key, i)
		c.oneClaim(at, serviceClaims)
		for _, claim := range c.keys[at] {
			if !slices.Contains(serviceClaims, claim) && !c.unknown[at] {
				c.report(join(at, claim), "is a claim about guests, and %q is a service, of which one can claim %s", name, sentence(serviceClaims))
			}
		}
		x := Expectation{Log: string(f.Log)}
		if f.Log != "" && s.External != nil {
			c.report(join(at, "log"), "%q is served from outside the lab, which has no log of it", name)
		}
		if f.Exits != nil {
			status := int(*f.Exits)
			x.Exits = &status
			if s.Exec == nil {
				c.report(join(at, "exits"), "%q is no program that this lab runs, so it cannot see it end; claim that of a service with exec", name)
			}
		}
		if f.Restarts != nil {
			times := int(*f.Restarts)
			x.Restarts = &times
			if s.Exec == nil || s.Exec.Restart.Policy == "" || s.Exec.Restart.Policy == RestartNever {
				c.report(join(at, "restarts"), "%q has no policy by which it is started again; add restart: {policy: on-failure} to its exec", s.Name)
			}
		}
		if f.Sent != nil {
			x.Sent = c.sent(join(at, "sent"), s, f.Sent)
		}
		if f.Sees != nil {
			x.Sees = c.sees(join(at, "sees"), s, f.Sees)
		}
		if f.Never != nil {
			x.Never = c.serviceNever(join(at, "never"), s, f.Never)
		}
		e.List = append(e.List, x)
	}
	c.topo.ExpectServices = append(c.topo.ExpectServices, e)
}

func (c *checker) sees(at string, s Service, f *seesForm) *Sees {
	if len(c.keys[at]) == 0 && c.whole(at) {
		c.report(at, "names no packets; write from, packet or both of them")
	}
	c.packetsOf(at, s, f.From)
	return &Sees{Packet: string(f.Packet), From: f.From}
}

// packetsOf checks a claim about packets at a service, from another one if that is named.
func (c *checker) packetsOf(at string, s Service, from string) {
	if from != "" {
		c.service(join(at, "from"), from)
	}
	if !s.Capture {
		c.report(at, "nobody looks at the packets of %q; add capture: true to it", s.Name)
	}
}

func (c *checker) serviceNever(at string, s Service, f *neverForm) *Never {
	packet := slices.Contains(c.keys[at], "packet") || slices.Contains(c.keys[at], "from")
	if c.whole(at) && packet == slices.Contains(c.keys[at], "log") && f.Serial == "" {
		c.report(at, "names neither packets nor lines, or both; write from, packet or both of them, or log alone")
	}
	if f.Serial != "" {
		c.report(join(at, "serial"), "%q has no serial console; write log for what it writes", s.Name)
	}
	if packet {
		c.packetsOf(at, s, f.From)
	}
	return &Never{Packet: string(f.Packet), From: f.From, Log: string(f.Log)}
}

// onlyServices refuses claims about guests that only services can meet.
func (c *checker) onlyServices(at string, f expectation) {
	for _, claim := range serviceClaims {
		if claim != "never" && slices.Contains(c.keys[at], claim) {
			c.report(join(at, claim), "is a claim about a service; write it below that service's name")
		}
	}
	if f.Never != nil && f.Never.Log != "" {
		c.report(join(join(at, "never"), "log"), "is a claim about a service; write serial for a guest's console")
	}
	if f.Never != nil && f.Never.From != "" {
		c.report(join(join(at, "never"), "from"), "is a claim about a service; write dhcp: {type: ..., from: ..., count: 0} for a guest")
	}
}
