// Package plan turns a topology, a host and the image catalogue into a Plan: everything a run will do,
// decided before anything is started. It is pure: the same inputs give the same plan on any machine.
package plan

import (
	"net/netip"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server"
)

// Version is the number of the plan's JSON form. Fields may be added under one version, never removed.
const Version = 1

// Plan is one run, decided. It holds no descriptor, process or clock: only data.
type Plan struct {
	Version   int       `json:"version"`
	Name      string    `json:"name"`
	About     string    `json:"about,omitempty"`
	Accel     Choice    `json:"accel"`  // "tcg" or "kvm", and why
	Clock     Choice    `json:"clock"`  // "real" or "warp", and why
	Start     Choice    `json:"start"`  // "cold" or "warm", and why
	Cable     Choice    `json:"cable"`  // "tap" or "packet socket", and why
	AtOnce    int       `json:"atOnce"` // guests powered on at the same time, at most
	WhyAtOnce string    `json:"whyAtOnce"`
	Networks  []Network `json:"networks"`
	Services  []Service `json:"services"`
	Guests    []Guest   `json:"guests"`
	Images    []Image   `json:"images"`

	Hypervisor *Hypervisor `json:"hypervisor,omitempty"` // who runs QEMU, if not the lab itself

	Certificates []string `json:"certificates,omitempty"` // of OwnerFile and StrangerFile: those that services are told of

	Uses []Use `json:"uses,omitempty"` // what it takes of the host
}

// Choice is something that was decided, with its reason.
type Choice struct {
	Value string `json:"value"`
	Why   string `json:"why"`
}

// Network is one bridge.
type Network struct {
	Name    string       `json:"name"`
	Bridge  string       `json:"bridge"` // interface name in the lab's namespace
	Subnet  netip.Prefix `json:"subnet"` // IPv4; it, Subnet6 or both are valid
	Subnet6 netip.Prefix `json:"subnet6,omitzero"`
	RA      bool         `json:"ra"`
	Managed bool         `json:"managed,omitempty"` // its router sends clients to DHCPv6
}

// Service is one process in its own network namespace.
type Service struct {
	Name     string            `json:"name"`
	Network  string            `json:"network"`
	Address  netip.Prefix      `json:"address"`
	Address6 netip.Prefix      `json:"address6,omitzero"` // Address, Address6 or both are valid, unless a DHCP client runs there
	MAC      string            `json:"mac"`
	Roles    []string          `json:"roles"`              // "dhcp", "tftp", "echo"
	Server   *server.Config    `json:"server"`             // TFTP root is RunDir-relative: "tftp/SERVICE"
	Files    []string          `json:"files"`              // names of Images put into its TFTP root, or into the folder that a program serves
	Alias    map[string]string `json:"alias,omitempty"`    // further names in its TFTP root, each with the image's file
	Discover *int              `json:"discover,omitempty"` // boot server type that the EFI probes in its TFTP root discover
	Host     string            `json:"host,omitempty"`     // the service whose host it shares; empty: it has one of its own

	Links    []Link                 `json:"links,omitempty"`    // its interfaces, if there are several
	Router   bool                   `json:"router,omitempty"`   // it forwards between its networks
	Routes   []Route                `json:"routes,omitempty"`   // to the lab's other networks
	Capture  bool                   `json:"capture,omitempty"`  // what passes its interfaces is recorded
	Exec     *Exec                  `json:"exec,omitempty"`     // a program that is not ours, in place of Server
	External bool                   `json:"external,omitempty"` // servers outside the lab are given sockets on its host, in place of Server
	Expect   []topology.Expectation `json:"expect,omitempty"`

	HTTPFiles []string `json:"httpFiles,omitempty"` // those put into its HTTP root
	Signed    []Signed `json:"signed,omitempty"`    // boot programs in its TFTP root that get credentials there
	Pad       int      `json:"pad,omitempty"`       // MiB that the EFI images in its TFTP root are made long
}

// Image is one file as it will be served.
type Image struct {
	Name string `json:"name"`           // catalogue name
	File string `json:"file"`           // name on the wire
	Arch string `json:"arch,omitempty"` // empty for data
	Of   string `json:"of,omitempty"`   // the catalogue's file, if it is served under another name

	Made string   `json:"made,omitempty"` // "copy", "initrd", "grub" or "config"; empty for what pxelab itself holds
	From []string `json:"from,omitempty"` // the files and folders of the host it is made from
}

// Guest is one machine.
type Guest struct {
	Name     string                 `json:"name"`
	Slot     int                    `json:"slot"` // place in the topology, from 1; MAC and UUID follow from it
	Network  string                 `json:"network"`
	Firmware string                 `json:"firmware"`
	Arch     string                 `json:"arch"`   // what it will send in option 93, as a name
	Client   string                 `json:"client"` // whose PXE code runs: "ipxe" or "edk2"
	NIC      string                 `json:"nic"`
	MAC      string                 `json:"mac"`
	UUID     string                 `json:"uuid"`
	Stick    *Image                 `json:"stick,omitempty"` // the USB stick it boots from, made as ${RUN}/File
	Memory   int                    `json:"memoryMiB"`
	Argv     []Arg                  `json:"argv"`               // QEMU's command line, the binary first
	Copies   []Copy                 `json:"copies"`             // files made for it before it starts
	Families []string               `json:"families,omitempty"` // over what it boots, in that order: "ipv4", "ipv6"; none: "ipv4"
	Clock    string                 `json:"clock"`              // "real" or "warp"
	Shift    int                    `json:"shift,omitempty"`    // of icount, under warp
	Lag      Duration               `json:"lag,omitempty"`      // by how much TFTP's first answers over IPv6 reach it later, under warp
	Warm     *Warm                  `json:"warm,omitempty"`     // the snapshot it starts from; nil: it is powered on
	Budgets  map[string]Duration    `json:"budgets"`            // per stage name: how long it may stay there, host time
	Expect   []topology.Expectation `json:"expect"`
	Keys     []Keys                 `json:"keys,omitempty"` // typed on its console, in this order

	Together string `json:"together,omitempty"` // the first of the guests that are powered on in one instant with it

	Faults []fault.Rule `json:"faults,omitempty"` // what is done on purpose to frames on its cable

	Domain []Element `json:"domain,omitempty"` // the machine of Argv as a domain of libvirt, if that runs it

	BootsOver string `json:"over,omitempty"` // "http": its firmware's HTTP boot client runs; empty: its PXE client
}

// Arg is one flag of QEMU's command line with its value and the reason it is there.
type Arg struct {
	Flag  string `json:"flag"`            // "-machine"; for the first, the binary's path
	Value string `json:"value,omitempty"` // may name ${RUN}, the run's directory for this guest
	Why   string `json:"why"`
}

// File descriptors that QEMU inherits; the planned command line names them.
const (
	FDNIC     = 3 // datagram socket: one Ethernet frame a datagram
	FDMonitor = 4 // stream socket: QMP
)

// Copy is a file copied from the host into the guest's run directory: a variable store, which firmware writes.
type Copy struct {
	From string `json:"from"`
	To   string `json:"to"` // relative to ${RUN}
}

// Duration is a time.Duration that reads and writes as "1m30s".
type Duration time.Duration

// MarshalText writes the duration as time.Duration prints it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}

// Budget is how long the guest may stay at a stage before the boot is called stalled there.
func (g Guest) Budget(s event.Stage) time.Duration { return time.Duration(g.Budgets[s.String()]) }
