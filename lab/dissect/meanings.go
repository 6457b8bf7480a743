package dissect

import (
	"fmt"
)

// The message types of option 53 that code here speaks of.
const (
	msgDiscover = 1
	msgOffer    = 2
	msgRequest  = 3
	msgAck      = 5
	msgNak      = 6
	msgInform   = 8
)

var messageTypes = map[uint64]string{msgDiscover: "DISCOVER", msgOffer: "OFFER", msgRequest: "REQUEST", 4: "DECLINE", msgAck: "ACK", msgNak: "NAK",
	7: "RELEASE", msgInform: "INFORM", 9: "FORCERENEW"}

// messageName names the message.
func (d *dissector) messageName() string {
	m := d.bootp
	switch {
	case m.kind == 0 && m.request:
		return "BOOTREQUEST"
	case m.kind == 0:
		return "BOOTREPLY"
	case messageTypes[uint64(m.kind)] == "":
		return fmt.Sprintf("DHCP message of type %d", m.kind)
	}
	return "DHCP" + messageTypes[uint64(m.kind)]
}

// pxePort tells whether the message is for or from the port beside DHCP's.
func (d *dissector) pxePort() bool { return d.sport == portPXE || d.dport == portPXE }

// messageMeaning says what the message is for.
func (d *dissector) messageMeaning() string {
	m := d.bootp
	switch {
	case m.kind == 0 && m.request:
		return "A client of BOOTP, from before DHCP, asks for an address and a boot file."
	case m.kind == 0:
		return "A BOOTP server gives the client its address and its boot file; there is nothing to confirm."
	case m.kind == msgDiscover:
		return "The client asks everybody on its network who can give it an address, and what to boot."
	case m.kind == msgOffer && m.proxy:
		return "A proxyDHCP service says what to boot. It gives no address: that is another server's affair."
	case m.kind == msgOffer:
		return "A DHCP server offers the client an address. It is the client's only after REQUEST and ACK."
	case m.request && len(m.tag[71]) > 0:
		return "The client asks a boot server of the type of tag 71 for its boot program."
	case m.kind == msgRequest && d.pxePort():
		return "The client has its address, and asks the proxyDHCP service what to boot."
	case m.kind == msgRequest:
		return "The client takes the offer of one server (option 54), and says so to all of them."
	case m.kind == msgAck && len(m.tag[71]) == 4 && m.tag[71][2]&0x80 != 0:
		return "A boot server names the file with the credentials (BIS) of the item that was asked for."
	case m.kind == msgAck && len(m.tag[71]) > 0:
		return "A boot server names the boot program of the item that was asked for."
	case m.kind == msgAck && d.pxePort():
		return "The proxyDHCP service says what to boot."
	case m.kind == msgAck:
		return "The server confirms: from now on the client has the address."
	case m.kind == msgNak:
		return "The server refuses the address, and the client must begin again."
	case m.kind == msgInform:
		return "A client that has an address asks for the rest."
	case m.kind == 4:
		return "The client found the address in use by somebody else, and does not take it."
	case m.kind == 7:
		return "The client gives its address back."
	}
	return ""
}

// dhcpSummary tells the message in one line.
func (d *dissector) dhcpSummary() string {
	m := d.bootp
	s := d.messageName()
	if !m.request && !allZero(m.yiaddr) {
		a, _ := showAddress(m.yiaddr)
		s += " " + a
	}
	if m.request && len(m.option[50]) == 4 {
		a, _ := showAddress(m.option[50])
		s += " " + a
	}
	if m.request {
		for i, a := range m.archs {
			if i < 4 {
				s += fmt.Sprintf(" arch %d", uint16(a))
			}
		}
	}
	if m.class != "" {
		s += fmt.Sprintf(" %q", escape([]byte(m.class)))
	}
	if item := m.tag[71]; len(item) == 4 {
		s += fmt.Sprintf(" boot item 0x%x", item)
	}
	if f := m.bootfile(); f != "" {
		s += " file " + escape([]byte(f))
	}
	return s
}

var headerMeans = map[string]func(d *dissector, v []byte) string{
	"dhcp.op": func(_ *dissector, v []byte) string {
		if v[0] == 1 {
			return "From a client to servers."
		}
		return "From a server to a client."
	},
	"dhcp.xid": says("The number of the exchange, which the client drew: a server returns it, and the client knows its answers by it."),
	"dhcp.hops": func(_ *dissector, v []byte) string {
		if v[0] == 0 {
			return ""
		}
		return fmt.Sprintf("It came through %s.", count(int(v[0]), "relay agent"))
	},
	"dhcp.secs": says("Seconds since the client began, as it says."),
	"dhcp.flags": func(_ *dissector, v []byte) string {
		if v[0]&0x80 != 0 {
			return "Broadcast: answers are to go to everybody, as the client cannot take packets for an address that it does not have yet."
		}
		return "No broadcast: answers may go to the new address at once."
	},
	"dhcp.ciaddr": func(_ *dissector, v []byte) string {
		if allZero(v) {
			return ""
		}
		return "The address that the client has already."
	},
	"dhcp.yiaddr": func(d *dissector, v []byte) string {
		switch {
		case d.bootp.request:
			return ""
		case allZero(v):
			return "No address: this is not about one."
		}
		return "The client's new address."
	},
	"dhcp.siaddr": func(d *dissector, v []byte) string {
		switch {
		case d.bootp.request:
			return ""
		case allZero(v):
			return "No next server: where the boot file is to be fetched is not said here."
		}
		return "The next server: the boot file is fetched from it by TFTP."
	},
	"dhcp.giaddr": func(d *dissector, v []byte) string {
		if allZero(v) {
			return ""
		}
		return "The relay agent that passed the message on. The server chooses the subnet by this address, and answers to it."
	},
	"dhcp.chaddr": says("The client's hardware address."),
	"dhcp.sname": func(_ *dissector, v []byte) string {
		if v[0] == 0 {
			return ""
		}
		return "The server's name, which is for people to read."
	},
	"dhcp.file": func(d *dissector, v []byte) string {
		if v[0] == 0 {
			return ""
		}
		if d.bootp.request {
			return "The boot file that the client wants."
		}
		return "The boot program, to be fetched from the next server (siaddr) by TFTP."
	},
}

func meansRequested(_ *dissector, v []byte) string {
	if allZero(v) {
		return "The client repeats the server's words: there was no such address."
	}
	return "The address that the client would like to have."
}

func meansLease(_ *dissector, v []byte) string {
	return "The address is the client's for this time: " + duration(big(v)) + "."
}

func meansOverload(_ *dissector, v []byte) string {
	return "The options go on in other fields of the message, where there was no room for them here."
}

func meansServer(d *dissector, v []byte) string {
	if d.bootp.request {
		return "The server that the client speaks to; the others see that their offers were not taken."
	}
	return "The server that this message is from."
}

func meansMaxSize(_ *dissector, v []byte) string {
	if n := big(v); n < 576 {
		return "Less than the 576 octets that RFC 2132 allows."
	}
	return "The longest message that the client takes, in octets, with the headers of IP and UDP."
}
