package wire

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"github.com/pxelab/pxelab/lab/event"
)

// call is a TCP connection of the guest, which counts its sequence numbers.
type call struct {
	client, server string
	tx, rx         uint32 // next sequence number of each side
}

func dial() *call { return &call{guestIP + ":49152", serverIP + ":80", 0xfffffff0, 7000} } // the first soon wraps

func (c *call) open() []frame {
	c.tx, c.rx = c.tx+1, c.rx+1
	return []frame{
		tcp(c.client, c.server, true, layers.TCP{SYN: true, Seq: c.tx - 1}, ""),
		tcp(c.server, c.client, false, layers.TCP{SYN: true, ACK: true, Seq: c.rx - 1, Ack: c.tx}, ""),
		tcp(c.client, c.server, true, layers.TCP{ACK: true, Seq: c.tx, Ack: c.rx}, ""),
	}
}

func (c *call) ask(s string) frame {
	c.tx += uint32(len(s))
	return tcp(c.client, c.server, true, layers.TCP{ACK: true, PSH: true, Seq: c.tx - uint32(len(s)), Ack: c.rx}, s)
}

func (c *call) answer(s string) frame {
	c.rx += uint32(len(s))
	return tcp(c.server, c.client, false, layers.TCP{ACK: true, Seq: c.rx - uint32(len(s)), Ack: c.tx}, s)
}

// end is the server's FIN, with the last of its octets.
func (c *call) end(s string) frame {
	c.rx += uint32(len(s)) + 1
	return tcp(c.server, c.client, false, layers.TCP{ACK: true, FIN: true, Seq: c.rx - uint32(len(s)) - 1, Ack: c.tx}, s)
}

func (c *call) reset(guest bool) frame {
	if guest {
		return tcp(c.client, c.server, true, layers.TCP{RST: true, Seq: c.tx}, "")
	}
	return tcp(c.server, c.client, false, layers.TCP{RST: true, ACK: true, Seq: c.rx}, "")
}

const (
	headSNP = "HEAD /snp.efi HTTP/1.1\r\nHost: 192.0.2.1\r\nAccept: */*\r\nUser-Agent: UefiHttpBoot/1.0\r\n\r\n"
	getSNP  = "GET /snp.efi HTTP/1.1\r\nHost: 192.0.2.1\r\nAccept: */*\r\nUser-Agent: UefiHttpBoot/1.0\r\n\r\n"
)

