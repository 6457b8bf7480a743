package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/lab/insmod"
	"github.com/pxelab/pxelab/server/pxe"
)

// machine is what the client runs on.
type machine struct {
	platform string // "bios" or "efi"
	arch     pxe.Arch
	uuid     pxe.UUID // zero if the machine does not say
	kernel   string
}

// mounts are the file systems the client reads the machine's facts from.
var mounts = []struct{ kind, at string }{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}}

// moduleDir is where the initrd has the kernel's modules.
const moduleDir = "/modules"

// setUp makes a bare kernel with an initramfs into a machine with its devices.
func setUp() (machine, error) {
	for _, m := range mounts {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			return machine{}, err
		}
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil && !errors.Is(err, unix.EBUSY) {
			return machine{}, fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	files, _ := filepath.Glob(moduleDir + "/*") // its only error is a bad pattern
	for file, err := range insmod.All(files) {  // no matter, as long as this machine's card has its driver
		say("PXELAB-STICK module=%s error=%q", filepath.Base(file), err)
	}
	m := machine{platform: "bios", arch: pxe.ArchBIOS, kernel: read("/proc/sys/kernel/osrelease")}
	if _, err := os.Stat("/sys/firmware/efi"); err == nil {
		m.platform, m.arch = "efi", pxe.ArchEFIX64
	}
	m.uuid, _ = pxe.ParseUUID(read("/sys/class/dmi/id/product_uuid")) // a machine without SMBIOS sends zeros
	return m, nil
}

// read gives the text of a one-line file, empty if there is none.
func read(path string) string {
	text, _ := os.ReadFile(path)
	return strings.TrimSpace(string(text))
}
