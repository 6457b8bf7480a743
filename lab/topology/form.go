package topology

import "reflect"

// The form types are the file as it is written: their json tags are its keys, and jsonschema:"required" marks
// those that must be there. The decoder and the schema read the same tags, so neither knows a key that the
// other does not. Fields stand in the order in which messages list the keys; example is what a message about a
// missing key suggests.

type fileForm struct {
	Name     labName                      `json:"name" jsonschema:"required" example:"firmware-trio" jsonschema_description:"Short name of this lab, unique among yours."`
	About    string                       `json:"about" jsonschema_description:"What this lab shows, in one sentence."`
	Clock    clockWord                    `json:"clock" jsonschema_description:"The guests' clock. warp lets idle guest time pass at once; real does not; auto (the default) decides by the host and the command."`
	Networks map[partName]networkForm     `json:"networks" jsonschema:"required" example:"{lan: {subnet: 192.0.2.0/24}}" jsonschema_description:"The segments of the lab. Each is a bridge of its own, with no way out."`
	Services map[partName]serviceForm     `json:"services" jsonschema_description:"The hosts that answer: each is one address and what it plays there."`
	Guests   map[partName]guestForm       `json:"guests" jsonschema:"required" example:"{bios: {firmware: bios}}" jsonschema_description:"The machines to boot, powered on in this order."`
	Expect   map[guestOrAll][]expectation `json:"expect" jsonschema_description:"What is expected of each guest; \"*\" stands for all of them."`
}

type networkForm struct {
	Subnet subnet `json:"subnet" jsonschema:"required" example:"192.0.2.0/24" jsonschema_description:"Its addresses. Only documentation, benchmark and private ranges, which collide with no real network."`
	RA     *bool  `json:"ra" jsonschema:"default=true" jsonschema_description:"Answer router solicitations, without giving a prefix. Without an answer iPXE waits 13 seconds for IPv6."`
}

type serviceForm struct {
	Network string    `json:"network" jsonschema_description:"The network it is on. May be left out when there is exactly one."`
	Address address   `json:"address" jsonschema:"required" example:"192.0.2.1" jsonschema_description:"Its own address there."`
	DHCP    *dhcpForm `json:"dhcp" jsonschema_description:"A DHCP server (RFC 2131)."`
	TFTP    *tftpForm `json:"tftp" jsonschema_description:"A read-only TFTP server; {} serves every image that a boot of this lab names."`
	Echo    *echoForm `json:"echo" jsonschema_description:"A UDP echo for the probes. A service with tftp has one on port 7777 unless this names another port."`
}

type dhcpForm struct {
	Range        span              `json:"range" jsonschema:"required" example:"192.0.2.100-192.0.2.199" jsonschema_description:"The pool: first and last address."`
	Lease        duration          `json:"lease" jsonschema:"default=1h" jsonschema_description:"How long an address is lent."`
	Boot         *bootForm         `json:"boot" jsonschema_description:"What PXE clients are told. Without it this server has never heard of PXE."`
	Reservations []reservationForm `json:"reservations" jsonschema_description:"An address, a boot file or both for one client."`
}

type bootForm struct {
	Files   archFiles `json:"-" rest:"architecture to image"`
	IPXE    archFiles `json:"ipxe" jsonschema_description:"What clients that say they are iPXE (option 77) are told instead, by architecture: breaks the loop of chain loading."`
	Server  string    `json:"server" jsonschema_description:"The service that serves the files over TFTP. Default: this one."`
	NoProxy bool      `json:"noProxy" jsonschema:"default=false" jsonschema_description:"Tell iPXE not to wait for a proxyDHCP offer (option 175.176)."`
}

type reservationForm struct {
	Guest   string  `json:"guest" jsonschema_description:"The client, as a guest of this lab."`
	MAC     mac     `json:"mac" jsonschema_description:"The client, by its MAC address."`
	UUID    uuid    `json:"uuid" jsonschema_description:"The client, by its SMBIOS UUID (option 97)."`
	Address address `json:"address" jsonschema_description:"The address it is always given."`
	File    string  `json:"file" jsonschema_description:"The boot file it is told, whatever its architecture, by its name on the wire."`
}

type tftpForm struct {
	Images     []fileName `json:"images" jsonschema_description:"Further images to serve, besides those that a boot names."`
	Missing    []fileName `json:"missing" jsonschema_description:"What not to serve although a boot names it: a broken lab."`
	Silent     bool       `json:"silent" jsonschema:"default=false" jsonschema_description:"Bind the port and never answer: a broken lab."`
	MaxBlksize blksize    `json:"maxBlksize" jsonschema_description:"The largest block size granted (RFC 2348). Default: what fits the network."`
	MaxWindow  windowsize `json:"maxWindow" jsonschema:"default=64" jsonschema_description:"The largest window granted (RFC 7440), in blocks; 1 refuses that option."`
	Multicast  *groupForm `json:"multicast" jsonschema_description:"Serve clients that ask for it by multicast (RFC 2090). Default: refuse that option."`
	NoOptions  bool       `json:"noOptions" jsonschema:"default=false" jsonschema_description:"Know no options (RFC 2347): a broken lab."`
	NoTsize    bool       `json:"noTsize" jsonschema:"default=false" jsonschema_description:"Answer every option but tsize (RFC 2349): a broken lab."`
	Pad        padding    `json:"pad" jsonschema_description:"Make EFI images this many MiB long, so that a download takes many blocks."`
	StopAfter  blocks     `json:"stopAfter" jsonschema_description:"Fall silent for good after so many blocks of a transfer: a broken lab."`
}

