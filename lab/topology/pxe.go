package topology

import (
	"net/netip"
	"slices"
)

// PXE is what PXE clients are told in options 60 and 43 (PXE 2.1 table 2-1). The zero PXE is option 60 alone: the
// client then asks port 4011 of the same host.
type PXE struct {
	Control   []string // of "no-broadcast", "no-multicast", "only-listed", "direct": bits 0 to 3 of tag 6
	Controls  bool     // tag 6 is sent
	Multicast netip.Addr
	Servers   []PXEServer
	Menu      []PXEItem
	Prompt    *PXEPrompt
	MTFTP     string   `json:",omitempty"` // service whose boot files may be had by multicast (tags 1 to 5)
	Flaws     []string // mistakes to make on purpose: a broken topology
}

// PXEServer is one line of the list of boot servers (tag 8).
type PXEServer struct {
	Type int
	At   []netip.Addr
}

// PXEItem is one line of the boot menu (tag 9).
type PXEItem struct {
	Type int
	Text string
}

// PXEPrompt is shown before the menu (tag 10).
type PXEPrompt struct {
	Text    string
	Timeout int // seconds; 0: take the first item at once; 255: show the menu at once
}

// ProxyDHCP is our proxyDHCP service.
type ProxyDHCP struct {
	Ports     []int // of 67 and 4011; none means both
	Boot      *Boot
	PXE       *PXE
	ClassOnly bool
	Flaws     []string
}

// BootServer is our boot server.
type BootServer struct {
	Boots     []BootServerItem
	Multicast netip.Addr
	Broadcast bool
	Flaws     []string
}

// BootServerItem is what one type, and one layer of it, boots.
type BootServerItem struct {
	Type, Layer int
	Boot        *Boot
	Credentials *Credentials `json:",omitempty"` // nil: it is not signed
}

// BOOTP is our BOOTP server.
type BOOTP struct {
	First, Last  netip.Addr
	File         string
	Server       string // service whose address becomes siaddr; empty means this one
	Reservations []Reservation
	Flaws        []string
}

// Keys are typed on a guest's console.
type Keys struct {
	When  string   // regular expression: once a line of the console matches, after the keys before it were typed
	Press []string // names of keys, or text
}

// pxe builds what PXE clients are told; nil stays nil.
func (c *checker) pxe(key string, f *pxeForm) *PXE {
	if f == nil {
		return nil
	}
	p := &PXE{Controls: f.Control != nil, Multicast: f.Multicast.Addr, MTFTP: f.MTFTP, Flaws: plainWords(f.Flaws)}
	c.multicasts(key, p)
	for _, w := range f.Control {
		p.Control = append(p.Control, string(w))
	}
	if p.Multicast.IsValid() && !(p.Multicast.Is4() && p.Multicast.IsMulticast()) {
		c.report(join(key, "multicast"), "%s is not a multicast address; write one such as 224.0.1.2", p.Multicast)
	}
	for i, s := range f.Servers {
		line := PXEServer{Type: int(s.Type)}
		for j, at := range s.At {
			line.At = append(line.At, c.whereabouts(item(join(item(join(key, "servers"), i), "at"), j), at))
		}
		p.Servers = append(p.Servers, line)
	}
	for _, m := range f.Menu {
		p.Menu = append(p.Menu, PXEItem{Type: int(m.Type), Text: m.Text})
	}
	if f.Prompt != nil {
		p.Prompt = &PXEPrompt{Text: f.Prompt.Text, Timeout: int(f.Prompt.Timeout)}
	}
	c.vendorLength(key, p)
	return p
}

// vendorLength holds option 43 to the 255 octets that clients read, which end with tag 255.
func (c *checker) vendorLength(key string, p *PXE) {
	n := 1
	if p.Controls {
		n += 3
	}
	if p.Multicast.IsValid() {
		n += 6
	}
	if len(p.Servers) > 0 {
		n += 2
	}
	for _, s := range p.Servers {
		n += 3 + 4*len(s.At)
	}
	if len(p.Menu) > 0 {
		n += 2
	}
	for _, m := range p.Menu {
		n += 3 + len(m.Text)
	}
	if p.MTFTP != "" {
		n += 20
	}
	if p.Prompt != nil {
		n += 3 + len(p.Prompt.Text)
	}
	if n > 255 {
		c.report(key, "takes %d octets of option 43, of which clients read 255; shorten the menu or the server list", n)
	}
}

// whereabouts gives the address of a service, or the address that was written.
func (c *checker) whereabouts(key, text string) netip.Addr {
	if a, err := netip.ParseAddr(text); err == nil {
		if !a.Is4() {
			c.report(key, "%s is no IPv4 address, and PXE boot servers have no other", a)
		}
		return a
	}
	if i := c.service(key, text); i >= 0 {
		return c.topo.Services[i].Address
	}
	return netip.Addr{}
}

// roles builds the roles that speak PXE or BOOTP.
func (c *checker) roles() {
	for i := range c.topo.Services {
		s := &c.topo.Services[i]
		f, key := c.form.Services[partName(s.Name)], "services."+s.Name
		if f.ProxyDHCP != nil {
			c.proxy(join(key, "proxydhcp"), s, f.ProxyDHCP)
		}
		if f.BootServer != nil {
			c.bootServer(join(key, "bootserver"), s, f.BootServer)
		}
		if f.BOOTP != nil {
			c.bootp(join(key, "bootp"), s, f)
		}
	}
}

