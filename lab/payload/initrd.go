package payload

import (
	"bytes"
	"compress/gzip"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cavaliergopher/cpio"
)

// packInitrd packs the first file as /init, and the others, kernel modules, under /modules. The archive is newc, as the kernel wants it (Documentation/driver-api/early-userspace/buffer-format.rst), and
// nothing in it depends on when or where it was made.
func packInitrd(_ context.Context, from []string) ([]byte, error) {
	if err := checkInit(from[0]); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	w := cpio.NewWriter(z)
	err = addFile(w, "init", from[0], 0o755)
	for _, dir := range []string{"dev", "modules", "proc", "sys"} {
		err = errors.Join(err, w.WriteHeader(&cpio.Header{Name: dir, Mode: cpio.TypeDir | 0o755, Links: 2}))
	}
	for _, module := range from[1:] {
		err = errors.Join(err, addFile(w, "modules/"+filepath.Base(module), module, 0o644))
	}
	if err := errors.Join(err, w.Close(), z.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func addFile(w *cpio.Writer, name, path string, mode cpio.FileMode) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&cpio.Header{Name: name, Mode: cpio.TypeReg | mode, Size: int64(len(data)), Links: 1}); err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// checkInit refuses an init that could not run in an initrd that holds nothing else.
func checkInit(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("init %s: %w; build it again: make build", path, err)
	}
	defer f.Close()
	if f.Machine != elf.EM_X86_64 {
		return fmt.Errorf("init %s is for %s, and guests are x86-64: build it with GOARCH=amd64", path, f.Machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			loader, _ := io.ReadAll(p.Open())
			return fmt.Errorf("init %s needs %q, which no initrd has: build it with CGO_ENABLED=0", path, bytes.TrimRight(loader, "\x00"))
		}
	}
	return nil
}
