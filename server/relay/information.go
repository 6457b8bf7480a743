package relay

import "bytes"

// Sub-options of option 82.
const (
	circuitID        = 1  // RFC 3046 section 3.1
	remoteID         = 2  // RFC 3046 section 3.2
	linkSelection    = 5  // RFC 3527
	serverIDOverride = 11 // RFC 5107
)

func (c *Config) policy() Policy {
	if c.Option82 == "" {
		return Add
	}
	return c.Option82
}

// information is the value of option 82 for requests from a link.
func (c *Config) information(l *Link) []byte {
	var v []byte
	add := func(code byte, value []byte) {
		v = append(append(v, code, byte(len(value))), value...)
	}
	add(circuitID, []byte(l.Interface))
	add(remoteID, l.MAC)
	if c.LinkSelection {
		add(linkSelection, l.Address.AsSlice())
	}
	if c.ServerOverride {
		add(serverIDOverride, l.Address.AsSlice())
	}
	return v
}

// strip takes what this relay added out of a reply (RFC 3046 section 2.1), and tells what it found.
func (c *Config) strip(m *message, l *Link) (out []byte, about string) {
	value, at := m.find(optRelayInfo)
	rest, ours := bytes.CutSuffix(value, c.information(l))
	switch {
	case c.policy() == None:
		return m.octets, "option 82 not touched"
	case at.end == 0:
		return m.octets, "no option 82 came back"
	case !ours:
		return m.octets, "option 82 is another's and stays"
	case len(rest) == 0:
		return m.with(nil, at), "option 82 came back and is taken out"
	}
	return m.with(rest, at), "option 82 came back, and what this relay added is taken out"
}
