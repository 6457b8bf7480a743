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
	Name   string
	Subnet netip.Prefix
	RA     bool // a Router Advertisement responder without prefix; default true
}

// Service is one host on a network: its address and what runs there.
type Service struct {
	Name    string
	Network string
	Address netip.Addr
	DHCP    *DHCP
	TFTP    *TFTP
	Echo    *Echo
}

// DHCP is our DHCP server.
type DHCP struct {
	First, Last  netip.Addr
	Lease        time.Duration
	Boot         *Boot
	Reservations []Reservation
}

// Boot says what PXE clients are told. Values of Files and IPXE are image names ("probe"), or file names on
// the wire when no image has that name.
type Boot struct {
	Server  string            // service whose address becomes siaddr; empty means this one
	Files   map[string]string // architecture to image
	IPXE    map[string]string // the same for clients that say they are iPXE
	NoProxy bool              // tell iPXE not to wait for a proxyDHCP offer (option 175.176)
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
	MaxWindow  int     // largest windowsize granted; zero means the server's default
	Multicast  *Groups // nil refuses option multicast
	Pad        int     // MiB that EFI images are made long; zero leaves them as they are
	NoOptions  bool    // knows no options: a broken topology
	NoTsize    bool    // leaves tsize unanswered: a broken topology
	StopAfter  int     // falls silent after so many blocks: a broken topology
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
	Offer   *From    `json:"offer,omitempty"`
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

// Served claims that a file was transferred whole.
type Served struct {
	File string `json:"file"`
	From string `json:"from,omitempty"`
	Over string `json:"over,omitempty"` // "tftp"

	Options map[string]int `json:"options,omitempty"` // TFTP options that the server granted, by name
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
