package boot

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/tests/built"
)

// underLibvirt are the topologies that a libvirt daemon's guests boot, too: the three firmwares, and the ways through the protocol. With
// -libvirt all, every one.
var underLibvirt = []string{"firmware-trio", "proxy-beside-dhcp", "combined-menu", "menu-f8", "discovery-multicast", "missing-file"}

// TestLibvirt boots guests as domains of a daemon of the system's kind. They must be judged as their topology expects, and do what
// they do when the lab itself runs QEMU.
func TestLibvirt(t *testing.T) {
	d := systemDaemon(t)
	cores := usableCores(t)
	t.Run("topologies", func(t *testing.T) {
		for _, file := range shipped(t) {
			if *virt != "all" && !slices.Contains(underLibvirt, nameOf(file)) {
				continue
			}
			t.Run(nameOf(file), func(t *testing.T) {
				t.Parallel() // as in TestTopologies
				core := <-cores
				defer func() { cores <- core }()
				domains := judged(t, file, "warp", onCore(core), "--at-once", "1", "--connect", d.uri)
				inDomains(t, domains, d.uri)
				if !slices.Contains(underLibvirt, nameOf(file)) { // of others some differ by chance, such as in whose offer comes first
					return
				}
				plain, ok := inWarp.Load(file)
				if !ok {
					plain = judged(t, file, "warp", onCore(core))
				}
				checkFidelity(t, plain.(result), domains)
			})
		}
	})
	d.leftNothing(t)
	t.Run("power-cut", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "power-cut.yaml")
		text, err := os.ReadFile(topologyFile(t, "bios-only"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, file, strings.Replace(string(text), "{firmware: bios}", "{firmware: bios, faults: [{do: power-cut, packet: data, block: 1}]}", 1))
		r := judged(t, file, "warp", nil, "--connect", d.uri)
		if boots := strings.Count(r.stdout, " power "); boots != 2 {
			t.Errorf("powered on %d times, want 2:\n%s", boots, r.stdout)
		}
	})
	t.Run("over-tcp", func(t *testing.T) {
		uri := fmt.Sprintf("qemu+tcp://127.0.0.1:%d/system", d.tcp)
		inDomains(t, judged(t, topologyFile(t, "firmware-trio"), "warp", nil, "--connect", uri), uri)
		d.leftNothing(t)
	})
	t.Run("over-ssh", func(t *testing.T) {
		uri := d.ssh(t)
		inDomains(t, judged(t, topologyFile(t, "firmware-trio"), "warp", nil, "--connect", uri), uri)
		d.leftNothing(t)
		d.killOne(t, uri, []string{"cli", "supervisor"}[rand.IntN(2)], 2+rand.IntN(60))
	})
	t.Run("up", d.up)
	for _, clock := range []string{"warp", "real"} {
		t.Run("held-"+clock, func(t *testing.T) { d.held(t, clock) })
	}
	for _, victim := range []string{"cli", "supervisor", "qemu", "init"} {
		for range max(1, *kills/8) {
			after := 2 + rand.IntN(60)
			t.Run(fmt.Sprintf("kill-%s-after-event-%d", victim, after), func(t *testing.T) { d.killOne(t, d.uri, victim, after) })
		}
	}
}

// inDomains holds every power-on of a run to have been a domain of that daemon.
func inDomains(t *testing.T, r result, uri string) {
	t.Helper()
	for _, e := range r.events {
		if p := e.Power; p != nil && (!strings.HasPrefix(p.Domain, "pxelab-"+r.plan.Name+"-"+e.Guest) || p.Daemon != uri || p.PID != 0) {
			t.Errorf("guest %s was powered on otherwise: %+v", e.Guest, p)
		}
		if e.Exit != nil && e.Guest != "" && e.Exit.Code != 0 {
			t.Errorf("guest %s exits with %+v", e.Guest, e.Exit)
		}
	}
}

