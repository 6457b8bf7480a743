package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pxelab/pxelab/lab/plan"
)

// Create makes the folder and everything in it that is known before the run: the plan, the images with
// the nonce patched in, and for each guest a script that boots it by hand. On error nothing is left behind.
func Create(dir string, p *plan.Plan, nonce string) (b Folder, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("make the bundle: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("make the bundle: %w; choose another place with --out", err)
	}
	if err := os.Mkdir(dir, 0o755); errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("make the bundle: %s exists already; choose another place with --out", dir)
	} else if err != nil {
		return "", fmt.Errorf("make the bundle: %w; choose another place with --out", err)
	}
	b = Folder(dir)
	defer func() {
		if err == nil {
			return
		}
		_ = os.RemoveAll(dir)
		if errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("make the bundle: %w; make room there, or choose another place with --out", err)
		}
	}()
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write the plan: %w", err)
	}
	if err := os.WriteFile(b.Plan(), append(text, '\n'), 0o644); err != nil {
		return "", fmt.Errorf("write the plan: %w", err)
	}
	for _, s := range p.Services {
		if err := errors.Join(b.writeRoots(s, nonce), b.WriteWork(s)); err != nil {
			return "", err
		}
	}
	for _, g := range p.Guests {
		if err := b.writeGuest(p, g); err != nil {
			return "", err
		}
	}
	return b, nil
}

// writeGuest makes a guest's folder with the script that boots it by hand.
func (b Folder) writeGuest(p *plan.Plan, g plan.Guest) error {
	if err := os.MkdirAll(b.Guest(g.Name), 0o755); err != nil {
		return fmt.Errorf("make the folder of guest %s: %w", g.Name, err)
	}
	script := filepath.Join(b.Guest(g.Name), "qemu.sh")
	if err := os.WriteFile(script, []byte(byHand(p, g)), 0o755); err != nil {
		return fmt.Errorf("write the script of guest %s: %w", g.Name, err)
	}
	return nil
}

// WriteWork makes a program's working directory, with the files that the plan has for it.
func (b Folder) WriteWork(s plan.Service) error {
	if s.Exec == nil {
		return nil
	}
	if err := os.MkdirAll(b.Work(s.Name), 0o755); err != nil {
		return fmt.Errorf("make the folder of service %s: %w", s.Name, err)
	}
	for name, text := range s.Exec.Resolve(string(b)).Files {
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if err := put(filepath.Join(b.Work(s.Name), name), []byte(text), mode); err != nil {
			return fmt.Errorf("write a file of service %s: %w", s.Name, err)
		}
	}
	return nil
}

// put writes a file, and makes the folder that it is in.
func put(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, mode)
}

// writeFile adds a file to a bundle that stands, and says what to do where there is no room for it.
func writeFile(path string, data []byte) error {
	err := put(path, data, 0o644)
	if errors.Is(err, syscall.ENOSPC) {
		err = fmt.Errorf("%w; make room there, or choose another place with --out", err)
	}
	return err
}
