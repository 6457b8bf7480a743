package host

import (
	"path/filepath"
	"slices"
	"strings"
)

// usbDrivers are the modules for USB network cards, each after those it needs. QEMU's usb-net offers RNDIS and CDC-ECM;
// Linux takes ECM. One that is not there is built in.
var usbDrivers = []string{
	"drivers/usb/common/usb-common", "drivers/usb/core/usbcore", "drivers/usb/host/xhci-hcd", "drivers/usb/host/xhci-pci",
	"drivers/net/mii", "drivers/net/usb/usbnet", usbCard,
}

// usbCard is the driver of the card itself; a kernel made for virtual machines has none.
const usbCard = "drivers/net/usb/cdc_ether"

// usbKernel finds a Linux that has drivers for USB network cards.
func (m machine) usbKernel() (Part, bool) {
	for _, folder := range m.kernelFolders() {
		k, ok := m.kernelBelow(folder)
		usb := m.driverFiles(folder, k.Version, usbDrivers)
		if ok && slices.ContainsFunc(usb, func(path string) bool { return strings.Contains(path, usbCard) }) {
			k.Name, k.Modules = "usb-kernel", append(k.Modules, usb...)
			return k, true
		}
	}
	return Part{}, false
}

// stickInit is the binary that becomes the /init of a USB stick's Linux; it too is installed beside pxelab itself.
const stickInit = "pxelab-stick"

// usbParts finds what a USB stick is made from, besides the parts that boot programs are made from too.
func (m machine) usbParts() []Part {
	var out []Part
	if k, ok := m.usbKernel(); ok {
		out = append(out, k)
	}
	out = append(out, m.besidePxelab("stick-init", stickInit)...)
	if folder := "/usr/lib/grub/i386-pc"; m.has(filepath.Join(folder, "boot.img")) {
		out = append(out, Part{Name: "grub-pc", Path: folder})
	}
	return out
}

// checkUSB judges what machines need that have only a USB network card: a stick that boots one.
func (h *Host) checkUSB() []Check {
	return []Check{
		h.checkKernel("usb-kernel", "whose kernel has the driver cdc_ether"),
		h.checkLoader("stick-init", "build it beside pxelab: make build, or CGO_ENABLED=0 go install github.com/pxelab/pxelab/lab/cmd/"+stickInit+"@latest", "stick-init"),
		h.checkLoader("usb-stick", install(h.Distro, "usb-stick"), "grub-mkimage", "grub-pc", "grub-x64"),
	}
}
