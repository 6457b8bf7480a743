package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
)

// Rules about the machine itself and the program it was given.

func (b *boot) crashed() *diagnosis {
	if b.exit == nil || clean(b.exit.Exit) && b.has(event.StageStarted) {
		return nil
	}
	x := b.exit.Exit
	if clean(x) {
		return &diagnosis{"the machine powered itself off before a boot program ran",
			"read the end of its console", []event.Event{*b.exit}}
	}
	how := exitText(x)
	if said := strings.TrimSpace(x.Stderr); said != "" {
		how += ", saying: " + said
	}
	return &diagnosis{how, "see its command line in the run's folder", []event.Event{*b.exit}}
}

func (b *boot) didNotPowerOff() *diagnosis {
	end := b.reportEnd()
	if !b.has(event.StageReported) || end == nil { // none: the program began its report anew
		return nil
	}
	return &diagnosis{"its " + b.speaker() + " finished the report and the machine stayed on",
		"the firmware's power-off does not work here, so do not expect it", []event.Event{*end}}
}

// wrongArch: the client had the file whole, no program ran (it refused, or ran into nothing), and the run knows the
// file as a program for another architecture.
func (b *boot) wrongArch() *diagnosis {
	t := b.refusedFile()
	if t == nil && (b.unstarted || !b.has(event.StageStarted)) {
		t = b.lastTransfer()
	}
	arch := b.otherArch(t)
	if arch == "" {
		return nil
	}
	clients := "it: choose by option 93"
	if _, title := b.archTitle(); title != "" {
		clients = fmt.Sprintf("%s; now they get %q", b.suchClients(), t.file)
	}
	d := &diagnosis{
		fmt.Sprintf("it fetched %q whole from %s, but that is a program for %s and this machine's firmware is %s", t.file, b.serverName(t), arch, b.guest.Arch),
		fmt.Sprintf("have %s name %s to %s", b.whoNamed(t.file), b.ownProgram(t), clients), []event.Event{*t.whole}}
	if hint := b.sevenForNine(t); hint != "" {
		d.do = hint
	}
	return d
}

// ownProgram names the program that the guest should have had in place of a file: that of the same image for its architecture, if the
// run has one.
func (b *boot) ownProgram(t *transfer) string {
	for _, had := range b.t.run.Images {
		for _, m := range b.t.run.Images {
			if sameFile(had.File, t.file) && m.Name == had.Name && m.Arch == b.guest.Arch {
				return fmt.Sprintf("%q", m.File)
			}
		}
	}
	return "the file built for " + b.guest.Arch
}

// sevenForNine: x86-64 machines are told the file for EFI byte code and the other way round, as the text of RFC 4578
// section 2.1 numbers the two. Its erratum and IANA's registry have 7 for x86-64 and 9 for byte code.
func (b *boot) sevenForNine(t *transfer) string {
	if b.guest.Arch != "efi-x64" {
		return ""
	}
	for _, s := range b.t.plan.Services {
		if s.Server == nil || s.Server.DHCP == nil || s.Server.DHCP.Boot == nil {
			continue
		}
		files := s.Server.DHCP.Boot.Files
		right := func(m event.Image) bool { return sameFile(m.File, files["efi-bc"]) && m.Arch == b.guest.Arch }
		if sameFile(files["efi-x64"], t.file) && slices.ContainsFunc(b.t.run.Images, right) {
			return fmt.Sprintf("service %q has the files of efi-x64 and efi-bc the wrong way round, as the text of RFC 4578 has their numbers: "+
				"7 is x86-64 and 9 is EFI byte code; swap them", s.Name)
		}
	}
	return ""
}

// otherArch is the architecture a fetched file is a program for, if that is not the guest's; empty if it is, or if
// the run does not know the file.
func (b *boot) otherArch(t *transfer) string {
	if t == nil || t.whole == nil {
		return ""
	}
	for _, m := range b.t.run.Images {
		if sameFile(m.File, t.file) && m.Arch != b.guest.Arch {
			return m.Arch
		}
	}
	return ""
}

