package bundle

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/plan"
)

// What was made with what is written, read back, and held against what is here.
func TestMade(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	code := filepath.Join(dir, "code.fd")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(code+".new", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(code+".new", code); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	p := &plan.Plan{Accel: plan.Choice{Value: "tcg"}, Uses: []plan.Use{
		{What: plan.UsedQEMU, Name: "x86_64", Path: "/usr/bin/qemu", Version: "7.2.22"},
		{What: plan.UsedCode, Name: "ovmf-x64", Path: code},
		{What: plan.UsedStore, Name: "ovmf-x64", Path: code},
		{What: plan.UsedPart, Name: "grub-x64", Path: dir}}}
	m := NewMade(p, "v1")
	m.Repeats, m.Differs = "/there", []string{"a"}
	if err := Folder(dir).AddMade(m); err != nil {
		t.Fatal(err)
	}
	there, err := ReadMade(dir)
	if err != nil {
		t.Fatal(err)
	}
	here := NewMade(p, "v1")
	if d := there.DiffersFrom(here); d != nil || there.Digest() != here.Digest() || there.Repeats != "/there" || len(there.Differs) != 1 {
		t.Errorf("on the same host differs: %q (%+v)", d, there)
	}
	if n := here.Files[2].SHA256 + here.Files[3].SHA256; n != "" {
		t.Errorf("a store of this host or a folder has a checksum: %s", n)
	}
	write("two") // of the same size, in the same second
	p.Uses[0].Version = "9.2.0"
	here = NewMade(p, "v2")
	want := []string{"pxelab: v2 here, v1 there", "QEMU x86_64: 9.2.0 here, 7.2.22 there",
		"firmware code ovmf-x64: SHA-256: 3fc4ccfe7458 here, 7692c3ad3540 there"}
	if d := cmp.Diff(want, there.DiffersFrom(here)); d != "" || there.Digest() == here.Digest() {
		t.Errorf("(- want, + got):\n%s", d)
	}
	if none, err := ReadMade(t.TempDir()); none != nil || err != nil {
		t.Errorf("a bundle that does not tell: %v, %v", none, err)
	}
	if err := os.WriteFile(Folder(dir).Host(), []byte(`{"version":9}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadMade(dir); err == nil {
		t.Error("a host.json of a later version is read")
	}
}
