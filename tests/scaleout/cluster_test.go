package scaleout

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/tests/netns"
)

// cluster is a Slurm cluster of the test's own: a controller, and nodes that are hosts of their own on a LAN. A node lives in a
// network, PID, mount and UTS namespace, so that it can be lost as a machine is: all at once, with whatever runs on it.
type cluster struct {
	dir   string
	nodes map[string]*daemon
}

// daemon is a program that runs until the test ends, or it is killed.
type daemon struct {
	cmd  *exec.Cmd
	said *bytes.Buffer
	gone chan struct{}
}

// slurmConf holds what a cluster needs to be told, and what makes it quick to see that a node is gone. Processes are followed
// by their parents (linuxproc), as not every host lets a test have cgroups.
const slurmConf = `
ClusterName=pxelab
SlurmctldHost=%[2]s(192.0.2.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=%[1]s/munge.socket
CredType=cred/munge
StateSaveLocation=%[1]s/state
SlurmdSpoolDir=%[1]s/spool-%%n
SlurmctldPidFile=%[1]s/slurmctld.pid
SlurmdPidFile=%[1]s/slurmd-%%n.pid
MailProg=/bin/true
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=2
ReturnToService=2
SlurmdTimeout=8
MessageTimeout=5
KillWait=5
InactiveLimit=0
GresTypes=kvm
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
JobAcctGatherType=jobacct_gather/none
`

// startCluster brings a controller up and two nodes, lab1 and lab2, each with two cores and one of a resource "kvm". What is of a
// machine alone they have for themselves: the runtime directory of the user.
func startCluster(t *testing.T, b *built) *cluster {
	t.Helper()
	c := &cluster{dir: t.TempDir(), nodes: map[string]*daemon{}}
	here, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf(slurmConf, c.dir, here)
	if err := netlink.LinkSetUp(netns.Link(t, "lo")); err != nil { // the way to one's own address
		t.Fatal(err)
	}
	lan := netns.NewLAN(t)
	hosts := map[string]*netns.Host{}
	for i, name := range []string{"lab1", "lab2"} {
		address := fmt.Sprintf("192.0.2.%d", 11+i)
		hosts[name] = lan.Add(t, address+"/24")
		conf += fmt.Sprintf("NodeName=%s NodeAddr=%s CPUs=2 RealMemory=4000 Gres=kvm:1\n", name, address)
		c.write(t, "spool-"+name+"/.keep", "", 0o644)
	}
	conf += "PartitionName=boots Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n"
	key := make([]byte, 128)
	_, _ = rand.Read(key) // never fails
	c.write(t, "munge.key", string(key), 0o400)
	c.write(t, "state/.keep", "", 0o644)
	c.write(t, "slurm.conf", conf, 0o644)
	c.write(t, "gres.conf", "NodeName=lab[1-2] Name=kvm Count=1\n", 0o644)
	t.Setenv("SLURM_CONF", filepath.Join(c.dir, "slurm.conf"))

	c.start(t, nil, "munged", "--foreground", "--force", "--key-file="+c.dir+"/munge.key", "--socket="+c.dir+"/munge.socket",
		"--pid-file="+c.dir+"/munge.pid", "--log-file="+c.dir+"/munge.log", "--seed-file="+c.dir+"/munge.seed")
	eventually(t, "munged listens", func() bool { _, err := os.Stat(c.dir + "/munge.socket"); return err == nil })
	c.start(t, nil, "slurmctld", "-D", "-c")
	for name, host := range hosts {
		c.nodes[name] = c.start(t, host, "sh", "-c",
			"mount --make-rprivate / && mount -t proc proc /proc && mount -t tmpfs -o mode=700 tmpfs "+b.dir+"/run && hostname "+name+
				" && { slurmd -D -N "+name+" & wait; }")
	}
	eventually(t, "both nodes are idle", func() bool {
		out, _ := exec.Command("sinfo", "--noheader", "--Node", "--format=%T").Output()
		return strings.Count(string(out), "idle\n") == len(c.nodes)
	})
	return c
}

// needSlurm skips a test where there is no Slurm, or the daemons could not work: a user namespace is not enough for them.
func needSlurm(t *testing.T) {
	t.Helper()
	netns.Need(t)
	for _, program := range []string{"munged", "slurmctld", "slurmd", "sbatch"} {
		netns.Program(t, program)
	}
	ids, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	switch all := strings.Join(strings.Fields(string(ids)), " ") == "0 0 4294967295"; {
	case all:
	case strings.Contains(os.Getenv("PXELAB_REQUIRE"), "root"):
		t.Fatal("needs root, for Slurm's daemons, and PXELAB_REQUIRE says that it must have it")
	default:
		t.Skip("needs root, for Slurm's daemons")
	}
}

func (c *cluster) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// start runs a program until the test ends: in the test's own namespaces, or (host) as the first process of a machine of its
// own. What it said is shown if the test fails.
func (c *cluster) start(t *testing.T, host *netns.Host, program string, args ...string) *daemon {
	t.Helper()
	d := &daemon{cmd: exec.Command(program, args...), said: &bytes.Buffer{}, gone: make(chan struct{})}
	d.cmd.Stdout, d.cmd.Stderr = d.said, d.said
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL} // should the test not come to its end
	var err error
	run := func() { err = d.cmd.Start() }
	if host == nil {
		run()
	} else {
		d.cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWUTS
		host.Do(run)
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = d.cmd.Wait(); close(d.gone) }()
	t.Cleanup(func() {
		d.kill()
		if t.Failed() {
			t.Logf("%s %v said:\n%s", program, args, d.said)
		}
	})
	return d
}

// kill ends a program at once. A node goes with everything on it: what dies is the first process of its PID namespace.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill() // it may have ended by itself
	<-d.gone
}

// eventually polls a condition of other processes, of which nothing tells us, until it holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(90 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("not within 90 s: %s", what)
		}
	}
}
