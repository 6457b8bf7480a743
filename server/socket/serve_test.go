package socket

import (
	"context"
	"net/netip"
	"testing"
)

// TestServeGivesUpItsPort: once Serve has returned, the port can be opened again.
func TestServeGivesUpItsPort(t *testing.T) {
	at := netip.MustParseAddrPort("127.0.0.1:0")
	for range 200 {
		conn, err := ListenUDP("lo", at) // free at first, and then the same again
		if err != nil {
			t.Fatal(err)
		}
		at = netip.MustParseAddrPort(conn.LocalAddr().String())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- Serve(ctx, conn, "datagrams", func([]byte, netip.AddrPort, netip.Addr) {}) }()
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
}
