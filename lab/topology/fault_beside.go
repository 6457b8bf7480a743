package topology

import (
	"slices"

	"github.com/pxelab/pxelab/lab/fault"
)

// checkBeside reports what cannot be done to a service or the guest.
func (c *checker) checkBeside(at string, r *fault.Rule) {
	has := func(k string) bool { return slices.Contains(c.keys[at], k) }
	if r.OnCable() {
		return
	}
	for _, k := range []string{"first", "every", "percent", "seed"} {
		if has(k) && r.Do != "slow" {
			c.report(join(at, k), "%s is done once; write nth to say at which frame, or leave it out for the first", r.Do)
		}
	}
	if r.AtPowerOn() && r.OnGuest() && c.whole(at) {
		c.report(at, "needs \"packet\", such as packet: data, to say when; a guest that was not powered on has no power to lose")
	}
	if r.Do == "slow" && r.AtPowerOn() && c.whole(at) {
		c.report(at, "needs \"packet\", such as packet: rrq, to say what the service is slow at")
	}
	if r.Do == "fill-pool" && !r.AtPowerOn() {
		c.report(at, "is done before the guest is powered on, since it takes as long as leasing every address does; leave packet and from out")
	}
	c.checkTarget(join(at, "service"), r)
}

// checkTarget holds the service of a fault to being one that this can be done to.
func (c *checker) checkTarget(at string, r *fault.Rule) {
	if r.Service == "" {
		return
	}
	i := c.service(at, r.Service)
	if i < 0 {
		return
	}
	s := &c.topo.Services[i]
	key := c.keys["services."+s.Name]
	runs := func(roles ...string) bool {
		return slices.ContainsFunc(roles, func(k string) bool { return slices.Contains(key, k) })
	}
	switch {
	case !runs("dhcp", "dhcp6", "bootp", "tftp", "mtftp", "http", "echo", "proxydhcp", "bootserver", "relay", "exec"):
		c.report(at, "service %q runs no process, so nothing can be done to one; name one that does", s.Name)
	case r.Do == "fill-pool" && !runs("dhcp", "exec"):
		c.report(at, "service %q leases no addresses; name a DHCP server", s.Name)
	}
}
