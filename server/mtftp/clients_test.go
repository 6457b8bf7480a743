package mtftp

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/pxelab/pxelab/tests/netns"
)

// TestAtftpd receives from a server that is not ours: several clients at once, and one transmission. atftpd sends from a
// port of its own choice, and answers an ACK that comes twice by a block that comes twice.
func TestAtftpd(t *testing.T) {
	atftpd := netns.Program(t, "atftpd")
	l := newLAN(t)
	must(t, netlink.RouteAdd(&netlink.Route{LinkIndex: l.bridge.Attrs().Index,
		Dst: &net.IPNet{IP: net.IPv4(224, 0, 0, 0), Mask: net.CIDRMask(4, 32)}, Scope: netlink.SCOPE_LINK}))
	root, data := put(t, 20*blockSize+1)
	for _, dir := range []string{root, filepath.Dir(root)} {
		must(t, os.Chmod(dir, 0o755)) //nolint:gosec // atftpd serves only what the world may read
	}
	must(t, os.Chmod(filepath.Join(root, "f"), 0o644)) //nolint:gosec // the same
	list := filepath.Join(t.TempDir(), "mtftp.conf")
	must(t, os.WriteFile(list, []byte("f "+group.Addr().String()+" 1758\n"), 0o600))
	cmd := exec.Command(atftpd, "--daemon", "--no-fork", "--user", "root.root", "--logfile", "-", "--verbose=7", "--trace",
		"--retry-timeout", "1", "--mtftp", list, "--mtftp-port", "1759", root)
	said, err := cmd.StderrPipe()
	must(t, err)
	cmd.Stdout = cmd.Stderr
	must(t, cmd.Start())
	log := make(chan string, 10000)
	go func() {
		defer close(log)
		for lines := bufio.NewScanner(said); lines.Scan(); {
			log <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
		for line := range log {
			t.Log(line)
		}
	})
	for line := range log {
		if strings.Contains(line, "mtftp main server thread started") {
			break
		}
	}
	wire := l.count()
	listener := l.plug().receive(t.Context(), patient(late))
	opener := l.plug().receive(t.Context(), patient(soon))
	if got := opener.has(data); got.Opened != 1 || got.Acknowledged != 21 {
		t.Errorf("the opener: %d openings, %d blocks acknowledged", got.Opened, got.Acknowledged)
	}
	if got := listener.has(data); got.Opened != 0 || got.Heard != 21 {
		t.Errorf("the listener: %d openings, %d blocks heard", got.Opened, got.Heard)
	}
	sum := wire.sent()
	for n := 1; n <= 21; n++ {
		if sum.toGroup[n] != 1 {
			t.Errorf("block %d was sent %d times to the group", n, sum.toGroup[n])
		}
	}
}
