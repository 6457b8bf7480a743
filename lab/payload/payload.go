// Package payload makes the boot files that a run takes from the host, and keeps those that take long to make.
package payload

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pxelab/pxelab/lab/whole"
)

// The ways in which a file is made; a plan names them.
const (
	Copy   = "copy"   // the file itself
	Initrd = "initrd" // an init and the kernel's modules, packed as an initrd
	GRUB   = "grub"   // a GRUB core image: grub-mkimage and the folder of its modules
	Stick  = "stick"  // a USB stick's image: grub-mkimage, its modules for BIOS and UEFI, a kernel, an init and the kernel's modules
)

// Make gives a file, made in one of the ways above from these files and folders of the host. What is not just copied
// is kept in the folder cache under a key of all it was made from, and made again only if that changed. A cache that
// cannot be written costs time, and is no error; empty means none.
func Make(ctx context.Context, cache, way string, from []string) ([]byte, error) {
	if way == Copy && len(from) == 1 {
		return os.ReadFile(from[0])
	}
	build := builders[way]
	if build.make == nil || len(from) < build.atLeast {
		return nil, fmt.Errorf("way %q of %d files: no such way to make a file", way, len(from))
	}
	key, err := keyOf(build.version, from)
	if err != nil {
		return nil, err
	}
	kept := filepath.Join(cache, "payload-"+way+"-"+key)
	if cache != "" {
		if data, err := os.ReadFile(kept); err == nil {
			return data, nil
		}
	}
	data, err := build.make(ctx, from)
	if err != nil {
		return nil, err
	}
	if cache != "" {
		_ = whole.WriteFile(kept, data, 0o600)
	}
	return data, nil
}

// builders make what is not just copied. The version changes with what they do, so that nothing older is taken from
// the cache.
var builders = map[string]struct {
	make    func(ctx context.Context, from []string) ([]byte, error)
	version string
	atLeast int
}{
	Initrd: {packInitrd, "initrd 1", 1},
	GRUB:   {mkimage, "grub 1 " + grubModules, 2},
	Stick:  {packStick, "stick 1 " + stickModules + stickConfig, 5},
}

// keyOf is a hash of the content of files and folders.
func keyOf(version string, from []string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, version)
	for _, path := range from {
		err := filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(file)
			fmt.Fprintf(h, "%s %x\n", file, sha256.Sum256(data))
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:12]), nil
}
