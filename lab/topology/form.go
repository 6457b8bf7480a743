package topology

import (
	"reflect"

	"github.com/pxelab/pxelab/server/pxe"
)

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
	Subnet  subnet `json:"subnet" example:"192.0.2.0/24" jsonschema_description:"Its addresses. Only documentation, benchmark and private ranges, which collide with no real network."`
	Subnet6 subnet `json:"subnet6" example:"2001:db8::/64" jsonschema_description:"Its IPv6 addresses, beside or instead of IPv4 ones. UEFI guests then try to boot over IPv6, after IPv4 if there is both."`
	RA      raWord `json:"ra" jsonschema_description:"true (the default): answer router solicitations, without giving a prefix; without an answer iPXE waits 13 seconds for IPv6. managed: say also that addresses are to be had from DHCPv6 (M and O flags); without that nobody asks for one. false: no router."`
}

type serviceForm struct {
	Network    string               `json:"network" jsonschema_description:"The network it is on. May be left out when there is exactly one."`
	Address    address              `json:"address" example:"192.0.2.1" jsonschema_description:"Its own address there."`
	Address6   address              `json:"address6" example:"2001:db8::1" jsonschema_description:"Its own IPv6 address there, beside or instead of an IPv4 one."`
	Addresses  map[partName]address `json:"addresses" jsonschema_description:"In place of network and address: its address on each of several networks. The first is its eth0, the next eth1, and so on."`
	Router     bool                 `json:"router" jsonschema:"default=false" jsonschema_description:"It forwards datagrams between its networks, and hosts on either side know the way."`
	Capture    bool                 `json:"capture" jsonschema:"default=false" jsonschema_description:"Record what passes its network cards, as is done for guests."`
	On         string               `json:"on" jsonschema_description:"In place of address: the service whose host it shares, as a process of its own."`
	DHCP       *dhcpForm            `json:"dhcp" jsonschema_description:"A DHCP server (RFC 2131)."`
	DHCP6      *dhcp6Form           `json:"dhcp6" jsonschema_description:"A DHCPv6 server (RFC 8415). Clients ask it only where the network's ra is managed."`
	BOOTP      *bootpForm           `json:"bootp" jsonschema_description:"A BOOTP server (RFC 951), which knows no DHCP."`
	ProxyDHCP  *proxyForm           `json:"proxydhcp" jsonschema_description:"A proxyDHCP service (PXE 2.1): it tells PXE clients what to boot and gives no addresses."`
	BootServer *bootServerForm      `json:"bootserver" jsonschema_description:"A boot server (PXE 2.1): it names the boot file of a type that a client chose."`
	Relay      *relayForm           `json:"relay" jsonschema_description:"A DHCP relay agent (RFC 1542, RFC 3046)."`
	Exec       *execForm            `json:"exec" jsonschema_description:"A program that is not ours, run unmodified on this host. The host of a DHCP client has no address of its own."`
	External   *externalForm        `json:"external" jsonschema_description:"A host for servers outside the lab: whoever holds its control socket gets sockets there, as the handlers of a Go test do (lab/labtest)."`
	TFTP       *tftpForm            `json:"tftp" jsonschema_description:"A read-only TFTP server; {} serves every image that a boot of this lab names."`
	MTFTP      *mtftpForm           `json:"mtftp" jsonschema_description:"A multicast TFTP server by Intel's scheme (PXE 2.1), beside tftp: it sends each file to a group, to all that listen."`
	HTTP       *httpForm            `json:"http" jsonschema_description:"A read-only HTTP server for UEFI HTTP boot and iPXE; {} serves every image that a boot of this lab names for HTTP."`
	Echo       *echoForm            `json:"echo" jsonschema_description:"A UDP echo for the probes. A service with tftp has one on port 7777 unless this names another port."`
}

