// Package topology reads a topology file: one YAML file is one lab.
package topology

import (
	"net/netip"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
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

	ExpectServices []ServiceExpect `json:",omitempty"` // in file order

	Path string // file it came from, for messages
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
	Links    []Link     `json:",omitempty"` // where it is, if on several networks; Network and Address are the first then
	Router   bool       `json:",omitempty"` // it forwards between its networks
	Capture  bool       `json:",omitempty"` // what passes its cards is recorded
	On       string     // the service whose host, and so whose address, it shares; empty: it has a host of its own
	DHCP     *DHCP
	DHCP6    *DHCP6 `json:",omitempty"`
	BOOTP    *BOOTP
	TFTP     *TFTP
	MTFTP    *MTFTP `json:",omitempty"`
	HTTP     *HTTP  `json:",omitempty"`
	Echo     *Echo

	ProxyDHCP  *ProxyDHCP
	BootServer *BootServer
	Relay      *Relay    `json:",omitempty"`
	Exec       *Exec     `json:",omitempty"`
	External   *External `json:",omitempty"`
}

// DHCP is our DHCP server.
type DHCP struct {
	First, Last  netip.Addr
	Lease        time.Duration
	Boot         *Boot
	PXE          *PXE
	Router       netip.Addr `json:",omitzero"`  // of clients on its own network, if there is one
	Pools        []Pool     `json:",omitempty"` // for clients on other networks
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
	Images     []string          // further images to serve
	Missing    []string          // images not to serve although named: a broken topology
	Discover   *int              // boot server type that EFI probes discover through the firmware; nil: none
	Alias      map[string]string // further name on the wire to the file served under it
	Silent     bool              // binds the port and never answers: a broken topology
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
	Stick    string // "" or "pxe-client": the USB stick it boots from
	Memory   int    // MiB; zero means what the firmware needs
	MAC      string // default: from its place in the file
	UUID     string // default: from its place in the file
	NoUUID   bool   // 16 zero octets
	SameMAC  string // guest whose MAC it has, too
	SameUUID string // guest whose UUID it has, too
	Together string `json:",omitempty"` // guest in whose instant it is powered on
	Keys     []Keys
	Faults   []fault.Rule `json:",omitempty"` // what is done on purpose to frames on its cable
	Over     string       `json:",omitempty"` // OverHTTP: its firmware's HTTP boot client runs; empty: its PXE client
}

// GuestExpect is what one guest, or "*", is expected to do.
type GuestExpect struct {
	Guest string
	List  []Expectation
}

// Expectation is one claim about a guest; exactly one field is set.
type Expectation struct {
	Booted  *Booted   `json:"booted,omitempty"`
	Address *From     `json:"address,omitempty"`
	Offer   *Offer    `json:"offer,omitempty"`
	DHCP    *Messages `json:"dhcp,omitempty"`
	Silent  *Silent   `json:"silent,omitempty"`
	Note    string    `json:"note,omitempty"`
	Served  *Served   `json:"served,omitempty"`
	Stage   *Reaches  `json:"stage,omitempty"`
	Stops   *Stops    `json:"stops,omitempty"`
	Serial  string    `json:"serial,omitempty"` // regular expression; several in one list must match in order
	Never   *Never    `json:"never,omitempty"`
	Ends    string    `json:"ends,omitempty"` // "off" or "running"

	OS      *OS      `json:"os,omitempty"`
	Fetched []string `json:"fetched,omitempty"` // files that crossed the wire whole, each after the one before it

	// Of a service.
	Log      string `json:"log,omitempty"`      // regular expression over the lines it wrote
	Exits    *int   `json:"exits,omitempty"`    // its status
	Restarts *int   `json:"restarts,omitempty"` // how often its policy had it started again
	Sent     *Sent  `json:"sent,omitempty"`     // of one of ours
	Sees     *Sees  `json:"sees,omitempty"`
}

// Booted claims that the probe's own report proves this image ran: nonce and CRC are checked, and its TFTP
// and UDP round trips succeeded.
type Booted struct {
	Image string `json:"image"`
	From  string `json:"from,omitempty"` // service that served it
}

// Messages claims that the boot has DHCP messages of one type, as many as said, and that each says what is listed.
// From, To, Port, ClientPort and Item pick the messages; the rest must hold for every one picked.
type Messages struct {
	Type       string `json:"type"`
	From       string `json:"from,omitempty"`       // service
	To         string `json:"to,omitempty"`         // "broadcast", service or address
	Port       int    `json:"port,omitempty"`       // the server's
	ClientPort int    `json:"clientPort,omitempty"` // the client's
	Item       *Item  `json:"item,omitempty"`
	Count      *int   `json:"count,omitempty"` // nil: one or more
	Has        []int  `json:"has,omitempty"`
	Lacks      []int  `json:"lacks,omitempty"`
	Class      string `json:"class,omitempty"`
	Vendor     string `json:"vendor,omitempty"` // regular expression over option 43 in hex
	File       string `json:"file,omitempty"`
	Relay      string `json:"relay,omitempty"`
}

// Item is a boot server type and layer (option 43.71).
type Item struct {
	Type  int `json:"type"`
	Layer int `json:"layer,omitempty"`
}

// Silent claims that a service of ours heard the guest and stayed silent.
type Silent struct {
	From   string `json:"from"`
	Reason string `json:"reason,omitempty"` // regular expression
}

// OS claims that a Linux that a boot program loaded came up and reported: with the nonce of this run on its command
// line, on this guest's firmware and with its UUID.
type OS struct {
	Cmdline string `json:"cmdline,omitempty"` // regular expression over /proc/cmdline
	BootIF  bool   `json:"bootif,omitempty"`  // BOOTIF on its command line names this guest's card, and it has that card
	From    string `json:"from,omitempty"`    // service that served its kernel and its initrd
}

// From claims that a packet of that kind came from this service, and that the guest obeyed it.
type From struct {
	From string `json:"from"`
	Via  string `json:"via,omitempty"` // the relay that passed it on
}

// Offer claims that an offer came from this service, that it named this boot file or URI if one is given, and that the
// guest obeyed it.
type Offer struct {
	From string `json:"from"`
	File string `json:"file,omitempty"`
	Via  string `json:"via,omitempty"` // the relay that passed it on
}

// Served claims that a file was transferred whole.
type Served struct {
	File string `json:"file"`
	From string `json:"from,omitempty"`
	Over string `json:"over,omitempty"` // "tftp" or "http"; empty: either

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

// Sees claims that a packet passed an interface of a service.
type Sees struct {
	Packet string `json:"packet,omitempty"` // regular expression over Packet.Info
	From   string `json:"from,omitempty"`   // only packets that this other service sent
}

// Never claims that something does not happen.
type Never struct {
	Serial string `json:"serial,omitempty"` // regular expression over console lines
	Packet string `json:"packet,omitempty"` // regular expression over Packet.Info
	From   string `json:"from,omitempty"`   // of a service: only packets that this other one sent
	Log    string `json:"log,omitempty"`    // of a service: over the lines it wrote
}
