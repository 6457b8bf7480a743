// Package insmod loads the kernel modules of an initrd, in whatever order they turn out to need.
package insmod

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// All loads modules, given by their files. It gives those that would not be loaded, with the reason; one that the
// kernel has already counts as loaded.
func All(files []string) map[string]error { return loadAll(files, load) }

// loadAll tries again and again while some more of them will: which needs which differs between kernels.
func loadAll(files []string, load func(string) error) map[string]error {
	for {
		failed := map[string]error{}
		for _, file := range files {
			if err := load(file); err != nil && !errors.Is(err, unix.EEXIST) {
				failed[file] = err
			}
		}
		if len(failed) == 0 || len(failed) == len(files) {
			return failed
		}
		files = slices.Sorted(maps.Keys(failed))
	}
}

// load puts one module into the kernel. A compressed one the kernel unpacks itself, if it was built to (since 5.17).
func load(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	flags := 0
	if !strings.HasSuffix(file, ".ko") {
		flags = unix.MODULE_INIT_COMPRESSED_FILE
	}
	return unix.FinitModule(int(f.Fd()), "", flags)
}
