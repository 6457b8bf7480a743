package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

// Serve hands the datagrams of a socket of ListenUDP to handle, one after the other, with what Receive tells of each,
// until ctx ends; then it closes the socket. what names the datagrams in errors, such as "DHCPv6 requests". A read error
// does not end it: a link that goes down and comes back is part of what the lab does.
func Serve(ctx context.Context, conn *net.UDPConn, what string, handle func(b []byte, from netip.AddrPort, to netip.Addr)) error {
	defer CloseWith(ctx, conn)()
	buf := make([]byte, 65536)
	for {
		n, from, to, err := Receive(conn, buf)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("reading %s: %w", what, err)
		case err != nil:
			Pause(ctx)
		default:
			handle(buf[:n], from, to)
		}
	}
}

// CloseWith closes c when ctx ends. The function that it gives closes c in any case, and returns when that is done: one
// Close beside another returns at once, while the port is taken still, and whoever comes next finds it in use.
func CloseWith(ctx context.Context, c io.Closer) (closed func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = c.Close()
	})
	return func() {
		if stop() {
			_ = c.Close()
			return
		}
		<-done
	}
}

// Pause keeps a socket that fails again and again from using up a processor: it waits 50 ms, or until ctx ends.
func Pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(50 * time.Millisecond):
	}
}
