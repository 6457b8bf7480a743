package judge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// secondImage is the data file every probe fetches to prove that it can still use the firmware's TFTP.
const secondImage = "second"

// report is what a probe said of itself. When several probes ran (a chain), it is the last one's.
type report struct {
	banner  *event.Event
	end     *event.Event
	probe   map[string]string            // fields of the banner
	pxebc   map[string]string            // of "pxebc"
	self    map[string]string            // of "self"; nil when the line never came, like the others
	fetch   map[string]string            // of "fetch"
	udp     map[string]string            // of "udp"
	packets map[string]map[string]string // of "packet", by the packet's name
	lines   []event.Event                // where it said so
}

// reported takes one line of a probe's report.
func (b *boot) reported(l images.Line, e event.Event) {
	r := &b.report
	if l.Key == "probe" {
		*r = report{banner: &e, probe: l.Fields, packets: map[string]map[string]string{}}
		b.reach(event.StageStarted, e)
	}
	r.lines = append(r.lines, e)
	switch l.Key {
	case "pxebc":
		r.pxebc = l.Fields
	case "self":
		r.self = l.Fields
	case "fetch":
		r.fetch = l.Fields
	case "udp":
		r.udp = l.Fields
	case "packet":
		r.packets[l.Fields["packet"]] = l.Fields
	case "end":
		if r.banner != nil {
			r.end = &e
			b.reach(event.StageReported, e)
		}
	}
}

// worked tells whether a status is success: "0000" from a BIOS, as many zeros as a word has from EFI.
func worked(fields map[string]string) bool {
	st := fields["st"]
	return st != "" && strings.Trim(st, "0") == ""
}

// booted checks the claim that this image ran, on the probe's own word and against the wire.
func (b *boot) booted(c *topology.Booted) finding {
	if t := b.imageOverHTTP(c.Image); t != nil {
		return b.bootedOverHTTP(c, t)
	}
	r := &b.report
	checks := []func() string{
		func() string { return b.checkBanner(r) },
		func() string { return b.checkSelf(r, c.Image) },
		func() string { return b.checkFetch(r) },
		func() string { return b.checkUDP(r) },
		func() string { return b.checkAddress(r) },
		func() string { return b.checkServer(c) },
	}
	for _, check := range checks {
		if wrong := check(); wrong != "" {
			return fail(wrong, r.lines...)
		}
	}
	text := fmt.Sprintf("%s ran %s (crc %s, the nonce of this run), and its TFTP and UDP round trips worked",
		b.guest.Name, c.Image, r.self["crc"])
	return pass(text, *r.banner, *r.end)
}

func (b *boot) checkBanner(r *report) string {
	run := b.t.run
	switch {
	case r.banner == nil:
		return "no probe reported on the console"
	case r.probe["nonce"] != run.Nonce:
		return fmt.Sprintf("the probe that ran is not of this run: it says nonce %q, this run's is %q", r.probe["nonce"], run.Nonce)
	case r.probe["arch"] != b.guest.Arch:
		return fmt.Sprintf("a probe for %s ran, and this machine is %s", r.probe["arch"], b.guest.Arch)
	case r.end == nil:
		return "the probe began its report and did not finish it"
	}
	return ""
}

// checkSelf compares the checksum the program took of itself with the file as served.
func (b *boot) checkSelf(r *report, name string) string {
	if r.self == nil {
		return "the probe did not say which file it was loaded from"
	}
	if !worked(r.self) {
		return fmt.Sprintf("the probe could not read itself back (status %s)", r.self["st"])
	}
	known, exact := false, false
	for _, m := range b.t.run.Images {
		known = known || m.Name == name
		exact = exact || m.Name == name && (m.Arch == "" || m.Arch == b.guest.Arch) && m.CRC32 == r.self["crc"]
	}
	switch {
	case !known:
		return fmt.Sprintf("no image %q is served in this run", name)
	case !exact:
		return fmt.Sprintf("the program that ran (crc %s) is not image %q as served", r.self["crc"], name)
	}
	return ""
}

