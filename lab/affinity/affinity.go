// Package affinity keeps what is started on some of the host's cores (sched_setaffinity(2)).
package affinity

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Usable lists the cores that this thread may use, by number.
func Usable() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("see which cores may be used: %w", err)
	}
	var out []int
	for n := 0; len(out) < set.Count(); n++ {
		if set.IsSet(n) {
			out = append(out, n)
		}
	}
	return out, nil
}

// On calls f on a thread that may only use these cores: what it starts inherits that.
func On(cores []int, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, these unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("see which cores may be used: %w", err)
	}
	for _, c := range cores {
		these.Set(c)
	}
	if err := unix.SchedSetaffinity(0, &these); err != nil {
		return fmt.Errorf("stay on cores %v: %w", cores, err)
	}
	err := f()
	if back := unix.SchedSetaffinity(0, &before); back != nil {
		return errors.Join(err, fmt.Errorf("go back to all cores: %w", back))
	}
	return err
}