// up walks through what one does with a lab that stays up.
func (d *daemon) up(t *testing.T) {
	const domain = "pxelab-bios-only-bios"
	say(t, 0, "bios-only stays up", "up", topologyFile(t, "bios-only"), "--clock", "real", "--connect", d.uri, "--out", filepath.Join(t.TempDir(), "bundle"))
	t.Cleanup(func() { _ = exec.Command(built.Pxelab, "down", "--all").Run() }) // if the test failed half-way
	isolated(t)
	if got := d.virsh(t, "list", "--all", "--name"); got != "" {
		t.Errorf("virsh lists %q, of a guest that has powered itself off", got)
	}
	say(t, 0, "", "power", "bios", "on")
	if got := d.virsh(t, "list", "--name"); got != domain {
		t.Errorf("virsh lists %q, want %q", got, domain)
	}
	say(t, 0, "", "power", "bios", "pause")
	if got := d.virsh(t, "domstate", domain); got != "paused" {
		t.Errorf("its state is %q, want paused", got)
	}
	say(t, 0, "", "power", "bios", "resume")
	say(t, 0, "", "power", "bios", "reset")
	eventually(t, "it boots a third time", func() bool { return strings.Contains(say(t, 0, "", "logs"), "boot 3,") })
	say(t, 0, "", "power", "bios", "off")
	say(t, 0, "is down", "down")
	d.leftNothing(t)
}

// held holds a domain at its first OFFER: the daemon's guest stands still, and boots when it goes on.
func (d *daemon) held(t *testing.T, clock string) {
	const domain = "pxelab-bios-only-bios"
	s := holdFirst(t, "bios-only", "--clock", clock, "--connect", d.uri)
	s.to(control.Step{Until: control.Until{Packet: "offer"}})
	if got := d.virsh(t, "domstate", domain); got != "paused" {
		t.Errorf("its state is %q, want paused", got)
	}
	s.still(3500 * time.Millisecond) // iPXE asks again after 1 s and 3 s
	for _, v := range s.finish().verdicts {
		if !v.Pass {
			t.Errorf("%s: %s", v.Expectation, v.Sentence)
		}
	}
	d.leftNothing(t)
}

// killOne kills a part of a run at one of its events. The daemon must have no domain left of it, and the host no process.
func (d *daemon) killOne(t *testing.T, uri, victim string, after int) {
	folder := filepath.Join(t.TempDir(), "bundle")
	cmd := exec.Command(built.Pxelab, "run", topologyFile(t, "firmware-trio"), "--out", folder, "--clock", "warp", "--connect", uri)
	exited := beside(t, cmd)
	seen := waitEvents(t, folder, after, exited)
	tree := descendants(cmd.Process.Pid)
	spaces := namespaces(tree, cmd.Process.Pid)
	pid := pick(tree, cmd.Process.Pid, victim)
	if victim == "qemu" {
		pid = 0
		if qemus := d.emulators(); len(qemus) > 0 {
			pid = qemus[rand.IntN(len(qemus))]
		}
	}
	if pid == 0 {
		t.Logf("no %s to kill after event %d", victim, seen)
	} else if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Logf("%s was gone before it could be killed: %v", victim, err)
	}
	<-exited
	gone(t, tree, spaces)
	d.leftNothing(t)
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "pxelab", "*.sock")); len(left) > 0 {
		t.Errorf("sockets left: %v", left)
	}
	if _, events, err := bundle.Read(folder); err != nil || len(events) < seen {
		t.Errorf("the bundle holds %d events (%v); %d had happened before the kill", len(events), err, seen)
	}
}

