package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/vishvananda/netlink"
)

// nicPatience is how long a USB bus may take to show its card. An emulated one takes 0.3 s.
const nicPatience = 10 * time.Second

// card is the network card the client boots from: the first that is a device, which loopback is not.
type card struct {
	name   string
	driver string // "cdc_ether", "rndis_host"
	usb    string // vendor and product, "0525:a4a2"; empty for a card that is no USB one
	mac    net.HardwareAddr
}

// findNIC waits for a network card and raises it.
func findNIC(patience time.Duration) (card, error) {
	updates, done := make(chan netlink.LinkUpdate), make(chan struct{})
	defer close(done)
	err := netlink.LinkSubscribeWithOptions(updates, done, netlink.LinkSubscribeOptions{ListExisting: true})
	if err != nil {
		return card{}, fmt.Errorf("watch for network cards: %w", err)
	}
	late := time.After(patience)
	for {
		select {
		case u, open := <-updates:
			if !open {
				return card{}, fmt.Errorf("watch for network cards: the kernel told no more")
			}
			if c, ok := describe("/sys", u.Attrs().Name); ok {
				c.mac = u.Attrs().HardwareAddr
				return c, raise(c.name)
			}
		case <-late:
			return card{}, failed("PXE-E61", "Media test failure: no network card within %s; is there one, and a driver for it on the stick?", patience)
		}
	}
}

// describe reads what sysfs says of an interface; it is not ok when no device is behind it.
func describe(sys, name string) (card, bool) {
	device := filepath.Join(sys, "class/net", name, "device")
	driver, err := os.Readlink(filepath.Join(device, "driver"))
	if err != nil {
		return card{}, false
	}
	c := card{name: name, driver: filepath.Base(driver)}
	// The device is one interface of a USB device, which is the directory above it.
	if at, err := filepath.EvalSymlinks(device); err == nil {
		vendor, product := read(filepath.Join(at, "../idVendor")), read(filepath.Join(at, "../idProduct"))
		if vendor != "" {
			c.usb = vendor + ":" + product
		}
	}
	return c, true
}

func raise(name string) error {
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.LinkSetUp(link)
	}
	if err != nil {
		return failed("PXE-E61", "Media test failure: raise %s: %w", name, err)
	}
	return nil
}