type dhcpForm struct {
	Range        span                  `json:"range" jsonschema:"required" example:"192.0.2.100-192.0.2.199" jsonschema_description:"The pool: first and last address."`
	Lease        duration              `json:"lease" jsonschema:"default=1h" jsonschema_description:"How long an address is lent."`
	Boot         *bootForm             `json:"boot" jsonschema_description:"The boot files clients are told. Without it and pxe this server has never heard of PXE."`
	PXE          *pxeForm              `json:"pxe" jsonschema_description:"What PXE clients are told in options 60 and 43. {} is option 60 alone: they then ask port 4011 of this host."`
	Pools        map[partName]poolForm `json:"pools" jsonschema_description:"What clients on other networks are given, who come through a relay."`
	Reservations []reservationForm     `json:"reservations" jsonschema_description:"An address, a boot file or both for one client."`
}

type bootForm struct {
	Files   archFiles `json:"-" rest:"architecture to image"`
	IPXE    archFiles `json:"ipxe" jsonschema_description:"What clients that say they are iPXE (option 77) are told instead, by architecture: breaks the loop of chain loading."`
	Server  string    `json:"server" jsonschema_description:"The service that serves the files over TFTP. Default: this one."`
	NoProxy bool      `json:"noProxy" jsonschema:"default=false" jsonschema_description:"Tell iPXE not to wait for a proxyDHCP offer (option 175.176)."`

	HTTP *httpBootForm `json:"http" jsonschema_description:"What clients of UEFI HTTP boot (option 60 HTTPClient) are told, by architecture: an image, which becomes a URI, or a URI."`
}

type dhcp6Form struct {
	Range       span       `json:"range" example:"2001:db8::100-2001:db8::1ff" jsonschema_description:"The pool: first and last address. Without it this server gives configuration only."`
	Lease       duration   `json:"lease" jsonschema:"default=1h" jsonschema_description:"How long an address is lent."`
	RapidCommit bool       `json:"rapidCommit" jsonschema:"default=false" jsonschema_description:"Give an address at once to clients that ask for that (option 14)."`
	Boot        *boot6Form `json:"boot" jsonschema_description:"What network boot clients are told. Without it this server has never heard of network boot."`
}

type boot6Form struct {
	Files  archFiles `json:"-" rest:"architecture to image"`
	IPXE   archFiles `json:"ipxe" jsonschema_description:"What clients that say they are iPXE (option 15) are told instead, by architecture: breaks the loop of chain loading."`
	Server string    `json:"server" jsonschema_description:"The service that serves the files over TFTP. Default: this one."`
	Params []string  `json:"params" jsonschema_description:"Parameters for the boot program (option 60)."`

	HTTP *httpBootForm `json:"http" jsonschema_description:"What clients of UEFI HTTP boot (option 16 HTTPClient) are told, by architecture: an image, which becomes a URI, or a URI."`
}

type reservationForm struct {
	Guest   string  `json:"guest" jsonschema_description:"The client, as a guest of this lab."`
	MAC     mac     `json:"mac" jsonschema_description:"The client, by its MAC address."`
	UUID    uuid    `json:"uuid" jsonschema_description:"The client, by its SMBIOS UUID (option 97)."`
	Address address `json:"address" jsonschema_description:"The address it is always given."`
	File    string  `json:"file" jsonschema_description:"The boot file it is told, whatever its architecture, by its name on the wire."`
}

