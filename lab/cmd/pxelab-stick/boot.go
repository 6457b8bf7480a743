package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/pin/tftp/v3"
)

// source fetches files by TFTP.
type source interface {
	fetch(server, file string) ([]byte, error)
}

// boot fetches what the lease names, and starts it.
func boot(l lease, from source, start func(kernel, initrd []byte, args string) error) error {
	server := l.next.String()
	file, err := fetch(from, server, l.file)
	if err != nil {
		return err
	}
	if !isScript(file) {
		return startKernel(l, file, nil, "", start)
	}
	script, err := ParseScript(string(file), l.variables())
	if err != nil {
		return failed("PXE-E79", "the script %q: %w", l.file, err)
	}
	for _, text := range script.Echoes {
		say("%s", text)
	}
	kernel, err := fetchURI(from, l, script.Kernel)
	if err != nil {
		return err
	}
	var initrd []byte
	for _, uri := range script.Initrds {
		more, err := fetchURI(from, l, uri)
		if err != nil {
			return err
		}
		initrd = append(pad(initrd), more...)
	}
	return startKernel(l, kernel, initrd, script.Args, start)
}

// pad fills up to the next word: the kernel takes several archives one after another, each aligned.
func pad(archive []byte) []byte { return append(archive, make([]byte, -len(archive)&3)...) }

// startKernel starts a file that is a Linux kernel. It returns only if that failed.
func startKernel(l lease, kernel, initrd []byte, args string, start func(kernel, initrd []byte, args string) error) error {
	if !isKernel(kernel) {
		return failed("PXE-E79", "%q is neither a Linux kernel nor an iPXE script", l.file)
	}
	if !strings.Contains(args, "BOOTIF=") { // the card it was booted from, in PXELINUX's notation
		args = strings.TrimSpace(args + " BOOTIF=01-" + hyphens(l.mac))
	}
	say("PXELAB-STICK boot kernel=%d initrd=%d args=%q", len(kernel), len(initrd), args)
	return fmt.Errorf("start the kernel: %w", start(kernel, initrd, args))
}

// isKernel tells whether a file is a Linux kernel for a PC: Documentation/x86/boot.rst, "The Real-Mode Kernel Header".
func isKernel(file []byte) bool {
	return len(file) > 0x206 && binary.LittleEndian.Uint16(file[0x1fe:]) == 0xaa55 && bytes.Equal(file[0x202:0x206], []byte("HdrS"))
}

func hyphens(mac net.HardwareAddr) string { return strings.ReplaceAll(mac.String(), ":", "-") }

// variables are those of iPXE that the client can fill in.
func (l lease) variables() map[string]string {
	v := map[string]string{"next-server": l.next.String(), "filename": l.file, "uuid": l.uuid.String(), "buildarch": "x86_64"}
	for _, card := range []string{"", "net0/", "netX/"} {
		v[card+"ip"], v[card+"netmask"] = l.address.IP.String(), net.IP(l.address.Mask).String()
		v[card+"mac"], v[card+"mac:hexhyp"] = l.mac.String(), hyphens(l.mac)
	}
	return v
}

// fetchURI fetches a file that a script names: relative to the script, from the root of its server, or of another.
func fetchURI(from source, l lease, uri string) ([]byte, error) {
	server, file, err := resolve(l, uri)
	if err != nil {
		return nil, failed("PXE-E79", "%w", err)
	}
	return fetch(from, server, file)
}

func resolve(l lease, uri string) (server, file string, err error) {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return "", "", fmt.Errorf("URI %q: %w", uri, err)
	case u.Scheme == "" && strings.HasPrefix(uri, "/"):
		return l.next.String(), strings.TrimPrefix(u.Path, "/"), nil
	case u.Scheme == "":
		return l.next.String(), path.Join(path.Dir(strings.TrimPrefix(l.file, "/")), u.Path), nil
	case u.Scheme != "tftp":
		return "", "", fmt.Errorf("URI %q: this client fetches by TFTP only", uri)
	}
	if _, err := netip.ParseAddr(u.Hostname()); err != nil {
		return "", "", fmt.Errorf("URI %q: the host must be an address, for this client asks no name server", uri)
	}
	return u.Hostname(), strings.TrimPrefix(u.Path, "/"), nil
}

// fetch fetches a file and says what came.
func fetch(from source, server, file string) ([]byte, error) {
	data, err := from.fetch(server, file)
	if err != nil {
		return nil, err
	}
	say("PXELAB-STICK file=%s from=%s bytes=%d crc=%08x", file, server, len(data), crc32.ChecksumIEEE(data))
	return data, nil
}

// What the client asks of TFTP servers: blocks that fill an Ethernet frame, and an answer within a second.
const (
	blksize     = 1468
	tftpTimeout = 1 * time.Second
	tftpTries   = 6
)

// fetcher fetches over this machine's network.
type fetcher struct{}

func (fetcher) fetch(server, file string) ([]byte, error) {
	c, err := tftp.NewClient(net.JoinHostPort(server, "69"))
	if err != nil {
		return nil, failed("PXE-E32", "TFTP open timeout: %w", err)
	}
	c.SetBlockSize(blksize)
	c.RequestTSize(true)
	c.SetTimeout(tftpTimeout)
	c.SetRetries(tftpTries)
	transfer, err := c.Receive(file, "octet")
	if err != nil {
		return nil, tftpError(file, err)
	}
	var data bytes.Buffer
	size, sized := transfer.(tftp.IncomingTransfer).Size()
	if _, err := transfer.WriteTo(&data); err != nil {
		return nil, tftpError(file, err)
	}
	if sized && int64(data.Len()) != size {
		return nil, failed("PXE-E3F", "TFTP packet size is invalid: %q has %d octets and %d came", file, size, data.Len())
	}
	return data.Bytes(), nil
}

// tftpError gives a failure its number.
func tftpError(file string, err error) error {
	var said *net.OpError
	if strings.Contains(err.Error(), "code: 1,") {
		return failed("PXE-T01", "File not found: %q: %w", file, err)
	}
	if ok := asTimeout(err, &said); ok {
		return failed("PXE-E32", "TFTP open timeout: %q: %w", file, err)
	}
	return failed("PXE-E3C", "TFTP error: %q: %w", file, err)
}
