package guest_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/guest"
)

// need skips the test, or fails it if PXELAB_REQUIRE names what is missing.
func need(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, required := range strings.Split(os.Getenv("PXELAB_REQUIRE"), ",") {
		if required == what || required == "boot" {
			t.Fatal(err)
		}
	}
	t.Skipf("needs %s: %v", what, err)
}

// seabios is a machine with SeaBIOS, its screen on the serial port, and nothing to boot.
func seabios(t *testing.T, more ...string) guest.Config {
	t.Helper()
	qemu, err := exec.LookPath("qemu-system-x86_64")
	need(t, "qemu", err)
	return guest.Config{Dir: t.TempDir(), Argv: append([]string{qemu, "-machine", "q35,graphics=off"}, append(devices(), more...)...)}
}

// devices are the arguments that every machine has.
func devices() []string {
	return []string{"-accel", "tcg", "-m", "128", "-nodefaults", "-display", "none",
		"-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial",
		"-chardev", "socket,id=qmp,fd=4", "-mon", "chardev=qmp,mode=control"}
}

// cable is a guest's NIC socket and the other end of it.
func cable(t *testing.T) (nic *os.File, end net.Conn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	nic = os.NewFile(uintptr(fds[0]), "nic")
	ours := os.NewFile(uintptr(fds[1]), "cable")
	defer ours.Close()
	end, err = net.FileConn(ours)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nic.Close(); _ = end.Close() })
	return nic, end
}

// disk is a bootable disk with this code in its first sector.
func disk(t *testing.T, code ...byte) string {
	t.Helper()
	image := make([]byte, 1<<20)
	copy(image, code)
	image[510], image[511] = 0x55, 0xaa
	file := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(file, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return "file=" + file + ",format=raw"
}

func TestSeaBIOS(t *testing.T) {
	nic, _ := cable(t)
	config := seabios(t, "-netdev", "dgram,id=n0,local.type=fd,local.str=3", "-device", "virtio-net-pci,netdev=n0,romfile=")
	config.NIC = nic
	m, lines := start(t, config)
	await(t, lines, "No bootable device.")
	ctx := t.Context()
	for _, step := range []struct {
		name   string
		do     func() error
		status string
	}{
		{"nothing", func() error { return nil }, "running"},
		{"pause", func() error { return m.Pause(ctx) }, "paused"},
		{"resume", func() error { return m.Resume(ctx) }, "running"},
		{"link down", func() error { return m.SetLink(ctx, false) }, "running"},
		{"link up", func() error { return m.SetLink(ctx, true) }, "running"},
		{"power button", func() error { return m.PowerButton(ctx) }, "running"},
		{"reset", func() error { return m.Reset(ctx) }, "running"},
	} {
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if got, err := m.Status(ctx); err != nil || got != step.status {
			t.Errorf("status after %s: %q, %v; want %q", step.name, got, err, step.status)
		}
	}
	await(t, lines, "SeaBIOS (version")
	if err := m.Quit(ctx); err != nil {
		t.Errorf("quit: %v", err)
	}
	gone(t, m)
	if e := m.Exit(); e.Code != 0 || e.Signal != "" || e.CPU == 0 || m.Shutdown() != "host-qmp-quit" {
		t.Errorf("exit %+v, shut down for %q", e, m.Shutdown())
	}
}

func TestGuestPowersItselfOff(t *testing.T) {
	off := []byte{0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xf4} // mov dx, 604h; mov ax, 2000h; out dx, ax; hlt
	m, _ := start(t, seabios(t, "-drive", disk(t, off...)))
	gone(t, m)
	if e := m.Exit(); e.Code != 0 || m.Shutdown() != "guest-shutdown" {
		t.Errorf("exit %+v, shut down for %q", e, m.Shutdown())
	}
}

// Every key reaches the guest, also those with which a terminal would interrupt QEMU or talk to it.
func TestTypedControlCharacters(t *testing.T) {
	echo := []byte{
		0xb8, 0x52, 0x0e, 0xcd, 0x10, // mov ax, 'R' + e00h; int 10h
		0xb8, 0x0a, 0x0e, 0xcd, 0x10, // line feed
		0xb8, 0x08, 0x0e, 0xcd, 0x10, // backspace: has the firmware write now what it holds back
		0xfa,             // cli: the firmware would take what is typed
		0xba, 0xfd, 0x03, // next: mov dx, 3fdh
		0xec, 0xa8, 0x01, 0x74, 0xf8, // in al, dx; test al, 1; jz next
		0xba, 0xf8, 0x03, 0xec, 0x04, 0x40, 0xee, // mov dx, 3f8h; in al, dx; add al, 40h; out dx, al
		0xeb, 0xef, // jmp next
	}
	m, lines := start(t, seabios(t, "-drive", disk(t, echo...)))
	await(t, lines, "R")
	if err := m.Type([]byte{0x03, 0x01, 0x1c, 0x1a, 0xca}); err != nil { // ^C ^A ^\ ^Z, and what becomes a line feed
		t.Fatal(err)
	}
	await(t, lines, `CA\Z`)
}

func TestFramesReachTheCable(t *testing.T) {
	nic, end := cable(t)
	config := seabios(t, "-icount", "shift=7,sleep=off", "-netdev", "dgram,id=n0,local.type=fd,local.str=3",
		"-device", "virtio-net-pci,netdev=n0,mac=52:54:00:00:00:07,bootindex=0")
	config.NIC = nic
	m, lines := start(t, config)
	_ = nic.Close()
	go func() { <-m.Done(); _ = end.SetReadDeadline(time.Unix(1, 0)) }()
	go func() {
		for range lines {
		}
	}()
	frame := make([]byte, 2048)
	n, err := end.Read(frame)
	if err != nil {
		t.Fatalf("no frame before the guest ended (%+v): %v", m.Exit(), err)
	}
	if mac := []byte{0x52, 0x54, 0, 0, 0, 7}; n < 14 || !bytes.Equal(frame[6:12], mac) {
		t.Errorf("%d bytes, % x", n, frame[:n])
	}
}

func TestQEMURefusesItsCommandLine(t *testing.T) {
	m, _ := start(t, seabios(t, "-device", "no-such-device"))
	gone(t, m)
	if e := m.Exit(); e.Code != 1 || !strings.Contains(e.Stderr, "no-such-device") {
		t.Errorf("exit %+v", e)
	}
}

func TestKillRealQEMUAtRandomMoments(t *testing.T) {
	for i := range 10 {
		m, _ := start(t, seabios(t))
		kill := time.AfterFunc(time.Duration(i*i)*4*time.Millisecond, m.Kill)
		gone(t, m)
		kill.Stop()
	}
}

func TestOVMF(t *testing.T) {
	const code, vars = "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"
	if testing.Short() {
		t.Skip("takes seconds")
	}
	config := seabios(t)
	template, err := os.ReadFile(vars)
	need(t, "boot", err)
	if err := os.WriteFile(filepath.Join(config.Dir, "vars.fd"), template, 0o600); err != nil {
		t.Fatal(err)
	}
	config.Argv = append([]string{config.Argv[0], "-machine", "q35", "-drive", "if=pflash,format=raw,unit=0,readonly=on,file=" + code,
		"-drive", "if=pflash,format=raw,unit=1,file=vars.fd", "-icount", "shift=7,sleep=off"}, devices()...)
	m, lines := start(t, config)
	seen := await(t, lines, "BdsDxe: ")
	if last := seen[len(seen)-1]; !strings.HasPrefix(last, "BdsDxe: ") {
		t.Errorf("the line is %q", last)
	}
	m.Kill()
	gone(t, m)
}