// hostPorts checks that services which share a host share no port: only one of them could open it.
func (c *checker) hostPorts() {
	taken := map[string]map[int]string{} // by host
	for _, s := range c.topo.Services {
		host := s.On
		if host == "" {
			host = s.Name
		}
		if taken[host] == nil {
			taken[host] = map[int]string{}
		}
		for _, port := range s.Ports() {
			if other, dup := taken[host][port]; dup {
				c.report("services."+s.Name, "port %d belongs to service %q on the same host; give it a host of its own, or both roles to one service", port, other)
				continue
			}
			taken[host][port] = s.Name
		}
	}
}

// Ports lists the UDP ports on which a service of ours listens, each once.
func (s Service) Ports() []int {
	var ports []int
	if s.DHCP != nil || s.BOOTP != nil || s.Relay != nil || s.BootServer != nil && s.BootServer.Broadcast {
		ports = append(ports, 67)
	}
	if s.ProxyDHCP != nil {
		ports = append(ports, s.ProxyDHCP.Ports...)
		if len(s.ProxyDHCP.Ports) == 0 {
			ports = append(ports, 67, 4011)
		}
	}
	if s.BootServer != nil {
		ports = append(ports, 4011)
	}
	if s.TFTP != nil {
		ports = append(ports, 69)
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

func (c *checker) proxy(key string, s *Service, f *proxyForm) {
	p := &ProxyDHCP{PXE: c.pxe(join(key, "pxe"), f.PXE), ClassOnly: f.ClassOnly, Flaws: plainWords(f.Flaws)}
	for i, port := range f.Ports {
		if port != 67 && port != 4011 {
			c.report(item(join(key, "ports"), i), "%d is no port of a proxyDHCP service; write 67, 4011 or both", port)
		}
		p.Ports = append(p.Ports, int(port))
	}
	if f.Boot != nil {
		p.Boot = c.pxeBoot(join(key, "boot"), s, f.Boot)
	}
	if f.Boot == nil && f.PXE == nil && c.whole(key) {
		c.report(key, "has nothing to tell clients; add boot with their files, or pxe with boot servers and a menu")
	}
	s.ProxyDHCP = p
}

// pxeBoot builds the boot files of a role that answers PXE clients alone.
func (c *checker) pxeBoot(key string, s *Service, f *bootForm) *Boot {
	if f.HTTP != nil {
		c.report(join(key, "http"), "UEFI HTTP boot is answered by DHCP servers alone; move it to the boot of a dhcp")
		return c.bootOf(key, s, &bootForm{Files: f.Files, IPXE: f.IPXE, Server: f.Server, NoProxy: f.NoProxy}, true, false)
	}
	return c.bootOf(key, s, f, false, false)
}

func (c *checker) bootServer(key string, s *Service, f *bootServerForm) {
	b := &BootServer{Multicast: f.Multicast.Addr, Broadcast: f.Broadcast, Flaws: plainWords(f.Flaws)}
	if b.Multicast.IsValid() && !(b.Multicast.Is4() && b.Multicast.IsMulticast()) {
		c.report(join(key, "multicast"), "%s is not a multicast address; write one such as 224.0.1.2", b.Multicast)
	}
	if len(f.Boots) == 0 && c.whole(key) {
		c.report(key, "serves no type; write boots: [{type: 0x8000, boot: {%s}}]", c.someBoot())
	}
	seen := map[[2]int]int{}
	for i, x := range f.Boots {
		at := item(join(key, "boots"), i)
		id := [2]int{int(x.Type), int(x.Layer)}
		if first, dup := seen[id]; dup {
			c.report(at, "type %#x layer %d is number %d already; write one for both", x.Type, x.Layer, first+1)
		}
		seen[id] = i
		if x.Type == 0 && c.whole(at) {
			c.report(join(at, "type"), "0 is the client's own disk, which no server boots; use 0x8000 or above")
		}
		b.Boots = append(b.Boots, BootServerItem{Type: int(x.Type), Layer: int(x.Layer),
			Boot: c.pxeBoot(join(at, "boot"), s, &x.Boot), Credentials: c.credentials(at, &x)})
	}
	s.BootServer = b
}

func (c *checker) bootp(key string, s *Service, f serviceForm) {
	if f.DHCP != nil || f.ProxyDHCP != nil && !has4011Only(f.ProxyDHCP) {
		c.report(key, "cannot share port 67 with dhcp or proxydhcp; put it on a host of its own")
	}
	b := &BOOTP{First: f.BOOTP.Range.First, Last: f.BOOTP.Range.Last, File: string(f.BOOTP.File), Server: f.BOOTP.Server, Flaws: plainWords(f.BOOTP.Flaws)}
	s.BOOTP = b
	if b.First.IsValid() {
		c.pool(join(key, "range"), *s, b.First, b.Last)
	}
	c.reservedFile(join(key, "file"), b.File)
	b.Reservations = c.reservations(key, s, f.BOOTP.Reservations)
	server, at := s.Name, key
	if b.Server != "" {
		server, at = b.Server, join(key, "server")
	}
	c.servesTFTP(at, s, server)
}

func has4011Only(f *proxyForm) bool { return len(f.Ports) == 1 && f.Ports[0] == 4011 }

// keys builds what is typed on a guest's console.
func (c *checker) keysOf(f guestForm) []Keys {
	var out []Keys
	for _, k := range f.Keys {
		out = append(out, Keys{When: string(k.When), Press: k.Press})
	}
	return out
}

// plainWords turns words of some list into strings.
func plainWords[T ~string](words []T) []string {
	var out []string
	for _, w := range words {
		out = append(out, string(w))
	}
	return out
}
