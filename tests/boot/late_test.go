package boot

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/tests/built"
)

// TestLateStarter stops the process that starts a lab before it has come to listen, as a busy host may. The lab is over when it goes on, and
// it is told all the same.
func TestLateStarter(t *testing.T) {
	built.NeedBoots(t)
	folder := filepath.Join(t.TempDir(), "bundle")
	cmd := exec.Command(built.Pxelab, "run", topologyFile(t, "bios-only"), "--out", folder, "--clock", "warp")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	exited := beside(t, cmd)
	log := follow(t, folder, exited) // begins with the log
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	log.until(event.RunEnded)
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	<-exited
	if code := cmd.ProcessState.ExitCode(); code != 0 || !bytes.Contains(said.Bytes(), []byte("its one guest as expected")) {
		t.Errorf("exit %d:\n%s", code, &said)
	}
}
