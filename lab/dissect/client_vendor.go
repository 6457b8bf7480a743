package dissect

import (
	"bytes"
	"strings"

	"github.com/pxelab/pxelab/server/pxe"
)

// control gives the discovery control; without tag 6 it is nought.
func (m *message) control() pxe.Control {
	if c := m.tag[6]; len(c) == 1 {
		return pxe.Control(c[0])
	}
	return 0
}

func edk2Control(d *dissector, _ []byte) string {
	m := d.bootp
	c := m.control()
	switch {
	case m.direct:
		return "EDK2 boots the file at once: no prompt, no menu, nothing on port 4011."
	case m.offers() && m.tag[9] == nil:
		return "Without a menu (tag 9) EDK2 chooses type 0, which is to boot locally: PXE-E21."
	case c&pxe.NoMulticast == 0 && len(m.tag[7]) != 4:
		return "EDK2 asks by multicast and by nothing else, and tag 7 names no group: PXE-E99, without a packet."
	case c&pxe.NoMulticast == 0:
		return "EDK2 asks by multicast (tag 7), and by nothing else."
	case c&pxe.NoBroadcast == 0:
		return "EDK2 asks by broadcast on port 67, and by nothing else."
	}
	return "EDK2 asks every address of the chosen type in tag 8."
}

func ipxeControl(d *dissector, _ []byte) string {
	m := d.bootp
	c := m.control()
	switch {
	case m.direct:
		return "iPXE boots the file at once, without a menu."
	case m.tag[9] == nil && ipxeKnows(m):
		return "Without a menu (tag 9) iPXE boots the file."
	case m.tag[9] == nil:
		return "Without a menu (tag 9) iPXE looks for no boot server; it asks port 4011 of this server, and names no type."
	}
	var ways []string
	if c&pxe.NoMulticast == 0 && len(m.tag[7]) == 4 {
		ways = append(ways, "by multicast (tag 7)")
	}
	if c&pxe.NoBroadcast == 0 {
		ways = append(ways, "by broadcast on port 67")
	}
	if len(m.tag[8]) > 0 {
		ways = append(ways, "the servers of tag 8")
	}
	if len(ways) == 0 {
		return "iPXE has no way left to ask a boot server: it ends without a word."
	}
	return "iPXE asks " + strings.Join(ways, ", then ") + "."
}

func edk2Group(d *dissector, _ []byte) string {
	if d.bootp.tag[9] != nil && d.bootp.control()&pxe.NoMulticast == 0 && !d.bootp.direct {
		return "EDK2 asks here, on port 4011, and nowhere else."
	}
	return ""
}

func ipxeGroup(d *dissector, _ []byte) string {
	if d.bootp.tag[9] != nil && d.bootp.control()&pxe.NoMulticast == 0 && !d.bootp.direct {
		return "iPXE asks here first, on port 4011."
	}
	return ""
}

func edk2Servers(d *dissector, _ []byte) string {
	if d.bootp.tag[9] == nil {
		return ""
	}
	text := "EDK2 asks every address of the type that was chosen, and the last answer counts. A type that is not in the list is PXE-E07."
	if d.bootp.control()&pxe.OnlyListed != 0 {
		text += " Of answers it takes those whose siaddr is in the list."
	}
	return text
}

func ipxeServers(d *dissector, _ []byte) string {
	if d.bootp.tag[9] == nil {
		return ""
	}
	text := "iPXE asks the addresses of the type that was chosen one after the other."
	if d.bootp.control()&pxe.OnlyListed != 0 {
		text += " It drops answers of servers that are not in the list."
	}
	return text
}

func edk2Menu(d *dissector, _ []byte) string {
	switch m := d.bootp; {
	case m.direct:
		return "EDK2 does not show it, as bit 3 of tag 6 is set."
	case len(m.tag[10]) > 0 && m.tag[10][0] == 255:
		return "EDK2 shows it at once, and waits."
	case m.tag[10] == nil:
		return "Without a prompt (tag 10) EDK2 takes the first item, and shows nothing."
	case len(m.tag[9]) >= 2 && m.tag[9][0] == 0 && m.tag[9][1] == 0:
		return "EDK2 takes the first item unless somebody opens the menu. To boot locally (type 0) is PXE-E21: it goes on with its next boot option."
	}
	return "EDK2 takes the first item unless somebody opens the menu."
}

func ipxeMenu(d *dissector, _ []byte) string {
	switch m := d.bootp; {
	case m.direct:
		return "iPXE does not show it, as bit 3 of tag 6 is set."
	case d.firmware() == ipxeEFI:
		return "iPXE's EFI build has no code for menus: it prints \"Booting from PXE menu\", and ends."
	case m.tag[10] == nil:
		return "Without a prompt (tag 10) iPXE shows the menu and waits for ever."
	}
	return "iPXE draws it from the bottom up, and letters the items. Local boot (type 0) leaves iPXE for the BIOS's next device."
}

func ipxePrompt(d *dissector, _ []byte) string {
	if d.firmware() == ipxeEFI {
		return ""
	}
	return "F8 opens iPXE's menu; Esc ends the boot, and any other key ends the wait."
}

func edk2Class(d *dissector, v []byte) string {
	m := d.bootp
	switch {
	case m.request || !m.reply():
		return ""
	case m.http:
		return "EDK2's HTTP boot client takes no offer without it."
	case m.pxe && cString(v) != "PXEClient":
		return "EDK2 looks at the first nine characters only, so this makes it a PXE server's as well."
	case m.pxe:
		return "EDK2 takes the message for a PXE server's by this."
	}
	return "EDK2 takes the message for plain DHCP."
}

func ipxeBootfile(d *dissector, _ []byte) string {
	if d.bootp.file != "" {
		return "iPXE takes the field file before this."
	}
	return "iPXE takes it, as the field file is empty. It may be a URI, such as http://..."
}

func edk2Grant(d *dissector, _ []byte) string {
	v := d.data[d.payload:d.until]
	if len(v) > 2 && v[1] == opOACK && !hasWord(v[2:], "tsize") {
		return "If EDK2 had asked for tsize, which is missing here, it gives up: it prints PXE-E53, although the file's name stands just above. Its second request asks for none."
	}
	return ""
}

func ipxeError(d *dissector, v []byte) string {
	efi := d.firmware() == ipxeEFI
	switch code := big(v); {
	case code == 1 && efi:
		return `iPXE prints "No such file or directory (http://ipxe.org/2d12608e)".`
	case code == 1:
		return `iPXE prints "No such file or directory (http://ipxe.org/2d12603b)".`
	case code == 2 && !efi:
		return `iPXE prints "Permission denied (http://ipxe.org/0212603c)".`
	}
	return ""
}

// hasWord tells whether one of the texts that NULs end is this, in upper or lower case.
func hasWord(v []byte, word string) bool {
	for _, w := range bytes.Split(v, []byte{0}) {
		if strings.EqualFold(string(w), word) {
			return true
		}
	}
	return false
}

func edk2Answer6(d *dissector, _ []byte) string {
	const collects = "EDK2 collects advertisements for some 4 seconds before it takes one."
	switch names := d.paths["dhcp6.option.59"] > 0; {
	case d.data[d.payload] != 2:
		return ""
	case !names:
		return collects + " This one names no boot file (option 59), which its PXE client needs: PXE-E21, if no other does. Its second DHCPv6 client needs none."
	}
	return collects
}
