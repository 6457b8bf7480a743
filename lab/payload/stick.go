package payload

import (
	"context"
	"os"
	"path/filepath"
	"strings"
)

// stickFiles are what packStick is made from, in this order; the modules to load follow.
type stickFiles struct {
	mkimage, grubPC, grubX64, kernel, init string
	modules                                []string
}

func stickFrom(from []string) stickFiles {
	return stickFiles{mkimage: from[0], grubPC: from[1], grubX64: from[2], kernel: from[3], init: from[4], modules: from[5:]}
}

// Where things are on a stick. UEFI looks for the boot program of a removable medium under that name (UEFI
// specification, section 3.5.1.1); its GRUB reads the rest as its BIOS sibling does.
const (
	stickKernel  = "/pxelab/vmlinuz"
	stickInitrd  = "/pxelab/initrd.gz"
	stickEFIBoot = "/EFI/BOOT/BOOTX64.EFI"
)

// stickConfig is built into both GRUBs. Only errors of the kernel go to the console, so that its lines do not end up
// in the middle of the client's.
const stickConfig = `search --no-floppy --set=root --file ` + stickKernel + `
linux ` + stickKernel + ` console=ttyS0,115200 loglevel=4 panic=5
initrd ` + stickInitrd + `
boot
`

// stickModules are what both GRUBs hold: they load no module from the stick.
const stickModules = "part_msdos fat search search_fs_file linux boot normal echo"

// packStick makes the image of a USB stick that boots a Linux kernel with a PXE client as its init, on BIOS and on
// x86-64 UEFI.
func packStick(ctx context.Context, from []string) ([]byte, error) {
	f := stickFrom(from)
	kernel, err := os.ReadFile(f.kernel)
	if err != nil {
		return nil, err
	}
	initrd, err := packInitrd(ctx, append([]string{f.init}, f.modules...))
	if err != nil {
		return nil, err
	}
	bios, err := f.grub(ctx, f.grubPC, "biosdisk")
	if err != nil {
		return nil, err
	}
	efi, err := f.grub(ctx, f.grubX64, "")
	if err != nil {
		return nil, err
	}
	boot, err := os.ReadFile(filepath.Join(f.grubPC, "boot.img"))
	if err != nil {
		return nil, err
	}
	return disk(boot, bios, []file{{stickEFIBoot, efi}, {stickKernel, kernel}, {stickInitrd, initrd}})
}

// grub makes a core image with the stick's configuration in it.
func (f stickFiles) grub(ctx context.Context, folder, more string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "pxelab-grub-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	config := filepath.Join(dir, "stick.cfg")
	if err := os.WriteFile(config, []byte(stickConfig), 0o644); err != nil {
		return nil, err
	}
	modules := strings.Fields(stickModules + " " + more)
	return runMkimage(ctx, f.mkimage, folder, append([]string{"--config", config, "--prefix", "/grub"}, modules...))
}
