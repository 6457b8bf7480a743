package libvirt

import (
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	golibvirt "github.com/digitalocean/go-libvirt"

	"github.com/pxelab/pxelab/lab/plan"
)

func hypervisor(t *testing.T, uri string) *plan.Hypervisor {
	t.Helper()
	h, err := plan.ParseConnect(uri)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestSockets(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/7")
	for uri, want := range map[string][]string{
		"qemu:///system":                     {"/run/libvirt/virtqemud-sock", "/run/libvirt/libvirt-sock"},
		"qemu:///session":                    {"/run/user/7/libvirt/virtqemud-sock", "/run/user/7/libvirt/libvirt-sock"},
		"qemu+unix:///session?socket=/tmp/s": {"/tmp/s"},
	} {
		if got := sockets(hypervisor(t, uri)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", uri, got, want)
		}
	}
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("XDG_CACHE_HOME", "/home/me/.cache")
	if got := sockets(hypervisor(t, "qemu:///session"))[1]; got != "/home/me/.cache/libvirt/libvirt-sock" {
		t.Errorf("without a runtime folder: %s", got)
	}
}

// Where no daemon listens, the error is this host's, and says what to do.
func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	_ = l.Close()
	for uri, want := range map[string]string{
		"qemu+unix:///session?socket=" + filepath.Join(t.TempDir(), "none"): "virsh --connect qemu:///session uri",
		"qemu+tcp://" + nobody + "/system":                                  "listen_tcp = 1",
		"qemu+ssh://box/system?command=/nonexistent/ssh":                    "install an ssh client",
	} {
		link, err := Dial(t.Context(), hypervisor(t, uri), nil)
		if link != nil || !errors.Is(err, plan.ErrHost) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), uri) {
			t.Errorf("%s: %v, want %q", uri, err, want)
		}
	}
}

// A daemon that hangs up is an error, not a wait; one that speaks something else, too.
func TestOpenFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	h := hypervisor(t, "qemu+unix:///system?socket="+path)
	link, err := Dial(t.Context(), h, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a := link.Address; a.Here != "127.0.0.1" || a.Peer != netip.MustParseAddr("127.0.0.1") || a.Frames == 0 || a.Console == 0 || a.Frames == a.Console {
		t.Errorf("address %+v", a)
	}
	if _, err := Open(t.Context(), h, link.Address, link.Files()); err == nil || !strings.Contains(err.Error(), h.URI) {
		t.Errorf("opened: %v", err)
	}
	if _, err := Open(t.Context(), h, link.Address, nil); err == nil {
		t.Error("opened without files")
	}
}

func TestSSH(t *testing.T) {
	h := hypervisor(t, "qemu+ssh://me@box:2222/session?keyfile=/k&no_verify=1")
	got := strings.Join(sshArgv(h, forward(20000, 41), forward(20001, 42)), " ")
	want := `ssh -T -e none -o BatchMode=yes -o ExitOnForwardFailure=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -p 2222 -l me -i /k ` +
		`-R 127.0.0.1:20000:127.0.0.1:41 -R 127.0.0.1:20001:127.0.0.1:42 -- box ` +
		`command -v virt-ssh-helper >/dev/null && exec virt-ssh-helper qemu:///session; exec nc -U "${XDG_RUNTIME_DIR:-$HOME/.cache}/libvirt/libvirt-sock"`
	if got != want {
		t.Errorf("command\n%s\nwant\n%s", got, want)
	}
	if got := farCommand(hypervisor(t, "qemu+ssh://box/system?socket=/it's")); got != `exec nc -U '/it'\''s'` {
		t.Errorf("command there: %s", got)
	}
}

func TestAdvice(t *testing.T) {
	local, far := &Connection{hypervisor: hypervisor(t, "qemu:///system")}, &Connection{hypervisor: hypervisor(t, "qemu+ssh://box/system")}
	denied := golibvirt.Error{Code: 38, Message: "Cannot access storage file '/root/x': Permission denied"}
	if err := local.advise(denied); !strings.Contains(err.Error(), "--out") || !errors.Is(err, denied) {
		t.Errorf("advice: %v", err)
	}
	if err := far.advise(denied); strings.Contains(err.Error(), "--out") {
		t.Errorf("advice about files of another host: %v", err)
	}
	if err := local.advise(golibvirt.ErrInterrupted); !errors.Is(err, errLost) {
		t.Errorf("a cut connection: %v", err)
	}
	for _, err := range []error{golibvirt.Error{Code: uint32(golibvirt.ErrNoDomain)}, golibvirt.Error{Message: "Requested operation is not valid: domain is not running"}} {
		if !gone(err) {
			t.Errorf("%v is not taken as the domain's end", err)
		}
	}
	for said, want := range map[string]bool{
		"internal error: process exited while connecting to monitor: qemu-system-x86_64: cannot set up": true,
		"internal error: qemu unexpectedly closed the monitor: qemu-system-x86_64: cannot set up":       true,
		"internal error: process exited while connecting to monitor: vars.fd: Permission denied":        false,
		"unsupported configuration: Emulator '/usr/bin/qemu-system-x86_64' does not support virt type":  false,
	} {
		if got := emulatorEnded(golibvirt.Error{Code: 1, Message: said}); got != want {
			t.Errorf("%q: QEMU ended: %v", said, got)
		}
	}
	if gone(denied) || gone(golibvirt.ErrInterrupted) {
		t.Error("an error is taken for the domain's end")
	}
}

func TestUUID(t *testing.T) {
	a, b := newUUID(), newUUID()
	if a == b || uuidText(a)[14] != '4' || len(uuidText(a)) != 36 {
		t.Errorf("%s, %s", uuidText(a), uuidText(b))
	}
}
