package dissect

import "strings"

// What the firmware of a guest does with a field is known of three clients: iPXE of Debian's ipxe-qemu (2019) as the option ROM of
// SeaBIOS and of OVMF, and EDK2's own of OVMF 2022.11. docs/protocol.md and docs/firmware.md say how it was seen.

// firmware is a PXE client.
type firmware int

const (
	noFirmware firmware = iota // not known
	edk2
	ipxeBIOS
	ipxeEFI
)

var firmwares = map[string]firmware{"bios": ipxeBIOS, "ovmf-x64-ipxe": ipxeEFI, "ovmf-x64": edk2, "ovmf-ia32": edk2}

// telling is what the clients do with a field. A nil one does nothing that is worth telling.
type telling struct {
	edk2, ipxe func(d *dissector, v []byte) string
}

// both is what both clients do.
func both(text string) telling { return telling{says(text), says(text)} }

// firmware says which client the frame is from or for. A DHCP request says by itself whether it is iPXE's, which the firmware may have
// loaded, or another's: of the operating system that was booted, say.
func (d *dissector) firmware() firmware {
	f := firmwares[d.client.Firmware]
	m := d.bootp
	switch {
	case m == nil || !m.request || !d.client.FromGuest || f == noFirmware:
		return f
	case m.ipxe && f == edk2:
		return ipxeEFI
	case m.ipxe:
		return f
	case f == edk2 && (m.pxe || m.http):
		return f
	}
	return noFirmware
}

// says tells what the client does with the field of a path, which holds these octets.
func (d *dissector) says(path string, v []byte) string {
	table := received
	switch {
	case d.client.FromGuest:
		table = sent
	case d.bootp != nil && d.bootp.request:
		return "" // another machine's, which went to all
	case d.bootp != nil && d.client.MAC != "" && !strings.EqualFold(d.bootp.chaddr, d.client.MAC):
		if path == "dhcp" {
			return "This is for another machine, as the hardware address (chaddr) says: the firmware here drops it."
		}
		return ""
	}
	var does func(d *dissector, v []byte) string
	switch t := table[path]; d.firmware() {
	case edk2:
		does = t.edk2
	case ipxeBIOS, ipxeEFI:
		does = t.ipxe
	}
	if does == nil {
		return ""
	}
	return does(d, v)
}
