package pxeclient_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/pxeclient"
	"github.com/pxelab/pxelab/server/station"
)

// TestDownloads takes files of awkward lengths from our server and from dnsmasq.
func TestDownloads(t *testing.T) {
	l := newLAN(t)
	root := tftpRoot(t)
	lengths := map[string]int{"empty": 0, "one": 1, "block": 1468, "blocks": 3 * 1468, "more": 3*1468 + 1, "large": 3 << 20}
	for name, n := range lengths {
		must(t, os.WriteFile(filepath.Join(root, name), bytes.Repeat([]byte{'x', 'y', 'z'}, n)[:n], 0o644)) //nolint:gosec // dnsmasq serves it too
	}
	l.own(root, nil)
	l.host("192.0.2.2/24").dnsmasq("--enable-tftp", "--tftp-root="+root)
	client := l.leased(pxeclient.Config{})
	for name, n := range lengths {
		for _, server := range []string{"192.0.2.1", "192.0.2.2"} {
			for how, dl := range map[string]pxeclient.Downloader{"as EDK2": pxeclient.TFTP{Window: 4}, "without options": pxeclient.TFTP{BlockSize: -1}} {
				b, err := dl.Download(t.Context(), client.Station(), pxeclient.File{Server: netip.MustParseAddr(server), Name: name})
				if err != nil || len(b) != n || !bytes.Equal(b, bytes.Repeat([]byte{'x', 'y', 'z'}, n)[:n]) {
					t.Errorf("%s from %s %s: %d octets of %d, %v", name, server, how, len(b), n, err)
				}
			}
		}
	}
	for _, server := range []string{"192.0.2.1", "192.0.2.2"} {
		_, err := client.Download(t.Context(), pxeclient.File{Server: netip.MustParseAddr(server), Name: "none"})
		if e := (*pxeclient.Error)(nil); !errors.As(err, &e) || e.Code != 1 {
			t.Errorf("%v", err)
		}
	}
	_, err := pxeclient.TFTP{Timeout: time.Millisecond, Tries: 2}.Download(t.Context(), client.Station(), pxeclient.File{Server: netip.MustParseAddr("192.0.2.1").Next().Next(), Name: "f"})
	if err == nil { // nobody has that address
		t.Error("downloaded from nobody")
	}
}

// listener is what a client of a multicast transfer does at least: it hears a group, at the port the server named.
type listener struct{ joined chan struct{} }

func (d listener) Download(ctx context.Context, host *station.Station, f pxeclient.File) ([]byte, error) {
	conn, err := host.ListenUDP(f.MTFTP.ClientPort, f.MTFTP.Addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	close(d.joined)
	got, err := conn.Receive()
	return got.Payload, err
}

// TestMulticastDownloader: what a Downloader of multicast transfers needs is there.
func TestMulticastDownloader(t *testing.T) {
	l := newLAN(t)
	l.own(t.TempDir(), nil)
	joined := make(chan struct{})
	client := l.leased(pxeclient.Config{Download: listener{joined}})
	group := netip.MustParseAddr("239.255.1.1")
	s := l.host("192.0.2.2/24")
	go func() {
		<-joined
		s.in(func() {
			conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(192, 0, 2, 2)})
			must(t, err)
			defer conn.Close()
			eth0, err := net.InterfaceByName("eth0")
			must(t, err)
			p := ipv4.NewPacketConn(conn)
			must(t, p.SetMulticastInterface(eth0))
			_, err = p.WriteTo([]byte("to another port"), nil, &net.UDPAddr{IP: group.AsSlice(), Port: 1757})
			must(t, err)
			_, err = p.WriteTo([]byte("block"), nil, &net.UDPAddr{IP: group.AsSlice(), Port: 1758})
			must(t, err)
		})
	}()
	b, err := client.Download(t.Context(), pxeclient.File{MTFTP: &pxe.MTFTP{Addr: group, ClientPort: 1758}})
	if err != nil || string(b) != "block" {
		t.Errorf("%q, %v", b, err)
	}
}
