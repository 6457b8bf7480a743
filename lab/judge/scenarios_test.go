package judge

import (
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// scenario is one way for a boot to end, for one client.
type scenario struct {
	name   string
	guest  string
	reason Reason // empty: it ends well
	stage  event.Stage
	script func(*script) *script // after power-on
}

// scenarios holds, per reason, what real firmware does then, and near misses: logs that differ in the one thing
// that matters and must not be given that reason.
var scenarios = []scenario{
	{"healthy/ipxe", "bios", "", event.StageOff, func(s *script) *script {
		return s.firmware().dora("probe.0").fetches("probe.0").starts().reports().off()
	}},
	{"healthy/edk2", "x64", "", event.StageOff, func(s *script) *script {
		return s.firmware().dora("probe-x64.efi").fetches("probe-x64.efi").starts().reports().off()
	}},
	{"no-firmware", "bios", NoFirmware, event.StagePower, func(s *script) *script { return s.stalls(event.StagePower) }},
	{"no-firmware/near-miss: one line", "bios", NoLink, event.StageFirmware, func(s *script) *script {
		return s.say("SeaBIOS (version 1.16.2)").stalls(event.StageFirmware)
	}},
	{"no-link/ipxe without card", "bios", NoLink, event.StageFirmware, func(s *script) *script {
		return s.say("SeaBIOS (version 1.16.2)", "Boot failed: could not read the boot disk", "No bootable device.")
	}},
	{"no-link/edk2 without driver", "x64", NoLink, event.StageFirmware, func(s *script) *script {
		return s.say(`BdsDxe: loading Boot0000 "UiApp" from Fv`, `BdsDxe: starting Boot0000 "UiApp" from Fv`)
	}},
	{"no-link/near-miss: a frame", "x64", Stalled, event.StageLink, func(s *script) *script {
		return s.firmware().packet("", event.Packet{Proto: "icmp6", Info: "router solicitation"}).stalls(event.StageLink)
	}},
	{"no-offer/ipxe", "bios", NoOffer, event.StageDiscover, func(s *script) *script {
		return s.firmware().discovers(4).after(8 * time.Second).fails("No configuration methods succeeded (http://ipxe.org/040ee119)")
	}},
	{"no-offer/edk2", "x64", NoOffer, event.StageDiscover, func(s *script) *script {
		return s.firmware().discovers(4).after(32 * time.Second).fails("  PXE-E18: Server response timeout.")
	}},
	{"no-offer/an offer for another guest", "x64", NoOffer, event.StageDiscover, func(s *script) *script {
		s.firmware().discovers(1).receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.100", CHAddr: "52:54:00:70:78:01"})
		return s.discovers(3).stalls(event.StageDiscover)
	}},
	{"no-offer/a server said why", "x64", NoOffer, event.StageDiscover, func(s *script) *script {
		s.firmware().discovers(1)
		s.add(event.Event{Kind: event.ServerDecided, Service: "dhcp", Decision: &event.Decision{Role: "dhcp", Client: s.guest.MAC,
			Request: "DHCPDISCOVER", Reason: "no free address in 192.0.2.100-192.0.2.199", XID: "0a0b0c0d"}})
		return s.fails("  PXE-E18: Server response timeout.")
	}},
	{"no-offer/the server died", "bios", NoOffer, event.StageDiscover, func(s *script) *script {
		s.add(event.Event{Kind: event.ServiceExited, Service: "dhcp", Text: "exit status 2", Exit: &event.Exit{Code: 2}})
		return s.firmware().discovers(4).fails("No configuration methods succeeded (http://ipxe.org/040ee119)")
	}},
	{"offer-refused/edk2", "x64", OfferRefused, event.StageOffer, func(s *script) *script {
		s.firmware().discovers(1).receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.50", File: "probe-x64.efi"})
		return s.discovers(3).fails("  PXE-E16: No valid offer received.")
	}},
	{"offer-refused/near-miss: no boot file", "x64", NoBootfile, event.StageOffer, func(s *script) *script {
		s.firmware().discovers(1).receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.50", ServerID: "192.0.2.1"})
		return s.discovers(3).fails("  PXE-E16: No valid offer received.")
	}},
	{"no-bootfile/ipxe", "bios", NoBootfile, event.StageAddress, func(s *script) *script {
		return s.firmware().dora("").fails("Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)")
	}},
	{"no-bootfile/ipxe without next server", "bios", NoBootfile, event.StageAddress, func(s *script) *script {
		s.firmware().discovers(1).receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.100", File: "probe.0"})
		s.sends(event.DHCP{Type: "REQUEST"}).receives("dhcp", event.DHCP{Type: "ACK", YIAddr: "192.0.2.100", File: "probe.0"})
		return s.fails("Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)")
	}},
	{"no-bootfile/near-miss: a boot file", "x64", GaveUp, event.StageAddress, func(s *script) *script {
		return s.firmware().dora("probe-x64.efi").fails("  PXE-E21: Remote boot cancelled.")
	}},
	{"no-ack/ipxe", "bios", NoAck, event.StageOffer, func(s *script) *script {
		s.firmware().discovers(1).receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.100", File: "probe.0"})
		for i := range 5 {
			s.sends(event.DHCP{Type: "REQUEST", Requested: "192.0.2.100", ServerID: "192.0.2.1", Repeat: i}).after(time.Second)
		}
		return s.fails("No configuration methods succeeded (http://ipxe.org/040ee119)")
	}},
	{"no-ack/edk2 refused", "x64", NoAck, event.StageOffer, func(s *script) *script {
		s.firmware().discovers(1).receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.50", File: "probe-x64.efi"})
		s.sends(event.DHCP{Type: "REQUEST", Requested: "192.0.2.50"}).receives("dhcp", event.DHCP{Type: "NAK"})
		return s.fails("  PXE-E07: Network device error.")
	}},
	{"address-in-use", "x64", AddressInUse, event.StageAddress, func(s *script) *script {
		return s.firmware().dora("probe-x64.efi").sends(event.DHCP{Type: "DECLINE", Requested: "192.0.2.50"}).fails("  PXE-E07: Network device error.")
	}},
	{"near-miss: its address was in use, and it took another", "x64", GaveUp, event.StageAddress, func(s *script) *script {
		s.firmware().dora("probe-x64.efi").sends(event.DHCP{Type: "DECLINE", Requested: "192.0.2.50"})
		return s.dora("probe-x64.efi").fails("  PXE-E21: Remote boot cancelled.")
	}},
	{"no-ack/one gave it and another refused", "x64", NoAck, event.StageAddress, func(s *script) *script {
		return s.firmware().dora("probe-x64.efi").receives("tftp", event.DHCP{Type: "NAK"}).fails("  PXE-E07: Network device error.")
	}},
	{"no-ack/ipxe after one BOOTP reply", "bios", NoAck, event.StageAddress, func(s *script) *script {
		s.firmware().discovers(1).receives("dhcp", event.DHCP{Type: "BOOTREPLY", YIAddr: "192.0.2.100", File: "probe.0"})
		s.sends(event.DHCP{Type: "REQUEST", Requested: "192.0.2.100"})
		return s.fails("No configuration methods succeeded (http://ipxe.org/040ee119)")
	}},
	{"proxy-silent/edk2", "x64", ProxySilent, event.StageProxy, func(s *script) *script {
		s.firmware().dora("probe-x64.efi").say("  Station IP address is 192.0.2.50")
		for range 4 {
			s.sends(event.DHCP{Type: "REQUEST", SrcPort: 4011, DstPort: 4011, CIAddr: "192.0.2.50", XID: "00000001"}).after(time.Second)
		}
		return s.fails("  PXE-E16: No valid offer received.")
	}},
	{"proxy-silent/what it said of port 67 is no reason", "x64", ProxySilent, event.StageProxy, func(s *script) *script {
		s.dora("").sends(event.DHCP{Type: "REQUEST", SrcPort: 4011, DstPort: 4011})
		s.add(event.Event{Kind: event.ServerDecided, Service: "dhcp", Decision: &event.Decision{Role: "proxydhcp", Client: s.guest.MAC,
			Request: "DHCPREQUEST", Reason: "ignored: a DHCPREQUEST on port 67 is for the DHCP server", Port: 67}})
		return s.fails("  PXE-E16: No valid offer received.")
	}},
	{"proxy-silent/near-miss: it answered without a file", "x64", NoBootfile, event.StageProxy, func(s *script) *script {
		s.firmware().dora("").sends(event.DHCP{Type: "REQUEST", SrcPort: 4011, DstPort: 4011, CIAddr: "192.0.2.50", XID: "00000001"})
		s.receives("dhcp", event.DHCP{Type: "ACK", SrcPort: 4011, XID: "00000001"})
		return s.fails("  PXE-E16: No valid offer received.")
	}},
	{"proxy-silent/near-miss: ipxe goes on without it", "bios", "", event.StageOff, func(s *script) *script {
		s.firmware().dora("probe.0").sends(event.DHCP{Type: "REQUEST", DstPort: 4011, CIAddr: "192.0.2.100"}).after(2 * time.Second)
		return s.fetches("probe.0").reports().off()
	}},
	{"boot-server-silent/ipxe", "bios", BootServerSilent, event.StageBootServer, func(s *script) *script {
		s.firmware().dora("")
		for range 2 {
			s.sends(event.DHCP{Type: "REQUEST", DstPort: 4011, CIAddr: "192.0.2.100", XID: "00000000", BootItem: "80000000"}).after(time.Second)
		}
		return s.fails("PXEBS (net0 type 128)..... Connection timed out (http://ipxe.org/4c106035)")
	}},
	{"tftp-silent/ipxe", "bios", TFTPSilent, event.StageDownload, func(s *script) *script {
		s.firmware().dora("probe.0")
		for i := range 6 {
			s.asks("RRQ", "probe.0", event.TFTP{Repeat: i}).after(time.Second)
		}
		return s.fails("tftp://192.0.2.2/probe.0... Connection timed out (http://ipxe.org/4c126035)")
	}},
	{"tftp-silent/edk2", "x64", TFTPSilent, event.StageDownload, func(s *script) *script {
		s.firmware().dora("probe-x64.efi")
		for i := range 6 {
			s.asks("RRQ", "probe-x64.efi", event.TFTP{Repeat: i}).after(4 * time.Second)
		}
		return s.fails("  PXE-E18: Server response timeout.")
	}},
	{"tftp-silent/near-miss: it granted options", "bios", TFTPError, event.StageDownload, func(s *script) *script {
		s.firmware().dora("probe.0").asks("RRQ", "probe.0", event.TFTP{}).gets("OACK", "probe.0", event.TFTP{})
		return s.fails("tftp://192.0.2.2/probe.0... Connection timed out (http://ipxe.org/4c126035)")
	}},
	{"file-not-found/ipxe", "bios", FileNotFound, event.StageDownload, func(s *script) *script {
		s.firmware().dora("nosuch.0").asks("RRQ", "nosuch.0", event.TFTP{})
		s.gets("ERROR", "nosuch.0", event.TFTP{Code: 1, Message: "File not found"})
		return s.fails("tftp://192.0.2.2/nosuch.0... No such file or directory (http://ipxe.org/2d12603b)")
	}},
	{"file-not-found/edk2", "x64", FileNotFound, event.StageDownload, func(s *script) *script {
		s.firmware().dora("nosuch.efi").asks("RRQ", "nosuch.efi", event.TFTP{})
		s.gets("ERROR", "nosuch.efi", event.TFTP{Code: 1, Message: "File not found"})
		return s.say("  NBP filesize is 0 Bytes").fails("  PXE-E23: Client received TFTP error from server.")
	}},
	{"file-not-found/near-miss: access", "bios", TFTPError, event.StageDownload, func(s *script) *script {
		s.firmware().dora("probe.0").asks("RRQ", "probe.0", event.TFTP{})
		s.gets("ERROR", "probe.0", event.TFTP{Code: 2, Message: "Access violation"})
		return s.fails("tftp://192.0.2.2/probe.0... Permission denied (http://ipxe.org/0212603c)")
	}},
	{"tftp-error/edk2 without options", "x64", TFTPError, event.StageDownload, func(s *script) *script {
		s.firmware().dora("probe-x64.efi").asks("RRQ", "probe-x64.efi", event.TFTP{}).gets("DATA", "probe-x64.efi", event.TFTP{Block: 1, Bytes: 512})
		s.asks("ERROR", "probe-x64.efi", event.TFTP{Code: 4, Message: "User aborted download"})
		return s.fails("  PXE-E99: Unexpected network error.")
	}},
	{"tftp-error/edk2 without tsize", "x64", TFTPError, event.StageDownload, func(s *script) *script {
		s.firmware().dora("probe-x64.efi").asks("RRQ", "probe-x64.efi", event.TFTP{}).gets("OACK", "probe-x64.efi", event.TFTP{})
		s.asks("ERROR", "probe-x64.efi", event.TFTP{Code: 8, Message: "User aborted the transfer"})
		return s.fails("  PXE-E53: No boot filename received.")
	}},
	{"tftp-no-options/edk2", "x64", TFTPNoOptions, event.StageDownload, func(s *script) *script {
		return s.withoutOptions("User aborted download").fails("  PXE-E99: Unexpected network error.")
	}},
	{"tftp-no-options/near-miss: an OACK came", "x64", TFTPError, event.StageDownload, func(s *script) *script {
		s.firmware().dora("probe-x64.efi").asks("RRQ", "probe-x64.efi", sizeProbe).gets("OACK", "probe-x64.efi", event.TFTP{Options: sizeProbe.Options})
		s.gets("DATA", "probe-x64.efi", event.TFTP{Block: 1, Bytes: 512}).asks("ERROR", "probe-x64.efi", event.TFTP{Code: 4, Message: "Too long"})
		return s.fails("  PXE-E99: Unexpected network error.")
	}},
	{"tftp-no-options/near-miss: ipxe does without", "bios", "", event.StageOff, func(s *script) *script {
		s.firmware().dora("probe.0").asks("RRQ", "probe.0", sizeProbe).gets("DATA", "probe.0", event.TFTP{Block: 1, Bytes: 512})
		return s.gets("DATA", "probe.0", event.TFTP{Block: 17, Bytes: 8192, Last: true}).starts().reports().off()
	}},
	{"tftp-no-tsize/edk2", "x64", TFTPNoTsize, event.StageDownload, func(s *script) *script {
		s.firmware().dora("probe-x64.efi").asks("RRQ", "probe-x64.efi", sizeProbe)
		s.gets("OACK", "probe-x64.efi", event.TFTP{Options: map[string]string{"blksize": "1468"}})
		s.asks("ERROR", "probe-x64.efi", event.TFTP{Code: 8, Message: "User aborted the transfer"})
		return s.fails("  PXE-E53: No boot filename received.")
	}},
	{"tftp-no-tsize/near-miss: tsize was told", "x64", TFTPError, event.StageDownload, func(s *script) *script {
		s.firmware().dora("probe-x64.efi").asks("RRQ", "probe-x64.efi", sizeProbe)
		s.gets("OACK", "probe-x64.efi", event.TFTP{Options: sizeProbe.Options}).asks("ERROR", "probe-x64.efi", event.TFTP{Code: 8})
		return s.fails("  PXE-E53: No boot filename received.")
	}},
	{"tftp-stopped/ipxe", "bios", TFTPStopped, event.StageDownload, func(s *script) *script {
		return s.half("probe.0").fails("tftp://192.0.2.2/probe.0... Connection timed out (http://ipxe.org/4c126035)")
	}},
	{"tftp-stopped/edk2", "x64", TFTPStopped, event.StageDownload, func(s *script) *script {
		return s.half("probe-x64.efi").fails("  PXE-E18: Server response timeout.")
	}},
	{"tftp-stopped/near-miss: the server said why", "x64", TFTPError, event.StageDownload, func(s *script) *script {
		s.half("probe-x64.efi").gets("ERROR", "probe-x64.efi", event.TFTP{Code: 0, Message: "read error"})
		return s.fails("  PXE-E23: Client received TFTP error from server.")
	}},
	{"wrong-arch/ipxe", "bios", WrongArch, event.StageDownload, func(s *script) *script {
		return s.firmware().dora("probe-x64.efi").fetches("probe-x64.efi").fails("Could not boot image: Exec format error (http://ipxe.org/2e008001)")
	}},
	{"wrong-arch/ipxe runs it all the same", "bios", WrongArch, event.StageDownload, func(s *script) *script {
		return s.firmware().dora("probe-x64.efi").fetches("probe-x64.efi").say("probe-x64.efi : 12288 bytes [PXE-NBP (may be EFI?)]")
	}},
	{"wrong-arch/and silence", "bios", WrongArch, event.StageDownload, func(s *script) *script {
		return s.firmware().dora("probe-x64.efi").fetches("probe-x64.efi").stalls(event.StageDownload)
	}},
	{"wrong-arch/near-miss: a file iPXE takes for EFI and nobody knows", "bios", BootProgramSilent, event.StageDownload, func(s *script) *script {
		return s.firmware().dora("other.bin").fetches("other.bin").say("other.bin : 999 bytes [PXE-NBP (may be EFI?)]").stalls(event.StageDownload)
	}},
	{"wrong-arch/edk2", "x64", WrongArch, event.StageDownload, func(s *script) *script {
		return s.firmware().dora("probe.0").fetches("probe.0").fails("")
	}},
	{"wrong-arch/edk2 loads it and cannot start it", "x64", WrongArch, event.StageStarted, func(s *script) *script {
		s.firmware().dora("probe-ia32.efi").fetches("probe-ia32.efi").starts()
		s.say(`BdsDxe: failed to start Boot0001 "UEFI PXEv4 (MAC:525400707802)" from PciRoot(0x0)/MAC(525400707802,0x1): Unsupported`)
		return s.say(">>Start HTTP Boot over IPv4.")
	}},
	{"wrong-arch/near-miss: it ran and returned Unsupported", "x64", BootProgramSilent, event.StageStarted, func(s *script) *script {
		s.firmware().dora("probe-x64.efi").fetches("probe-x64.efi").starts()
		s.say(`BdsDxe: failed to start Boot0001 "UEFI PXEv4 (MAC:525400707802)" from PciRoot(0x0)/MAC(525400707802,0x1): Unsupported`)
		return s.say(">>Start HTTP Boot over IPv4.")
	}},
	{"wrong-arch/near-miss: right architecture", "x64", ImageRefused, event.StageDownload, func(s *script) *script {
		s.firmware().dora("probe-x64.efi").fetches("probe-x64.efi")
		return s.say(`BdsDxe: loading Boot0001 "UEFI PXEv4 (MAC:525400707802)" from PciRoot(0x0)`,
			`BdsDxe: failed to load Boot0001 "UEFI PXEv4 (MAC:525400707802)" from PciRoot(0x0): Access Denied`)
	}},
	{"image-refused/unknown file", "bios", ImageRefused, event.StageDownload, func(s *script) *script {
		return s.firmware().dora("other.bin").fetches("other.bin").fails("Could not boot image: Exec format error (http://ipxe.org/2e008001)")
	}},
	{"image-refused/near-miss: another boot option failed", "x64", "", event.StageOff, func(s *script) *script {
		s.say(`BdsDxe: failed to load Boot0002 "UEFI QEMU DVD-ROM" from PciRoot(0x0): Not Found`)
		return s.firmware().dora("probe-x64.efi").fetches("probe-x64.efi").starts().reports().off()
	}},
	{"boot-program-silent/never spoke", "bios", BootProgramSilent, event.StageDownload, func(s *script) *script {
		return s.firmware().dora("probe.0").fetches("probe.0").stalls(event.StageDownload)
	}},
	{"boot-program-silent/half a report", "x64", BootProgramSilent, event.StageStarted, func(s *script) *script {
		return s.firmware().dora("probe-x64.efi").fetches("probe-x64.efi").starts().reports("PXELAB udp", "", "PXELAB-PROBE END", "").stalls(event.StageStarted)
	}},
	{"boot-program-silent/it returned to the firmware", "x64", BootProgramSilent, event.StageStarted, func(s *script) *script {
		s.firmware().dora("probe-x64.efi").fetches("probe-x64.efi").starts().reports("PXELAB-PROBE END", "")
		return s.say(`BdsDxe: loading Boot0000 "UiApp" from Fv`, `BdsDxe: starting Boot0000 "UiApp" from Fv`)
	}},
	{"did-not-power-off", "bios", DidNotPowerOff, event.StageReported, func(s *script) *script {
		return s.firmware().dora("probe.0").fetches("probe.0").reports().stalls(event.StageReported)
	}},
	{"guest-crashed/signal", "x64", GuestCrashed, event.StageAddress, func(s *script) *script {
		return s.firmware().dora("probe-x64.efi").of(event.Event{Kind: event.GuestExited, Exit: &event.Exit{Code: -1, Signal: "aborted", Stderr: "KVM internal error\n"}})
	}},
	{"guest-crashed/machine broken, QEMU ends well", "x64", GuestCrashed, event.StageFirmware, func(s *script) *script {
		return s.firmware().of(event.Event{Kind: event.GuestBroken, Text: "internal-error"}).off()
	}},
	{"guest-crashed/off too early", "bios", GuestCrashed, event.StageFirmware, func(s *script) *script { return s.firmware().off() }},
	{"guest-crashed/near-miss: a foreign program powered off", "x64", "", event.StageOff, func(s *script) *script {
		return s.firmware().dora("grub.efi").fetches("grub.efi").starts().off()
	}},
	{"gave-up/its own words", "bios", GaveUp, event.StageAddress, func(s *script) *script {
		return s.firmware().dora("probe.0").fails("Network unreachable (http://ipxe.org/28056011)")
	}},
	{"stalled/in the middle of a transfer", "bios", Stalled, event.StageDownload, func(s *script) *script {
		s.firmware().dora("probe.0").asks("RRQ", "probe.0", event.TFTP{}).gets("DATA", "probe.0", event.TFTP{Block: 1, Bytes: 1468})
		return s.stalls(event.StageDownload)
	}},
	{"chain/second file missing", "x64", FileNotFound, event.StageStarted, func(s *script) *script {
		s.firmware().dora("ipxe.efi").fetches("ipxe.efi").starts().say("iPXE initialising devices...ok").dora("chain.ipxe")
		s.asks("RRQ", "chain.ipxe", event.TFTP{}).gets("ERROR", "chain.ipxe", event.TFTP{Code: 1})
		return s.say("No such file or directory (http://ipxe.org/2d12608e)", "No more network devices")
	}},
	{"chain/pxelinux without configuration", "bios", FileNotFound, event.StageStarted, func(s *script) *script {
		s.firmware().dora("pxelinux.0").fetches("pxelinux.0").say("PXELINUX 6.04")
		s.asks("RRQ", "pxelinux.cfg/default", event.TFTP{}).gets("ERROR", "pxelinux.cfg/default", event.TFTP{Code: 1})
		return s.say("Unab", "le to locate configuration file", "Boot failed: press a key to retry, or wait for reset...")
	}},
	{"chain/grub without configuration", "x64", FileNotFound, event.StageStarted, func(s *script) *script {
		s.firmware().dora("grub.efi").fetches("grub.efi").starts()
		s.asks("RRQ", "/grub/grub.cfg", event.TFTP{}).gets("ERROR", "/grub/grub.cfg", event.TFTP{Code: 1})
		return s.say("   Minimal BASH-like line editing is supported. For the first word, TAB")
	}},
	{"chain/near-miss: grub was told to show its prompt", "x64", BootProgramSilent, event.StageStarted, func(s *script) *script {
		s.firmware().dora("grub.efi").fetches("grub.efi").starts().fetches("/grub/grub.cfg")
		return s.say("   Minimal BASH-like line editing is supported. For the first word, TAB").stalls(event.StageStarted)
	}},
	{"chain/linux stops in the middle of its report", "bios", BootProgramSilent, event.StageStarted, func(s *script) *script {
		return s.firmware().dora("pxelinux.0").fetches("pxelinux.0").say("PXELAB-OS v1 kernel=6.1.0 fw=bios nonce=" + nonce).stalls(event.StageStarted)
	}},
	{"chain/linux panics", "bios", BootProgramSilent, event.StageStarted, func(s *script) *script {
		s.firmware().dora("pxelinux.0").fetches("pxelinux.0").say("PXELINUX 6.04")
		return s.say("[    1.234567] Kernel panic - not syncing: No working init found.  Try passing init= option to kernel.")
	}},
	{"chain/linux does not power off", "bios", DidNotPowerOff, event.StageReported, func(s *script) *script {
		return s.firmware().dora("pxelinux.0").fetches("pxelinux.0").linux().stalls(event.StageReported)
	}},
	{"chain-loop/ipxe", "bios", ChainLoop, event.StageStarted, func(s *script) *script {
		s.firmware()
		for range 2 {
			s.asIPXE().dora("undionly.kpxe").fetches("undionly.kpxe")
		}
		return s.asIPXE().dora("undionly.kpxe")
	}},
	{"chain-loop/another program", "x64", ChainLoop, event.StageStarted, func(s *script) *script {
		return s.firmware().dora("own.efi").fetches("own.efi").dora("own.efi").fetches("own.efi").dora("own.efi")
	}},
	{"chain-loop/near-miss: the chain goes on", "x64", "", event.StageOff, func(s *script) *script {
		s.firmware().dora("ipxe.efi").fetches("ipxe.efi").dora("ipxe.efi").fetches("ipxe.efi")
		return s.dora("probe-x64.efi").fetches("probe-x64.efi").starts().reports().off()
	}},
	{"chain-loop/near-miss: read again, asked once", "x64", "", event.StageOff, func(s *script) *script {
		s.firmware().dora("probe-x64.efi").fetches("probe-x64.efi").fetches("probe-x64.efi").fetches("probe-x64.efi")
		s.receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: s.lease(), File: "probe-x64.efi"}) // late
		return s.starts().reports().off()
	}},
}

