package lab

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/plan"
)

// TestShotKey: a snapshot is of one machine and one version of its files, and of no one guest.
func TestShotKey(t *testing.T) {
	rom := filepath.Join(t.TempDir(), "rom")
	write := func(text string) {
		if err := os.WriteFile(rom, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	base := plan.Guest{Name: "a", Warm: &plan.Warm{Marks: []string{"net0: "}}, Argv: []plan.Arg{{Flag: "/usr/bin/qemu"}, {Flag: "-name", Value: "a"},
		{Flag: "-device", Value: "virtio-net-pci,mac=52:54:00:00:00:01,romfile=" + rom}}}
	changed := func(change func(*plan.Guest)) string {
		g := base
		g.Argv = slices.Clone(g.Argv)
		change(&g)
		return shotKey(g)
	}
	key := shotKey(base)
	if changed(func(g *plan.Guest) { g.Name, g.Argv[1].Value = "b", "b" }) != key {
		t.Error("another name makes another snapshot")
	}
	if changed(func(g *plan.Guest) { g.Argv[2].Why = "otherwise" }) != key {
		t.Error("another reason makes another snapshot")
	}
	for what, change := range map[string]func(*plan.Guest){
		"command line": func(g *plan.Guest) { g.Argv[2].Value += ",x=1" },
		"mark":         func(g *plan.Guest) { g.Warm = &plan.Warm{Marks: []string{""}} },
		"file":         func(*plan.Guest) { write("another") },
	} {
		if changed(change) == key {
			t.Errorf("another %s makes no other snapshot", what)
		}
	}
}

// TestMakeRoom: the snapshots that were not used for longest go, and no more of them than must.
func TestMakeRoom(t *testing.T) {
	cache := t.TempDir()
	for i, name := range []string{"newest", "oldest", "middle"} {
		dir := filepath.Join(cache, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, stateFile), make([]byte, 100), 0o600); err != nil {
			t.Fatal(err)
		}
		used := time.Now().Add(-[]time.Duration{0, 2 * time.Hour, time.Hour}[i])
		if err := os.Chtimes(dir, used, used); err != nil {
			t.Fatal(err)
		}
	}
	makeRoom(cache, 250)
	left, err := filepath.Glob(filepath.Join(cache, "*"))
	if err != nil || len(left) != 2 || slices.Contains(left, filepath.Join(cache, "oldest")) {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestFresh: a snapshot that is whole and young is used, and its use noted.
func TestFresh(t *testing.T) {
	dir := t.TempDir()
	if fresh(dir) {
		t.Error("a folder without a snapshot is fresh")
	}
	if err := os.WriteFile(filepath.Join(dir, shotFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(dir, long, long); err != nil {
		t.Fatal(err)
	}
	if !fresh(dir) {
		t.Error("that none could be taken a moment ago is not believed")
	}
	if err := os.WriteFile(filepath.Join(dir, stateFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !fresh(dir) {
		t.Error("a new snapshot is not fresh")
	}
	if st, err := os.Stat(dir); err != nil || !st.ModTime().After(long.Add(time.Minute)) {
		t.Error("that it was used is not noted")
	}
	old := time.Now().Add(-shotAge - time.Hour)
	if err := os.Chtimes(filepath.Join(dir, shotFile), old, old); err != nil {
		t.Fatal(err)
	}
	if fresh(dir) {
		t.Error("a snapshot that is too old is fresh")
	}
	old = time.Now().Add(-failedAge - time.Minute)
	if err := errors.Join(os.Remove(filepath.Join(dir, stateFile)), os.Chtimes(filepath.Join(dir, shotFile), old, old)); err != nil {
		t.Fatal(err)
	}
	if fresh(dir) {
		t.Error("that none could be taken long ago is believed")
	}
}