func okay(n int) string { return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", n) }

// httpScript is what EDK2 does, and responses of every framing.
func httpScript() []frame {
	c := dial()
	s := c.open()
	s = append(s, c.ask(headSNP), c.answer(okay(3000)), c.ask(getSNP))
	s = append(s, c.answer(okay(3000)), c.answer(strings.Repeat("a", 1460)), c.answer(strings.Repeat("b", 1460)), c.answer(strings.Repeat("c", 80)))
	s = append(s, c.ask("GET /none HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), c.answer("HTTP/1.1 404 Not Found\r\ncontent-length: 10\r\n\r\nnot found\n"))
	s = append(s, c.ask("GET /same HTTP/1.1\r\n\r\n"), c.answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"))
	s = append(s, c.ask("POST /log HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"), c.answer("HTTP/1.1 100 Continue\r\n\r\n"), c.answer("HTTP/1.1 204 No Content\r\n\r\n"))
	s = append(s, c.ask("GET /chunks HTTP/1.1\r\n\r\n"), c.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhel"),
		c.answer("lo\r\n1"), c.answer("\r\n!\r\n0\r\n"), c.answer("X-Sum: 1\r\n\r\n"))
	s = append(s, c.ask("GET /unsi"), c.ask("zed HTTP/1.1\r\n\r\n"), c.answer("HTTP/1.0 20"), c.answer("0 OK\r\n\r\nabc"), c.answer("def"), c.end("ghi"))
	return append(s, c.reset(true))
}

// httpTroubleScript is what goes wrong on the way.
func httpTroubleScript() []frame {
	c := dial()
	s := c.open()
	s = append(s, s[0]) // the SYN again
	ask := c.ask(getSNP)
	head := c.answer(okay(12))
	one, two, three := c.answer("1111"), c.answer("2222"), c.answer("3333")
	spoiled := frame{bytes.Clone(one.data), false}
	spoiled.data[57] ^= 1 // its last octet; two of padding follow
	s = append(s, ask, ask, head, head, spoiled, three, three, one, two, two)

	c = dial() // a connection that the server resets in the middle
	c.client = guestIP + ":49153"
	s = append(s, c.open()...)
	s = append(s, c.ask(getSNP), c.answer(okay(5000)), c.answer("1234"), c.reset(false), c.reset(true))

	c = dial() // one that it ends in the middle, a second time the same port
	c.client = guestIP + ":49153"
	s = append(s, c.open()...)
	s = append(s, c.ask(getSNP), c.answer(okay(5000)), c.end("1234"), c.end(""))

	c = dial() // refused
	c.client = guestIP + ":49154"
	s = append(s, c.open()[0], c.reset(false))

	c = dial() // begun before the capture
	c.client = guestIP + ":49155"
	s = append(s, c.answer(okay(4)+"1234"), c.ask(headSNP), c.answer(okay(3)))

	c = dial() // no HTTP
	c.client, c.server = guestIP+":49156", serverIP+":443"
	s = append(s, c.open()...)
	s = append(s, c.ask("\x16\x03\x01"), c.answer("\x16\x03\x03"), c.end(""))

	c = dial() // control characters
	c.client = guestIP + ":49157"
	s = append(s, c.open()...)
	return append(s, c.ask("GET /\x01.efi HTTP/1.1\r\nHost: \x1b[2J\r\n\r\n"), c.answer("HTTP/1.1 200 \x1b[2J\r\nContent-Length: many\r\n\r\n"))
}

// steps decodes frames and gives the HTTP steps they show.
func steps(t testing.TB, script []frame) []event.HTTP {
	t.Helper()
	d := New(guestMAC)
	var out []event.HTTP
	for i, f := range script {
		if p, ok := d.Frame(i+1, f.data, f.guest); ok && p.HTTP != nil {
			check(t, p)
			out = append(out, *p.HTTP)
		}
	}
	return out
}

// TestHTTPBodySum: whatever way TCP sends a body, it is counted once and its sum is right.
func TestHTTPBodySum(t *testing.T) {
	body := make([]byte, 100_000)
	for i := range body {
		body[i] = byte(i * i >> 3)
	}
	want := fmt.Sprintf("%08x", crc32.ChecksumIEEE(body))
	chunkedBody := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for i := 0; i < len(body); i += 7000 {
		part := body[i:min(i+7000, len(body))]
		chunkedBody += fmt.Sprintf("%X\r\n%s\r\n", len(part), part)
	}
	for name, response := range map[string]string{
		"length": okay(len(body)) + string(body), "chunked": chunkedBody + "0\r\n\r\n", "to the end": "HTTP/1.1 200 OK\r\n\r\n" + string(body),
	} {
		for seed := range uint64(30) {
			random := rand.New(rand.NewPCG(seed, 1))
			c := dial()
			script := append(c.open(), c.ask(getSNP))
			first := c.rx
			var pieces []frame
			for at := 0; at < len(response); {
				n := min(1+random.IntN(1460), len(response)-at)
				c.rx = first + uint32(at)
				pieces = append(pieces, c.answer(response[at:at+n]))
				if random.IntN(5) == 0 { // sent again, cut otherwise
					from := max(0, at-random.IntN(2000))
					c.rx = first + uint32(from)
					pieces = append(pieces, c.answer(response[from:at+n]))
				}
				at += n
			}
			for i := 1; i < len(pieces); i++ { // out of order
				if j := max(0, i-random.IntN(4)); random.IntN(3) == 0 {
					pieces[i], pieces[j] = pieces[j], pieces[i]
				}
			}
			c.rx = first + uint32(len(response))
			got := steps(t, append(append(script, pieces...), c.end("")))
			last := got[len(got)-1]
			if !last.Last || last.Bytes != int64(len(body)) || last.CRC32 != want || last.Status != 200 || last.Target != "/snp.efi" {
				t.Fatalf("%s, seed %d: %+v, want %d octets with sum %s", name, seed, last, len(body), want)
			}
			if len(got) > 4 {
				t.Errorf("%s, seed %d: %d steps told", name, seed, len(got))
			}
		}
	}
}

// TestHTTPForgets: what is kept of what is never completed is bounded.
func TestHTTPForgets(t *testing.T) {
	d := New(guestMAC)
	for i := range 5000 {
		c := dial()
		c.client = fmt.Sprintf("%s:%d", guestIP, 10000+i)
		for _, f := range append(c.open(), c.ask(getSNP)) {
			d.Frame(1, f.data, f.guest)
		}
	}
	if len(d.conns) > maxConns {
		t.Errorf("%d connections are kept", len(d.conns))
	}
	c := dial()
	for _, f := range append(c.open(), c.ask(getSNP)) {
		d.Frame(1, f.data, f.guest)
	}
	c.rx += 10
	for range 3000 {
		f := c.answer(strings.Repeat("x", 1400))
		d.Frame(1, f.data, f.guest)
	}
	for _, k := range d.conns {
		if k.down.held > maxAhead+1400 {
			t.Errorf("%d octets are kept that came too early", k.down.held)
		}
	}
}

// FuzzHTTP gives the fuzzer both directions of a connection, in two pieces each.
func FuzzHTTP(f *testing.F) {
	f.Add([]byte(getSNP), []byte(okay(5)+"hello"), uint16(3), uint16(30))
	f.Add([]byte(headSNP+getSNP), []byte(okay(5)+okay(5)+"hello"), uint16(3), uint16(50))
	f.Add([]byte("GET /x HTTP/1.1\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), uint16(20), uint16(50))
	f.Add([]byte("PUT / HTTP/1.1\nContent-Length: 2\n\nab"), []byte("HTTP/1.0 200\n\nabc"), uint16(0), uint16(1))
	f.Fuzz(func(t *testing.T, ask, answer []byte, cutAsk, cutAnswer uint16) {
		if len(ask) > 60000 || len(answer) > 60000 {
			t.Skip("longer than a frame can be")
		}
		whole, pieces := dial(), dial()
		at, bt := min(int(cutAsk), len(ask)), min(int(cutAnswer), len(answer))
		one := steps(t, append(whole.open(), whole.ask(string(ask)), whole.answer(string(answer)), whole.end(""), whole.reset(true)))
		two := steps(t, append(pieces.open(), pieces.ask(string(ask[:at])), pieces.ask(string(ask[at:])),
			pieces.answer(string(answer[:bt])), pieces.answer(string(answer[bt:])), pieces.end(""), pieces.reset(true)))
		for _, list := range [][]event.HTTP{one, two} {
			for _, h := range list {
				if h.Bytes > int64(len(answer)) || h.Last && h.Status == 0 {
					t.Errorf("%+v of an answer of %d octets", h, len(answer))
				}
			}
		}
	})
}