type tftpForm struct {
	Images     []fileName          `json:"images" jsonschema_description:"Further images to serve, besides those that a boot names."`
	Missing    []fileName          `json:"missing" jsonschema_description:"What not to serve although a boot names it: a broken lab."`
	Alias      map[string]fileName `json:"alias" jsonschema_description:"Further names on the wire, each with the file that is served under it."`
	Probe      *probeForm          `json:"probe" jsonschema_description:"What the probes served here do besides reporting."`
	Silent     bool                `json:"silent" jsonschema:"default=false" jsonschema_description:"Bind the port and never answer: a broken lab."`
	MaxBlksize blksize             `json:"maxBlksize" jsonschema_description:"The largest block size granted (RFC 2348). Default: what fits the network."`
	MaxWindow  windowsize          `json:"maxWindow" jsonschema:"default=64" jsonschema_description:"The largest window granted (RFC 7440), in blocks; 1 refuses that option."`
	Multicast  *groupForm          `json:"multicast" jsonschema_description:"Serve clients that ask for it by multicast (RFC 2090). Default: refuse that option."`
	NoOptions  bool                `json:"noOptions" jsonschema:"default=false" jsonschema_description:"Know no options (RFC 2347): a broken lab."`
	NoTsize    bool                `json:"noTsize" jsonschema:"default=false" jsonschema_description:"Answer every option but tsize (RFC 2349): a broken lab."`
	Pad        padding             `json:"pad" jsonschema_description:"Make EFI images this many MiB long, so that a download takes many blocks."`
	StopAfter  blocks              `json:"stopAfter" jsonschema_description:"Fall silent for good after so many blocks of a transfer: a broken lab."`
}

type probeForm struct {
	Discover *serverType `json:"discover" jsonschema_description:"The boot server type that an EFI probe discovers by the firmware's own Discover() once it runs."`
}

type echoForm struct {
	Port port `json:"port" jsonschema:"default=7777" jsonschema_description:"Its UDP port."`
}

type guestForm struct {
	Network  string       `json:"network" jsonschema_description:"The network it is plugged into. May be left out when there is exactly one."`
	Firmware firmwareWord `json:"firmware" jsonschema:"required" jsonschema_description:"What it boots with, and so whose PXE client runs."`
	NIC      nicWord      `json:"nic" jsonschema:"default=virtio" jsonschema_description:"The model of its network card."`
	Stick    stickWord    `json:"stick" jsonschema_description:"The USB stick it boots from, before all else. pxe-client carries a network boot client that has drivers for USB network cards."`
	Memory   mebibytes    `json:"memory" jsonschema_description:"Its memory in MiB. Default: what its firmware needs."`
	MAC      mac          `json:"mac" jsonschema_description:"Its MAC address. Default: from its place in the file."`
	UUID     uuid         `json:"uuid" jsonschema_description:"Its SMBIOS UUID. Default: from its place in the file."`
	NoUUID   bool         `json:"noUUID" jsonschema:"default=false" jsonschema_description:"It has no UUID: firmware sends 16 zeros."`
	SameMAC  string       `json:"sameMAC" jsonschema_description:"Another guest whose MAC address it has, too: a broken lab."`
	SameUUID string       `json:"sameUUID" jsonschema_description:"Another guest whose UUID it has, too: a broken lab."`
	Together string       `json:"together" jsonschema_description:"Another guest, in whose very instant it is powered on. Both run in real time."`
	Keys     []keysForm   `json:"keys" jsonschema_description:"What is typed on its console, in this order."`
	Faults   []faultForm  `json:"faults" jsonschema_description:"What is done on purpose to frames on its cable, and for their sake to services or itself. Each that does nothing in a boot fails it."`
	Over     overWord     `json:"over" jsonschema:"default=tftp" jsonschema_description:"Which client of its firmware boots: PXE, over TFTP, or UEFI HTTP boot."`
}

