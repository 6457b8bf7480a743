package judge

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/topology"
)

// osReport is what the Linux that a boot program loaded said of itself.
type osReport struct {
	banner  *event.Event
	end     *event.Event
	os      map[string]string // fields of the banner
	uuid    string
	cmdline string
	cards   []string      // MAC addresses of the cards it has drivers for
	lines   []event.Event // where it said so
}

// osReported takes one line of a Linux's report.
func (b *boot) osReported(l images.Line, e event.Event) {
	r := &b.os
	if l.Key == "os" {
		*r = osReport{banner: &e, os: l.Fields}
		b.reach(event.StageStarted, e)
	}
	r.lines = append(r.lines, e)
	switch l.Key {
	case "smbios":
		r.uuid = l.Fields["uuid"]
	case "nic":
		r.cards = append(r.cards, l.Fields["mac"])
	case "cmdline":
		r.cmdline = l.Fields["cmdline"]
	case "end":
		if r.banner != nil {
			r.end = &e
			b.reach(event.StageReported, e)
		}
	}
}

// speaks tells whether a program runs that reports: a probe, or the lab's Linux.
func (b *boot) speaks() bool { return b.report.banner != nil || b.os.banner != nil }

// speaker names the program that reports.
func (b *boot) speaker() string {
	if b.os.banner != nil {
		return "Linux"
	}
	return "probe"
}

// reportEnd is the line that ends the report, nil if there is none.
func (b *boot) reportEnd() *event.Event {
	if b.os.end != nil {
		return b.os.end
	}
	return b.report.end
}

// checkOS checks the claim that a Linux came up, on its own word and against the plan and the wire.
func (b *boot) checkOS(c *topology.OS) finding {
	r := &b.os
	checks := []func() string{
		func() string { return b.checkOSRun(r) },
		func() string { return b.checkOSMachine(r) },
		func() string { return checkCmdline(r.cmdline, c.Cmdline) },
		func() string { return b.checkBootIF(r, c.BootIF) },
		func() string { return b.checkOSFiles(c.From) },
	}
	for _, check := range checks {
		if wrong := check(); wrong != "" {
			return fail(wrong, r.lines...)
		}
	}
	return pass(fmt.Sprintf("%s ran Linux %s (the nonce of this run on its command line), started by %s", b.guest.Name, r.os["kernel"], r.os["fw"]),
		*r.banner, *r.end)
}

// checkOSRun: the configuration that the boot program obeyed is of this run.
func (b *boot) checkOSRun(r *osReport) string {
	switch {
	case r.banner == nil:
		return "no Linux reported on the console"
	case r.os["nonce"] != b.t.run.Nonce:
		return fmt.Sprintf("the Linux that ran was not told this run's configuration: its command line has nonce %q, this run's is %q",
			r.os["nonce"], b.t.run.Nonce)
	case r.end == nil:
		return "the Linux began its report and did not finish it"
	}
	return ""
}

// startedBy is how a Linux says it was started, by the guest's architecture.
var startedBy = map[string]string{"bios": "bios", "efi-x64": "efi64", "efi-ia32": "efi32"}

// checkOSMachine: it runs on this guest, started the way this guest's firmware starts programs.
func (b *boot) checkOSMachine(r *osReport) string {
	if want := startedBy[b.guest.Arch]; r.os["fw"] != want {
		return fmt.Sprintf("the Linux says that it was started by %q, and the firmware of a machine that is %s is %q", r.os["fw"], b.guest.Arch, want)
	}
	if !strings.EqualFold(r.uuid, b.guest.UUID) {
		return fmt.Sprintf("the Linux says that its machine has UUID %q, and this one has %q", r.uuid, b.guest.UUID)
	}
	return ""
}

func checkCmdline(cmdline, pattern string) string {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Sprintf("%q is no regular expression: %v", pattern, err)
	}
	if !re.MatchString(cmdline) {
		return fmt.Sprintf("its command line does not match %q: %s", pattern, cmdline)
	}
	return ""
}

// bootIF is the argument by which a boot program tells an installer the card it was booted from: the hardware type of
// ARP, 01 for Ethernet, and the MAC address, as PXELINUX invented it.
var bootIF = regexp.MustCompile(`(?:^| )BOOTIF=01-([0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5})(?: |$)`)

func (b *boot) checkBootIF(r *osReport, claimed bool) string {
	if !claimed {
		return ""
	}
	m := bootIF.FindStringSubmatch(r.cmdline)
	if m == nil {
		return "its command line has no BOOTIF=01- with a MAC address in dashes: " + r.cmdline
	}
	mac := strings.ReplaceAll(m[1], "-", ":")
	if !sameMAC(mac, b.guest.MAC) {
		return fmt.Sprintf("BOOTIF names the card %s, and this machine was booted from %s", mac, b.guest.MAC)
	}
	if !slices.ContainsFunc(r.cards, func(c string) bool { return sameMAC(c, mac) }) {
		return fmt.Sprintf("BOOTIF names the card %s, and Linux has no driver for it (it has %s)", mac, strings.Join(r.cards, ", "))
	}
	return ""
}

// checkOSFiles: the kernel and the initrd of this run crossed the wire whole, from that service.
func (b *boot) checkOSFiles(from string) string {
	for _, m := range b.t.run.Images {
		if m.Name != images.LinuxName {
			continue
		}
		t := b.find(m.File)
		switch {
		case t == nil || t.whole == nil:
			return fmt.Sprintf("%q did not cross the wire whole", m.File)
		case t.bytes != int64(m.Size):
			return fmt.Sprintf("%d bytes of %q crossed the wire, and it has %d", t.bytes, m.File, m.Size)
		case from != "" && t.service != from:
			return fmt.Sprintf("%s was served by %s, not by %q", t.file, b.serverName(t), from)
		}
	}
	return ""
}

// checkFetched: these files crossed the wire whole, each after the one before it. Others may come between: boot
// programs look for a configuration under a dozen names.
func (b *boot) checkFetched(files []string) finding {
	var evidence []event.Event
	for i, file := range files {
		t := b.find(file)
		switch {
		case t == nil:
			return fail(fmt.Sprintf("%s never asked for %q%s", b.guest.Name, file, b.wholeFiles()), evidence...)
		case t.whole == nil:
			return fail(fmt.Sprintf("%s asked %s for %q and did not get it whole%s", b.guest.Name, b.serverName(t), file, b.wholeFiles()), t.asked...)
		case i > 0 && t.whole.Seq < evidence[i-1].Seq:
			return fail(fmt.Sprintf("%s had %q before %q, not after it", b.guest.Name, file, files[i-1]), *t.whole, evidence[i-1])
		}
		evidence = append(evidence, *t.whole)
	}
	return pass(fmt.Sprintf("%s fetched %s, in this order", b.guest.Name, strings.Join(files, ", ")), evidence...)
}

// wholeFiles lists what the guest did fetch, in the order in which it had it.
func (b *boot) wholeFiles() string {
	var had []*transfer
	for _, t := range b.transfers {
		if t.whole != nil {
			had = append(had, t)
		}
	}
	slices.SortFunc(had, func(x, y *transfer) int { return x.whole.Seq - y.whole.Seq })
	var names []string
	for _, t := range had {
		names = append(names, t.file)
	}
	if len(names) == 0 {
		return "; it fetched nothing"
	}
	return "; it fetched " + strings.Join(names, ", ")
}
