package event

import (
	"fmt"
	"strconv"
)

// Packet is one frame on a guest's cable, decoded as far as a judge needs it.
type Packet struct {
	Frame     int    `json:"frame"`           // its number in wire.pcapng, from 1
	FromGuest bool   `json:"tx,omitempty"`    // the guest sent it; otherwise it travels towards the guest
	SrcMAC    string `json:"srcMAC"`          // sender on the wire
	Src       string `json:"src,omitempty"`   // address:port, or address
	Dst       string `json:"dst,omitempty"`   // address:port, or address
	Proto     string `json:"proto"`           // "dhcp", "tftp", "arp", "icmp", "icmp6", "dhcp6", "udp", "tcp", "http", "other"
	Info      string `json:"info"`            // one line for people: "DHCPOFFER 192.0.2.100 file probe.0"
	DHCP      *DHCP  `json:"dhcp,omitempty"`  // when Proto is "dhcp"
	DHCP6     *DHCP6 `json:"dhcp6,omitempty"` // when Proto is "dhcp6"
	TFTP      *TFTP  `json:"tftp,omitempty"`  // when Proto is "tftp"
	HTTP      *HTTP  `json:"http,omitempty"`  // when Proto is "http"
	Error     string `json:"error,omitempty"` // why the bytes could not be decoded further
}

// DHCP is a DHCP or BOOTP message (RFC 2131, RFC 951), reduced to what PXE uses.
type DHCP struct {
	Type      string   `json:"type"`                // "DISCOVER", "OFFER" ...; "BOOTREQUEST" or "BOOTREPLY" without option 53
	XID       string   `json:"xid"`                 // 8 hex digits
	CHAddr    string   `json:"chaddr"`              // client hardware address
	Secs      int      `json:"secs,omitempty"`      // as sent; iPXE and EDK2 both misuse it
	Broadcast bool     `json:"broadcast,omitempty"` // flags bit 15
	CIAddr    string   `json:"ciaddr,omitempty"`
	YIAddr    string   `json:"yiaddr,omitempty"`
	SIAddr    string   `json:"siaddr,omitempty"`
	GIAddr    string   `json:"giaddr,omitempty"`
	File      string   `json:"file,omitempty"`      // option 67 if present, else the file field
	ServerID  string   `json:"serverID,omitempty"`  // option 54
	Requested string   `json:"requested,omitempty"` // option 50
	ClassID   string   `json:"classID,omitempty"`   // option 60
	UserClass string   `json:"userClass,omitempty"` // option 77
	Archs     []int    `json:"archs,omitempty"`     // option 93 (RFC 4578 section 2.1)
	UUID      string   `json:"uuid,omitempty"`      // option 97, hex without the type octet
	Vendor    string   `json:"vendor,omitempty"`    // option 43, hex
	BootItem  string   `json:"bootItem,omitempty"`  // option 43.71, hex (type, layer)
	BootSize  int      `json:"bootSize,omitempty"`  // option 13, in blocks of 512 octets
	Options   []string `json:"options,omitempty"`   // option numbers in the order sent, "53", "54" ...
	SrcPort   int      `json:"srcPort"`
	DstPort   int      `json:"dstPort"`
	Relayed   bool     `json:"relayed,omitempty"` // giaddr is set
	// Repeat counts earlier packets of this guest's boot with the same type, xid and direction.
	Repeat int `json:"repeat,omitempty"`
}

// Reply tells whether the message is a server's (op BOOTREPLY, RFC 2131 section 2), by its type.
func (d *DHCP) Reply() bool {
	switch d.Type {
	case "OFFER", "ACK", "NAK", "BOOTREPLY", "FORCERENEW":
		return true
	}
	return false
}

// ItemType names the boot server type that a message is about: "7", "0x8000"; empty if it is about none.
func (d *DHCP) ItemType() string {
	if len(d.BootItem) < 4 {
		return ""
	}
	n, err := strconv.ParseUint(d.BootItem[:4], 16, 16)
	if err != nil {
		return ""
	}
	return TypeName(int(n))
}

// TypeName writes a boot server type (PXE 2.1 table 2-1, tag 8): those that a vendor may give as he likes, from 0x8000 on, as the
// specification does.
func TypeName(t int) string {
	if t < 0x100 {
		return strconv.Itoa(t)
	}
	return fmt.Sprintf("%#04x", t)
}

// TFTP is one step of a transfer (RFC 1350, 2090, 2347-2349, 7440). DATA and ACK of the middle of a transfer are
// folded: they appear only when they begin it, end it, or are retransmissions.
type TFTP struct {
	Op      string            `json:"op"`                // "RRQ", "WRQ", "DATA", "ACK", "OACK", "ERROR"
	File    string            `json:"file,omitempty"`    // of the transfer this packet belongs to
	Options map[string]string `json:"options,omitempty"` // of RRQ, WRQ and OACK
	Block   int               `json:"block,omitempty"`   // DATA and ACK: 16-bit number on the wire
	Code    int               `json:"code,omitempty"`    // ERROR
	Message string            `json:"message,omitempty"` // ERROR
	Bytes   int64             `json:"bytes,omitempty"`   // payload octets of the transfer so far
	Last    bool              `json:"last,omitempty"`    // this DATA is the final, short block
	Repeat  int               `json:"repeat,omitempty"`  // how often this very packet was sent before
	Gap     int               `json:"gap,omitempty"`     // DATA: how many blocks are missing before this one
}
