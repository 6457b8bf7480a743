package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/nclient4"
	"github.com/vishvananda/netlink"

	"github.com/pxelab/pxelab/server/pxe"
)

// How long an answer may take and how often it is asked for (PXE 2.1 section 2.2.2 has 4, 8, 16 and 32 s; this
// client asks at even distances).
const (
	dhcpTimeout = 4 * time.Second
	dhcpTries   = 4
)

// lease is what DHCP told the client.
type lease struct {
	address net.IPNet
	server  net.IP // option 54
	next    net.IP // siaddr: where the boot file is
	file    string
	mac     net.HardwareAddr
	uuid    pxe.UUID
}

// identity is how the client says what it is: options 60, 93, 94 and 97 (RFC 4578), and that it waits for a boot
// file. A driver of Linux is no UNDI, but a server gives no boot file to a client without that option.
func identity(m machine) []dhcpv4.Modifier {
	undi, class := []byte{1, 2, 1}, "UNDI:002001"
	if m.platform == "efi" {
		undi, class = []byte{1, 3, 0}, "UNDI:003000"
	}
	raw := func(code uint8, value []byte) dhcpv4.Modifier {
		return dhcpv4.WithOption(dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(code), value))
	}
	return []dhcpv4.Modifier{
		raw(pxe.OptClassID, fmt.Appendf(nil, "PXEClient:Arch:%05d:%s", m.arch, class)),
		raw(pxe.OptArch, []byte{byte(m.arch >> 8), byte(m.arch)}),
		raw(pxe.OptNII, undi),
		raw(pxe.OptUUID, append([]byte{0}, m.uuid[:]...)),
		dhcpv4.WithRequestedOptions(dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionServerIdentifier,
			dhcpv4.OptionVendorSpecificInformation, dhcpv4.OptionTFTPServerName, dhcpv4.OptionBootfileName),
	}
}

// lease asks for an address and a boot file, and gives the card the address.
func (c card) lease(ctx context.Context, m machine) (lease, error) {
	client, err := nclient4.New(c.name, nclient4.WithTimeout(dhcpTimeout), nclient4.WithRetry(dhcpTries))
	if err != nil {
		return lease{}, fmt.Errorf("open %s for DHCP: %w", c.name, err)
	}
	defer client.Close()
	got, err := client.Request(ctx, identity(m)...)
	var nak *nclient4.ErrNak
	switch {
	case errors.As(err, &nak):
		return lease{}, failed("PXE-E52", "the DHCP server refused the address it had offered")
	case errors.Is(err, nclient4.ErrNoResponse):
		return lease{}, failed("PXE-E51", "No DHCP or proxyDHCP offers were received.")
	case err != nil:
		return lease{}, failed("PXE-E52", "DHCP: %w", err)
	}
	l := readAck(got.ACK)
	l.mac, l.uuid = c.mac, m.uuid
	if err := configure(c.name, l.address); err != nil {
		return lease{}, err
	}
	if l.file == "" {
		return lease{}, failed("PXE-E53", "No boot filename received.")
	}
	return l, nil
}

// readAck reads an acknowledgement. Option 67 goes before the header's field, as with EDK2.
func readAck(ack *dhcpv4.DHCPv4) lease {
	l := lease{address: net.IPNet{IP: ack.YourIPAddr.To4(), Mask: ack.SubnetMask()}, server: ack.ServerIdentifier(), next: ack.ServerIPAddr, file: ack.BootFileName}
	if l.address.Mask == nil {
		l.address.Mask = l.address.IP.DefaultMask()
	}
	if name := strings.TrimRight(ack.BootFileNameOption(), "\x00"); name != "" {
		l.file = name
	}
	if l.next == nil || l.next.IsUnspecified() {
		l.next = l.server
	}
	return l
}

// configure gives the card its address.
func configure(name string, address net.IPNet) error {
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.AddrReplace(link, &netlink.Addr{IPNet: &address})
	}
	if err != nil {
		return fmt.Errorf("give %s the address %s: %w", name, &address, err)
	}
	return nil
}
