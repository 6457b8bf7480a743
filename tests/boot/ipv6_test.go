package boot

import (
	"regexp"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// What differs between any two boots over IPv6: which of the pool's addresses it got, and the numbers that the firmware
// draws for transactions and identity associations (within option 3).
var (
	lease6 = regexp.MustCompile(`(?i)\b2001:db8:(:|0:0:0:0:0:)1[0-9a-f][0-9a-f]\b`)
	drawn6 = regexp.MustCompile(`\b(xid|o3)=[0-9a-f]+`)
)

func plain6(text string) string {
	return drawn6.ReplaceAllString(lease6.ReplaceAllString(text, "LEASE"), "$1=")
}

// pxe6 knows the DHCPv6 transactions of a boot's PXE client. EDK2 runs another client beside it, and nothing orders the
// messages of the two; its HTTP client comes when the boot is over.
type pxe6 map[string]bool

// told tells whether a packet is a DHCPv6 message of the PXE client, or to it, said for the first time.
func (seen pxe6) told(p *event.Packet) bool {
	d := p.DHCP6
	if d == nil {
		return false
	}
	if p.FromGuest && len(d.Archs) > 0 && !strings.HasPrefix(d.VendorClass, "HTTPClient") {
		seen[d.XID] = true
	}
	return seen[d.XID] && d.Repeat == 0
}
