package host

import (
	"bytes"
	"encoding/binary"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// KernelEnv names the environment variable that holds the folder of the kernel to boot: it has boot/vmlinuz-RELEASE,
// and below lib/modules/RELEASE/kernel the drivers.
const KernelEnv = "PXELAB_KERNEL"

// kernel finds a Linux for guests: the one that the user names, else one that scripts/fetch-kernel.sh unpacked into
// the cache, else one that the host itself boots from and lets us read. Of several the last by name is taken.
func (m machine) kernel() (Part, bool) {
	for _, f := range m.kernelFolders() {
		if k, ok := m.kernelBelow(f); ok {
			return k, true
		}
	}
	return Part{}, false
}

// kernelFolders lists the folders that may hold a kernel, the best first.
func (m machine) kernelFolders() []string {
	if named := m.getenv(KernelEnv); named != "" {
		return []string{named}
	}
	var folders []string
	if m.cache != "" {
		fetched, _ := fs.Glob(m.root, filepath.Join(rel(m.cache), "kernel-*")) // its only error is a bad pattern
		slices.Reverse(fetched)
		for _, f := range fetched {
			folders = append(folders, "/"+f)
		}
	}
	return append(folders, "/")
}

// kernelBelow finds the kernel in a folder laid out like a root file system.
func (m machine) kernelBelow(folder string) (Part, bool) {
	found, _ := fs.Glob(m.root, filepath.Join(rel(folder), "boot/vmlinuz-*"))
	for _, file := range slices.Backward(found) {
		release := m.release(file)
		if release == "" {
			continue
		}
		return Part{Name: "kernel", Path: "/" + file, Version: release, Modules: m.modules(folder, release)}, true
	}
	return Part{}, false
}

// release reads a kernel's release from the file itself; empty if it cannot be read or is no kernel for x86-64.
func (m machine) release(file string) string {
	f, err := m.root.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, setupLimit))
	if err != nil {
		return ""
	}
	return kernelRelease(head)
}

// setupLimit is the longest real-mode part a kernel can have: 64 sectors after the boot sector.
const setupLimit = 65 * 512

// The header of a bzImage (Documentation/arch/x86/boot.rst).
const (
	atMagic     = 0x202 // "HdrS"
	atProtocol  = 0x206
	atVersion   = 0x20e // where the version text is, less 0x200
	atXLoad     = 0x236 // flags, since protocol 2.12
	xload64     = 1     // XLF_KERNEL_64
	protocol212 = 0x020c
)

// kernelRelease gives the release that a bzImage for x86-64 says it is, such as "6.1.0-25-cloud-amd64"; empty if the
// head of the file is not that of one.
func kernelRelease(head []byte) string {
	if len(head) < atXLoad+2 || string(head[atMagic:atMagic+4]) != "HdrS" {
		return ""
	}
	word := func(at int) int { return int(binary.LittleEndian.Uint16(head[at:])) }
	if word(atProtocol) < protocol212 || word(atXLoad)&xload64 == 0 {
		return ""
	}
	at := word(atVersion) + 0x200
	if at >= len(head) {
		return ""
	}
	text, _, found := bytes.Cut(head[at:min(len(head), at+256)], []byte{0})
	release, _, _ := strings.Cut(string(text), " ") // then come the builder and the date
	if !found || strings.ContainsAny(release, "/\x00") {
		return ""
	}
	return release
}

// cardDrivers are the modules for the cards of guests, below lib/modules/RELEASE/kernel. One that is not there is built in, or this kernel has no driver for that card.
var cardDrivers = []string{
	"drivers/virtio/virtio", "drivers/virtio/virtio_ring", "drivers/virtio/virtio_pci_legacy_dev",
	"drivers/virtio/virtio_pci_modern_dev", "drivers/virtio/virtio_pci", "net/core/failover", "drivers/net/net_failover",
	"drivers/net/virtio_net", "drivers/net/vmxnet3/vmxnet3", "drivers/net/ethernet/intel/e1000/e1000",
}

// modules finds the card drivers of a kernel.
func (m machine) modules(folder, release string) []string {
	return m.driverFiles(folder, release, cardDrivers)
}

// driverFiles finds those of these modules that a kernel has as files.
func (m machine) driverFiles(folder, release string, drivers []string) []string {
	var out []string
	for _, driver := range drivers {
		for _, suffix := range []string{".ko", ".ko.xz", ".ko.zst", ".ko.gz"} {
			path := filepath.Join(folder, "lib/modules", release, "kernel", driver+suffix)
			if m.has(path) {
				out = append(out, path)
				break
			}
		}
	}
	return out
}
