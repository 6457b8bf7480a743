package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/matrix"
)

// replaceFirmware puts the files of one build in the place of the host's own, having checked them.
func replaceFirmware(h *host.Host, f matrix.Firmware) error {
	code, err := filepath.Abs(f.Code) // a guest's QEMU runs elsewhere
	if err != nil {
		return fmt.Errorf("firmware %s: %w", f.Name, err)
	}
	vars := f.Vars
	if vars != "" {
		if vars, err = filepath.Abs(vars); err != nil {
			return fmt.Errorf("firmware %s: %w", f.Name, err)
		}
	}
	sum, err := sumOf(code)
	if err != nil {
		return fmt.Errorf("firmware %s: %w", f.Name, err)
	}
	if f.SHA256 != "" && sum != f.SHA256 {
		return fmt.Errorf("firmware %s: %s has SHA-256 %s, and the matrix wants %s: it is another build", f.Name, code, sum, f.SHA256)
	}
	if vars != "" {
		if _, err := os.Stat(vars); err != nil {
			return fmt.Errorf("firmware %s: %w", f.Name, err)
		}
	}
	name := strings.TrimSuffix(f.Firmware, "-ipxe") // which is the same firmware with another ROM
	h.Firmware = slices.Clone(h.Firmware)
	i := slices.IndexFunc(h.Firmware, func(x host.Firmware) bool { return x.Name == name })
	if i < 0 {
		h.Firmware = append(h.Firmware, host.Firmware{Name: name, Title: f.Name, Machine: "q35"})
		i = len(h.Firmware) - 1
	}
	own := &h.Firmware[i]
	own.Title, own.Source, own.Code, own.Vars, own.Prepared, own.Format = f.Name, "the matrix", code, vars, "", "raw"
	return nil
}

func sumOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
