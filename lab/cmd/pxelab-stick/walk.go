package main

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/server/pxeclient"
)

// lease is what the client was told, and the boot file.
type lease struct {
	address netip.Prefix
	server  netip.Addr // who gave the address
	next    netip.Addr // where the boot file is
	file    string
	program []byte
	mac     net.HardwareAddr
	uuid    pxe.UUID
}

// optSubnetMask is of RFC 2132, section 3.3.
const optSubnetMask = 1

// window is how many blocks the client asks for to an acknowledgement (RFC 7440): as EDK2 does.
const window = 4

// open puts a PXE client of this machine on the card; the zero schedule is that of PXE 2.1.
func (c card) open(m machine, s pxeclient.Schedule) (*pxeclient.Client, error) {
	return pxeclient.New(pxeclient.Config{Interface: c.name, UUID: &m.uuid, Archs: []pxe.Arch{m.arch}, Schedule: s,
		Enough: offeredAgain, Download: pxeclient.TFTP{Window: window}})
}

// offeredAgain ends the search when a server is heard for the second time: whoever else has something to offer had the
// 4 s between two DHCPDISCOVERs for it.
func offeredAgain(offers []*pxeclient.Reply) bool {
	last := len(offers) - 1
	for _, o := range offers[:last] {
		if o.Server() == offers[last].Server() {
			return true
		}
	}
	return false
}

// walk does all of PXE: it finds an address and the word on how to boot, takes the first item of a menu, asks proxies
// and boot servers, and fetches the boot file.
func walk(ctx context.Context, client *pxeclient.Client, m machine) (lease, error) {
	w, err := client.Boot(ctx, pxeclient.FirstItem)
	if err == nil && w.Program == nil {
		err = errors.New(w.End)
	}
	if err != nil {
		return lease{}, &pxeError{codeOf(w, err), err}
	}
	bits, _ := net.IP(w.Lease.YIAddr.AsSlice()).DefaultMask().Size()
	if v, _ := w.Lease.Get(optSubnetMask); len(v) == net.IPv4len {
		bits, _ = net.IPMask(v).Size()
	}
	return lease{address: netip.PrefixFrom(w.Lease.YIAddr, bits), server: w.Lease.Server(), next: w.File.Server, file: w.File.Name,
		program: w.Program, mac: client.Station().MAC(), uuid: m.uuid}, nil
}

// codeOf gives a walk that failed the number that Intel's ROMs have for it, by how far it came.
func codeOf(w *pxeclient.Walk, err error) string {
	var refused *pxeclient.Refused
	switch silent := errors.Is(err, pxeclient.ErrNoAnswer); {
	case w.File != nil:
		return tftpCode(err)
	case len(w.Offers) == 0:
		return "PXE-E51" // no DHCP or proxyDHCP offers were received
	case w.Choice.Address == nil:
		return "PXE-E53" // no boot filename received
	case errors.As(err, &refused), w.Lease == nil:
		return "PXE-E52" // proxyDHCP offers were received, no DHCP offers: here, no address was given
	case w.Choice.AskBoot() && w.Proxy == nil:
		return "PXE-E55" // proxyDHCP service did not reply to request on port 4011
	case w.Picked != nil && silent:
		return "PXE-E78" // could not locate boot server
	}
	return "PXE-E53"
}

// notFound is what TFTP calls a file that is not there (RFC 1350 section 5).
const notFound = 1

// tftpCode gives a transfer that failed its number.
func tftpCode(err error) string {
	var said *pxeclient.Error
	switch {
	case errors.As(err, &said) && said.Code == notFound:
		return "PXE-T01" // file not found
	case errors.Is(err, pxeclient.ErrNoAnswer):
		return "PXE-E32" // TFTP open timeout
	}
	return "PXE-E3C" // TFTP error
}
