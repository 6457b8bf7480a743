// Package event defines the append-only log of one run: everything that happened, one JSON line each.
//
// Status screens, verdicts, reports and explanations are functions of this log, so each can be recomputed
// from a saved run years later. The evolution rule follows from that: a kind or a field may be added, but
// none may be removed, renamed or change its meaning. Readers ignore kinds and fields they do not know.
package event

import (
	"encoding/json"
	"fmt"
	"time"
)

// Event is one thing that happened, to one actor, at one moment.
//
// Which of the detail fields is set follows from Kind; the others are zero and absent from the JSON.
type Event struct {
	Seq     int           `json:"seq"`               // 1, 2, 3 ... without gaps within one log
	At      time.Duration `json:"at"`                // nanoseconds since the run began (host monotonic clock)
	Kind    Kind          `json:"kind"`              // what happened
	Network string        `json:"network,omitempty"` // network it happened on
	Service string        `json:"service,omitempty"` // service it happened to, or that sent the packet
	Guest   string        `json:"guest,omitempty"`   // guest it happened to
	Via     string        `json:"via,omitempty"`     // of a packet: the service that passed it on, a relay or router
	Watched string        `json:"watched,omitempty"` // of a packet: the service at whose interface it was seen, if not on a guest's cable
	Boot    int           `json:"boot,omitempty"`    // which power-on of that guest, from 1
	Text    string        `json:"text,omitempty"`    // console line, log line, or the reason in one sentence

	Run      *Run      `json:"run,omitempty"`
	Packet   *Packet   `json:"packet,omitempty"`
	Decision *Decision `json:"decision,omitempty"`
	Power    *Power    `json:"power,omitempty"`
	Exit     *Exit     `json:"exit,omitempty"`
	Stall    *Stall    `json:"stall,omitempty"`
	Late     *Late     `json:"late,omitempty"`
	Fault    *Fault    `json:"fault,omitempty"`
	Socket   *Socket   `json:"socket,omitempty"`
	Hold     *Hold     `json:"hold,omitempty"`
	Progress *Progress `json:"progress,omitempty"`
}

// Kind says what happened.
type Kind string

// The kinds, in the order in which a healthy run meets them first.
const (
	RunStarted     Kind = "run-started"     // Run: the nonce and the images as served
	NetworkUp      Kind = "network-up"      // Network: its bridge stands
	ServiceStarted Kind = "service-started" // Service: its process was started
	ServiceReady   Kind = "service-ready"   // Service: it listens
	ServiceListens Kind = "service-listens" // Service, Socket: a server outside the lab was given a socket on its host
	ServiceLog     Kind = "service-log"     // Service, Text: one line it wrote
	ServiceExited  Kind = "service-exited"  // Service, Exit, Text
	ServiceEnded   Kind = "service-ended"   // Service, Text: the lab stopped it, and why
	ServiceRestart Kind = "service-restart" // Service, Text: it has ended and is to be started again, by its policy
	ServiceLost    Kind = "service-lost"    // Service, Text: it has ended, and was started again as often as its policy allows
	GuestPowered   Kind = "guest-powered"   // Guest, Boot, Power: QEMU runs and the machine is on
	Console        Kind = "console"         // Guest, Boot, Text: one cleaned line of the serial console
	ConsolePartial Kind = "console-partial" // Guest, Boot, Text: a line begun and not ended (a prompt)
	PacketSeen     Kind = "packet"          // Network, Guest, Boot, Service (the sender, if it is one), Packet
	FileMoved      Kind = "progress"        // Network, Guest, Boot, Progress: a long file has come so far; its packets are folded
	ServerDecided  Kind = "decision"        // Service, Decision: what one of our servers decided, and why
	GuestStalled   Kind = "guest-stalled"   // Guest, Boot, Stall: a stage overran its budget
	GuestHeld      Kind = "guest-held"      // Guest, Boot, Text "pause" or "resume": its clock stands still, or goes on
	GuestBroken    Kind = "guest-broken"    // Guest, Boot, Text: QEMU says the machine cannot go on ("internal-error")
	GuestExited    Kind = "guest-exited"    // Guest, Boot, Exit: the QEMU process is gone
	GuestEnded     Kind = "guest-ended"     // Guest, Boot, Text: the lab stopped this guest, and why
	GuestSettled   Kind = "guest-settled"   // Guest, Boot: nothing more can change its verdicts
	BootDiscarded  Kind = "boot-discarded"  // Guest, Boot, Text: this boot proves nothing (the warped clock outran the servers)
	HostLate       Kind = "host-late"       // Late: the host did not give the lab a core in time
	FaultArmed     Kind = "fault-armed"     // Guest, Boot, Fault, Text: a fault was sent to the running lab; it acts from that boot on; Text is the fault
	FaultCleared   Kind = "fault-cleared"   // Guest, Fault, Text: a fault was taken away by hand; Text is the fault
	FaultHit       Kind = "fault"           // Guest, Boot, Fault: a fault met a frame on its cable
	LinkChanged    Kind = "link"            // Guest, Text "up" or "down"
	KeysTyped      Kind = "keys-typed"      // the lab typed on the guest's console: Text names the keys
	LabHeld        Kind = "hold"            // Guest, Boot, Hold: the lab was held, to be stepped through, or goes on
	RunEnded       Kind = "run-ended"       // Text: why
)

