package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// CPU tells how long the machine's processor has run since power-on, and how long it was ready to and waited for a core of
// the host. Both are zero once QEMU is gone, or where the kernel keeps no scheduling statistics.
func (m *Machine) CPU() (ran, waited time.Duration) { return busiest(m.PID()) }

// busiest gives the times of the thread of a process that ran longest, which in QEMU runs the guest's code; the others
// mostly sleep. See schedstat in proc(5): nanoseconds on a core, nanoseconds waiting for one, times it got one.
func busiest(pid int) (ran, waited time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid)) // fails on a bad pattern only
	for _, path := range threads {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		var on, ready time.Duration
		if _, err := fmt.Sscan(string(b), (*int64)(&on), (*int64)(&ready)); err == nil && on > ran {
			ran, waited = on, ready
		}
	}
	return ran, waited
}
