package payload

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	storage "github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat16"
)

// A disk has GRUB's code where the BIOS starts it, its core image where that looks for it, and the files where GRUB and
// UEFI do.
func TestDisk(t *testing.T) {
	boot, core := bytes.Repeat([]byte{0xaa}, sector), bytes.Repeat([]byte{0x55}, 100_001)
	kernel := bytes.Repeat([]byte("kernel "), 500_000)
	image, err := disk(boot, core, []file{{stickEFIBoot, []byte("efi")}, {stickKernel, kernel}, {stickInitrd, []byte("initrd")}})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(image[:atTable], boot[:atTable]) || !bytes.Equal(image[sector:sector+len(core)], core) {
		t.Error("GRUB is not where the BIOS looks for it")
	}
	if image[atTable+6] != 0x80 || image[0x1be+4] != 0xef || binary.LittleEndian.Uint16(image[0x1fe:]) != 0xaa55 ||
		binary.LittleEndian.Uint32(image[0x1be+8:]) != firstStart/sector {
		t.Errorf("partition table: % x", image[0x1be:sector])
	}
	path := filepath.Join(t.TempDir(), "stick.img")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := storage.OpenFromPath(path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	fs, err := fat16.Read(b, int64(len(image)-firstStart), firstStart, sector)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{stickEFIBoot: []byte("efi"), stickKernel: kernel, stickInitrd: []byte("initrd")} {
		got, err := fs.ReadFile(strings.TrimPrefix(name, "/"))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d octets, %v; want %d", name, len(got), err, len(want))
		}
	}
	checkFAT(t, image[firstStart:])
}

// unowned is the one thing that fsck.fat may find: go-diskfs takes a cluster for the root directory, which in FAT16
// lies outside the clusters. It costs a kilobyte and no firmware minds.
var unowned = regexp.MustCompile(`(?m)^Reclaimed 1 unused cluster \(\d+ bytes\)\.\n\nLeaving filesystem unchanged\.\n`)

// checkFAT has the file system checked by a program that did not write it.
func checkFAT(t *testing.T, volume []byte) {
	fsck, err := exec.LookPath("fsck.fat")
	if err != nil {
		t.Logf("not checked by another program: %v", err)
		return
	}
	path := filepath.Join(t.TempDir(), "volume.img")
	if err := os.WriteFile(path, volume, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(fsck, "-n", path).CombinedOutput()
	rest := unowned.ReplaceAllString(string(out), "")
	if lines := strings.Count(rest, "\n"); lines != 2 { // its version and its summary
		t.Errorf("fsck.fat: %v\n%s", err, out)
	}
}

func TestDiskRefuses(t *testing.T) {
	for name, parts := range map[string][2]int{"a short boot sector": {511, 1000}, "a core image that does not fit": {512, firstStart}} {
		if _, err := disk(make([]byte, parts[0]), make([]byte, parts[1]), nil); err == nil || !strings.Contains(err.Error(), "is this GRUB for BIOS?") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The stick is made by the real GRUB; whether it boots, tests/boot tells.
func TestStick(t *testing.T) {
	from := []string{"/usr/bin/grub-mkimage", "/usr/lib/grub/i386-pc", "/usr/lib/grub/x86_64-efi"}
	for _, path := range from {
		if _, err := os.Stat(path); err != nil {
			t.Skipf("needs GRUB's packages: %v", err)
		}
	}
	dir := t.TempDir()
	kernel, init := filepath.Join(dir, "vmlinuz"), filepath.Join(dir, "init")
	if err := os.WriteFile(kernel, []byte("kernel"), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", init, "../cmd/pxelab-init")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64", "GOOS=linux")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	image, err := Make(t.Context(), "", Stick, append(from, kernel, init))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Count(image, []byte("search --no-floppy --set=root")) != 1 { // the one for BIOS is compressed
		t.Error("no GRUB on the stick has its configuration")
	}
	if _, err := Make(t.Context(), "", Stick, append(from, filepath.Join(dir, "none"), init)); err == nil {
		t.Error("a stick was made without a kernel")
	}
	if _, err := Make(t.Context(), "", Stick, append(from, kernel, kernel)); err == nil || !strings.Contains(err.Error(), "init") {
		t.Errorf("a stick was made with an init that is no program: %v", err)
	}
}