type echoForm struct {
	Port port `json:"port" jsonschema:"default=7777" jsonschema_description:"Its UDP port."`
}

type guestForm struct {
	Network  string       `json:"network" jsonschema_description:"The network it is plugged into. May be left out when there is exactly one."`
	Firmware firmwareWord `json:"firmware" jsonschema:"required" jsonschema_description:"What it boots with, and so whose PXE client runs."`
	NIC      nicWord      `json:"nic" jsonschema:"default=virtio" jsonschema_description:"The model of its network card."`
	Memory   mebibytes    `json:"memory" jsonschema_description:"Its memory in MiB. Default: what its firmware needs."`
	MAC      mac          `json:"mac" jsonschema_description:"Its MAC address. Default: from its place in the file."`
	UUID     uuid         `json:"uuid" jsonschema_description:"Its SMBIOS UUID. Default: from its place in the file."`
}

type expectation struct {
	Booted  *bootedForm  `json:"booted" jsonschema_description:"The boot program reported from inside: this very file ran, and its own network round trips worked."`
	Address *fromForm    `json:"address" jsonschema_description:"The address came from this service (DHCPACK)."`
	Offer   *fromForm    `json:"offer" jsonschema_description:"An offer came from this service (DHCPOFFER)."`
	Served  *servedForm  `json:"served" jsonschema_description:"A file was transferred whole."`
	Stage   *reachesForm `json:"stage" jsonschema_description:"The boot reaches a stage, optionally within a time since power-on."`
	Stops   *stopsForm   `json:"stops" jsonschema_description:"The boot fails, at this stage and for this reason."`
	Serial  pattern      `json:"serial" jsonschema_description:"A line of the serial console matches this regular expression. Several in one list must match in their order."`
	Never   *neverForm   `json:"never" jsonschema_description:"Something does not happen."`
	Ends    endsWord     `json:"ends" jsonschema_description:"How the machine is left: it powered itself off, or it still runs."`
}

type bootedForm struct {
	Image imageWord `json:"image" jsonschema:"required" jsonschema_description:"The image that ran."`
	From  string    `json:"from" jsonschema_description:"The service that served it."`
}

type fromForm struct {
	From string `json:"from" jsonschema:"required" jsonschema_description:"The service it came from."`
}

type servedForm struct {
	File string   `json:"file" jsonschema:"required" example:"probe.0" jsonschema_description:"The file's name on the wire."`
	From string   `json:"from" jsonschema_description:"The service that served it."`
	Over overWord `json:"over" jsonschema_description:"The protocol it was served over."`

	Options *optionsForm `json:"options" jsonschema_description:"TFTP options that the server granted (RFC 2347), with these values."`
}

type reachesForm struct {
	Reaches stageWord `json:"reaches" jsonschema:"required" jsonschema_description:"The stage."`
	Within  duration  `json:"within" jsonschema_description:"The longest it may take since power-on, in host time."`
}

type stopsForm struct {
	At     stageWord  `json:"at" jsonschema:"required" jsonschema_description:"The last stage that is reached."`
	Reason reasonWord `json:"reason" jsonschema:"required" jsonschema_description:"Why it gets no further."`
}

type neverForm struct {
	Serial pattern `json:"serial" jsonschema_description:"No line of the serial console matches this regular expression."`
	Packet pattern `json:"packet" jsonschema_description:"No packet's one-line summary matches this regular expression."`
}

// Texts of which only certain words are allowed: Known.words lists them.
type (
	firmwareWord string
	nicWord      string
	imageWord    string
	archWord     string
	reasonWord   string
	stageWord    string
	clockWord    string
	endsWord     string
	overWord     string
)

// Whole numbers that have bounds: limits gives them.
type (
	blksize   int
	port      int
	mebibytes int

	windowsize int
	seconds    int
	blocks     int
	padding    int
)

// limits gives the bounds of a number of type t, or zeros when it has none.
func limits(t reflect.Type) (low, high int) {
	switch t {
	case reflect.TypeFor[blksize]():
		return 8, 65464 // RFC 2348
	case reflect.TypeFor[windowsize](), reflect.TypeFor[blocks]():
		return 1, 65535 // RFC 7440
	case reflect.TypeFor[seconds]():
		return 1, 255 // RFC 2349
	case reflect.TypeFor[padding]():
		return 1, 64 // the guest has room for it several times
	case reflect.TypeFor[port]():
		return 1, 65535
	case reflect.TypeFor[mebibytes]():
		return 16, 65536
	}
	return 0, 0
}

// fileName is an image of the catalogue, or a file by its name on the wire.
type fileName string

// guestOrAll is a guest's name or "*".
type guestOrAll string

// archFiles maps architectures to images or files.
type archFiles map[archWord]fileName
