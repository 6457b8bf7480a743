package dhcp

import (
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/server/pxe"
)

// httpClass is what a reply to UEFI HTTP boot says in option 60; a client ignores replies that do not (UEFI 2.10
// section 24.7.3.1). It is never PXEClient: that would send an HTTPClient to port 4011.
const httpClass = "HTTPClient"

// isURI tells a boot file that a client fetches by itself from a file on the TFTP server.
func isURI(file string) bool { return strings.Contains(file, "://") }

// bootHTTP decides what a client of UEFI HTTP boot is told: a URI or nothing.
func (c *Config) bootHTTP(r *Request, reservedFile string) boot {
	b := boot{why: "an HTTPClient takes a URI, which this server has none of"}
	switch {
	case isURI(reservedFile):
		b.file, b.why = reservedFile, "URI reserved for it"
	case c.Boot != nil && len(c.Boot.HTTP) > 0:
		b.file, b.why = c.Boot.uri(r.Client)
	}
	if b.file != "" {
		b.class = httpClass
	}
	return b
}

// uri chooses by architecture: of a list of them the first that has a URI.
func (b *Boot) uri(cl pxe.Client) (uri, why string) {
	source := "option 93"
	if cl.FromClass {
		source = "no option 93, and option 60's Arch"
	}
	for _, a := range cl.Archs {
		if u := b.HTTP[a.Machine().String()]; u != "" {
			return u, fmt.Sprintf("HTTPClient, and %s = %d, so the URI for %s", source, uint16(a), a.Machine())
		}
	}
	if len(cl.Archs) == 0 {
		return "", "no URI: it names no architecture"
	}
	return "", fmt.Sprintf("no URI: none is configured for %s", cl.Archs[0].Machine())
}

// maxFileField is what the header's file field holds beside the NUL at its end; a longer URI is in option 67 only.
const maxFileField = 127
