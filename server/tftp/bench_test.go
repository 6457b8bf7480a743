package tftp

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkFirstAnswer is the time from a request to its OACK, which a time-warped guest counts many times over.
func BenchmarkFirstAnswer(b *testing.B) {
	root := b.TempDir()
	if err := os.WriteFile(filepath.Join(root, "f"), make([]byte, 1000), 0o600); err != nil {
		b.Fatal(err)
	}
	s, err := listen(Config{Interface: "lo", Root: root}, 0, func(Decision) {})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx) }()
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(s.udp.LocalAddr().(*net.UDPAddr).Port))
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 600)
	for b.Loop() {
		if _, err := conn.WriteToUDPAddrPort([]byte("\x00\x01f\x00octet\x00blksize\x001432\x00tsize\x000\x00"), to); err != nil {
			b.Fatal(err)
		}
		_, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_, _ = conn.WriteToUDPAddrPort(errorPacket(codeOption, "enough"), from)
		b.StartTimer()
	}
	conn.Close()
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}
