package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strings"

	"github.com/pxelab/pxelab/server/pxeclient"
)

// booting is one boot under way.
type booting struct {
	ctx    context.Context
	client *pxeclient.Client
	lease  lease
}

// starter starts a kernel. It returns only if that failed.
type starter func(kernel, initrd []byte, args string) error

// boot fetches what the network names, and starts it. It returns only if that failed.
func boot(ctx context.Context, client *pxeclient.Client, m machine, start starter) error {
	l, err := walk(ctx, client, m)
	if err != nil {
		return err
	}
	b := booting{ctx, client, l}
	say("PXELAB-STICK ip=%s from=%s next=%s file=%s", l.address, l.server, l.next, l.file)
	fetched(l.next, l.file, l.program)
	if !isScript(l.program) {
		return b.start(l.program, nil, "", start)
	}
	script, err := ParseScript(string(l.program), l.variables())
	if err != nil {
		return failed("PXE-E79", "the script %q: %w", l.file, err)
	}
	for _, text := range script.Echoes {
		say("%s", text)
	}
	kernel, err := b.fetch(script.Kernel)
	if err != nil {
		return err
	}
	var initrd []byte
	for _, uri := range script.Initrds {
		more, err := b.fetch(uri)
		if err != nil {
			return err
		}
		initrd = append(pad(initrd), more...)
	}
	return b.start(kernel, initrd, script.Args, start)
}

// pad fills up to the next word: the kernel takes several archives one after another, each aligned.
func pad(archive []byte) []byte { return append(archive, make([]byte, -len(archive)&3)...) }

// start starts a file that is a Linux kernel.
func (b booting) start(kernel, initrd []byte, args string, start starter) error {
	if !isKernel(kernel) {
		return failed("PXE-E79", "%q names or is no Linux kernel", b.lease.file)
	}
	if !strings.Contains(args, "BOOTIF=") { // the card it was booted from, in PXELINUX's notation
		args = strings.TrimSpace(args + " BOOTIF=01-" + hyphens(b.lease.mac))
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
		v[card+"ip"] = l.address.Addr().String()
		v[card+"netmask"] = net.IP(net.CIDRMask(l.address.Bits(), 32)).String()
		v[card+"mac"], v[card+"mac:hexhyp"] = l.mac.String(), hyphens(l.mac)
	}
	return v
}

// fetch fetches a file that a script names: relative to the script, from the root of its server, or of another.
func (b booting) fetch(uri string) ([]byte, error) {
	server, file, err := resolve(b.lease, uri)
	if err != nil {
		return nil, failed("PXE-E79", "%w", err)
	}
	data, err := b.client.Download(b.ctx, pxeclient.File{Server: server, Name: file})
	if err != nil {
		return nil, &pxeError{tftpCode(err), err}
	}
	fetched(server, file, data)
	return data, nil
}

// fetched says what came.
func fetched(server netip.Addr, file string, data []byte) {
	say("PXELAB-STICK file=%s from=%s bytes=%d crc=%08x", file, server, len(data), crc32.ChecksumIEEE(data))
}

func resolve(l lease, uri string) (server netip.Addr, file string, err error) {
	u, err := url.Parse(uri)
	switch {
	case err != nil:
		return server, "", fmt.Errorf("URI %q: %w", uri, err)
	case u.Scheme == "" && strings.HasPrefix(uri, "/"):
		return l.next, strings.TrimPrefix(u.Path, "/"), nil
	case u.Scheme == "":
		return l.next, path.Join(path.Dir(strings.TrimPrefix(l.file, "/")), u.Path), nil
	case u.Scheme != "tftp":
		return server, "", fmt.Errorf("URI %q: this client fetches by TFTP only", uri)
	}
	if server, err = netip.ParseAddr(u.Hostname()); err != nil {
		return server, "", fmt.Errorf("URI %q: the host must be an address, for this client asks no name server", uri)
	}
	return server, strings.TrimPrefix(u.Path, "/"), nil
}
