package labtest_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"github.com/insomniacslk/dhcp/iana"
	"github.com/pin/tftp/v3"

	"github.com/pxelab/pxelab/lab/labtest"
)

// A DHCP server written on insomniacslk/dhcp, and a TFTP server on pin/tftp: three firmwares boot from them.
func TestOwnServers(t *testing.T) {
	l := labtest.New(t)
	h := l.Host("mine", "192.0.2.1")

	boot := bootServer{self: net.ParseIP(h.Address).To4(), files: map[iana.Arch]string{
		iana.INTEL_X86PC: "probe.0", iana.EFI_BC: "probe-x64.efi", iana.EFI_X86_64: "probe-x64.efi", iana.EFI_IA32: "probe-ia32.efi"}}
	dhcp, err := server4.NewServer("", nil, boot.answer(t), server4.WithConn(h.ListenPacket("udp4", ":67")))
	if err != nil {
		t.Fatal(err)
	}
	go dhcp.Serve() //nolint:errcheck // it ends with its socket, which is closed with the lab

	go newTFTP(h.Files()).Serve(h.ListenPacket("udp4", ":69")) //nolint:errcheck // likewise

	l.EachGuest(t, func(t *testing.T, g *labtest.Guest) {
		g.Boot(t,
			"offer: {from: mine}",
			"address: {from: mine}",
			"booted: {image: probe, from: mine}", // this very file ran, and says so itself
			"never: {serial: PXE-E}",
			"ends: off")
	})
}

// An HTTP boot server: DHCP tells UEFI's HTTP boot client a URL, and net/http serves it.
func TestHTTPBoot(t *testing.T) {
	l := labtest.New(t)
	h := l.Host("mine", "192.0.2.1")
	l.Guest("x64", "{firmware: ovmf-x64, over: http}")
	l.Guest("ia32", "{firmware: ovmf-ia32, over: http}")

	const url = "http://192.0.2.1/"
	boot := bootServer{self: net.ParseIP(h.Address).To4(), files: map[iana.Arch]string{
		iana.EFI_X86_64_HTTP: url + "probe-x64.efi", iana.EFI_X86_HTTP: url + "probe-ia32.efi"}}
	dhcp, err := server4.NewServer("", nil, boot.answer(t), server4.WithConn(h.ListenPacket("udp4", ":67")))
	if err != nil {
		t.Fatal(err)
	}
	go dhcp.Serve() //nolint:errcheck // it ends with its socket, which is closed with the lab

	web := http.Server{Handler: http.FileServerFS(h.Files())}
	go web.Serve(h.Listen("tcp4", ":80")) //nolint:errcheck // Close ends it
	t.Cleanup(func() { web.Close() })

	l.EachGuest(t, func(t *testing.T, g *labtest.Guest) {
		b := g.Boot(t,
			"booted: {image: probe, from: mine}",
			fmt.Sprintf("served: {file: probe-%s.efi, from: mine, over: http}", g.Name),
			"ends: off")
		if !strings.Contains(strings.Join(b.Console, "\n"), "URI: "+url) {
			t.Errorf("the console does not show the URL:\n%s", strings.Join(b.Console, "\n"))
		}
	})
}

// bootServer is a DHCP server that tells each client the boot file of its architecture (option 93).
type bootServer struct {
	self  net.IP
	files map[iana.Arch]string

	mu     sync.Mutex
	leases map[string]byte // hardware address to last octet
}

// answer is its handler: pure DHCP, which knows nothing of the lab.
func (s *bootServer) answer(t *testing.T) server4.Handler {
	return func(conn net.PacketConn, peer net.Addr, m *dhcpv4.DHCPv4) {
		kind := map[dhcpv4.MessageType]dhcpv4.MessageType{
			dhcpv4.MessageTypeDiscover: dhcpv4.MessageTypeOffer, dhcpv4.MessageTypeRequest: dhcpv4.MessageTypeAck}[m.MessageType()]
		if kind == dhcpv4.MessageTypeNone {
			return
		}
		r, err := dhcpv4.NewReplyFromRequest(m,
			dhcpv4.WithMessageType(kind),
			dhcpv4.WithYourIP(s.lease(m.ClientHWAddr)),
			dhcpv4.WithServerIP(s.self), // siaddr: where the file is
			dhcpv4.WithOption(dhcpv4.OptServerIdentifier(s.self)),
			dhcpv4.WithNetmask(net.CIDRMask(24, 32)),
			dhcpv4.WithLeaseTime(3600))
		if err != nil {
			t.Error(err)
			return
		}
		for _, arch := range m.ClientArch() {
			if file := s.files[arch]; file != "" {
				r.BootFileName = file
				break
			}
		}
		if class := m.ClassIdentifier(); strings.HasPrefix(class, "HTTPClient") { // who wants a URL takes no other answer
			r.UpdateOption(dhcpv4.OptClassIdentifier("HTTPClient"))
		}
		if _, err := conn.WriteTo(r.ToBytes(), peer); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	}
}

// lease gives each hardware address an address of its own.
func (s *bootServer) lease(mac net.HardwareAddr) net.IP {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leases == nil {
		s.leases = map[string]byte{}
	}
	last, known := s.leases[mac.String()]
	if !known {
		last = byte(100 + len(s.leases))
		s.leases[mac.String()] = last
	}
	return net.IPv4(192, 0, 2, last)
}

// newTFTP is a TFTP server of these files.
func newTFTP(files fs.FS) *tftp.Server {
	s := tftp.NewServer(readFrom(files), nil)
	s.EnableSinglePort() // a socket of its own for each transfer would not be in the lab
	// A machine whose power goes in mid-transfer comes back with the same ports, and is not answered until that transfer is given up.
	s.SetTimeout(time.Second)
	s.SetRetries(1)
	s.SetBackoff(func(int) time.Duration { return 0 })
	return s
}

// readFrom has pin/tftp serve a file system.
func readFrom(files fs.FS) func(string, io.ReaderFrom) error {
	return func(name string, to io.ReaderFrom) error {
		f, err := files.Open(strings.TrimLeft(name, "/"))
		if err != nil {
			return err
		}
		defer f.Close()
		if size, ok := to.(tftp.OutgoingTransfer); ok { // UEFI asks for the size first (RFC 2349)
			info, err := f.Stat()
			if err != nil {
				return err
			}
			size.SetSize(info.Size())
		}
		_, err = to.ReadFrom(f)
		return err
	}
}
