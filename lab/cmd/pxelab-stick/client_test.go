package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/pxeclient"
)

// The tests' process lives in a network namespace of its own, where the server is; the client is this binary once more,
// in another one.
const (
	insideVar = "PXELAB_TEST_NETNS"
	clientVar = "PXELAB_TEST_CLIENT" // the client's firmware, "bios" or "efi"
)

// uuid is the client's, as SMBIOS tools print it.
const uuid = "00112233-4455-6677-8899-aabbccddeeff"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(clientVar) != "":
		beClient(os.Getenv(clientVar))
	case os.Getenv(insideVar) != "":
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), insideVar+"=yes")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	runtime.LockOSThread() // the child is killed when the thread that started it ends
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		os.Exit(m.Run())
	}
}

// errStarted is how a kernel is started here: what it is started with has been said by then.
var errStarted = errors.New("started")

// beClient is what main does once the machine is set up, on the interface cli0.
func beClient(platform string) {
	m := machine{platform: platform, arch: pxe.ArchBIOS}
	if platform == "efi" {
		m.arch = pxe.ArchEFIX64
	}
	m.uuid, _ = pxe.ParseUUID(uuid)
	err := raise("cli0")
	var client *pxeclient.Client
	if err == nil {
		client, err = card{name: "cli0"}.open(m, pxeclient.Schedule{Discover: slices.Repeat([]time.Duration{100 * time.Millisecond}, 40)})
	}
	if err == nil {
		err = boot(context.Background(), client, m, func(kernel, initrd []byte, args string) error {
			fmt.Printf("started kernel=%08x initrd=%08x args=%s\n", crc32.ChecksumIEEE(kernel), crc32.ChecksumIEEE(initrd), args)
			return errStarted
		})
	}
	fmt.Println(err)
	os.Exit(0)
}

// wire lays a cable between the server's interface svc0 and cli0 in another namespace, and gives what runs a client there.
func wire(t *testing.T) func(platform string) string {
	t.Helper()
	if os.Getenv(insideVar) == "" {
		if strings.Contains(os.Getenv("PXELAB_REQUIRE"), "root") {
			t.Fatal("needs a network namespace, and PXELAB_REQUIRE says that it must have one")
		}
		t.Skip("needs a network namespace: run as root, or allow user namespaces")
	}
	jobs, tid := make(chan func()), make(chan int)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread and its namespace end with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Error("unshare:", err)
		}
		tid <- unix.Gettid()
		for f := range jobs {
			f()
		}
	}()
	t.Cleanup(func() { close(jobs) })
	mac, _ := net.ParseMAC("52:54:00:12:34:56")
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "svc0"}, PeerName: "cli0", PeerHardwareAddr: mac, PeerNamespace: netlink.NsPid(<-tid)}
	must(t, netlink.LinkAdd(veth))
	svc, err := netlink.LinkByName("svc0")
	must(t, err)
	t.Cleanup(func() { must(t, netlink.LinkDel(svc)) })
	address, err := netlink.ParseAddr("192.0.2.1/24")
	must(t, err)
	must(t, netlink.AddrAdd(svc, address))
	must(t, netlink.LinkSetUp(svc))
	return func(platform string) string {
		out := make(chan string)
		jobs <- func() {
			cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
			cmd.Env = append(os.Environ(), clientVar+"="+platform)
			text, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("client: %v\n%s", err, text)
			}
			go func() { out <- string(text) }()
		}
		return <-out
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// watcher keeps what a server decides.
type watcher chan server.Decision

func (w watcher) Observe(d server.Decision) { w <- d }

// kernelFile is what the client takes for a kernel.
func kernelFile() []byte {
	k := make([]byte, 20_000)
	binary.LittleEndian.PutUint16(k[0x1fe:], 0xaa55)
	copy(k[0x202:], "HdrS")
	return k
}

