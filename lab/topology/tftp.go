package topology

import "net/netip"

// groupForm is what a TFTP server gives out for multicast transfers.
type groupForm struct {
	Range span `json:"range" jsonschema:"required" example:"239.255.0.1-239.255.0.8" jsonschema_description:"The group addresses: first and last, of 239.0.0.0/8."`
	Port  port `json:"port" jsonschema:"default=1758" jsonschema_description:"The UDP port that blocks are sent to."`
}

// optionsForm is what a server is expected to have granted.
type optionsForm struct {
	Blksize    blksize    `json:"blksize" jsonschema_description:"Octets of a block (RFC 2348)."`
	Windowsize windowsize `json:"windowsize" jsonschema_description:"Blocks between acknowledgements (RFC 7440)."`
	Timeout    seconds    `json:"timeout" jsonschema_description:"Seconds before a datagram is sent again (RFC 2349)."`
}

// Groups is what a TFTP server gives out for multicast transfers (RFC 2090): addresses, both ends included, and a port.
type Groups struct {
	First, Last netip.Addr
	Port        int // zero means 1758, IANA's tftp-mcast
}

// administered are the group addresses that belong to nobody in particular and stay on a site (RFC 2365).
var administered = netip.MustParsePrefix("239.0.0.0/8")

// tftp builds one TFTP server.
func (c *checker) tftp(key string, f *tftpForm) *TFTP {
	t := &TFTP{Discover: discovers(f.Probe), Alias: aliases(f.Alias), Images: plain(f.Images), Missing: plain(f.Missing), Silent: f.Silent, MaxBlksize: int(f.MaxBlksize),
		MaxWindow: int(f.MaxWindow), NoOptions: f.NoOptions, NoTsize: f.NoTsize, StopAfter: int(f.StopAfter), Pad: int(f.Pad)}
	if m := f.Multicast; m != nil {
		t.Multicast = &Groups{First: m.Range.First, Last: m.Range.Last, Port: int(m.Port)}
		for _, a := range []netip.Addr{m.Range.First, m.Range.Last} {
			if a.IsValid() && !administered.Contains(a) {
				c.report(join(key, "multicast.range"), "%s is no group address of %s; write a range such as 239.255.0.1-239.255.0.8", a, administered)
				break
			}
		}
	}
	return t
}

// served builds the claim that a file was transferred.
func (c *checker) served(key string, f *servedForm) *Served {
	s := &Served{File: f.File, From: f.From, Over: string(f.Over)}
	c.from(key, f.From, orElse(string(f.Over), anyFiles))
	if o := f.Options; o != nil {
		s.Options = map[string]int{}
		for name, value := range map[string]int{"blksize": int(o.Blksize), "windowsize": int(o.Windowsize), "timeout": int(o.Timeout)} {
			if value != 0 {
				s.Options[name] = value
			}
		}
		if len(s.Options) == 0 && c.whole(join(key, "options")) {
			c.report(join(key, "options"), "claims nothing; write one of blksize, windowsize, timeout")
		}
	}
	return s
}