type expectation struct {
	Booted   *bootedForm  `json:"booted" jsonschema_description:"The boot program reported from inside: this very file ran, and its own network round trips worked."`
	Address  *fromForm    `json:"address" jsonschema_description:"The address came from this service (DHCPACK)."`
	DHCP     *dhcpClaim   `json:"dhcp" jsonschema_description:"DHCP or BOOTP messages of this guest: that there are such, how many, and what all of them say."`
	Silent   *silentForm  `json:"silent" jsonschema_description:"A service of ours heard the guest and stayed silent, for this reason."`
	Note     noteWord     `json:"note" jsonschema_description:"Something noteworthy was seen, whether the boot went well or not."`
	Offer    *offerForm   `json:"offer" jsonschema_description:"An offer came from this service (DHCPOFFER) and was taken."`
	Served   *servedForm  `json:"served" jsonschema_description:"A file was transferred whole."`
	Stage    *reachesForm `json:"stage" jsonschema_description:"The boot reaches a stage, optionally within a time since power-on."`
	Stops    *stopsForm   `json:"stops" jsonschema_description:"The boot fails, at this stage and for this reason."`
	Serial   pattern      `json:"serial" jsonschema_description:"A line of the serial console matches this regular expression. Several in one list must match in their order."`
	Never    *neverForm   `json:"never" jsonschema_description:"Something does not happen."`
	Ends     endsWord     `json:"ends" jsonschema_description:"How the machine is left: it powered itself off, or it still runs."`
	Log      pattern      `json:"log" jsonschema_description:"Of a service: a line that it wrote matches this regular expression. A server of ours writes one for each decision: client, request, reply and reason."`
	Sees     *seesForm    `json:"sees" jsonschema_description:"Of a service: a packet passed its network cards. It takes capture: true."`
	Restarts *claimCount  `json:"restarts" jsonschema_description:"Of a service: its program was started again so many times, as its restart policy has it."`
	Exits    *exitStatus  `json:"exits" jsonschema_description:"Of a service: its program ended by itself, with this status."`
	Sent     *sentForm    `json:"sent" jsonschema_description:"Of a TFTP or MTFTP server of ours: how much of a file it put on the wire, for all clients together."`
	OS       *osForm      `json:"os" jsonschema_description:"A Linux that the boot program loaded came up and reported, with the nonce of this run, this guest's firmware and its UUID."`
	Fetched  []fileName   `json:"fetched" jsonschema_description:"These files crossed the wire whole, each after the one before it; others may come between."`
}

type bootedForm struct {
	Image reporterWord `json:"image" jsonschema:"required" jsonschema_description:"The image that ran: one that reports from inside."`
	From  string       `json:"from" jsonschema_description:"The service that served it."`
}

type osForm struct {
	Cmdline pattern `json:"cmdline" jsonschema_description:"Its command line (/proc/cmdline) matches this regular expression."`
	BootIF  bool    `json:"bootif" jsonschema:"default=false" jsonschema_description:"BOOTIF on its command line names the guest's card, and it has a driver for that card."`
	From    string  `json:"from" jsonschema_description:"The service that served its kernel and its initrd."`
}

type fromForm struct {
	From string `json:"from" jsonschema:"required" jsonschema_description:"The service it came from."`
	Via  string `json:"via" jsonschema_description:"The relay that passed it on to this guest."`
}

type offerForm struct {
	From string `json:"from" jsonschema:"required" jsonschema_description:"The service it came from."`
	File string `json:"file" jsonschema_description:"The boot file, or the URI, that it named."`
	Via  string `json:"via" jsonschema_description:"The relay that passed it on to this guest."`
}

type servedForm struct {
	File string   `json:"file" jsonschema:"required" example:"probe.0" jsonschema_description:"The file's name on the wire."`
	From string   `json:"from" jsonschema_description:"The service that served it."`
	Over overWord `json:"over" jsonschema_description:"The protocol it was served over."`

	Options *optionsForm `json:"options" jsonschema_description:"TFTP options that the server granted (RFC 2347), with these values."`
}

type dhcpClaim struct {
	Type       messageWord  `json:"type" jsonschema:"required" jsonschema_description:"The message; BOOTREQUEST and BOOTREPLY have no option 53."`
	From       string       `json:"from" jsonschema_description:"Of replies: the service that sent them."`
	To         string       `json:"to" jsonschema_description:"Of requests: broadcast, a service, or an address."`
	Port       port         `json:"port" jsonschema_description:"The server's port: 67 or 4011."`
	ClientPort port         `json:"clientPort" jsonschema_description:"The client's port: 68, or 4011 (EDK2)."`
	Item       *itemForm    `json:"item" jsonschema_description:"The boot server type and layer in option 43.71."`
	Count      *claimCount  `json:"count" jsonschema_description:"How many there are. Default: one or more."`
	Has        []optionCode `json:"has" jsonschema_description:"Options that each of them carries."`
	Lacks      []optionCode `json:"lacks" jsonschema_description:"Options that none of them carries."`
	Class      string       `json:"class" jsonschema_description:"What option 60 of each of them says."`
	Vendor     pattern      `json:"vendor" jsonschema_description:"Option 43 of each of them, in hex, matches this regular expression."`
	File       string       `json:"file" jsonschema_description:"The boot file that each of them names."`
	Relay      string       `json:"relay" jsonschema_description:"giaddr of each of them."`
}

