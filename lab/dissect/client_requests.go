package dissect

// sent is what clients do with the fields of frames that they send.
var sent map[string]telling

func init() { // the functions use tables that in turn use these
	sent = map[string]telling{
		"dhcp":              {edk2: edk2Asks, ipxe: ipxeAsks},
		"dhcp.xid":          {edk2: edk2Number, ipxe: ipxeNumber},
		"dhcp.secs":         {edk2: edk2Secs, ipxe: says("iPXE puts no time here, but how often it has sent and what offers it holds: its first DISCOVER says 4.")},
		"dhcp.flags":        {edk2: edk2Flags, ipxe: ipxeFlags},
		"dhcp.option.57":    {edk2: edk2Size},
		"dhcp.option.60":    {ipxe: ipxeClass},
		"dhcp.option.97":    {edk2: noUUID, ipxe: noUUID},
		"dhcp.option.43.71": {ipxe: says("iPXE always asks for layer 0, and never for credentials.")},
		"udp.sport":         {edk2: edk2Port, ipxe: ipxePort},
		"tftp.tsize":        {edk2: says("EDK2 asks for the size first, breaks that transfer off with error 8 when it knows it, and asks again without tsize."), ipxe: says("iPXE asks once, for size and file together.")},
		"tftp.blksize":      {edk2: edk2Block, ipxe: ipxeBlock},
		"tftp.windowsize":   {edk2: says("EDK2 asks for windows of 4 blocks. A server that does not know the option leaves it out, and sends block by block.")},
		"tftp.multicast":    {ipxe: says("iPXE asks for multicast only if the file's name is a tftm: URI.")},
		"tftp.code":         {edk2: edk2Error},
		"dhcp6":             {edk2: edk2Solicits, ipxe: ipxeSolicits},
		"dhcp6.uuid":        {edk2: says("EDK2's DUID is the machine's UUID with its first three parts little-endian, as SMBIOS has it; iPXE's has them in network order. One machine has two DUIDs."), ipxe: says("iPXE's DUID is the machine's UUID in network order; EDK2's has its first three parts little-endian. One machine has two DUIDs.")},
		"http.host":         {edk2: says("EDK2 leaves out the port here, even if it is not 80.")},
	}
}

func edk2Asks(d *dissector, _ []byte) string {
	m := d.bootp
	switch {
	case m.kind == msgDiscover:
		return "EDK2 sends it again after 4, 8, 16 and 32 seconds, and gives up after a minute. It collects offers for the first 4 seconds even if a perfect one comes at once."
	case m.kind == msgRequest && d.dport == portPXE:
		return "EDK2 asks up to four times, and waits 1, 2, 3 and 4 seconds, the whole of it even if the answer came at once. Nobody there is PXE-E16, or PXE-E18 at discovery."
	case m.kind == 4:
		return "EDK2 declines when the ACK's address is not the one that the OFFER had."
	}
	return ""
}

func ipxeAsks(d *dissector, _ []byte) string {
	m := d.bootp
	switch {
	case m.kind == msgDiscover:
		return "iPXE sends two of these, and waits up to 3 seconds for a proxyDHCP offer, unless the DHCP server's own offer says PXEClient."
	case m.kind == msgRequest && d.dport == portPXE && len(m.tag[71]) > 0:
		return "iPXE asks each server twice, and tries the next after 3 seconds."
	case m.kind == msgRequest && d.dport == portPXE:
		return "iPXE asks for some 2 seconds. If nobody answers it boots what the DHCP server named, without a word."
	case m.kind == msgRequest && len(m.option[54]) == 4 && allZero(m.option[54]):
		return "iPXE answers a BOOTP reply with a REQUEST to server 0.0.0.0, and waits for a second such reply: a server that answers only once is not enough."
	}
	return ""
}

func edk2Number(d *dissector, _ []byte) string {
	if d.bootp.kind == msgDiscover {
		return "OVMF x86-64 and IA-32 draw the same first number: only the hardware address tells their packets apart."
	}
	return ""
}

func ipxeNumber(_ *dissector, v []byte) string {
	if allZero(v) {
		return "iPXE asks boot servers with the number 0, always."
	}
	return ""
}

func edk2Secs(d *dissector, v []byte) string {
	if d.dport == portPXE && !allZero(v) {
		return "EDK2 has the octets the wrong way round in its requests to port 4011."
	}
	return ""
}

func edk2Flags(_ *dissector, v []byte) string {
	if v[0]&0x80 != 0 {
		return "EDK2 asks for broadcast as long as it has no address."
	}
	return ""
}

func ipxeFlags(d *dissector, v []byte) string {
	switch {
	case v[0]&0x80 != 0 && d.dport == portPXE:
		return "iPXE says broadcast here, and drops an answer by broadcast: it has an address by now. The answer must go to that."
	case v[0]&0x80 == 0 && d.bootp.kind == msgDiscover:
		return "iPXE takes answers to the address that it does not have yet."
	}
	return ""
}

func edk2Size(_ *dissector, v []byte) string {
	if big(v) > 1472 {
		return "EDK2 says this in its REQUEST, but keeps 1472 octets of a message, and passes over longer ones."
	}
	return ""
}

func ipxeClass(d *dissector, _ []byte) string {
	if d.bootp.class == "PXEClient" {
		return "iPXE sends back the class that the server sent, so the architecture is not in it: only option 93 tells."
	}
	return ""
}

func noUUID(_ *dissector, v []byte) string {
	if allZero(v) {
		return "QEMU's machines have no UUID unless they are given one."
	}
	return ""
}

func edk2Port(d *dissector, _ []byte) string {
	if d.sport == portPXE && d.dport == portPXE {
		return "EDK2 asks port 4011 from port 4011, and not from 68: the answer must go to the port that asked."
	}
	return ""
}

func ipxePort(d *dissector, _ []byte) string {
	if d.dport == portPXE {
		return "iPXE asks port 4011 from port 68, EDK2 from 4011: the answer must go to the port that asked."
	}
	return ""
}

func edk2Block(_ *dissector, v []byte) string {
	switch string(v) {
	case "1228":
		return "EDK2 asks for 1228 over IPv6: what fits IPv6's least packet of 1280 octets."
	case "1468":
		return "EDK2 asks for 1468: what fits a frame of Ethernet."
	}
	return ""
}

// ipxeBlock tells iPXE's own requests from those that a boot program has it send.
func ipxeBlock(_ *dissector, v []byte) string {
	if string(v) == "1432" {
		return "iPXE always asks for 1432, and takes what the server grants."
	}
	return ""
}

func edk2Error(_ *dissector, v []byte) string {
	switch big(v) {
	case 8:
		return "EDK2 sends this after it has asked for the size of the file: that is no failure."
	case 4:
		return "EDK2 sends this when DATA comes in place of the OACK that it wants; it prints PXE-E99."
	}
	return ""
}

func edk2Solicits(d *dissector, _ []byte) string {
	if d.data[d.payload] == 1 {
		return "EDK2's PXE client sends it whatever the router says. A second DHCPv6 client of EDK2's may run beside it, with the same DUID and another IAID; it asks for no boot file."
	}
	return ""
}

func ipxeSolicits(d *dissector, _ []byte) string {
	if d.data[d.payload] == 1 {
		return "iPXE sends it only because a router's advertisement says managed (the M flag)."
	}
	return ""
}
