package payload

import (
	"bytes"
	"compress/gzip"
	"debug/pe"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cavaliergopher/cpio"
)

// buildInit builds the real init.
func buildInit(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pxelab-init")
	cmd := exec.Command("go", "build", "-o", path, "../cmd/pxelab-init")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the init: %v\n%s", err, out)
	}
	return path
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// members unpacks an initrd: names with what they hold.
func members(t *testing.T, initrd []byte) map[string]string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(initrd))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for r := cpio.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all[h.Name] = string(data)
		if h.Name == "init" && h.Mode.Perm() != 0o755 {
			t.Errorf("/init has mode %o", h.Mode.Perm())
		}
	}
}

func TestInitrd(t *testing.T) {
	init, dir := buildInit(t), t.TempDir()
	from := []string{init, write(t, dir+"/net/b.ko", "second"), write(t, dir+"/a.ko.xz", "first")}
	first, err := Make(t.Context(), "", Initrd, from)
	if err != nil {
		t.Fatal(err)
	}
	got := members(t, first)
	want, err := os.ReadFile(init)
	if err != nil {
		t.Fatal(err)
	}
	if got["init"] != string(want) || got["modules/b.ko"] != "second" || got["modules/a.ko.xz"] != "first" {
		t.Errorf("the initrd does not hold what it was made from: %d members", len(got))
	}
	for _, dir := range []string{"dev", "proc", "sys"} {
		if _, ok := got[dir]; !ok {
			t.Errorf("the initrd has no /%s", dir)
		}
	}
	again, err := Make(t.Context(), "", Initrd, from)
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("made again it differs (%v)", err)
	}
}

// An init that cannot run is refused here, and not by a kernel panic in a guest.
func TestUnusableInit(t *testing.T) {
	dynamic, err := exec.LookPath("sh") // links with the C library on every distribution we know
	if err != nil {
		t.Skip("no sh")
	}
	for path, says := range map[string]string{
		dynamic: "CGO_ENABLED=0",
		write(t, t.TempDir()+"/script", "#!/bin/sh\n"): "build it again",
	} {
		if _, err := Make(t.Context(), "", Initrd, []string{path}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("init %s: error %v, want one that says %q", path, err, says)
		}
	}
}

// What takes long to make is made once, and again if what it is made from changes.
func TestCache(t *testing.T) {
	init, cache := buildInit(t), t.TempDir()
	module := write(t, t.TempDir()+"/a.ko", "one")
	kept := func() []string {
		files, err := filepath.Glob(cache + "/*")
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	made := func() []byte {
		t.Helper()
		b, err := Make(t.Context(), cache, Initrd, []string{init, module})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	made()
	if files := kept(); len(files) != 1 {
		t.Fatalf("the cache holds %v, want one file", files)
	}
	write(t, kept()[0], "kept")
	if string(made()) != "kept" {
		t.Error("it was made again although nothing changed")
	}
	write(t, module, "two")
	if got := members(t, made()); got["modules/a.ko"] != "two" {
		t.Errorf("the module changed, and the initrd holds %q", got["modules/a.ko"])
	}
	if files := kept(); len(files) != 2 {
		t.Errorf("the cache holds %v, want two files", files)
	}
	// A cache that cannot be written is no error.
	if _, err := Make(t.Context(), write(t, t.TempDir()+"/file", ""), Initrd, []string{init}); err != nil {
		t.Errorf("with a cache that is a file: %v", err)
	}
}

func TestCopy(t *testing.T) {
	path := write(t, t.TempDir()+"/pxelinux.0", "program")
	if b, err := Make(t.Context(), t.TempDir(), Copy, []string{path}); err != nil || string(b) != "program" {
		t.Errorf("copied %q, %v", b, err)
	}
	if _, err := Make(t.Context(), "", Copy, []string{path + "x"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want that there is no such file", err)
	}
	if _, err := Make(t.Context(), "", "magic", []string{path}); err == nil {
		t.Error("a file was made by magic")
	}
}

// TestGRUB makes a core image for each target that is installed: a program for that machine, the same each time.
func TestGRUB(t *testing.T) {
	tool, err := exec.LookPath("grub-mkimage")
	if err != nil {
		skip(t, "grub-mkimage is not installed")
	}
	for target, machine := range map[string]uint16{"x86_64-efi": pe.IMAGE_FILE_MACHINE_AMD64, "i386-efi": pe.IMAGE_FILE_MACHINE_I386} {
		folder := "/usr/lib/grub/" + target
		if _, err := os.Stat(folder + "/moddep.lst"); err != nil {
			skip(t, err.Error())
		}
		image, err := Make(t.Context(), "", GRUB, []string{tool, folder})
		if err != nil {
			t.Fatal(err)
		}
		f, err := pe.NewFile(bytes.NewReader(image))
		if err != nil {
			t.Fatal(err)
		}
		if f.Machine != machine || f.OptionalHeader == nil {
			t.Errorf("%s: a program for machine %#x, want %#x", target, f.Machine, machine)
		}
		again, err := Make(t.Context(), "", GRUB, []string{tool, folder})
		if err != nil || !bytes.Equal(image, again) {
			t.Errorf("%s: made again it differs (%v)", target, err)
		}
	}
	if _, err := Make(t.Context(), "", GRUB, []string{tool, t.TempDir()}); err == nil || !strings.Contains(err.Error(), "grub-mkimage") {
		t.Errorf("a folder without modules gives error %v", err)
	}
}

// skip skips what this host has no packages for, unless PXELAB_REQUIRE says that boots must be tested.
func skip(t *testing.T, why string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("PXELAB_REQUIRE"), ","), "boot") {
		t.Fatalf("%s, and PXELAB_REQUIRE names boot", why)
	}
	t.Skip(why)
}
