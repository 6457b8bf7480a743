package topology

import "slices"

// External is a host for servers outside the lab, which are given sockets there.
type External struct {
	Images []string // put into a folder of the bundle for them to serve
}

// Foreign tells whether a service is none of our servers: only its author knows what it serves.
func (s Service) Foreign() bool { return s.Exec != nil || s.External != nil }

// ours are the servers of ours that a service may be.
var ours = []string{"dhcp", "dhcp6", "bootp", "proxydhcp", "bootserver", "tftp", "mtftp", "http", "echo", "relay"}

// onlyForeign refuses servers of ours in the place of one that is not.
func (c *checker) onlyForeign(name, kind string) {
	for _, role := range c.keys["services."+name] {
		if slices.Contains(ours, role) {
			c.report("services."+name+"."+role, "is a server of ours, in the place of %s; give it a service of its own (on: %s for the same host)", kind, name)
		}
	}
}

// external builds a host for servers outside the lab.
func (c *checker) external(s *Service, f serviceForm) {
	key := "services." + s.Name + ".external"
	s.External = &External{Images: plain(f.External.Images)}
	c.onlyForeign(s.Name, "external")
	if f.Exec != nil {
		c.report(key, "is for servers outside the lab, and exec runs one inside; give one of them a service of its own (on: %s for the same host)", s.Name)
	}
	for i, name := range s.External.Images {
		c.fileName(item(join(key, "images"), i), name)
	}
}
