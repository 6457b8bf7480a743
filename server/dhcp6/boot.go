package dhcp6

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/insomniacslk/dhcp/dhcpv6"

	"github.com/pxelab/pxelab/server/pxe"
)

// boot is what a reply says about booting; url is empty when it says nothing.
type boot struct {
	url  string
	http bool // the client takes only a reply that says HTTPClient too
	why  string
}

// identify reads what a message says of its sender: options 16, 61 and 62 have the contents of DHCPv4's 60, 93 and 94
// (RFC 5970 sections 3.3 and 3.4), the class behind an enterprise number (EDK2 sends Intel's, 343).
func identify(m *dhcpv6.Message) pxe.Client {
	v4 := map[uint8][]byte{}
	if o, ok := m.GetOneOption(dhcpv6.OptionVendorClass).(*dhcpv6.OptVendorClass); ok && len(o.Data) > 0 {
		v4[pxe.OptClassID] = o.Data[0]
	}
	for _, a := range m.Options.ArchTypes() {
		v4[pxe.OptArch] = binary.BigEndian.AppendUint16(v4[pxe.OptArch], uint16(a))
	}
	if o := m.GetOneOption(dhcpv6.OptionNII); o != nil {
		v4[pxe.OptNII] = o.ToBytes()
	}
	for _, class := range m.Options.UserClasses() {
		if string(class) == "iPXE" {
			v4[pxe.OptUserClass] = class
		}
	}
	return pxe.Identify(v4)
}

// bootFor decides what the client is told to boot: who names its architecture (option 61) or class, or asks for a boot
// file (59 in its option request), gets one. Firmware runs a second client beside PXE's, which asks for an address
// only, and gets none.
func (c *Config) bootFor(r *Request) boot {
	cl := r.Client
	switch {
	case c.Boot == nil:
		return boot{}
	case !cl.PXE && !cl.HTTP && len(cl.Archs) == 0 && !r.asks(dhcpv6.OptionBootfileURL):
		return boot{why: "not a boot client"}
	}
	if cl.HTTP && len(c.Boot.HTTP) > 0 {
		return c.Boot.uri(cl)
	}
	file, why := c.Boot.file(cl)
	if file == "" {
		return boot{why: why}
	}
	b := boot{url: c.url(file), http: cl.HTTP, why: why}
	if isHTTP := strings.HasPrefix(b.url, "http://") || strings.HasPrefix(b.url, "https://"); cl.HTTP && !isHTTP {
		return boot{why: "an HTTPClient takes an HTTP URL, and this is " + b.url}
	}
	return b
}

// url gives option 59 (RFC 5970 section 3.1). The address is literal and in brackets, because firmware at this stage
// has no resolver; the path has no escapes, because EDK2 would send them on as they are.
func (c *Config) url(file string) string {
	if strings.Contains(file, "://") {
		return file
	}
	server := c.Boot.Server
	if server == (netip.Addr{}) {
		server = c.Address.Addr()
	}
	return "tftp://[" + server.String() + "]/" + strings.TrimPrefix(file, "/")
}

// file chooses by architecture: of a list of them the first that has a file.
func (b *Boot) file(cl pxe.Client) (file, why string) {
	source := "option 61"
	if cl.FromClass {
		source = "no option 61, and option 16's Arch"
	}
	for _, a := range cl.Archs {
		if f := b.IPXE[a.String()]; f != "" && cl.IPXE {
			return f, fmt.Sprintf("iPXE, and %s = %d, so %s", source, uint16(a), a)
		}
	}
	for _, a := range cl.Archs {
		if f := b.Files[a.String()]; f != "" {
			return f, fmt.Sprintf("%s = %d, so %s", source, uint16(a), a)
		}
	}
	none := "it names no architecture"
	if len(cl.Archs) > 0 {
		none = fmt.Sprintf("none is configured for %s", cl.Archs[0])
	}
	if b.Default != "" {
		return b.Default, "default file: " + none
	}
	return "", "no boot file: " + none
}

// addBoot adds options 59 and 60, and for HTTP boot clients the class by which they know a server for them.
func (x *exchange) addBoot(r *dhcpv6.Message, b boot) {
	if b.url == "" {
		return
	}
	r.AddOption(dhcpv6.OptBootFileURL(b.url))
	if len(x.cfg.Boot.Params) > 0 {
		r.AddOption(dhcpv6.OptBootFileParam(slices.Clone(x.cfg.Boot.Params)...))
	}
	if o, ok := x.req.Message.GetOneOption(dhcpv6.OptionVendorClass).(*dhcpv6.OptVendorClass); ok && b.http {
		r.AddOption(&dhcpv6.OptVendorClass{EnterpriseNumber: o.EnterpriseNumber, Data: [][]byte{[]byte("HTTPClient")}})
	}
	x.d.File = b.url
}
