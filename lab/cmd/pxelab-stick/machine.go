package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

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

// modulesFile lists the kernel's modules to load, one path a line, each after those it needs.
const modulesFile = "/modules/order"

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
	if err := loadModules(modulesFile); err != nil {
		return machine{}, err
	}
	// A machine without a random number generator has nothing for a transaction number yet, and the DHCP library only
	// polls for it. A caller that waits makes the kernel gather some from its own jitter, within a second.
	if _, err := unix.Getrandom(make([]byte, 1), 0); err != nil {
		return machine{}, fmt.Errorf("wait for random numbers: %w", err)
	}
	m := machine{platform: "bios", arch: pxe.ArchBIOS, kernel: read("/proc/sys/kernel/osrelease")}
	if _, err := os.Stat("/sys/firmware/efi"); err == nil {
		m.platform, m.arch = "efi", pxe.ArchEFIX64
	}
	m.uuid, _ = pxe.ParseUUID(read("/sys/class/dmi/id/product_uuid")) // a machine without SMBIOS sends zeros
	return m, nil
}

// loadModules loads the kernel modules that a list names.
func loadModules(list string) error {
	text, err := os.ReadFile(list)
	if err != nil {
		return fmt.Errorf("read the list of modules: %w", err)
	}
	for name := range strings.FieldsSeq(string(text)) {
		if err := loadModule(filepath.Join(filepath.Dir(list), name)); err != nil {
			return fmt.Errorf("load module %q: %w", name, err)
		}
	}
	return nil
}

func loadModule(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	flags := 0
	if !strings.HasSuffix(path, ".ko") {
		flags = unix.MODULE_INIT_COMPRESSED_FILE // the kernel unpacks it itself, if it was built to (since 5.17)
	}
	if err := unix.FinitModule(int(f.Fd()), "", flags); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}

// read gives the text of a one-line file, empty if there is none.
func read(path string) string {
	text, _ := os.ReadFile(path)
	return strings.TrimSpace(string(text))
}
