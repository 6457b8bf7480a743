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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/pxeclient"
	"github.com/pxelab/pxelab/tests/netns"
)

// clientVar is set in the process that is the client; it says its firmware, "bios" or "efi". That process is this binary
// once more, in a network namespace of its own beside the one where the tests and the server are.
const clientVar = "PXELAB_TEST_CLIENT"

// uuid is the client's, as SMBIOS tools print it.
const uuid = "00112233-4455-6677-8899-aabbccddeeff"

func TestMain(m *testing.M) {
	if platform := os.Getenv(clientVar); platform != "" {
		beClient(platform)
	}
	netns.Main(m)
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
	netns.Need(t)
	client := netns.Add(t)
	mac, _ := net.ParseMAC("52:54:00:12:34:56")
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "svc0"}, PeerName: "cli0", PeerHardwareAddr: mac, PeerNamespace: client.NS}
	must(t, netlink.LinkAdd(veth))
	svc := netns.Link(t, "svc0")
	t.Cleanup(func() { must(t, netlink.LinkDel(svc)) })
	netns.Address(t, svc, "192.0.2.1/24")
	must(t, netlink.LinkSetUp(svc))
	return func(platform string) string {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
		cmd.Env = append(os.Environ(), clientVar+"="+platform)
		var text []byte
		var err error
		client.Do(func() { text, err = cmd.CombinedOutput() })
		if err != nil {
			t.Errorf("client: %v\n%s", err, text)
		}
		return string(text)
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
