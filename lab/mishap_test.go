package lab

import (
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestHeldAgain: a service that is held already is held for longer, and goes on after that.
func TestHeldAgain(t *testing.T) {
	s := &service{cmd: exec.Command("sleep", "1000"), ended: make(chan struct{})}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = s.cmd.Process.Kill(), s.cmd.Wait() }()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.hold(time.Minute)
		s.hold(time.Millisecond)
		awaitState(s.cmd.Process.Pid, unix.WCONTINUED)
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("it is held for ever")
	}
}
