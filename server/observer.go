package server

import "time"

// Decision is one thing a server decided, with its reason. A server that stays silent decides that too.
type Decision struct {
	Time    time.Time     `json:"time"`
	Role    string        `json:"role"`              // "dhcp", "dhcp6", "tftp", "mtftp", "echo"
	Client  string        `json:"client,omitempty"`  // MAC for DHCP and DHCPv6 if it is known, address:port otherwise
	Request string        `json:"request"`           // "DHCPDISCOVER", "SOLICIT", "RRQ probe.0"
	Reply   string        `json:"reply,omitempty"`   // "DHCPOFFER"; empty when it stayed silent
	Reason  string        `json:"reason"`            // one clause: "option 93 = 6, so efi-ia32"
	Port    uint16        `json:"port,omitempty"`    // UDP port that a DHCP or BOOTP message came to
	XID     string        `json:"xid,omitempty"`     // DHCP transaction, 8 hex digits; DHCPv6's has 6
	Address string        `json:"address,omitempty"` // address given
	File    string        `json:"file,omitempty"`    // boot file named, or file transferred
	Bytes   int64         `json:"bytes,omitempty"`   // octets transferred
	Sent    int64         `json:"sent,omitempty"`    // of a transfer: octets of UDP payload that its DATA put on the wire, to a group or to one client
	Took    time.Duration `json:"took,omitempty"`    // of a transfer
	Resent  int           `json:"resent,omitempty"`  // datagrams of a transfer that were sent again
	Outcome string        `json:"outcome,omitempty"` // of a transfer: "ok", "size-probe", "not-found", "refused", "timeout", "aborted"
}

// Observer is told of every decision, at once and in order per client. It must not block. Roles run side by side, but
// only one of them tells it something at a time.
type Observer interface {
	Observe(Decision)
}
