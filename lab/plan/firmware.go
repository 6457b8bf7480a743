package plan

import (
	"time"

	"github.com/pxelab/pxelab/lab/event"
)

// Firmwares lists the names a topology may give as a guest's firmware, in the order of help texts.
func Firmwares() []string { return []string{"bios", "ovmf-x64", "ovmf-x64-ipxe", "ovmf-ia32"} }

// profile is what the planner knows of one firmware beyond its files.
type profile struct {
	host   string // name under which the host lists its files
	arch   string // what it sends in option 93
	client string // whose PXE code runs
	rom    bool   // the NIC's option ROM is loaded: under OVMF it replaces EDK2's own PXE client
	memory int    // MiB
	shift  int    // icount shift under warp: the fastest at which every packet is as in real time
}

// The shifts were measured with make bench's guests: see docs/time-warp.md.
var profiles = map[string]profile{
	"bios":          {host: "bios", arch: "bios", client: "ipxe", rom: true, memory: 128, shift: 7},
	"ovmf-x64":      {host: "ovmf-x64", arch: "efi-x64", client: "edk2", memory: 128, shift: 7},
	"ovmf-x64-ipxe": {host: "ovmf-x64", arch: "efi-x64", client: "ipxe", rom: true, memory: 128, shift: 7},
	"ovmf-ia32":     {host: "ovmf-ia32", arch: "efi-ia32", client: "edk2", memory: 128, shift: 7},
}

// nics maps a topology's NIC name to QEMU's device.
var nics = map[string]string{
	"virtio": "virtio-net-pci", "e1000": "e1000", "e1000e": "e1000e", "rtl8139": "rtl8139", "vmxnet3": "vmxnet3",
	"pcnet": "pcnet", "ne2k_pci": "ne2k_pci", "i82559er": "i82559er", "i82550": "i82550", usbNIC: "usb-net",
}

// NICs lists the NIC names a topology may use, in the order of help texts.
func NICs() []string {
	return []string{"virtio", "e1000", "e1000e", "rtl8139", "vmxnet3", "pcnet", "ne2k_pci", "i82559er", "i82550", usbNIC}
}

// budgets gives each stage its longest stay in host time. In real time the firmware's own timers rule
// (EDK2 asks for an offer for 60 s, and more under load); under warp they pass in a moment, and the budget
// only bounds this host's slowness.
func budgets(client string) map[string]Duration {
	b := map[event.Stage]time.Duration{
		event.StagePower: 60 * time.Second, event.StageFirmware: 60 * time.Second, event.StageLink: 60 * time.Second,
		event.StageDiscover: 45 * time.Second, event.StageOffer: 45 * time.Second, event.StageAddress: 60 * time.Second,
		event.StageProxy: 45 * time.Second, event.StageBootServer: 45 * time.Second, event.StageDownload: 60 * time.Second,
		event.StageStarted: 60 * time.Second, event.StageReported: 30 * time.Second, event.StageOff: 30 * time.Second,
	}
	if client == "edk2" {
		b[event.StageDiscover], b[event.StageOffer] = 110*time.Second, 110*time.Second
	}
	if client == stickClient {
		// A whole Linux comes up, silent, before the first frame, and another after the last file: 5 s of processor
		// time each, of which a busy host gives a tenth.
		b[event.StageFirmware], b[event.StageLink], b[event.StageStarted] = 150*time.Second, 150*time.Second, 150*time.Second
		b[event.StageDiscover] = 110 * time.Second // the client asks for 60 s
	}
	out := make(map[string]Duration, len(b))
	for s, d := range b {
		out[s.String()] = Duration(d)
	}
	return out
}
