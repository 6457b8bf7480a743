package images

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bootBudget only ends a boot that hangs; one takes seconds, many times that on a busy machine.
const bootBudget = 5 * time.Minute

// machine is a guest that boots from the network, without the file it boots.
type machine struct {
	name  string
	image string // the architecture of the image it boots
	code  string // EFI: firmware and variable store
	vars  string
	argv  []string
}

const (
	ovmf = "/usr/share/OVMF/"
	aavm = "/usr/share/AAVMF/"
)

// machines are the firmwares the probes are tried on. Emptying the ROM file leaves the card to EDK2's own PXE; otherwise
// the card's ROM brings iPXE. The IA-32 firmware of Debian needs a machine with SMM, which is Q35's default.
var machines = []machine{
	{name: "bios", image: "bios",
		argv: []string{"qemu-system-x86_64", "-machine", "q35,graphics=off", "-device", "virtio-net-pci,netdev=n0,bootindex=0"}},
	{name: "ovmf-x64", image: "efi-x64", code: ovmf + "OVMF_CODE_4M.fd", vars: ovmf + "OVMF_VARS_4M.fd",
		argv: []string{"qemu-system-x86_64", "-machine", "q35", "-device", "virtio-net-pci,romfile=,netdev=n0,bootindex=0"}},
	{name: "ovmf-x64-ipxe", image: "efi-x64", code: ovmf + "OVMF_CODE_4M.fd", vars: ovmf + "OVMF_VARS_4M.fd",
		argv: []string{"qemu-system-x86_64", "-machine", "q35", "-device", "virtio-net-pci,netdev=n0,bootindex=0"}},
	{name: "ovmf-ia32", image: "efi-ia32", code: ovmf + "OVMF32_CODE_4M.secboot.fd", vars: ovmf + "OVMF32_VARS_4M.fd",
		argv: []string{"qemu-system-x86_64", "-machine", "q35,smm=on", "-device", "virtio-net-pci,romfile=,netdev=n0,bootindex=0"}},
	{name: "aavmf", image: "efi-aa64", code: aavm + "AAVMF_CODE.fd", vars: aavm + "AAVMF_VARS.fd",
		argv: []string{"qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a57", "-device", "virtio-net-pci,romfile=,netdev=n0,bootindex=0"}},
}

// require skips, with the reason, what cannot boot here; PXELAB_REQUIRE makes that a failure for the x86 machines.
func (m machine) require(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots a machine; not with -short")
	}
	refuse := t.Skipf
	if demanded("qemu") && m.image != "efi-aa64" || demanded("boot") && m.image != "efi-aa64" {
		refuse = t.Fatalf
	}
	if _, err := exec.LookPath(m.argv[0]); err != nil {
		refuse("no %s here; install QEMU", m.argv[0])
	}
	for _, file := range []string{m.code, m.vars} {
		if _, err := os.Stat(file); file != "" && err != nil {
			refuse("no firmware %s here; install its package", file)
		}
	}
}

func demanded(what string) bool { return strings.Contains(os.Getenv("PXELAB_REQUIRE"), what) }

// warp lets idle guest time pass at once, which makes a boot several times faster.
var warp = []string{"-icount", "shift=7,sleep=off"}

// boot runs the machine on the folder's file until it powers off, or until a console line is exactly the given one,
// and gives its console's lines.
func (m machine) boot(t *testing.T, folder, file, until string, extra ...string) []string {
	t.Helper()
	argv := append(m.command(t, folder, file), extra...)
	ctx, cancel := context.WithTimeout(t.Context(), bootBudget)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	console, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, seen := watch(console, until)
	if seen {
		cancel()
	}
	err = cmd.Wait()
	t.Logf("%.2f s", time.Since(start).Seconds())
	if seen == (until == "") || !seen && err != nil {
		t.Fatalf("ended with %v (want line %q: seen %v); by hand:\n%s\nconsole:\n%s",
			err, until, seen, strings.Join(argv, " "), strings.Join(lines, "\n"))
	}
	return lines
}

func watch(console interface{ Read([]byte) (int, error) }, until string) (lines []string, seen bool) {
	scanner := bufio.NewScanner(console)
	for scanner.Scan() {
		lines = append(lines, strings.TrimSuffix(scanner.Text(), "\r"))
		if until != "" && lines[len(lines)-1] == until {
			return lines, true
		}
	}
	return lines, false
}

// command is the whole QEMU command line; its user network has its own DHCP and TFTP server, 10.0.2.2.
func (m machine) command(t *testing.T, folder, file string) []string {
	argv := append([]string{}, m.argv...)
	argv = append(argv, "-accel", "tcg", "-m", "256", "-nodefaults", "-display", "none", "-serial", "stdio",
		"-uuid", "11223344-5566-7788-99aa-bbccddeeff00", "-device", "virtio-rng-pci",
		"-netdev", "user,id=n0,tftp="+folder+",bootfile=/"+file)
	if m.code == "" {
		return argv
	}
	store, err := os.ReadFile(m.vars)
	if err != nil {
		t.Fatal(err)
	}
	return append(argv,
		"-drive", "if=pflash,format=raw,unit=0,readonly=on,file="+m.code,
		"-drive", "if=pflash,format=raw,unit=1,file="+write(t, t.TempDir(), "vars.fd", store))
}

func write(t *testing.T, folder, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// echo answers every datagram with "ECHO:" and the datagram, on the host's loopback, which the guest sees as 10.0.2.2.
func echo(t *testing.T) (port int) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-done })
	go func() {
		defer close(done)
		buffer := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFromUDP(buffer)
			if err != nil {
				return
			}
			_, _ = conn.WriteToUDP(fmt.Appendf(nil, "ECHO:%s", buffer[:n]), from)
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).Port
}
