package host

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pxelab/pxelab/tests/golden"
)

// layout is a machine made of files: what is in a bin directory can be run, and says what it holds.
func layout(files map[string]string) machine {
	root := fstest.MapFS{}
	for name, data := range files {
		mode := fs.FileMode(0o644)
		if strings.Contains(name, "/bin/") || strings.Contains(name, "/libexec/") {
			mode = 0o755
		}
		root[name] = &fstest.MapFile{Data: []byte(data), Mode: mode, ModTime: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	}
	return machine{
		root:   root,
		getenv: func(name string) string { return map[string]string{"PATH": "bin:/usr/bin", "HOME": "/home/me"}[name] },
		cores:  8,
		open:   func(string) error { return nil },
		userns: func() error { return nil },
		version: func(_ context.Context, binary string) (string, error) {
			b, err := fs.ReadFile(root, rel(binary))
			return string(b), err
		},
	}
}

func readLayout(t *testing.T, path string) machine {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = string(f.Data)
	}
	return layout(files)
}

// TestDistributions gathers the hosts laid out in testdata, and has the doctor look at them.
func TestDistributions(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) < 5 {
		t.Fatalf("found %d layouts in testdata (%v), want at least 5", len(paths), err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(name, func(t *testing.T) {
			m := readLayout(t, path)
			if name == "ubuntu" || name == "bare" { // where an ordinary user meets locked doors
				m.open = func(device string) error { return &fs.PathError{Op: "open", Path: device, Err: fs.ErrPermission} }
				m.userns = func() error { return errors.New("AppArmor forbids it; run: sudo sysctl -w some.switch=0") }
			}
			h := m.gather(t.Context())
			h.KVM = m.kvmOrOK(t, h)
			golden.Check(t, filepath.Join("testdata", name+".host.json"), indented(t, h))
			checks := h.Checks()
			golden.Check(t, filepath.Join("testdata", name+".doctor.json"), indented(t, checks))
			var text strings.Builder
			if err := WriteText(&text, checks); err != nil {
				t.Fatal(err)
			}
			golden.Check(t, filepath.Join("testdata", name+".doctor.txt"), text.String())
		})
	}
}

// kvmOrOK is the fact about KVM as far as it needs no boot.
func (m machine) kvmOrOK(t *testing.T, h *Host) Fact {
	t.Helper()
	if m.open(kvmDevice) == nil {
		return Fact{OK: true, Why: "OVMF boots"}
	}
	return m.kvm(t.Context(), h, true)
}

func indented(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

// TestUsable holds the doctor's upshot to the required checks alone.
func TestUsable(t *testing.T) {
	fails := func(l Level) []Check { return []Check{{OK: true, Level: Required}, {Level: l}} }
	if !Usable(fails(Optional)) || Usable(fails(Required)) {
		t.Error("an optional part that is missing must leave the host usable, a required one must not")
	}
}

func TestOldQEMU(t *testing.T) {
	for version, ok := range map[string]bool{"6.2.0": false, "7.1.94": false, "7.2": true, "7.2.22": true, "10.0.2": true, "8": true, "7": false} {
		h := Host{QEMU: []QEMU{{Arch: "x86_64", Path: "/usr/bin/qemu-system-x86_64", Version: version}}}
		if c := h.checkQEMU(); c.OK != ok {
			t.Errorf("version %s: OK is %t, want %t: %+v", version, c.OK, ok, c)
		}
	}
}

// TestROMs holds that the ROM counts which QEMU loads.
func TestROMs(t *testing.T) {
	h := Host{ROMs: []ROM{{NIC: "virtio", Device: "virtio-net-pci", BIOS: "/pxe-virtio.rom"}}}
	if c := h.checkROMs(); c.OK {
		t.Errorf("virtio's combined ROM is missing, and the check is %+v", c)
	}
	h.ROMs[0].EFI = "/efi-virtio.rom"
	if c := h.checkROMs(); !c.OK {
		t.Errorf("virtio's combined ROM is there, and the check is %+v", c)
	}
}

// TestGatherHere gathers the machine the test runs on.
func TestGatherHere(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	h, err := Gather(t.Context(), Options{ProbeUserns: func() error { return errors.New("asked") }})
	if err != nil {
		t.Fatal(err)
	}
	if h.Cores < 1 || h.FreeMiB < 1 || h.Userns.Why != "asked" || h.KVM.Why == "" || h.Tun.Why == "" {
		t.Errorf("facts are missing: %+v", h)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Gather(ctx, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context the error is %v, want context.Canceled", err)
	}
}

func TestRead(t *testing.T) {
	m := layout(map[string]string{"etc/os-release": "ID=x"})
	for path, want := range map[string]string{"/etc/os-release": "ID=x", "/etc/../etc/os-release": "ID=x", "/absent": "", "": "", "/": ""} {
		if got := m.read(path); got != want {
			t.Errorf("read(%q) = %q, want %q", path, got, want)
		}
	}
	if !slices.Contains(m.descriptorDirs(), "/home/me/.config/qemu/firmware") {
		t.Errorf("without XDG_CONFIG_HOME the user's descriptors are in %v", m.descriptorDirs())
	}
}