// Run is what a reader must know of the run to check the events that follow.
type Run struct {
	Nonce    string    `json:"nonce"`    // 16 characters patched into every image of this run
	Topology string    `json:"topology"` // its name
	Images   []Image   `json:"images"`   // every boot file, as served
	Started  time.Time `json:"started"`  // wall clock of At = 0
}

// Image is one file as the lab's services serve it, after the nonce was patched in.
type Image struct {
	Name   string `json:"name"`             // catalogue name: "probe"
	File   string `json:"file"`             // name on the wire: "probe.0"
	Arch   string `json:"arch,omitempty"`   // "bios", "efi-x64", "efi-ia32"; empty for data files
	Size   int    `json:"size"`             // bytes
	CRC32  string `json:"crc32"`            // IEEE, 8 lower-case hex digits
	SHA256 string `json:"sha256,omitempty"` // hex
}

// Power is a power-on: what was started.
type Power struct {
	PID   int      `json:"pid"`   // inside the lab's PID namespace; 0 under libvirt
	Argv  []string `json:"argv"`  // the command as started; null under libvirt
	Accel string   `json:"accel"` // "tcg" or "kvm"
	Clock string   `json:"clock"` // "real", or "warp shift=7"
	Warp  bool     `json:"warp,omitempty"`
	Warm  string   `json:"warm,omitempty"`  // the snapshot of its firmware that it goes on from; empty: it was powered on from cold
	Cold  string   `json:"cold,omitempty"`  // why it was, where the plan has a snapshot
	Cable string   `json:"cable,omitempty"` // how the cable reaches the bridge: "tap" or "packet socket"

	Expect json.RawMessage `json:"expect,omitempty"` // what this boot is judged on in place of the plan's expectations, in their form

	Domain string `json:"domain,omitempty"` // under libvirt: its name there
	Daemon string `json:"daemon,omitempty"` // under libvirt: the connection's URI
}

// Socket is a socket that was opened on the host of a service.
type Socket struct {
	Network string `json:"network"` // "udp4", "tcp4", "udp6" ...
	Address string `json:"address"` // "0.0.0.0:67"
}

// Exit is the end of a process.
type Exit struct {
	Code   int           `json:"code"`             // exit status; -1 if a signal ended it
	Signal string        `json:"signal,omitempty"` // "killed", "segmentation fault"
	CPU    time.Duration `json:"cpu,omitempty"`    // user + system time it used
	RSSKiB int64         `json:"rssKiB,omitempty"` // largest resident set
	Stderr string        `json:"stderr,omitempty"` // its last lines of standard error
}

// Stall is a stage that overran its budget: the guest has not moved on from Stage for Budget.
type Stall struct {
	Stage  Stage         `json:"stage"`
	Budget time.Duration `json:"budget"`
}

// Late is a moment at which the lab itself was kept waiting for a processor.
type Late struct {
	By time.Duration `json:"by"` // how much later than asked its timer ran
}

// Fault is a frame to which something was done on purpose, or for whose sake something was done to a service or the guest. Of
// FaultArmed and FaultCleared it is the fault alone: Rule, Do and Service.
type Fault struct {
	Rule      int    `json:"rule"`         // of the guest's faults, from 1
	Do        string `json:"do"`           // its deed: "drop", "delay", "jitter", "crash" ...
	Frame     int    `json:"frame"`        // its number in wire.pcapng; zero for one that is held up, which has none yet, and for no frame
	FromGuest bool   `json:"tx,omitempty"` // the guest sent it
	Info      string `json:"info"`         // what it was, in one line

	Service string `json:"service,omitempty"` // to which it was done, if to one
}

// Decision is one decision of one of our own servers, with its reason.
type Decision struct {
	Role    string `json:"role"`              // "dhcp", "dhcp6", "tftp", "echo", ...
	Client  string `json:"client,omitempty"`  // MAC for DHCP and DHCPv6 if it is known, address:port otherwise
	Request string `json:"request"`           // "DHCPDISCOVER", "RRQ probe.0"
	Reply   string `json:"reply,omitempty"`   // "DHCPOFFER"; empty when the server stayed silent
	Reason  string `json:"reason"`            // one clause, such as "option 93 = 6, so efi-ia32"
	Port    int    `json:"port,omitempty"`    // UDP port that a DHCP or BOOTP message came to
	XID     string `json:"xid,omitempty"`     // DHCP transaction, 8 hex digits; DHCPv6's has 6
	Address string `json:"address,omitempty"` // address given
	File    string `json:"file,omitempty"`    // boot file named, or file transferred
	Bytes   int64  `json:"bytes,omitempty"`   // octets transferred
	Sent    int64  `json:"sent,omitempty"`    // of a transfer: octets of UDP payload that its DATA put on the wire
	Resent  int    `json:"resent,omitempty"`  // of a transfer: datagrams that were sent again
	Outcome string `json:"outcome,omitempty"` // of a transfer: "ok", "size-probe", "not-found", "timeout", ...
}

// String is the decision as a line of the server's log.
func (d *Decision) String() string {
	reply := d.Reply
	switch {
	case d.Outcome != "": // the end of a transfer
		return fmt.Sprintf("%s %s: %s", d.Client, d.Request, d.Reason)
	case reply == "":
		reply = "silence"
	}
	return fmt.Sprintf("%s %s: %s, because %s", d.Client, d.Request, reply, d.Reason)
}
