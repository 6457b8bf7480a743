package qmp_test

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/pxelab/pxelab/lab/guest/qmp"
)

// startQEMU runs a real QEMU with an empty machine and returns the connection to its monitor.
func startQEMU(t *testing.T) net.Conn {
	t.Helper()
	path, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		if strings.Contains(os.Getenv("PXELAB_REQUIRE"), "qemu") {
			t.Fatal(err)
		}
		t.Skip("needs QEMU: ", err)
	}
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "qmp"), os.NewFile(uintptr(fds[1]), "qmp")
	defer ours.Close()
	defer theirs.Close()
	cmd := exec.Command(path, "-machine", "none", "-nodefaults", "-display", "none",
		"-chardev", "socket,id=qmp,fd=3", "-mon", "chardev=qmp,mode=control")
	cmd.ExtraFiles, cmd.Stderr = []*os.File{theirs}, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	conn, err := net.FileConn(ours)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestRealQEMU(t *testing.T) {
	m := qmp.New(startQEMU(t))
	defer m.Disconnect()
	events, err := m.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Connect(); err != nil {
		t.Fatal(err)
	}
	if m.Version().QEMU.Major == 0 {
		t.Errorf("version %+v", m.Version())
	}
	var schema []json.RawMessage
	if err := m.Execute(t.Context(), "query-qmp-schema", nil, &schema); err != nil || len(schema) < 100 {
		t.Errorf("%d entries of the schema, %v", len(schema), err)
	}
	seen := make(chan int)
	go func() {
		n := 0
		for range events {
			n++
		}
		seen <- n
	}()
	for i := range 300 {
		name := []string{"stop", "cont"}[i%2]
		if err := m.Execute(t.Context(), name, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Execute(t.Context(), "quit", nil, nil); err != nil && !errors.Is(err, qmp.ErrGone) {
		t.Errorf("quit: %v", err)
	}
	<-m.Done()
	if n := <-seen; n < 300 {
		t.Errorf("%d events for 300 changes of state (%d dropped)", n, m.Dropped())
	}
	if err := m.Execute(t.Context(), "stop", nil, nil); !errors.Is(err, qmp.ErrGone) {
		t.Errorf("a command to a QEMU that quit: %v", err)
	}
}
