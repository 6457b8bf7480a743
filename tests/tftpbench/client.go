package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// TFTP opcodes.
const (
	opData  = 3
	opAck   = 4
	opError = 5
	opOack  = 6
)

// download is what one transfer brought.
type download struct {
	size   int
	crc    uint32
	took   time.Duration // from the request to the last block
	window int           // granted
	again  int           // blocks that came although they had come
}

// answers waits until the server on port 69 takes requests, by asking for a file that does not exist.
func (l *lan) answers() error {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		c, err := l.dial()
		if err != nil {
			return err
		}
		c.ask("none", 0)
		_ = c.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		_, _, err = c.conn.ReadFromUDPAddrPort(c.buf)
		c.conn.Close()
		if err == nil {
			return nil
		}
	}
	return errors.New("the server did not answer within 10 s")
}

// curl downloads with curl.
func (l *lan) curl(ctx context.Context, dir string) (download, error) {
	to := filepath.Join(dir, "got")
	cmd := exec.CommandContext(ctx, "curl", "-sS", "--tftp-blksize", strconv.Itoa(blksize), "-o", to, "tftp://"+address+"/file")
	var out strings.Builder
	cmd.Stderr = &out
	began := time.Now()
	var err error
	in(l.client, func() { err = cmd.Run() })
	d := download{took: time.Since(began)}
	if err != nil {
		return d, fmt.Errorf("curl: %w: %s", err, &out)
	}
	got, err := os.ReadFile(to)
	d.size, d.crc = len(got), crc32.ChecksumIEEE(got)
	return d, err
}

// client is one transfer's end.
type client struct {
	conn *net.UDPConn
	buf  []byte
	tid  netip.AddrPort
	ack  [4]byte
}

func (l *lan) dial() (*client, error) {
	c := &client{buf: make([]byte, 2048)}
	var err error
	in(l.client, func() { c.conn, err = net.ListenUDP("udp4", nil) })
	return c, err
}

func (c *client) ask(file string, window int) {
	fields := []string{file, "octet", "blksize", strconv.Itoa(blksize)}
	if window > 0 {
		fields = append(fields, "windowsize", strconv.Itoa(window))
	}
	rrq := append([]byte{0, 1}, strings.Join(fields, "\x00")+"\x00"...)
	_, _ = c.conn.WriteToUDPAddrPort(rrq, netip.MustParseAddrPort(address+":69"))
}

func (c *client) acknowledge(n uint16) {
	binary.BigEndian.PutUint16(c.ack[:], opAck)
	binary.BigEndian.PutUint16(c.ack[2:], n)
	_, _ = c.conn.WriteToUDPAddrPort(c.ack[:], c.tid)
}

// fetch downloads a file, in windows if asked to. A lost datagram is left to the server's timer.
func (l *lan) fetch(file string, window int) (download, error) {
	c, err := l.dial()
	if err != nil {
		return download{}, err
	}
	defer c.conn.Close()
	_ = c.conn.SetReadDeadline(time.Now().Add(time.Minute))
	d, crc := download{window: 1}, crc32.NewIEEE()
	began := time.Now()
	c.ask(file, window)
	for next, unacked := uint16(1), 0; ; {
		n, from, err := c.conn.ReadFromUDPAddrPort(c.buf)
		if err != nil {
			return d, err
		}
		c.tid = from
		block := binary.BigEndian.Uint16(c.buf[2:])
		switch binary.BigEndian.Uint16(c.buf) {
		case opOack:
			d.window = granted(c.buf[2:n])
			c.acknowledge(0)
		case opError:
			return d, fmt.Errorf("ERROR %d %s", block, c.buf[4:n])
		case opData:
			if block != next { // RFC 7440 section 4: say what came in order
				if int16(block-next) < 0 {
					d.again++
				}
				c.acknowledge(next - 1)
				unacked = 0
				continue
			}
			_, _ = crc.Write(c.buf[4:n])
			d.size += n - 4
			next++
			if unacked++; unacked == d.window || n < 4+blksize {
				c.acknowledge(block)
				unacked = 0
			}
			if n < 4+blksize {
				d.took, d.crc = time.Since(began), crc.Sum32()
				return d, nil
			}
		}
	}
}

// granted gives the window that an OACK grants.
func granted(options []byte) int {
	fields := strings.Split(string(options), "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		if n, err := strconv.Atoi(fields[i+1]); err == nil && strings.EqualFold(fields[i], "windowsize") {
			return n
		}
	}
	return 1
}
