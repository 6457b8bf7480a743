// Command pxelab-init is the /init of the lab's own initrd: it reports on the console what the kernel was told, and
// powers the machine off.
//
// It is a program of its own, not pxelab under another name, because it crosses the wire in every boot of a Linux, and
// imports no package that would make its binary a dynamic one where there is a C compiler.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/lab/insmod"
)

// moduleDir is where the initrd has the kernel's modules.
const moduleDir = "/modules"

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "pxelab-init: is the first process of a machine that the lab boots; nothing to do here")
		os.Exit(2)
	}
	wrong := start()
	awaitCard("/", func(path string) string { return readFile("/", path) }, time.Now, time.Sleep)
	report(os.Stdout, "/", wrong)
	// What is still in the serial port's buffer would be lost with the machine's power.
	_ = unix.IoctlSetInt(1, unix.TCSBRK, 1)
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// start gives the kernel what a report needs: its file systems and the card's drivers. What does not work is a line of
// the report.
func start() []string {
	var wrong []string
	for _, m := range [][2]string{{"proc", "/proc"}, {"sysfs", "/sys"}} {
		_ = os.Mkdir(m[1], 0o755)
		if err := unix.Mount(m[0], m[1], m[0], 0, ""); err != nil {
			wrong = append(wrong, fmt.Sprintf("mount name=%s error=%s", m[0], word(err.Error())))
		}
	}
	files, _ := filepath.Glob(moduleDir + "/*") // its only error is a bad pattern
	for name, err := range insmod.All(files) {
		wrong = append(wrong, fmt.Sprintf("module name=%s error=%s", word(filepath.Base(name)), word(err.Error())))
	}
	slices.Sort(wrong)
	return wrong
}

// report writes what the machine knows of its boot. The lines are read by images.ParseOSLine.
func report(w io.Writer, root string, wrong []string) {
	read := func(path string) string { return readFile(root, path) }
	cmdline := read("proc/cmdline")
	fmt.Fprintf(w, "PXELAB-OS v1 kernel=%s fw=%s nonce=%s\n", word(read("proc/sys/kernel/osrelease")), firmware(root), word(argument(cmdline, "pxelab.nonce")))
	for _, line := range wrong {
		fmt.Fprintf(w, "PXELAB-OS %s\n", line)
	}
	fmt.Fprintf(w, "PXELAB-OS smbios uuid=%s\n", word(read("sys/class/dmi/id/product_uuid")))
	cards, _ := filepath.Glob(filepath.Join(root, "sys/class/net/*"))
	for _, card := range cards {
		name := filepath.Base(card)
		if read("sys/class/net/"+name+"/type") == etherType {
			fmt.Fprintf(w, "PXELAB-OS nic name=%s mac=%s\n", word(name), word(read("sys/class/net/"+name+"/address")))
		}
	}
	fmt.Fprintf(w, "PXELAB-OS cmdline=%s\nPXELAB-OS END\n", cmdline)
}

// readFile gives the text of a file; what is not there is reported as empty.
func readFile(root, path string) string {
	b, _ := os.ReadFile(filepath.Join(root, path))
	return strings.TrimSpace(string(b))
}

// etherType is ARPHRD_ETHER, which the loopback interface is not.
const etherType = "1"

// firmware tells how the kernel was started. A 64-bit kernel on a 32-bit UEFI was started by its mixed mode.
func firmware(root string) string {
	width, err := os.ReadFile(filepath.Join(root, "sys/firmware/efi/fw_platform_size"))
	if err != nil {
		return "bios"
	}
	return "efi" + strings.TrimSpace(string(width))
}

// argument gives the value of a kernel argument; of several the last counts, as for the kernel.
func argument(cmdline, name string) string {
	value := ""
	for field := range strings.FieldsSeq(cmdline) {
		if v, ok := strings.CutPrefix(field, name+"="); ok {
			value = v
		}
	}
	return value
}

// word makes one word of printable ASCII, as values in a report are: a blank becomes "_", anything else ".".
func word(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '_'
		case r < '!' || r > '~':
			return '.'
		}
		return r
	}, s)
}
