package labtest_test

import (
	"net"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4/server4"

	"github.com/pxelab/pxelab/lab/labtest"
)

// This server names no boot file, so this test fails, and its output says so.
func TestNoBootFile(t *testing.T) {
	l := labtest.New(t)
	h := l.Host("mine", "192.0.2.1")
	g := l.Guest("bios", "{firmware: bios}")
	boot := bootServer{self: net.ParseIP(h.Address).To4()}
	dhcp, err := server4.NewServer("", nil, boot.answer(t), server4.WithConn(h.ListenPacket("udp4", ":67")))
	if err != nil {
		t.Fatal(err)
	}
	go dhcp.Serve() //nolint:errcheck // it ends with its socket
	g.Boot(t, "address: {from: mine}", "booted: {image: probe, from: mine}")
}

// These say something that cannot be meant.

func TestTooLate(t *testing.T) {
	l := labtest.New(t)
	l.Host("mine", "192.0.2.1").ListenPacket("udp4", ":67")
	l.Host("other", "192.0.2.2")
}

func TestMisspelt(t *testing.T) {
	labtest.New(t).Guest("bios", "{firmware: bios}").Boot(t, "boted: {image: probe}")
}

func TestNoSuchAddress(t *testing.T) {
	labtest.New(t).Host("mine", "192.0.2.1").Listen("tcp4", "192.0.2.7:80")
}

func TestNoSuchFirmware(t *testing.T) {
	l := labtest.New(t)
	l.Guest("bios", "{firmware: boss}")
	l.Guests()
}