func (b *boot) imageRefused() *diagnosis {
	t := b.refusedFile()
	if t == nil {
		return nil
	}
	do := "check that it is a program for " + b.guest.Arch
	if slices.ContainsFunc(b.complaint, func(e event.Event) bool { return strings.Contains(e.Text, "Access Denied") }) {
		do = "Secure Boot did not accept its signature: sign it with a key the firmware knows"
	}
	return &diagnosis{fmt.Sprintf("it fetched %q whole from %s and would not run it", t.file, b.serverName(t)), do, []event.Event{*t.whole}}
}

// refusedFile is the file that the client had whole and then would not run.
func (b *boot) refusedFile() *transfer {
	t := b.lastTransfer()
	if t == nil || t.whole == nil || !b.refused && !t.noRoom() || b.report.banner != nil {
		return nil
	}
	if b.stage >= event.StageStarted && !b.complained(ipxeExecFormat, ipxeLoadImage, ipxeStartImage) {
		return nil // a later program's failure, not this file's
	}
	return t
}

// programSilent covers a probe that did not finish, and a boot file after which nothing more was heard.
func (b *boot) programSilent() *diagnosis {
	t := b.lastTransfer()
	switch {
	case b.panicked() != "":
		return &diagnosis{fmt.Sprintf("its Linux stopped, saying %q", b.panicked()), "read the lines before that on its console", []event.Event{*b.gaveUp}}
	case b.os.banner != nil:
		last := b.os.lines[len(b.os.lines)-1]
		return &diagnosis{"its Linux began a report and did not finish it", "read the end of its console", []event.Event{last}}
	case b.report.banner != nil:
		last := b.report.lines[len(b.report.lines)-1]
		return &diagnosis{"its probe began a report and did not finish it", "the last line says which call of the firmware it did not return from", []event.Event{last}}
	case b.gaveUp != nil && t != nil && (t.whole == nil || t.failed != nil):
		return nil
	case b.has(event.StageStarted):
		return &diagnosis{"its boot program runs and does nothing more that is expected of it", "read the end of its console", ends(b.lines)}
	case t != nil && t.whole != nil:
		return &diagnosis{fmt.Sprintf("it fetched %q whole from %s and was not heard of again", t.file, b.serverName(t)),
			"check that the program speaks on the serial console", []event.Event{*t.whole}}
	}
	return nil
}

func (b *boot) noLink() *diagnosis {
	if b.stage != event.StageFirmware {
		return nil
	}
	return &diagnosis{fmt.Sprintf("its firmware spoke but no frame left its %s card", b.guest.NIC),
		"check that this firmware has a driver for the card, and that the link is up", ends(b.lines)}
}

func (b *boot) noFirmware() *diagnosis {
	if b.stage != event.StagePower {
		return nil
	}
	return &diagnosis{"its console was silent for " + b.seconds(b.took()),
		fmt.Sprintf("check the files of firmware %s, and that it speaks on the serial console", b.guest.Firmware), b.events[:1]}
}

// onlyGaveUp repeats the client's own words, for want of a better explanation.
func (b *boot) onlyGaveUp() *diagnosis {
	if b.gaveUp == nil {
		return nil
	}
	said := *b.gaveUp
	if len(b.complaint) > 0 {
		said = b.complaint[len(b.complaint)-1]
		for _, e := range b.complaint {
			if pxeCode.MatchString(e.Text) {
				said = e
			}
		}
	}
	what := fmt.Sprintf("its firmware ended the boot, saying %q", strings.TrimSpace(said.Text))
	if m := ipxeMeaning[ipxeError(said.Text)]; m != "" {
		what += " (" + m + ")"
	}
	return &diagnosis{what, "compare the packets before that line with what the server should have sent", []event.Event{said}}
}

func (b *boot) onlyStalled() *diagnosis {
	last := b.events[len(b.events)-1]
	if len(b.events) > 1 {
		last = b.events[len(b.events)-2]
	}
	return &diagnosis{fmt.Sprintf("nothing new came from it for %s", b.seconds(b.between(b.progress, b.events[len(b.events)-1].At))),
		"read the end of its console and its last packets", []event.Event{last}}
}