// TestClient boots the client from our own server over a real wire, up to the kernel it would start.
func TestClient(t *testing.T) {
	run := wire(t)
	kernel, initrd := kernelFile(), []byte("an initrd")
	root := t.TempDir()
	for name, data := range map[string][]byte{
		"kernel": kernel, "initrd.gz": initrd, "other": []byte("neither"),
		"linux.ipxe": []byte("#!ipxe\nkernel kernel a=b\ninitrd initrd.gz\nboot\n"),
		"lost.ipxe":  []byte("#!ipxe\nkernel lost\n"),
		"odd.ipxe":   []byte("#!ipxe\nsanboot\n"),
	} {
		must(t, os.WriteFile(filepath.Join(root, name), data, 0o600))
	}
	bootif := "BOOTIF=01-52-54-00-12-34-56"
	alone := fmt.Sprintf("started kernel=%08x initrd=00000000 args=%s\n", crc32.ChecksumIEEE(kernel), bootif)
	both := fmt.Sprintf("started kernel=%08x initrd=%08x args=a=b %s\n", crc32.ChecksumIEEE(kernel), crc32.ChecksumIEEE(initrd), bootif)
	for _, c := range []struct {
		name, platform, file string
		reason               string // a decision of the server has
		want                 string // the client says
	}{
		{"a kernel, for BIOS", "bios", "kernel", "option 93 = 0, so bios", alone},
		{"a script, for UEFI", "efi", "linux.ipxe", "option 93 = 7, so efi-x64", both},
		{"no boot file", "bios", "", "no boot file", "PXE-E53: "},
		{"no such file", "bios", "lost", "no such file", "PXE-T01: download: tftp://192.0.2.1/lost"},
		{"no such kernel", "bios", "lost.ipxe", "no such file", "PXE-T01: download: tftp://192.0.2.1/lost"},
		{"no kernel and no script", "bios", "other", "so bios", "PXE-E79: \"other\" names or is no Linux kernel"},
		{"a script of another kind", "bios", "odd.ipxe", "so bios", "PXE-E79: the script \"odd.ipxe\": line 2: command \"sanboot\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			decisions := make(watcher, 100)
			serve(t, root, map[string]string{"bios": c.file, "efi-x64": c.file}, nil, decisions)
			if out := run(c.platform); !strings.Contains(out, c.want) {
				t.Errorf("the client said:\n%s\nwant: %s", out, c.want)
			}
			if got := reasons(decisions); !strings.Contains(got, c.reason) {
				t.Errorf("the server decided:\n%s\nwant: %s", got, c.reason)
			}
		})
	}
	t.Run("its UUID", func(t *testing.T) { // a server tells clients apart by option 97, in SMBIOS's byte order
		decisions := make(watcher, 100)
		serve(t, root, map[string]string{"bios": "other"}, []server.Reservation{{UUID: uuid, File: "kernel"}}, decisions)
		if out := run("bios"); !strings.Contains(out, alone) {
			t.Errorf("the client said:\n%s\nthe server decided:\n%s", out, reasons(decisions))
		}
	})
}

// serve runs a server until the test ends.
func serve(t *testing.T, root string, files map[string]string, reserved []server.Reservation, o server.Observer) {
	t.Helper()
	for arch, file := range files {
		if file == "" {
			delete(files, arch)
		}
	}
	c := server.Config{Name: "all", Interface: "svc0", Address: netip.MustParsePrefix("192.0.2.1/24"),
		DHCP: &server.DHCPConfig{First: netip.MustParseAddr("192.0.2.100"), Last: netip.MustParseAddr("192.0.2.199"),
			Boot: &server.BootConfig{Files: files}, Reservations: reserved},
		TFTP: &server.TFTPConfig{Root: root}}
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- server.Run(ctx, c, o, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		must(t, <-ended)
	})
}

func reasons(w watcher) string {
	var lines []string
	for {
		select {
		case d := <-w:
			lines = append(lines, d.Request+": "+d.Reason+" "+d.Outcome)
		default:
			return strings.Join(lines, "\n")
		}
	}
}
