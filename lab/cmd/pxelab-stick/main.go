// Command client is what a USB stick of the lab boots into: a PXE client as the init of a Linux kernel, for network
// cards that no firmware has a driver for.
//
// It does what a PXE ROM does, with server/pxeclient on the card that Linux drives: it says what it is in a DHCPDISCOVER
// (option 60 "PXEClient", 93, 94, 97), hears proxies and boot servers, fetches the boot file by TFTP, and starts it by
// kexec. A boot file is a Linux kernel, or an iPXE script that names one; see Script. It speaks on the console, machine-readable:
// "PXELAB-STICK" and key=value facts; and when it fails the words of Intel's ROMs, "PXE-E53: ...", then "PXE-M0F: ".
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/server/pxeclient"
)

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "client: is no program to call: it is the init of a USB stick's kernel")
		os.Exit(2)
	}
	err := run(context.Background())
	var e *pxeError
	if !errors.As(err, &e) {
		e = &pxeError{"PXE-E99", err}
	}
	say("%s", e)
	say("PXE-M0F: Exiting the PXE client of the stick.")
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF) // nothing else to boot, and nobody to wait for
}

// run boots the machine over its network card. It returns only if that failed.
func run(ctx context.Context) error {
	m, err := setUp()
	if err != nil {
		return err
	}
	say("PXELAB-STICK v1 platform=%s kernel=%s uuid=%s", m.platform, m.kernel, m.uuid)
	nic, err := findNIC(nicPatience)
	if err != nil {
		return err
	}
	say("PXELAB-STICK nic=%s driver=%s usb=%s mac=%s", nic.name, nic.driver, nic.usb, nic.mac)
	client, err := nic.open(m, pxeclient.Schedule{})
	if err != nil {
		return err
	}
	defer client.Close()
	return boot(ctx, client, m, kexec)
}

// say writes one line on the console, which is what init's standard output is.
func say(format string, args ...any) {
	fmt.Println(strings.TrimSpace(fmt.Sprintf(format, args...)))
}

// pxeError is a failure with the number that Intel's PXE ROMs give it, by which people look it up.
type pxeError struct {
	code string
	err  error
}

func (e *pxeError) Error() string { return fmt.Sprintf("%s: %v", e.code, e.err) }
func (e *pxeError) Unwrap() error { return e.err }

// failed makes a pxeError.
func failed(code, format string, args ...any) error {
	return &pxeError{code, fmt.Errorf(format, args...)}
}
