package boot

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pxelab/pxelab/tests/built"
)

// daemon is a libvirt daemon that a test has started, and that sees nothing of the host's own.
type daemon struct {
	uri  string // for clients on this host
	tcp  int    // port on loopback, if it is one of the system's
	cmd  *exec.Cmd
	logs string
}

// systemDaemon starts a daemon of the system's kind: root's, with QEMU run by root. Its folders are private to it, in a mount
// namespace, in which it also finds the user that Debian's build of it insists on.
//
// The settings keep libvirt 9.0 from one trap: where root may open /dev/kvm and the user of QEMU may not, it tries out its
// emulators again and again, for 47 s.
func systemDaemon(t *testing.T) *daemon {
	t.Helper()
	needLibvirt(t)
	if os.Getuid() != 0 {
		t.Skip("only root can start a daemon of the system's kind; TestLibvirtSession shows the same for a user's")
	}
	dir := shortDir(t)
	d := &daemon{tcp: freePort(t), logs: filepath.Join(dir, "libvirtd.log")}
	write(t, filepath.Join(dir, "libvirtd.conf"), fmt.Sprintf(`auth_unix_ro = "none"
auth_unix_rw = "none"
listen_tls = 0
listen_tcp = 1
listen_addr = "127.0.0.1"
tcp_port = "%d"
auth_tcp = "none"
log_outputs = "3:file:%s"
`, d.tcp, d.logs))
	write(t, filepath.Join(dir, "qemu.conf"), `user = "root"
group = "root"
security_driver = "none"
namespaces = []
cgroup_controllers = []
remember_owner = 0
stdio_handler = "file"
`)
	const script = `set -e
for folder in /etc/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt /run/libvirt /run/sshd; do
	mkdir -p "$folder" "$DIR$folder"
	mount --bind "$DIR$folder" "$folder"
done
for file in passwd group; do
	cp "/etc/$file" "$DIR/$file"
done
echo 'libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin
sshd:x:64056:65534::/run/sshd:/usr/sbin/nologin' >>"$DIR/passwd"
echo 'libvirt-qemu:x:64055:' >>"$DIR/group"
mount --bind "$DIR/passwd" /etc/passwd
mount --bind "$DIR/group" /etc/group
cp "$DIR/qemu.conf" /etc/libvirt/qemu.conf
exec libvirtd --listen --config "$DIR/libvirtd.conf" --pid-file "$DIR/pid"`
	d.start(t, exec.Command("unshare", "--mount", "sh", "-c", script), dir, filepath.Join(dir, "run/libvirt/libvirt-sock"))
	d.uri = "qemu+unix:///system?socket=" + filepath.Join(dir, "run/libvirt/libvirt-sock")
	return d
}

// start starts the daemon and waits until it answers; the test ends it.
func (d *daemon) start(t *testing.T, cmd *exec.Cmd, dir, socket string) {
	t.Helper()
	d.cmd = cmd
	cmd.Env = append(os.Environ(), append(cmd.Env, "DIR="+dir)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	said, err := os.Create(filepath.Join(dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	eventually(t, "libvirt's daemon answers", func() bool {
		select {
		case <-ended:
			why, _ := os.ReadFile(said.Name())
			log, _ := os.ReadFile(d.logs)
			t.Fatalf("libvirt's daemon ended: %s\n%s", why, log)
		default:
		}
		conn, err := net.Dial("unix", socket)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

// virsh asks the daemon as people do.
func (d *daemon) virsh(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("virsh", append([]string{"--quiet", "--connect", d.uri}, args...)...).CombinedOutput()
	if err != nil {
		t.Errorf("virsh %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// leftNothing waits until the daemon has no domain and runs no QEMU.
func (d *daemon) leftNothing(t *testing.T) {
	t.Helper()
	eventually(t, "the daemon has no domain and no QEMU", func() bool {
		return d.virsh(t, "list", "--all", "--name") == "" && len(d.emulators()) == 0
	})
}

// emulators are the QEMU processes of domains; libvirtd runs them beside itself, not below.
func (d *daemon) emulators() []int {
	var pids []int
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	own, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", d.cmd.Process.Pid))
	for _, dir := range dirs {
		p, ok := readProcess(dir)
		space, _ := os.Readlink(filepath.Join(dir, "ns/mnt"))
		if ok && space == own && strings.Contains(p.command, "guest=pxelab-") {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// needLibvirt skips a test on a host without libvirt's daemon, or fails it where PXELAB_REQUIRE says that boots must run.
func needLibvirt(t *testing.T) {
	t.Helper()
	built.NeedBoots(t)
	for _, name := range []string{"libvirtd", "virsh"} {
		if _, err := exec.LookPath(name); err != nil && strings.Contains(os.Getenv("PXELAB_REQUIRE"), "boot") {
			t.Fatalf("%v; scripts/install-deps.sh --test installs it", err)
		} else if err != nil {
			t.Skipf("needs libvirt: %v", err)
		}
	}
}

// shortDir is a folder whose sockets' paths are short enough for the kernel.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pxelab-v-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// freePort is a port of loopback that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	n, _ := strconv.Atoi(port)
	return n
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
