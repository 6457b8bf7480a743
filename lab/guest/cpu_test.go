package guest

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// Two programs that never sleep, on one core: each must be seen to run, and to wait for the other.
func TestBusiest(t *testing.T) {
	if _, err := os.Stat("/proc/self/schedstat"); err != nil {
		t.Skip("this kernel keeps no scheduling statistics")
	}
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Skip("needs taskset, of util-linux, to have two programs share a core")
	}
	var pids []int
	for range 2 {
		cmd := exec.Command("taskset", "-c", "0", "sh", "-c", "while :; do :; done")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		pids = append(pids, cmd.Process.Pid)
	}
	for _, pid := range pids {
		for {
			if ran, waited := busiest(pid); ran > 50*time.Millisecond && waited > 10*time.Millisecond {
				break
			}
			if t.Context().Err() != nil {
				t.Fatal("it was never seen to wait")
			}
		}
	}
	if ran, waited := busiest(1 << 30); ran != 0 || waited != 0 {
		t.Errorf("of no process: %v, %v", ran, waited)
	}
}
