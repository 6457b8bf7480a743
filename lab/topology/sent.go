package topology

import (
	"slices"
	"strconv"
)

// sentForm is how much of a file a server put on the wire.
type sentForm struct {
	File          string      `json:"file" jsonschema:"required" example:"probe-x64.efi" jsonschema_description:"The file's name on the wire."`
	Over          sentOver    `json:"over" jsonschema_description:"The protocol, if the service has both. Default: both together."`
	Copies        *claimCount `json:"copies" jsonschema_description:"How many times the file's size the DATA packets make up, rounded: 1 for a file that was multicast once to any number of clients."`
	Transmissions *claimCount `json:"transmissions" jsonschema_description:"How many transfers of it went to their end; of a multicast one, how many clients acknowledged it."`
}

// sentOver is one of tftp and mtftp.
type sentOver string

// sentOvers are the protocols whose servers count what they send.
var sentOvers = []string{"tftp", "mtftp"}

// Sent claims how much of a file one of our servers put on the wire, for all of its clients together.
type Sent struct {
	File          string `json:"file"`
	Over          string `json:"over,omitempty"`   // "tftp" or "mtftp"; empty: both
	Copies        *int   `json:"copies,omitempty"` // octets of DATA packets by the file's size, rounded
	Transmissions *int   `json:"transmissions,omitempty"`
}

// sent builds the claim about what service s sent.
func (c *checker) sent(key string, s Service, f *sentForm) *Sent {
	switch {
	case s.TFTP == nil && s.MTFTP == nil:
		c.report(key, "%q has neither tftp nor mtftp, whose files are counted", s.Name)
	case f.Over == "mtftp" && s.MTFTP == nil, f.Over == "tftp" && s.TFTP == nil:
		c.report(join(key, "over"), "%q has no %s", s.Name, f.Over)
	}
	if f.File != "" && !isFile(f.File) {
		c.report(join(key, "file"), "%s is no file's name on the wire; write one such as probe-x64.efi", quote(f.File))
	}
	if f.Copies == nil && f.Transmissions == nil && c.whole(key) && slices.Contains(c.keys[key], "file") {
		c.report(key, "claims nothing; add copies, transmissions or both")
	}
	return &Sent{File: f.File, Over: string(f.Over), Copies: plainCount(f.Copies), Transmissions: plainCount(f.Transmissions)}
}

// plainCount is a number that may be left out.
func plainCount(n *claimCount) *int {
	if n == nil {
		return nil
	}
	plain := int(*n)
	return &plain
}

// flow is the claim as one writes it in YAML.
func (s Sent) flow() string {
	pairs := []string{"file", s.File, "over", s.Over}
	if s.Copies != nil {
		pairs = append(pairs, "copies", strconv.Itoa(*s.Copies))
	}
	if s.Transmissions != nil {
		pairs = append(pairs, "transmissions", strconv.Itoa(*s.Transmissions))
	}
	return flow(pairs...)
}
