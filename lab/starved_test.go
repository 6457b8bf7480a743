package lab

import (
	"testing"
	"time"
)

func TestStretched(t *testing.T) {
	for _, c := range []struct {
		name                      string
		ran, waited, budget, want time.Duration
	}{
		{"a host with cores to spare", 10 * time.Second, time.Second, time.Minute, time.Minute},
		{"a halted guest", time.Second, 0, time.Minute, time.Minute},
		{"half of a core", 10 * time.Second, 10 * time.Second, time.Minute, 2 * time.Minute},
		{"a quarter of a core", 5 * time.Second, 15 * time.Second, time.Minute, 4 * time.Minute},
		{"next to nothing", time.Second, 59 * time.Second, time.Minute, 6 * time.Minute},
		{"nothing at all", 0, time.Minute, time.Minute, 6 * time.Minute},
		{"no statistics", 0, 0, time.Minute, time.Minute},
	} {
		if got := stretched(c.budget, c.ran, c.waited); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
