package insmod

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// Modules load whatever their order; one that needs what is not there is told, and one that is there already is not.
func TestLoadAll(t *testing.T) {
	needs := map[string]string{"net": "virtio", "virtio": "ring", "lost": "nowhere"}
	var order []string
	failed := loadAll([]string{"net", "lost", "there", "virtio", "ring"}, func(file string) error {
		if file == "there" {
			return unix.EEXIST
		}
		if n := needs[file]; n != "" && !slices.Contains(order, n) {
			return unix.ENOENT
		}
		if slices.Contains(order, file) {
			t.Errorf("%s was loaded twice", file)
		}
		order = append(order, file)
		return nil
	})
	if want := []string{"ring", "virtio", "net"}; !slices.Equal(order, want) {
		t.Errorf("loaded %v, want %v", order, want)
	}
	if len(failed) != 1 || !errors.Is(failed["lost"], unix.ENOENT) {
		t.Errorf("failed: %v, want only the lost one", failed)
	}
}
