package cli

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/pcapgo"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/tests/netns"
)

// bootFrames is how many frames of the capture are the boot; what follows is what that firmware does when the program has ended.
const bootFrames = 33

// cable makes a network of two ends, both in the host and up, and gives the frames of a boot of real firmware to send on it. No
// kernel speaks on it of its own accord: there is no address, and IPv6 is off.
func cable(t *testing.T, host *netns.Host) (frames [][]byte) {
	t.Helper()
	host.Do(func() {
		for _, which := range []string{"all", "default"} { // those of the thread that asks
			if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+which+"/disable_ipv6", []byte("1"), 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Error(err)
			}
		}
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "seen"}, PeerName: "machine"}); err != nil {
			t.Error(err)
			return
		}
		for _, name := range []string{"seen", "machine"} {
			if err := netlink.LinkSetUp(netns.Link(t, name)); err != nil {
				t.Error(err)
			}
		}
	})
	file, err := os.Open(filepath.Join(root, "lab", "wire", "testdata", "ovmf-x64.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader, err := pcapgo.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for range bootFrames {
		data, _, err := reader.ReadPacketData()
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, data)
	}
	return frames
}

// send puts frames on an interface of the calling thread's namespace.
func send(t *testing.T, ifname string, frames [][]byte) {
	t.Helper()
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer unix.Close(socket)
	for _, f := range frames {
		if err := unix.Sendto(socket, f, 0, &unix.SockaddrLinklayer{Ifindex: netns.Link(t, ifname).Attrs().Index}); err != nil {
			t.Error(err)
			return
		}
	}
}

// TestLive follows a boot on a network as it happens, sends nothing on it, and explains it when it is interrupted.
func TestLive(t *testing.T) {
	need(t, "net")
	host := netns.Add(t)
	frames := cable(t, host)
	cmd := exec.CommandContext(patience(t), pxelab(), "explain", "--live", "seen")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	host.Do(func() { err = cmd.Start() })
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || !strings.Contains(line, "listening on seen") {
		t.Fatalf("%v, it said %q", err, line)
	}
	host.Do(func() { send(t, "machine", frames) })
	lines := bufio.NewReader(out)
	for _, want := range []string{"52:54:00:12:34:02  it looks for a server (DHCPDISCOVER)", "192.0.2.2 offers 192.0.2.15", "it asks for 192.0.2.15",
		"192.0.2.2 gives it 192.0.2.15", `it asks 192.0.2.2 for "probe-x64.efi" by TFTP`, "192.0.2.2 agrees", "ends that transfer",
		`it asks 192.0.2.2 for "probe-x64.efi" by TFTP`, "192.0.2.2 agrees", `192.0.2.2 has sent "probe-x64.efi" whole: 12000 octets`} {
		if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, want) {
			t.Fatalf("%v, it told %q, want %q", err, line, want)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(lines)
	if err != nil || !strings.Contains(string(rest), `52:54:00:12:34:02 fetched "probe-x64.efi" whole (12000 octets)`) {
		t.Errorf("%v, interrupted it explained:\n%s", err, rest)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v, want status 0: no boot stopped", err)
	}
	host.Do(func() {
		count := netns.Link(t, "machine").Attrs().Statistics
		if count.TxPackets != bootFrames || count.RxPackets != 0 {
			t.Errorf("the other end sent %d frames and received %d, want %d and none", count.TxPackets, count.RxPackets, bootFrames)
		}
	})
}

// TestLiveRefused: what cannot be listened to is bad input, and what to do is said.
func TestLiveRefused(t *testing.T) {
	need(t, "net")
	say(t, nil, 2, `listen on interface "nowhere0"`, "explain", "--live", "nowhere0")
	say(t, nil, 2, "ip link lists those that exist", "explain", "--live", "nowhere0")
	setpriv := netns.Program(t, "setpriv")
	out, err := exec.Command(setpriv, "--bounding-set", "-net_raw", pxelab(), "explain", "--live", "lo").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), "run it as root, or with the capability cap_net_raw") {
		t.Errorf("without the capability: %v: %s", err, out)
	}
}
