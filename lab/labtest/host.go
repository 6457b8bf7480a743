package labtest

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// Host is a machine of the lab's network on which servers of the test listen. It has no way out of the lab.
type Host struct {
	Name    string
	Address string

	lab *Lab
}

// ListenPacket opens a datagram socket on the host, as net.ListenPacket does: network is "udp", "udp4" or "udp6", and the address
// ":67", or an IP address of the host and a port. It may broadcast. For UDP it is a *net.UDPConn, and it is closed when the test is
// over.
//
// Only this socket lives on the host. A server that opens further ones, as TFTP servers do for each transfer, opens them where the test
// runs, and nobody answers: have it use one port (EnableSinglePort of github.com/pin/tftp/v3), or run it as a process (Lab.Service).
func (h *Host) ListenPacket(network, address string) net.PacketConn {
	h.lab.t.Helper()
	file := h.open(network, address)
	defer file.Close()
	c, err := net.FilePacketConn(file)
	if err != nil {
		h.lab.t.Fatalf("labtest: listen on %s %s as %q: %v", network, address, h.Name, err)
	}
	h.lab.up.closing(c)
	return c
}

// Listen opens a listening socket on the host, as net.Listen does: network is "tcp", "tcp4" or "tcp6", and the address ":80", or an IP
// address of the host and a port. It is closed when the test is over.
func (h *Host) Listen(network, address string) net.Listener {
	h.lab.t.Helper()
	file := h.open(network, address)
	defer file.Close()
	l, err := net.FileListener(file)
	if err != nil {
		h.lab.t.Fatalf("labtest: listen on %s %s as %q: %v", network, address, h.Name, err)
	}
	h.lab.up.closing(l)
	return l
}

func (h *Host) open(network, address string) *os.File {
	h.lab.t.Helper()
	file, err := h.lab.start(h.lab.t).Client.Listen(h.lab.t.Context(), h.Name, network, address)
	if err != nil {
		h.lab.t.Fatalf("labtest: %v", err)
	}
	return file
}

// Files has the lab's boot programs for the host's servers to serve, under their names on the wire: probe.0 for BIOS, probe-x64.efi and
// probe-ia32.efi for UEFI, and second.bin, which these fetch once they run. They carry the nonce of this run, so that an expectation
// such as booted: {image: probe} holds only if this very file ran. A server may as well serve files of its own.
func (h *Host) Files() fs.FS {
	h.lab.t.Helper()
	return os.DirFS(filepath.Join(h.lab.start(h.lab.t).Bundle, "tftp", h.Name))
}
