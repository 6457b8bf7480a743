package dissect

import "strings"

// received is what clients do with the fields of frames that they receive.
var received map[string]telling

func init() { // the functions use tables that in turn use these
	mtftp := telling{edk2: says("EDK2 knows no MTFTP. It drops an offer whose option 43 has only these tags, and none of discovery."),
		ipxe: says("iPXE passes over the tags of MTFTP, and fetches by TFTP.")}
	received = map[string]telling{
		"dhcp":                   {edk2: edk2Takes, ipxe: ipxeTakes},
		"dhcp.yiaddr":            {edk2: edk2Yours, ipxe: ipxeYours},
		"dhcp.siaddr":            {edk2: edk2Next, ipxe: ipxeNext},
		"dhcp.file":              {edk2: edk2File, ipxe: ipxeFile},
		"dhcp.option.13":         {edk2: says("EDK2 believes it, and does not ask TFTP for the size: a wrong one breaks the boot (PXE-E05).")},
		"dhcp.option.43":         {edk2: edk2Vendor, ipxe: ipxeVendor},
		"dhcp.option.43.1":       mtftp,
		"dhcp.option.43.2":       mtftp,
		"dhcp.option.43.3":       mtftp,
		"dhcp.option.43.4":       mtftp,
		"dhcp.option.43.5":       mtftp,
		"dhcp.option.43.6":       {edk2: edk2Control, ipxe: ipxeControl},
		"dhcp.option.43.7":       {edk2: edk2Group, ipxe: ipxeGroup},
		"dhcp.option.43.8":       {edk2: edk2Servers, ipxe: ipxeServers},
		"dhcp.option.43.9":       {edk2: edk2Menu, ipxe: ipxeMenu},
		"dhcp.option.43.10":      {edk2: says("EDK2 opens the menu with F8 or Ctrl-M; Esc ends the boot (PXE-E99)."), ipxe: ipxePrompt},
		"dhcp.option.43.11":      both("Neither EDK2 nor iPXE uses it."),
		"dhcp.option.43.12":      both("Neither EDK2 nor iPXE checks signatures this way."),
		"dhcp.option.43.71":      {edk2: says("EDK2 does not look whether it is the type that it asked for."), ipxe: says("iPXE drops an answer in which the type is missing or another than it asked for.")},
		"dhcp.option.52":         {edk2: says("EDK2 reads the options in those fields."), ipxe: says("iPXE does not know this option: it takes the fields for names.")},
		"dhcp.option.54":         {edk2: says("EDK2 drops an OFFER without it, and takes an ACK only from the server that it chose by it."), ipxe: says("iPXE knows the server by it, or else by siaddr, or by the sender's address.")},
		"dhcp.option.60":         {edk2: edk2Class, ipxe: ipxeClassOffered},
		"dhcp.option.66":         both("Neither EDK2 nor iPXE fetches from it: they take the address in siaddr."),
		"dhcp.option.67":         {edk2: edk2Bootfile, ipxe: ipxeBootfile},
		"dhcp.option.97":         both("Neither EDK2 nor iPXE checks that it came back as sent."),
		"dhcp.option.175.1":      {ipxe: says("iPXE takes the offer with the highest priority, and among equals the last.")},
		"dhcp.option.175.176":    {ipxe: says("With 1 iPXE does not wait for a proxyDHCP offer.")},
		"tftp":                   {edk2: edk2Grant},
		"tftp.code":              {edk2: says("EDK2 prints PXE-E23 and goes on with its next boot option."), ipxe: ipxeError},
		"icmp.code":              {edk2: edk2Unreachable},
		"icmp6.flags":            {edk2: says("EDK2's PXE client asks DHCPv6 whatever the flags say."), ipxe: says("iPXE asks DHCPv6 only with the M flag.")},
		"dhcp6":                  {edk2: edk2Answer6},
		"dhcp6.option.16":        {edk2: says("EDK2 takes it for a sign that it must ask once more for the boot file.")},
		"dhcp6.option.59":        {edk2: says("EDK2 needs it: an answer without it ends in PXE-E21.")},
		"http.content-length":    {edk2: says("EDK2 needs to know the size: this, or chunks."), ipxe: says("iPXE takes a file of any length, one that the end of the connection ends too.")},
		"http.transfer-encoding": {edk2: says("EDK2 takes chunks in place of a length.")},
	}
}

