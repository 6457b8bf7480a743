package server_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/mtftp"
)

// TestMTFTP receives a file by what a boot server would tell of the configured role.
func TestMTFTP(t *testing.T) {
	l := newLAN(t)
	c := config(t)
	c.MTFTP = &server.MTFTPConfig{Root: c.TFTP.Root, Timeout: 1, Delay: 1,
		Files: []server.MTFTPFile{{Name: "x64.efi", Group: netip.MustParseAddr("239.255.1.1")}}}
	s := l.serve(c)
	l.clientAddress("192.0.2.7/24")
	tags := c.MTFTP.Tags("x64.efi")
	l.inClient(func() {
		got, err := mtftp.Receive(t.Context(), mtftp.Source{Interface: "cli0", Server: c.Address.Addr(), File: "x64.efi",
			Group: tags.Group, ClientPort: uint16(tags.ClientPort), ServerPort: uint16(tags.ServerPort),
			Delay: time.Duration(tags.Delay) * time.Second}) // no time-out: nobody else is there to listen to
		if err != nil || len(got.Data) != 5000 || got.Opened != 1 {
			t.Errorf("%d octets in %d openings, %v", len(got.Data), got.Opened, err)
		}
	})
	d := s.expect("RRQ x64.efi", "DATA")
	for d.Reply == "DATA" { // a link that was just set up may lose the first datagrams
		d = <-s.decisions
	}
	if d.Role != "mtftp" || d.Outcome != "ok" || d.Bytes != 5000 || d.Sent < 5000+512 || d.Took <= 0 {
		t.Errorf("%+v", d)
	}
}
