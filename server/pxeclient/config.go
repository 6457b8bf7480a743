// Package pxeclient is the client side of PXE 2.1, each step of it open to a script and each datagram kept.
//
// It does what the specification has a client do, where that differs from what firmware does, and leaves every judgement
// of the servers it met to Check.
package pxeclient

import (
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pxelab/pxelab/server/pxe"
)

// Ports of the protocol.
const (
	ServerPort = 67   // DHCP servers and proxies
	ClientPort = 68   // clients
	BootPort   = 4011 // proxyDHCP services and boot servers (PXE 2.1 section 2.2)
)

// Config is one client. The zero value of every field but Interface is what a BIOS client would do.
type Config struct {
	Interface string           // to be on, in the network namespace of the thread that calls New
	MAC       net.HardwareAddr // nil: the interface's own

	UUID      *pxe.UUID  // option 97; nil sends none, all zero is what a machine without UUID sends
	Archs     []pxe.Arch // option 93; nil is x86 BIOS
	NII       pxe.NII    // option 94; zero is UNDI 2.1 for BIOS, 3.0 for the rest
	Class     string     // option 60; empty is PXEClient or HTTPClient with architecture and UNDI version
	HTTP      bool       // UEFI HTTP boot: HTTPClient in place of PXEClient
	UserClass []byte     // option 77 as sent; iPXE's is the bare "iPXE"
	ClientID  []byte     // option 61
	Broadcast bool       // set the broadcast flag, as EDK2 does and iPXE does not

	// Trust is BIS, switched on: the certificates that the machine's owner installed, for one of which every boot program
	// must be signed. nil starts any.
	Trust       []*x509.Certificate
	Credentials []uint32 // option 43 tag 12: types of BIS credentials the client can check; nil: those of Trust

	SourcePort uint16 // of requests to port 4011: ClientPort (zero), as iPXE, or BootPort, as EDK2
	Inform     bool   // DHCPINFORM in place of DHCPREQUEST to boot servers, which PXE 2.1 section 2.2.4 allows as well
	BOOTP      bool   // no option 53: a client from before DHCP
	NoCookie   bool   // BOOTP without magic cookie and so without any option (RFC 951)
	Relay      *Relay // speak through a relay that the client plays itself

	Schedule Schedule
	// Enough ends the collection of offers before its time; nil waits as long as PXE 2.1 says.
	Enough func(offers []*Reply) bool
	// Edit has the last word on every message, each time it is sent.
	Edit func(Step, *Message)
	// Saw is told of every packet, as it is recorded; it must not call the client.
	Saw func(Packet)
	// Download fetches boot programs; nil is TFTP{}, after an attempt by MTFTP if the answer has tags 1 to 5.
	Download Downloader
	MTFTP    MTFTP // counts only if Download is nil
}

// Relay is a DHCP relay agent (RFC 1542 section 4, RFC 3046) on the client's own link.
type Relay struct {
	Address netip.Prefix // of the relay: giaddr
	Server  netip.Addr   // to whom it relays
	Info    []byte       // option 82; nil adds none
}

// Schedule is how long to wait for an answer to each transmission; how many there are is how often to try.
type Schedule struct {
	Discover []time.Duration // nil: 4, 8, 16, 32 s (PXE 2.1 section 2.2), without the random second, so that runs repeat
	Request  []time.Duration // DHCPREQUEST on port 67 and what follows it; nil: 4, 8, 16, 32 s
	Boot     []time.Duration // requests to proxies and boot servers; nil: 1, 2, 3, 4 s
}

// Step is what a message is sent for.
type Step string

// The steps, in the order of a boot.
const (
	StepDiscover    Step = "discover"
	StepRequest     Step = "request"
	StepProxy       Step = "proxy"       // DHCPREQUEST to a proxy on port 4011
	StepBootServer  Step = "boot-server" // discovery of a boot server
	StepCredentials Step = "credentials" // request for a boot program's credentials (BIS)
	StepInform      Step = "inform"
	StepRenew       Step = "renew"
	StepRelease     Step = "release"
	StepDecline     Step = "decline"
)

// parameters is the list a boot client asks for. PXE 2.1 section 2.2 wants 1, 3, 43, 60 and 128 to 135.
var parameters = []byte{1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67, 97,
	128, 129, 130, 131, 132, 133, 134, 135}

// maxSize is option 57 as PXE clients send it: a full Ethernet frame without its header.
const maxSize = 1472

func seconds(n ...int) []time.Duration {
	var d []time.Duration
	for _, s := range n {
		d = append(d, time.Duration(s)*time.Second)
	}
	return d
}

// withDefaults fills in what a zero field stands for.
func (c Config) withDefaults() Config {
	if c.Archs == nil {
		c.Archs = []pxe.Arch{pxe.ArchBIOS}
	}
	if c.NII == (pxe.NII{}) {
		c.NII = pxe.NII{Type: 1, Major: 3}
		if c.Archs[0] == pxe.ArchBIOS {
			c.NII = pxe.NII{Type: 1, Major: 2, Minor: 1}
		}
	}
	if c.Class == "" {
		name := "PXEClient"
		if c.HTTP {
			name = "HTTPClient"
		}
		c.Class = fmt.Sprintf("%s:Arch:%05d:UNDI:%03d%03d", name, uint16(c.Archs[0]), c.NII.Major, c.NII.Minor)
	}
	if c.SourcePort == 0 {
		c.SourcePort = ClientPort
	}
	if c.Schedule.Discover == nil {
		c.Schedule.Discover = seconds(4, 8, 16, 32)
	}
	if c.Schedule.Request == nil {
		c.Schedule.Request = seconds(4, 8, 16, 32)
	}
	if c.Schedule.Boot == nil {
		c.Schedule.Boot = seconds(1, 2, 3, 4)
	}
	if c.Download != nil {
		c.MTFTP.Off = true
	} else {
		c.Download = TFTP{}
	}
	return c.withCredentials()
}

// message starts a request with what every message of this client says (PXE 2.1 section 2.2). more are further options,
// between the message type and the rest.
func (c *Config) message(typ byte, xid uint32, more ...Option) *Message {
	m := &Message{XID: xid, CHAddr: c.MAC, Cookie: !c.NoCookie}
	if c.Broadcast {
		m.Flags = FlagBroadcast
	}
	if c.NoCookie {
		return m
	}
	if !c.BOOTP {
		m.Set(optMessageType, typ)
	}
	m.Options = append(m.Options, more...)
	if c.ClientID != nil {
		m.Set(optClientID, c.ClientID...)
	}
	m.Set(optMaxSize, binary.BigEndian.AppendUint16(nil, maxSize)...)
	m.Set(optParameterList, parameters...)
	if c.UUID != nil {
		m.Set(optUUID, append([]byte{0}, c.UUID[:]...)...)
	}
	m.Set(optNII, c.NII.Type, c.NII.Major, c.NII.Minor)
	m.Set(optArch, archs(c.Archs)...)
	m.Set(optClassID, []byte(c.Class)...)
	if c.UserClass != nil {
		m.Set(optUserClass, c.UserClass...)
	}
	return m
}

func archs(list []pxe.Arch) []byte {
	var b []byte
	for _, a := range list {
		b = binary.BigEndian.AppendUint16(b, uint16(a))
	}
	return b
}