// discovery tells whether there are tags of discovery: with any of these EDK2 takes the offer for one of PXE 1.0 and later.
func (m *message) discovery() bool {
	for _, t := range []byte{6, 7, 8, 9, 10} {
		if _, ok := m.tag[t]; ok {
			return true
		}
	}
	return false
}

// mtftp tells whether all tags of MTFTP are there.
func (m *message) mtftp() bool {
	for t := byte(1); t <= 5; t++ {
		if _, ok := m.tag[t]; !ok {
			return false
		}
	}
	return true
}

func edk2Takes(d *dissector, _ []byte) string {
	m := d.bootp
	switch {
	case m.kind == msgNak:
		return "EDK2 gives up at any NAK (PXE-E07)."
	case m.kind == 0 && m.bootfile() == "":
		return "EDK2 drops a BOOTP reply that names no boot file."
	case m.kind == 0:
		return "EDK2 takes it for offer and acknowledgement in one: no REQUEST follows."
	case m.kind != msgOffer:
		return ""
	case !m.has(54):
		return "EDK2 drops an OFFER without option 54."
	case !m.pxe && !m.http && m.proxy:
		return "EDK2 passes over it: an OFFER without an address counts only if option 60 says PXEClient."
	case m.pxe && !m.discovery() && m.mtftp():
		return "EDK2 drops it: its option 43 has only tags of MTFTP."
	case m.pxe && !m.discovery():
		return "EDK2 takes it for a sign to ask port 4011 of this server, whether it names a file or not; if nobody answers there: PXE-E16."
	case m.pxe && m.proxy:
		return "EDK2 puts it together with a DHCP server's OFFER that has no option 60."
	case m.pxe:
		return "EDK2 prefers such an OFFER, with address and discovery in one, to all others."
	case !m.http && m.bootfile() == "":
		return "EDK2's PXE client takes an OFFER that names no boot file only together with a proxyDHCP service's. Alone it is passed over, and no REQUEST follows (PXE-E16)."
	case !m.http:
		return "EDK2 boots the file by plain DHCP, if no better OFFER comes in its first 4 seconds: one that says PXEClient, or a proxyDHCP service's beside this."
	}
	return ""
}

func ipxeTakes(d *dissector, _ []byte) string {
	m := d.bootp
	switch {
	case m.kind == msgNak:
		return "This iPXE passes over a NAK, sends its REQUEST again, and fails in the end."
	case m.kind == 0:
		return "iPXE takes it for an OFFER, sends a REQUEST all the same, and needs a second such reply."
	case m.kind == msgAck && d.dst == "255.255.255.255:68" && len(m.tag[71]) > 0:
		return "iPXE drops it: once it has an address it takes no answer by broadcast."
	case m.kind == msgAck && !m.proxy && m.bootfile() == "" && !m.pxe:
		return "iPXE takes the address. If no proxyDHCP service names a boot file there is nothing to boot."
	case m.kind != msgOffer:
		return ""
	case m.proxy && !m.pxe:
		return "iPXE passes over it: without option 60 it is no proxyDHCP offer."
	case m.proxy && ipxeKnows(m):
		return "iPXE has all that it needs from proxyDHCP with this, and asks port 4011 for nothing more."
	case m.pxe && !ipxeKnows(m):
		return "iPXE asks port 4011 of this server once it has an address: the OFFER has neither a file with siaddr nor a menu."
	case !m.pxe:
		return "iPXE waits up to 3 seconds after its first DISCOVER for a proxyDHCP offer beside this."
	}
	return "iPXE sends its REQUEST at once: the OFFER has an address and says PXEClient."
}

