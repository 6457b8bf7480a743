// Package topology reads a topology file: one YAML file is one lab.
package topology

import (
	"net/netip"
	"time"

	"github.com/pxelab/pxelab/lab/event"
)

// Topology is one lab as its author wrote it, checked but not yet planned. Lists keep the file's order. Parse
// fills in each Network and NIC that the file leaves out; other zero values mean the default named beside them.
type Topology struct {
	Name     string // short, unique among a user's labs
	About    string // one sentence for people
	Clock    string // "", "auto", "real" or "warp"
	Networks []Network
	Services []Service
	Guests   []Guest
	Expect   []GuestExpect // per guest name, or "*" for all, in file order
	Path     string        // file it came from, for messages
}

// Network is one bridged segment.
type Network struct {
	Name    string
	Subnet  netip.Prefix // IPv4; it, Subnet6 or both are valid
	Subnet6 netip.Prefix `json:",omitzero"`
	RA      bool         // a Router Advertisement responder without prefix; default true
	Managed bool         `json:",omitempty"` // it sends clients to DHCPv6 (M and O flags, RFC 4861 section 4.2)
}

// Service is one host on a network: its address and what runs there.
type Service struct {
	Name     string
	Network  string
	Address  netip.Addr // IPv4; it, Address6 or both are valid
	Address6 netip.Addr `json:",omitzero"`
	DHCP     *DHCP
	DHCP6    *DHCP6 `json:",omitempty"`
	TFTP     *TFTP
	HTTP     *HTTP `json:",omitempty"`
	Echo     *Echo
}

// DHCP is our DHCP server.
type DHCP struct {
	First, Last  netip.Addr
	Lease        time.Duration
	Boot         *Boot
	Reservations []Reservation
}

// DHCP6 is our DHCPv6 server.
type DHCP6 struct {
	First, Last netip.Addr // both invalid: configuration only
	Lease       time.Duration
	RapidCommit bool
	Boot        *Boot6
}

// Boot6 says what network boot clients are told over IPv6. Values of Files are image names ("probe"), whole URLs, or
// file names on the wire.
type Boot6 struct {
	Server string            // service whose address is in the URL; empty means this one
	Files  map[string]string // architecture to image
	IPXE   map[string]string `json:",omitempty"` // the same for clients that say they are iPXE
	Params []string          // option 60

	HTTP       map[string]string `json:",omitempty"` // as in Boot
	HTTPServer string            `json:",omitempty"`
}

// Boot says what PXE clients are told. Values of Files and IPXE are image names ("probe"), or file names on
// the wire when no image has that name, or URIs.
type Boot struct {
	Server  string            // service whose address becomes siaddr; empty means this one
	Files   map[string]string // architecture to image
	IPXE    map[string]string // the same for clients that say they are iPXE
	NoProxy bool              // tell iPXE not to wait for a proxyDHCP offer (option 175.176)

	HTTP       map[string]string `json:",omitempty"` // architecture to image, or to a URI: what UEFI HTTP boot is told
	HTTPServer string            `json:",omitempty"` // service that serves the images of HTTP; empty means this one
}

// Reservation ties an address or a boot file to a guest, by its MAC or its UUID.
type Reservation struct {
	Guest   string // a guest of this topology: its planned MAC
	MAC     string
	UUID    string
	Address netip.Addr
	File    string
}

// TFTP is our TFTP server. By default it serves every image that any Boot of the topology names.
type TFTP struct {
	Images     []string // further images to serve
	Missing    []string // images not to serve although named: a broken topology
	Silent     bool     // binds the port and never answers: a broken topology
	MaxBlksize int
}

// Echo is the UDP echo the probes use; a service with TFTP gets one on port 7777 unless it says otherwise.
type Echo struct {
	Port int // zero means 7777
}

// Guest is one machine to boot.
type Guest struct {
	Name     string
	Network  string // default: the only network
	Firmware string // "bios", "ovmf-x64", "ovmf-x64-ipxe", "ovmf-ia32"
	NIC      string // "virtio", "e1000", "e1000e", "rtl8139", "vmxnet3", "pcnet" ...; default: "virtio"
	Memory   int    // MiB; zero means what the firmware needs
	MAC      string // default: from its place in the file
	UUID     string // default: from its place in the file
	Over     string `json:",omitempty"` // OverHTTP: its firmware's HTTP boot client runs; empty: its PXE client
}

// GuestExpect is what one guest, or "*", is expected to do.
type GuestExpect struct {
	Guest string
	List  []Expectation
}

// Expectation is one claim about a guest; exactly one field is set.
type Expectation struct {
	Booted  *Booted  `json:"booted,omitempty"`
	Address *From    `json:"address,omitempty"`
	Offer   *Offer   `json:"offer,omitempty"`
	Served  *Served  `json:"served,omitempty"`
	Stage   *Reaches `json:"stage,omitempty"`
	Stops   *Stops   `json:"stops,omitempty"`
	Serial  string   `json:"serial,omitempty"` // regular expression; several in one list must match in order
	Never   *Never   `json:"never,omitempty"`
	Ends    string   `json:"ends,omitempty"` // "off" or "running"
}

// Booted claims that the probe's own report proves this image ran: nonce and CRC are checked, and its TFTP
// and UDP round trips succeeded.
type Booted struct {
	Image string `json:"image"`
	From  string `json:"from,omitempty"` // service that served it
}

// From claims that a packet of that kind came from this service, and that the guest obeyed it.
type From struct {
	From string `json:"from"`
}

// Offer claims that an offer came from this service, that it named this boot file or URI if one is given, and that the
// guest obeyed it.
type Offer struct {
	From string `json:"from"`
	File string `json:"file,omitempty"`
}

// Served claims that a file was transferred whole.
type Served struct {
	File string `json:"file"`
	From string `json:"from,omitempty"`
	Over string `json:"over,omitempty"` // "tftp" or "http"; empty: either
}

// Reaches claims that a stage is reached, optionally within a time since power-on (host time).
type Reaches struct {
	Reaches event.Stage   `json:"reaches"`
	Within  time.Duration `json:"within,omitempty"`
}

// Stops claims that the boot fails: at this stage, for this reason (judge.Reason names them).
type Stops struct {
	At     event.Stage `json:"at"`
	Reason string      `json:"reason"`
}

// Never claims that something does not happen.
type Never struct {
	Serial string `json:"serial,omitempty"` // regular expression over console lines
	Packet string `json:"packet,omitempty"` // regular expression over Packet.Info
}
