package dhcp6

import (
	"fmt"

	"github.com/pxelab/pxelab/server/pxe"
)

// uri chooses what a client of UEFI HTTP boot is told: of the architectures it lists, the first that has a URI.
func (b *Boot) uri(cl pxe.Client) boot {
	source := "option 61"
	if cl.FromClass {
		source = "no option 61, and option 16's Arch"
	}
	for _, a := range cl.Archs {
		if u := b.HTTP[a.Machine().String()]; u != "" {
			return boot{url: u, http: true, why: fmt.Sprintf("HTTPClient, and %s = %d, so the URI for %s", source, uint16(a), a.Machine())}
		}
	}
	if len(cl.Archs) == 0 {
		return boot{why: "no URI: it names no architecture"}
	}
	return boot{why: fmt.Sprintf("no URI: none is configured for %s", cl.Archs[0].Machine())}
}
