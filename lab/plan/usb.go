package plan

import (
	"fmt"
	"slices"

	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/topology"
)

// usbNIC is QEMU's one USB network card.
const usbNIC = "usb-net"

// stickName is the one stick there is: it boots a Linux whose init is a PXE client.
const stickName = "pxe-client"

// Sticks lists the USB sticks a topology may name.
func Sticks() []string { return []string{stickName} }

// stickClient is what Guest.Client says of a guest that boots from a stick.
const stickClient = "stick"

// stickMemory is what a guest with a stick needs, in MiB: under UEFI its GRUB finds no room for the kernel in 256.
const stickMemory = 512

// stickParts are the parts of the host that a stick is made from, in the order of payload.Stick.
var stickParts = []string{"grub-mkimage", "grub-pc", "grub-x64", "usb-kernel", "stick-init"}

// stick plans the USB stick of a guest that has one, and what changes with it.
func stick(h *host.Host, g topology.Guest, pg *Guest) error {
	if g.Stick == "" {
		return nil
	}
	if !slices.Contains([]string{"bios", "efi-x64"}, pg.Arch) {
		return fmt.Errorf("guest %q: the stick %q boots on bios and on x86-64 UEFI, and firmware %q is %s", g.Name, g.Stick, g.Firmware, pg.Arch)
	}
	s := &Image{Name: g.Stick, File: "stick.img", Made: MadeStick}
	for _, name := range stickParts {
		part, ok := h.Part(name)
		if !ok {
			return fmt.Errorf("guest %q: the stick %q is made from a part that is not on this host (%s): run pxelab doctor for what to do", g.Name, g.Stick, name)
		}
		s.From = append(s.From, part.Path)
	}
	kernel, _ := h.Part("usb-kernel")
	s.From = append(s.From, kernel.Modules...)
	pg.Stick, pg.Client = s, stickClient
	if g.Memory == 0 {
		pg.Memory = stickMemory
	}
	// Two kernels compute nearly all the time, so a warped clock only costs (docs/usb.md), and makes the client's kernel
	// complain of a processor that is stuck for minutes, which are seconds here.
	pg.Clock = "real"
	return nil
}

// kernelFor names the kernel that the guests of a lab are served: with drivers for USB cards if one has such a card.
func kernelFor(t *topology.Topology) string {
	if slices.ContainsFunc(t.Guests, func(g topology.Guest) bool { return g.NIC == usbNIC }) {
		return "usb-kernel"
	}
	return "kernel"
}

// usbArgs adds the USB controller, and the stick, of a guest that has something on USB.
func usbArgs(g *Guest) []Arg {
	if g.NIC != usbNIC && g.Stick == nil {
		return nil
	}
	// QEMU's usb-net on UHCI sends no short packet when a frame fills the last one: the guest waits for ever.
	a := []Arg{{"-device", "qemu-xhci", "USB controller: the one on which every length of frame passes"}}
	if g.Stick == nil {
		return a
	}
	return append(a,
		Arg{"-drive", "if=none,id=stick,format=raw,readonly=on,file=${RUN}/" + g.Stick.File, "the USB stick: " + g.Stick.Name},
		Arg{"-device", "usb-storage,drive=stick,bootindex=0", "the firmware boots from the stick first"})
}

func usbNICArg(g *Guest) Arg {
	return Arg{"-device", fmt.Sprintf("usb-net,netdev=n0,mac=%s", g.MAC), "USB NIC: no firmware has a driver for it; MAC from the guest's slot"}
}

// nicBootIndex puts the card behind the stick.
func nicBootIndex(g *Guest) int {
	if g.Stick != nil {
		return 1
	}
	return 0
}
