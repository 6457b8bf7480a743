package judge

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// What PXE clients say, word for word as iPXE and EDK2 print it.
var (
	// ipxeCode is the link iPXE ends its error messages with.
	ipxeCode = regexp.MustCompile(`http://ipxe\.org/([0-9a-f]{8})`)
	// pxeCode is an error of EDK2's client, or of a vendor's ROM.
	pxeCode = regexp.MustCompile(`PXE-[ET][0-9A-F]{2}: `)
	// bdsFailed is EDK2's boot manager after a boot option came to nothing, and the option's title.
	bdsFailed = regexp.MustCompile(`BdsDxe: failed to load Boot[0-9A-F]{4}(?: "([^"]*)")?`)
	// bdsStarting is EDK2's boot manager handing the machine to the file the PXE client fetched.
	bdsStarting = regexp.MustCompile(`BdsDxe: starting Boot[0-9A-F]{4} "UEFI (?:PXE|HTTP)v[46]`)
	// bdsUnstarted is EDK2's boot manager after it said "starting" of a file that it cannot start: x86-64 firmware loads an
	// IA-32 program before it notices. A program that ran may return the same status, so this alone is no proof.
	bdsUnstarted = regexp.MustCompile(`BdsDxe: failed to start Boot[0-9A-F]{4} "UEFI (?:PXE|HTTP)v[46].*: Unsupported`)
	// maybeEFI is iPXE's BIOS build about to jump into a file that begins as an EFI program does. It starts any
	// small file as a boot program, so this remark is the last that is heard of the machine; only a file too large
	// for base memory gets its "Exec format error".
	maybeEFI = regexp.MustCompile(`\[PXE-NBP \(may be EFI\?\)\]`)
	// over are the lines after which nothing more comes of the boot: iPXE has no card left, SeaBIOS no device, EDK2
	// goes on to IPv6 (see isOver), to HTTP or to its own menu.
	over = regexp.MustCompile(`^No more network devices|^No bootable device|^PXE-M0F: ` +
		`|>>Start PXE over IPv6|>>Start HTTP Boot over` +
		`|BdsDxe: starting Boot[0-9A-F]{4} "(?:UiApp|EFI Internal Shell)"`)
	// speaks is how well-known boot programs that are no probe begin.
	speaks = regexp.MustCompile(`^PXELINUX \d|^SYSLINUX \d|GNU GRUB +version|^Welcome to GRUB|^iPXE initialising devices` +
		`|Linux version \d|^EFI stub: |^PXELAB-OS `)
)

// iPXE's error numbers without the last octet, which differs between its BIOS and EFI builds
// (src/include/errno.h: a PXENV_STATUS there, 0x80 with an EFI_STATUS here).
const (
	ipxeNothingToBoot = 0x2d03e100
	ipxeExecFormat    = 0x2e008000
	ipxeLoadImage     = 0x7f048100
	ipxeStartImage    = 0x7f048200
)

// ipxeMeaning says in words what the commonest error numbers mean, where iPXE's own text is vague.
var ipxeMeaning = map[uint32]string{
	0x040ee100:        "neither DHCP nor IPv6 gave it an address",
	0x4c106000:        "a DHCP or boot server did not answer",
	0x4c126000:        "the TFTP server did not answer",
	0x2d126000:        "the TFTP server has no such file",
	0x02126000:        "the TFTP server refused access",
	ipxeNothingToBoot: "it has an address but no boot file",
	ipxeExecFormat:    "the file is no program for this machine",
	ipxeLoadImage:     "the firmware refused to load the file",
	ipxeStartImage:    "the firmware refused to start the file",
	0x38086100:        "the link is down",
	0x28056000:        "no route to the server: wrong netmask or gateway",
}

// ipxeError gives the number of an iPXE error line without its last octet; zero means there is none.
func ipxeError(line string) uint32 {
	m := ipxeCode.FindStringSubmatch(line)
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseUint(m[1], 16, 32) // eight hex digits: the pattern says so
	return uint32(n) &^ 0xff
}

// console takes a line of the serial console, finished or begun.
func (b *boot) console(e event.Event) {
	if strings.TrimSpace(e.Text) == "" {
		return
	}
	b.addLine(e)
	b.reach(event.StageFirmware, e)
	if e.Kind == event.ConsolePartial {
		return
	}
	if b.stage <= event.StageLink || b.stage >= event.StageDownload {
		b.show("console "+e.Text, e)
	}
	if l, ok := images.ParseLine(e.Text); ok {
		b.reported(l, e)
		return
	}
	if l, ok := images.ParseOSLine(e.Text); ok {
		b.osReported(l, e)
		return
	}
	b.loaderStopped(e)
	failed := bdsFailed.FindStringSubmatch(e.Text)
	if failed != nil && failed[1] != "" && !strings.Contains(failed[1], b.lastOption()) {
		failed = nil // a disk, say, that comes before the network in the boot order
	}
	if failed != nil || b.complains(e.Text) {
		b.complaint = append(b.complaint, e)
		b.refused = b.refused || b.hasFile()
	}
	if bdsUnstarted.MatchString(e.Text) {
		b.complaint = append(b.complaint, e)
		b.unstarted = true
	}
	if maybeEFI.MatchString(e.Text) && b.otherArch(b.lastTransfer()) != "" {
		b.complaint = append(b.complaint, e)
		b.gaveUp, b.refused = &e, true
		return
	}
	if failed != nil || b.isOver(e.Text) {
		b.gaveUp = &e
		b.refused = b.refused || b.hasFile()
	}
	if b.hasFile() && !b.refused && (bdsStarting.MatchString(e.Text) || speaks.MatchString(e.Text)) {
		b.reach(event.StageStarted, e)
	}
}

// lastOption is part of the title of EDK2's last boot option for this guest: with that the boot comes to its end.
func (b *boot) lastOption() string {
	client := "PXE"
	if b.bootsOverHTTP() {
		client = "HTTP"
	}
	if b.guest.Over(plan.IPv6) {
		return client + "v6"
	}
	return client + "v4"
}

// isOver tells whether a line ends the boot. EDK2's turn to IPv6 does so only where no boot over IPv6 is planned, and
// its turn to HTTP where no boot over HTTP is.
func (b *boot) isOver(line string) bool {
	six := strings.Contains(line, "over IPv6")
	switch {
	case !over.MatchString(line):
		return false
	case strings.Contains(line, ">>Start HTTP Boot"):
		return !b.bootsOverHTTP() || six && !b.guest.Over(plan.IPv6)
	case strings.Contains(line, ">>Start PXE over IPv6"):
		return !b.guest.Over(plan.IPv6)
	}
	return true
}

// addLine keeps a console line. One that continues the line begun before takes its place, so that a prompt and
// its completion are one line.
func (b *boot) addLine(e event.Event) {
	if n := len(b.lines); n > 0 && b.lines[n-1].Kind == event.ConsolePartial && strings.HasPrefix(e.Text, b.lines[n-1].Text) {
		b.lines = b.lines[:n-1]
	}
	b.lines = append(b.lines, e)
}

// complained tells whether the client printed one of these iPXE errors.
func (b *boot) complained(codes ...uint32) bool {
	for _, e := range b.complaint {
		for _, c := range codes {
			if ipxeError(e.Text) == c {
				return true
			}
		}
	}
	return false
}