func (b *boot) checkFetch(r *report) string {
	if !worked(r.fetch) {
		return fmt.Sprintf("the probe could not fetch its second file by TFTP (status %q)", r.fetch["st"])
	}
	for _, m := range b.t.run.Images {
		if m.Name == secondImage && (!sameFile(m.File, r.fetch["name"]) || m.CRC32 != r.fetch["crc"]) {
			return fmt.Sprintf("the probe fetched %q with crc %s, and %q with crc %s is what was served",
				r.fetch["name"], r.fetch["crc"], m.File, m.CRC32)
		}
	}
	return ""
}

func (b *boot) checkUDP(r *report) string {
	if !worked(r.udp) {
		return fmt.Sprintf("the probe's datagram did not come back (status %q)%s", r.udp["st"], b.noEcho())
	}
	if want := "ECHO:" + b.t.run.Nonce; r.udp["data"] != want {
		return fmt.Sprintf("the probe's datagram came back as %q, not %q", r.udp["data"], want)
	}
	return ""
}

// noEcho says that the host that sent the probe has no echo service, which is where the probe sends its datagram; empty if it has one.
func (b *boot) noEcho() string {
	var from *transfer
	for _, t := range b.transfers {
		if t.whole != nil {
			from = t
		}
	}
	if from == nil || slices.ContainsFunc(b.t.plan.Services, func(s plan.Service) bool { return s.Server != nil && s.Server.Echo != nil && b.t.isAt(s, from.server) }) {
		return ""
	}
	on := ""
	if name := b.serviceAt(from.server); name != "" {
		on = fmt.Sprintf(`: add a service with "on: %s" and "echo: {}"`, name)
	}
	return fmt.Sprintf("; %s has no echo on UDP %d%s", from.server, plan.EchoPort, on)
}

// checkAddress compares what the firmware told the probe of its acknowledgement with what crossed the wire.
func (b *boot) checkAddress(r *report) string {
	if r.pxebc["v6"] == "1" {
		return b.checkStation(r)
	}
	ack := r.packets["ack"]
	if ack["valid"] != "1" {
		return ""
	}
	acks := b.dhcp(false, gives)
	for _, e := range acks {
		d := e.Packet.DHCP
		if same(d.YIAddr, ack["yiaddr"]) && same(d.SIAddr, ack["siaddr"]) {
			return ""
		}
	}
	if len(acks) == 0 {
		return fmt.Sprintf("the probe saw an acknowledgement for %s, and none crossed the wire", ack["yiaddr"])
	}
	d := acks[len(acks)-1].Packet.DHCP
	return fmt.Sprintf("the probe saw an acknowledgement with address %s and next server %s, and the wire one with %s and %s",
		ack["yiaddr"], ack["siaddr"], d.YIAddr, d.SIAddr)
}

// same compares two addresses as far as both sides know them.
func same(a, b string) bool { return !event.IsSet(a) || !event.IsSet(b) || a == b }

// checkServer compares who sent the image with who should have.
func (b *boot) checkServer(c *topology.Booted) string {
	if c.From == "" {
		return ""
	}
	for _, t := range b.transfers {
		if t.whole != nil && t.service == c.From && b.isImage(t.file, c.Image) {
			return ""
		}
	}
	for _, t := range b.transfers {
		if t.whole != nil && b.isImage(t.file, c.Image) {
			return fmt.Sprintf("%s was served by %s, not by %q", t.file, b.serverName(t), c.From)
		}
	}
	return fmt.Sprintf("no transfer of image %q from %q crossed the wire", c.Image, c.From)
}

// isImage tells whether a file on the wire is one of the files of an image.
func (b *boot) isImage(file, name string) bool {
	for _, m := range b.t.run.Images {
		if m.Name == name && sameFile(m.File, file) {
			return true
		}
	}
	return false
}