// sizeProbe is what EDK2 asks for first.
var sizeProbe = event.TFTP{Options: map[string]string{"tsize": "0", "blksize": "1468", "windowsize": "4"}}

// withoutOptions is EDK2's size probe at a server that knows no options.
func (s *script) withoutOptions(says string) *script {
	s.firmware().dora("probe-x64.efi").asks("RRQ", "probe-x64.efi", sizeProbe).gets("DATA", "probe-x64.efi", event.TFTP{Block: 1, Bytes: 512})
	return s.asks("ERROR", "probe-x64.efi", event.TFTP{Code: 4, Message: says})
}

// half is a transfer that stops after four blocks, with the client's repetitions.
func (s *script) half(file string) *script {
	s.firmware().dora(file).asks("RRQ", file, sizeProbe).gets("OACK", file, event.TFTP{Options: sizeProbe.Options})
	s.asks("ACK", file, event.TFTP{}).gets("DATA", file, event.TFTP{Block: 1, Bytes: 1468}).gets("DATA", file, event.TFTP{Block: 4, Bytes: 5872})
	for i := range 3 {
		s.after(4*time.Second).asks("ACK", file, event.TFTP{Block: 4, Repeat: i + 1})
	}
	return s
}

// plan is the one that the scenario's guest is of.
func (sc scenario) plan() *plan.Plan {
	if strings.HasPrefix(sc.guest, "six") {
		return testPlan6()
	}
	return testPlan()
}

func (sc scenario) play() *script { return sc.script(newScript(sc.plan(), sc.guest)) }

func (sc scenario) outcome(t *testing.T) Outcome {
	tr := NewTracker(sc.plan())
	for _, e := range sc.play().events {
		tr.Feed(e)
	}
	g := tr.Guest(sc.guest)
	if !g.Settled {
		t.Errorf("%s: did not settle; it is at %s", sc.name, g.Stage)
	}
	return g.Outcome
}
