package network

import (
	"bytes"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/network/capture"
)

// benchVia measures between two guests, with taps and without, and for comparison over a datagram socket alone.
func benchVia(b *testing.B, measure func(b *testing.B, near, far net.Conn)) {
	for _, tun := range []bool{true, false} {
		name := map[bool]string{true: "tap", false: "packet"}[tun]
		b.Run(name, func(b *testing.B) {
			bridge := newBridge(b)
			file, err := capture.Create(filepath.Join(b.TempDir(), "wire.pcapng"))
			if err != nil {
				b.Fatal(err)
			}
			defer file.Close()
			observe := func(Frame) {}
			near := connect(b, plugIn(b, bridge, CableConfig{Name: "near", Tun: tun, Observe: observe, Capture: file.AddInterface("near", "")}))
			far := connect(b, plugIn(b, bridge, CableConfig{Name: "far", Tun: tun, Observe: observe, Capture: file.AddInterface("far", "")}))
			measure(b, near.conn, far.conn)
		})
	}
	b.Run("socket alone", func(b *testing.B) {
		bridge := newBridge(b)
		cable := plugIn(b, bridge, CableConfig{Name: "near"})
		end, err := cable.Connect()
		if err != nil {
			b.Fatal(err)
		}
		defer end.Close()
		far := cable.guest.conn
		cable.guest.conn.SetDeadline(time.Unix(1, 0)) // the pump leaves it to us
		cable.guest.pumping.Wait()
		near, err := net.FileConn(end)
		if err != nil {
			b.Fatal(err)
		}
		defer near.Close()
		far.SetDeadline(time.Time{})
		measure(b, near, far)
	})
}

// BenchmarkRoundTrip is a frame of 342 octets there and back: through two cables and the bridge, twice.
func BenchmarkRoundTrip(b *testing.B) {
	benchVia(b, func(b *testing.B, near, far net.Conn) {
		there, back := testFrame(guestMAC, hostMAC, 342), testFrame(hostMAC, guestMAC, 342)
		near.SetDeadline(time.Time{})
		far.SetDeadline(time.Time{})
		go func() {
			buf := make([]byte, 2048)
			for {
				if _, err := far.Read(buf); err != nil {
					return
				}
				far.Write(back)
			}
		}()
		buf := make([]byte, 2048)
		for b.Loop() {
			near.Write(there)
			if _, err := near.Read(buf); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		far.SetDeadline(time.Unix(1, 0))
	})
}

// BenchmarkThroughput is full frames one way, through two cables and the bridge, eight under way at a time.
func BenchmarkThroughput(b *testing.B) {
	benchVia(b, func(b *testing.B, near, far net.Conn) {
		near.SetDeadline(time.Time{})
		far.SetDeadline(time.Time{})
		frame := testFrame(guestMAC, hostMAC, maxFrame)
		b.SetBytes(maxFrame)
		window := make(chan struct{}, 8)
		done := make(chan struct{})
		go func() {
			defer close(done)
			buf := make([]byte, 2048)
			for range window {
				if _, err := far.Read(buf); err != nil {
					return
				}
			}
		}()
		for b.Loop() {
			near.Write(frame)
			window <- struct{}{}
		}
		close(window)
		<-done
	})
}

func testFrame(src, dst net.HardwareAddr, size int) []byte {
	frame := bytes.Repeat([]byte{0xa5}, size)
	copy(frame, dst)
	copy(frame[6:], src)
	copy(frame[12:], "\x88\xb5") // an experimental EtherType (IEEE 802)
	return frame
}