// TestLibvirtFails has guests whose QEMU cannot start on the daemon's host, which is a verdict of each; then a daemon that is killed in
// the middle of a run, which ends the run: the lab has lost its hold on the guests.
func TestLibvirtFails(t *testing.T) {
	d := systemDaemon(t)
	hide := exec.Command("nsenter", fmt.Sprintf("--mount=/proc/%d/ns/mnt", d.cmd.Process.Pid), "--", "mount", "-t", "tmpfs", "none", "/usr/share/OVMF")
	if out, err := hide.CombinedOutput(); err != nil {
		t.Fatalf("hide the firmware from the daemon: %v\n%s", err, out)
	}
	r := boots(t, topologyFile(t, "firmware-trio"), "--connect", fmt.Sprintf("qemu+tcp://127.0.0.1:%d/system", d.tcp))
	told := map[string]bool{}
	for _, v := range r.verdicts {
		told[v.Guest] = told[v.Guest] || !v.Pass && strings.Contains(v.Sentence, "OVMF")
		if v.Guest == "bios" && !v.Pass {
			t.Errorf("with its firmware there, %+v", v)
		}
	}
	if !told["x64"] || !told["ia32"] || r.code != 1 {
		t.Errorf("without their firmware there:\n%s", r.explain())
	}
	d.leftNothing(t)
	bundle := filepath.Join(t.TempDir(), "bundle")
	cmd := exec.Command(built.Pxelab, "run", topologyFile(t, "bios-only"), "--out", bundle, "--connect", d.uri)
	var said strings.Builder
	cmd.Stderr = &said
	exited := beside(t, cmd)
	follow(t, bundle, exited).until(event.GuestPowered)
	orphans := d.emulators()
	if len(orphans) != 1 {
		t.Errorf("%d emulators run, want 1", len(orphans))
	}
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-exited
	if code := cmd.ProcessState.ExitCode(); code != 2 || !strings.Contains(said.String(), "the connection to libvirt's daemon is lost") {
		t.Errorf("exit %d, want 2 and why:\n%s", code, &said)
	}
	for _, pid := range orphans {
		_ = syscall.Kill(pid, syscall.SIGKILL) // nobody else will
	}
}

// ssh lets clients reach the daemon through ssh, as if its host were another, and gives the URI for that.
func (d *daemon) ssh(t *testing.T) string {
	t.Helper()
	dir := shortDir(t)
	_, here, _, _ := runtime.Caller(0)
	fetch := exec.Command(filepath.Join(filepath.Dir(here), "../../scripts/fetch-server.sh"), "openssh-server", "sshd")
	sshd, err := fetch.Output()
	if err != nil {
		t.Fatalf("fetch sshd: %v\n%s", err, errorOutput(err))
	}
	key, port := filepath.Join(dir, "key"), freePort(t)
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	write(t, filepath.Join(dir, "config"), fmt.Sprintf("ListenAddress 127.0.0.1:%d\nHostKey %s\nAuthorizedKeysFile %s.pub\nStrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\n", port, key, key))
	cmd := exec.Command("nsenter", fmt.Sprintf("--mount=/proc/%d/ns/mnt", d.cmd.Process.Pid), "--",
		strings.TrimSpace(string(sshd)), "-D", "-e", "-f", filepath.Join(dir, "config"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	eventually(t, "sshd answers", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		return err == nil && conn.Close() == nil
	})
	return fmt.Sprintf("qemu+ssh://root@127.0.0.1:%d/system?keyfile=%s&no_verify=1", port, key)
}

// TestLibvirtSession boots the trio as an ordinary user whose own daemon runs the guests.
func TestLibvirtSession(t *testing.T) {
	needLibvirt(t)
	dir := ownDir(t)
	var as []string
	if os.Getuid() == 0 {
		as = []string{"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"}
	}
	env := []string{"HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "XDG_CACHE_HOME=" + dir, "XDG_STATE_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
	run := func(argv ...string) *exec.Cmd {
		argv = slices.Concat(as, argv)
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir, cmd.Env = dir, env
		return cmd
	}
	d := &daemon{logs: filepath.Join(dir, "libvirtd.log")}
	d.start(t, run("libvirtd"), dir, filepath.Join(dir, "libvirt/libvirt-sock"))
	d.uri = "qemu+unix:///session?socket=" + filepath.Join(dir, "libvirt/libvirt-sock")
	folder := filepath.Join(dir, "bundle")
	cmd := run(filepath.Join(dir, "under-test"), "run", filepath.Join(dir, "firmware-trio.yaml"), "--out", folder, "--connect", "qemu:///session")
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "all 3 guests as expected") {
		t.Fatalf("not all three booted (%v):\n%s", err, out)
	}
	p, events, err := bundle.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	inDomains(t, result{plan: p, events: events}, "qemu:///session")
	d.leftNothing(t)
}