// ipxeKnows tells whether iPXE needs not ask port 4011.
func ipxeKnows(m *message) bool {
	_, menu := m.tag[9]
	return menu || !allZero(m.siaddr) && m.bootfile() != ""
}

func edk2Yours(d *dissector, v []byte) string {
	switch {
	case d.bootp.kind == msgOffer && allZero(v):
		return "This is how EDK2 tells a proxyDHCP service from a DHCP server."
	case d.bootp.kind == msgAck && !d.pxePort():
		return "EDK2 declines if it is another address than the OFFER's."
	}
	return ""
}

func ipxeYours(d *dissector, v []byte) string {
	if d.bootp.kind == msgAck && !d.pxePort() && !allZero(v) {
		return "iPXE drops the ACK if it is another address than the OFFER's."
	}
	return ""
}

func edk2Next(d *dissector, v []byte) string {
	m := d.bootp
	switch {
	case !m.reply() || m.offers() || m.http || m.bootfile() == "" && !m.pxe:
		return ""
	case m.pxe && !m.discovery() && !d.pxePort() && m.tag[71] == nil && allZero(v):
		return "EDK2 asks port 4011 of the server of option 54 instead."
	case m.pxe && !m.discovery() && !d.pxePort() && m.tag[71] == nil:
		return "EDK2 asks port 4011 of this server."
	case allZero(v):
		return "EDK2 fetches from the server of option 54 instead."
	case m.pxe && m.direct && len(m.tag[8]) >= 7:
		return "EDK2 fetches from the first server of tag 8 instead, as bit 3 is set."
	}
	return "EDK2 fetches the boot file from it."
}

func ipxeNext(d *dissector, v []byte) string {
	m := d.bootp
	switch {
	case !m.reply() || m.offers() && m.tag[9] != nil || m.bootfile() == "" || isURI(m.bootfile()):
		return ""
	case allZero(v):
		return "iPXE knows of no server then, and has nothing to boot."
	}
	return "iPXE fetches the boot file from it, whatever option 66 says."
}

func isURI(name string) bool { return strings.Contains(name, "://") }

func edk2Vendor(d *dissector, _ []byte) string {
	if !d.bootp.pxe {
		return "EDK2 reads it only if option 60 of the message says PXEClient."
	}
	if d.bootp.discovery() && len(d.bootp.tag[9]) == 0 && !d.bootp.direct && d.bootp.tag[71] == nil {
		return "Tags of discovery without a menu mean the type 0 to EDK2: PXE-E21."
	}
	return ""
}

func ipxeVendor(d *dissector, _ []byte) string {
	if !d.bootp.pxe {
		return "iPXE makes no menu of it unless option 60 of the message says PXEClient."
	}
	return "Of the tags iPXE uses 6 to 10 and 71."
}

func edk2Unreachable(_ *dissector, v []byte) string {
	if v[0] == 3 {
		return "From a TFTP server's address this is PXE-E22 to EDK2."
	}
	return ""
}

func edk2File(d *dissector, v []byte) string {
	switch {
	case v[0] == 0 || !d.bootp.reply():
		return ""
	case d.bootp.has(67):
		return "EDK2 takes option 67, and not this."
	}
	return "EDK2 takes it, as there is no option 67."
}

func ipxeFile(d *dissector, v []byte) string {
	if v[0] == 0 || !d.bootp.reply() {
		return ""
	}
	return "iPXE takes this field before option 67. It may be a URI, such as http://..."
}

func ipxeClassOffered(d *dissector, _ []byte) string {
	if d.bootp.kind == msgOffer && d.bootp.pxe {
		return "iPXE counts any OFFER with PXEClient as proxyDHCP's, one with an address too, and waits for no other."
	}
	return ""
}

func edk2Bootfile(_ *dissector, v []byte) string {
	text := "EDK2 takes this before the field file."
	if len(v) > 0 && v[len(v)-1] != 0 {
		text += " No NUL ends it, so EDK2 writes one over the octet behind it, where the next option begins."
	}
	return text
}