type itemForm struct {
	Type  serverType `json:"type" jsonschema:"required" example:"0x8000" jsonschema_description:"Boot server type."`
	Layer layer      `json:"layer" jsonschema:"default=0" jsonschema_description:"Layer."`
}

type silentForm struct {
	From   string  `json:"from" jsonschema:"required" jsonschema_description:"The service that stayed silent."`
	Reason pattern `json:"reason" jsonschema_description:"Its reason matches this regular expression."`
}

type reachesForm struct {
	Reaches stageWord `json:"reaches" jsonschema:"required" jsonschema_description:"The stage."`
	Within  duration  `json:"within" jsonschema_description:"The longest it may take since power-on, in host time."`
}

type stopsForm struct {
	At     stageWord  `json:"at" jsonschema:"required" jsonschema_description:"The last stage that is reached."`
	Reason reasonWord `json:"reason" jsonschema:"required" jsonschema_description:"Why it gets no further."`
}

type seesForm struct {
	From   string  `json:"from" jsonschema_description:"Only packets that this other service sent, and that are for it."`
	Packet pattern `json:"packet" jsonschema_description:"The packet's one-line summary matches this regular expression."`
}

type neverForm struct {
	Serial pattern `json:"serial" jsonschema_description:"No line of the serial console matches this regular expression."`
	Packet pattern `json:"packet" jsonschema_description:"No packet's one-line summary matches this regular expression. Of a service it takes capture: true."`
	From   string  `json:"from" jsonschema_description:"Of a service: no packet that this other service sent (and that packet matches) is for it. ARP questions, which go to all, do not count."`
	Log    pattern `json:"log" jsonschema_description:"Of a service: no line that it wrote matches this regular expression."`
}

// Texts of which only certain words are allowed: Known.words lists them.
type (
	firmwareWord string
	nicWord      string
	stickWord    string
	reporterWord string
	archWord     string
	raWord       string
	reasonWord   string
	stageWord    string
	clockWord    string
	endsWord     string
	messageWord  string
	noteWord     string
	overWord     string
)

// Whole numbers that have bounds: limits gives them.
type (
	blksize    int
	port       int
	mebibytes  int
	claimCount int
	optionCode int
	exitStatus int

	windowsize int
	timeouts   int
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
	case reflect.TypeFor[timeouts]():
		return 1, 255 // RFC 2349
	case reflect.TypeFor[padding]():
		return 1, 64 // the guest has room for it several times
	case reflect.TypeFor[port]():
		return 1, 65535
	case reflect.TypeFor[serverType](), reflect.TypeFor[layer]():
		return 0, 65535
	case reflect.TypeFor[bootLayer]():
		return 0, pxe.CredentialsLayer - 1
	case reflect.TypeFor[blockNo]():
		return 1, 65535
	case reflect.TypeFor[faultCount]():
		return 0, 1_000_000
	case reflect.TypeFor[percent]():
		return 1, 100
	case reflect.TypeFor[octets]():
		return 14, maxOctets
	case reflect.TypeFor[kbit]():
		return 1, 1_000_000
	case reflect.TypeFor[queueLen]():
		return 1, 4096 // what a cable holds
	case reflect.TypeFor[claimCount]():
		return 0, 1000
	case reflect.TypeFor[optionCode]():
		return 1, 254
	case reflect.TypeFor[hops]():
		return 1, 16 // RFC 1542
	case reflect.TypeFor[seconds](), reflect.TypeFor[exitStatus]():
		return 0, 255
	case reflect.TypeFor[restartTimes]():
		return 1, maxRestarts
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
