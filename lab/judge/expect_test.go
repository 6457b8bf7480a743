package judge

import (
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// claims is a list of expectations of one guest, a boot, and what the last verdict must say.
type claims struct {
	name   string
	guest  string
	expect []topology.Expectation
	script func(*script) *script // after power-on; nil is a healthy boot of the probe
	pass   bool
	says   string // part of the last verdict's sentence
}

func one(x topology.Expectation) []topology.Expectation { return []topology.Expectation{x} }

func booted(image, from string) []topology.Expectation {
	return one(topology.Expectation{Booted: &topology.Booted{Image: image, From: from}})
}
func address(from string) []topology.Expectation {
	return one(topology.Expectation{Address: &topology.From{From: from}})
}
func offer(from string) []topology.Expectation {
	return one(topology.Expectation{Offer: &topology.Offer{From: from}})
}
func served(file, from, over string) []topology.Expectation {
	return one(topology.Expectation{Served: &topology.Served{File: file, From: from, Over: over}})
}
func servedWith(options map[string]int) []topology.Expectation {
	return one(topology.Expectation{Served: &topology.Served{File: "probe-x64.efi", Options: options}})
}

// granting is a healthy boot in which the server grants these options.
func granting(window, blk string) func(*script) *script {
	return func(s *script) *script {
		file, options := "probe-x64.efi", map[string]string{"windowsize": window, "blksize": blk}
		s.firmware().dora(file).asks("RRQ", file, event.TFTP{Options: options}).gets("OACK", file, event.TFTP{Options: options})
		return s.gets("DATA", file, event.TFTP{Block: 6, Bytes: 8192, Last: true}).starts().fetches(file).reports().off()
	}
}
func reaches(s event.Stage, within time.Duration) []topology.Expectation {
	return one(topology.Expectation{Stage: &topology.Reaches{Reaches: s, Within: within}})
}
func stops(at event.Stage, reason string) []topology.Expectation {
	return one(topology.Expectation{Stops: &topology.Stops{At: at, Reason: reason}})
}
func serial(patterns ...string) []topology.Expectation {
	var out []topology.Expectation
	for _, p := range patterns {
		out = append(out, topology.Expectation{Serial: p})
	}
	return out
}
func never(serial, packet string) []topology.Expectation {
	return one(topology.Expectation{Never: &topology.Never{Serial: serial, Packet: packet}})
}
func endsWith(how string) []topology.Expectation { return one(topology.Expectation{Ends: how}) }

// reporting is a healthy boot whose probe says something else in some lines.
func reporting(replace ...string) func(*script) *script {
	return func(s *script) *script {
		file := probeFiles[s.guest.Arch]
		return s.firmware().dora(file).fetches(file).starts().reports(replace...).off()
	}
}

func noServer(s *script) *script {
	return s.firmware().discovers(4).fails("  PXE-E18: Server response timeout.")
}

// proxied boots by a proxy's offer: it has no address to give, and is taken by asking it for the file.
func proxied(asks bool) func(*script) *script {
	return func(s *script) *script {
		s.firmware().receives("tftp", event.DHCP{Type: "OFFER", ServerID: "192.0.2.2", ClassID: "PXEClient", File: "probe.0"})
		s.dora("")
		if !asks {
			return s.fails("Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)")
		}
		return s.fetches("probe.0").reports().off()
	}
}

var allClaims = []claims{
	{"booted/from", "x64", booted("probe", "tftp"), nil, true, "crc 1055d55b"},
	{"booted/bios", "bios", booted("probe", ""), nil, true, "ran probe"},
	{"booted/another service", "x64", booted("probe", "dhcp"), nil, false, `served by "tftp", not by "dhcp"`},
	{"booted/another nonce", "x64", booted("probe", ""), reporting("PXELAB-PROBE v1", "PXELAB-PROBE v1 arch=efi-x64 nonce=OLDOLDOLDOLDOLD0"), false, "not of this run"},
	{"booted/another arch", "x64", booted("probe", ""), reporting("PXELAB-PROBE v1", "PXELAB-PROBE v1 arch=efi-ia32 nonce="+nonce), false, "a probe for efi-ia32 ran"},
	{"booted/another file", "x64", booted("probe", ""), reporting("PXELAB self", "PXELAB self st=0 size=1 crc=deadbeef how=refetch"), false, "is not image"},
	{"booted/crc of another arch's file", "ia32", booted("probe", ""), nil, false, "is not image"},
	{"booted/unreadable self", "x64", booted("probe", ""), reporting("PXELAB self", "PXELAB self st=8000000000000012 size=0 crc=00000000 how=refetch"), false, "8000000000000012"},
	{"booted/no self line", "x64", booted("probe", ""), reporting("PXELAB self", ""), false, "did not say"},
	{"booted/unknown image", "x64", booted("other", ""), nil, false, `no image "other"`},
	{"booted/fetch failed", "x64", booted("probe", ""), reporting("PXELAB fetch", "PXELAB fetch st=8000000000000012 server=192.0.2.2 name=second.bin size=0 crc=0"), false, "could not fetch"},
	{"booted/fetched other bytes", "x64", booted("probe", ""), reporting("PXELAB fetch", "PXELAB fetch st=0 server=192.0.2.2 name=second.bin size=20000 crc=00000001"), false, "00000001"},
	{"booted/no echo", "x64", booted("probe", ""), reporting("PXELAB udp", "PXELAB udp st=8000000000000012 size=0"), false, "did not come back"},
	{"booted/no echo there", "x64", booted("probe", ""), reporting("PXELAB udp", "PXELAB udp st=8000000000000012 size=0"), false, `; 192.0.2.2 has no echo on UDP 7777: add a service with "on: tftp" and "echo: {}"`},
	{"booted/other echo", "x64", booted("probe", ""), reporting("PXELAB udp", "PXELAB udp st=0 size=21 from=192.0.2.2 data=ECHO:OTHER"), false, "ECHO:OTHER"},
	{"booted/own view differs", "x64", booted("probe", ""), reporting("PXELAB packet=ack", "PXELAB packet=ack valid=1 yiaddr=192.0.2.51 siaddr=192.0.2.2"), false, "192.0.2.51"},
	{"booted/no such view", "x64", booted("probe", ""), reporting("PXELAB packet=ack", "PXELAB packet=ack valid=0"), true, ""},
	{"booted/unfinished", "x64", booted("probe", ""), reporting("PXELAB-PROBE END", ""), false, "did not finish"},
	{"booted/no server", "x64", booted("probe", ""), noServer, false, "no probe reported on the console: x64 stopped at discover"},

	{"address", "bios", address("dhcp"), nil, true, "192.0.2.100"},
	{"address/reserved", "x64", address("dhcp"), nil, true, "192.0.2.50"},
	{"address/another service", "bios", address("tftp"), nil, false, `from "dhcp", not from "tftp"`},
	{"address/out of range", "bios", address("dhcp"), func(s *script) *script {
		return s.firmware().discovers(1).receives("dhcp", event.DHCP{Type: "ACK", YIAddr: "192.0.2.7"}).stalls(event.StageAddress)
	}, false, "neither in its range"},
	{"address/never used", "bios", address("dhcp"), func(s *script) *script { return s.firmware().dora("probe.0").stalls(event.StageAddress) }, false, "never sent a packet from it"},
	{"address/none", "x64", address("dhcp"), noServer, false, "no DHCPACK"},
	{"address/a boot server's is none", "bios", address("tftp"), func(s *script) *script {
		s.firmware().dora("probe.0").sends(event.DHCP{Type: "REQUEST", DstPort: 4011, CIAddr: "192.0.2.100"})
		return s.receives("tftp", event.DHCP{Type: "ACK", SrcPort: 4011, YIAddr: "192.0.2.100"}).fetches("probe.0").reports().off()
	}, false, `from "dhcp", not from "tftp"`},

	{"offer", "x64", offer("dhcp"), nil, true, "took it"},
	{"offer/none", "x64", offer("tftp"), nil, false, `no offer from "tftp" reached x64 (offers came from "dhcp")`},
	{"offer/not taken", "x64", offer("dhcp"), func(s *script) *script {
		s.firmware().discovers(1).receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.50", ServerID: "192.0.2.1", File: "x"})
		return s.sends(event.DHCP{Type: "REQUEST", ServerID: "192.0.2.9"}).fails("PXE-E18: Server response timeout.")
	}, false, "did not act on it"},
	{"offer/no address asked for", "x64", offer("dhcp"), func(s *script) *script {
		return s.firmware().discovers(1).receives("dhcp", event.DHCP{Type: "OFFER", YIAddr: "192.0.2.50"}).fails("PXE-E16: No valid offer received.")
	}, false, "did not act on it"},
	{"offer/proxy", "bios", offer("tftp"), proxied(true), true, "offered a boot"},
	{"offer/proxy not asked", "bios", offer("tftp"), proxied(false), false, "did not act on it"},
	{"offer/bootp", "x64", offer("dhcp"), func(s *script) *script {
		return s.firmware().discovers(1).receives("dhcp", event.DHCP{Type: "BOOTREPLY", YIAddr: "192.0.2.50", File: "probe-x64.efi"}).fetches("probe-x64.efi").starts().reports().off()
	}, true, "took it"},

	{"served", "bios", served("probe.0", "tftp", "tftp"), nil, true, "8192 bytes"},
	{"served/slash", "bios", served("/probe.0", "", ""), nil, true, "8192 bytes"},
	{"served/another service", "bios", served("probe.0", "dhcp", ""), nil, false, `not by "dhcp"`},
	{"served/another file", "bios", served("other.0", "", ""), nil, false, `never asked for "other.0", but for "probe.0"`},
	{"served/half", "bios", served("probe.0", "", ""), func(s *script) *script {
		return s.firmware().dora("probe.0").asks("RRQ", "probe.0", event.TFTP{}).gets("DATA", "probe.0", event.TFTP{Block: 1, Bytes: 512}).stalls(event.StageDownload)
	}, false, "did not get it whole (512 bytes came)"},
	{"served/size probe only", "x64", served("probe-x64.efi", "", ""), func(s *script) *script {
		s.firmware().dora("probe-x64.efi").asks("RRQ", "probe-x64.efi", event.TFTP{}).gets("OACK", "probe-x64.efi", event.TFTP{})
		return s.asks("ERROR", "probe-x64.efi", event.TFTP{Code: 8}).fails("PXE-E53: No boot filename received.")
	}, false, "did not get it whole"},
	{"served/another protocol", "bios", served("probe.0", "", "http"), nil, false, `never asked for "probe.0" over http, but for "probe.0"`},

	{"served/options", "x64", servedWith(map[string]int{"windowsize": 4, "blksize": 1468}), granting("4", "1468"), true, "8192 bytes with blksize 1468, windowsize 4"},
	{"served/another value", "x64", servedWith(map[string]int{"windowsize": 4}), granting("1", "1468"), false, `granted windowsize 1, not 4, for "probe-x64.efi"`},
	{"served/option not granted", "x64", servedWith(map[string]int{"timeout": 4}), granting("4", "1468"), false, "did not grant timeout"},
	{"served/no options", "bios", one(topology.Expectation{Served: &topology.Served{File: "probe.0", Options: map[string]int{"blksize": 512}}}), func(s *script) *script {
		s.firmware().dora("probe.0").asks("RRQ", "probe.0", sizeProbe).gets("DATA", "probe.0", event.TFTP{Block: 1, Bytes: 8, Last: true})
		return s.starts().reports().off()
	}, false, "no options"},
	{"served/granted to the size probe only", "x64", servedWith(map[string]int{"windowsize": 4}), func(s *script) *script {
		s.firmware().dora("probe-x64.efi").asks("RRQ", "probe-x64.efi", sizeProbe).gets("OACK", "probe-x64.efi", event.TFTP{Options: sizeProbe.Options})
		return s.fetches("probe-x64.efi").starts().reports().off()
	}, false, "did not grant windowsize"},

	{"stage", "bios", reaches(event.StageDownload, 0), nil, true, "reached download"},
	{"stage/in time", "bios", reaches(event.StageDownload, 10*time.Second), nil, true, "reached download after 4.6 s"},
	{"stage/too late", "bios", reaches(event.StageDownload, 4*time.Second), nil, false, "after 4.6 s, not within 4s"},
	{"stage/not", "x64", reaches(event.StageOffer, 0), noServer, false, "did not reach offer"},
	{"stage/passed over", "bios", reaches(event.StageProxy, 0), nil, false, "did not reach proxy"},

	{"stops", "x64", stops(event.StageDiscover, "no-offer"), noServer, true, "stopped at discover"},
	{"stops/any reason", "x64", stops(event.StageDiscover, ""), noServer, true, "stopped at discover"},
	{"stops/elsewhere", "x64", stops(event.StageOffer, "no-offer"), noServer, false, "at discover, not at offer"},
	{"stops/for another reason", "x64", stops(event.StageDiscover, "stalled"), noServer, false, "for reason no-offer, not stalled"},
	{"stops/not at all", "x64", stops(event.StageDiscover, "no-offer"), nil, false, "did not stop at discover: it booted"},
	{"stops/unknown reason", "x64", stops(event.StageDiscover, "no-reason"), noServer, false, "have no-firmware, no-link"},

	{"serial", "x64", serial("^>>Start PXE", `NBP file \w+ successfully`), nil, true, "matches"},
	{"serial/same line", "x64", serial("NBP file", "successfully"), nil, true, "matches"},
	{"serial/order", "x64", serial("NBP file", ">>Start PXE"), nil, false, "not after the expectation before it"},
	{"serial/the same twice needs two", "x64", serial("NBP file", "NBP file"), nil, false, "not after"},
	{"serial/prompt", "bios", serial(`F8 .*\(5\)`), func(s *script) *script {
		return s.firmware().of(event.Event{Kind: event.ConsolePartial, Text: "Press F8 for menu (5)"}).stalls(event.StageFirmware)
	}, true, "matches"},
	{"serial/a prompt and its line are one", "bios", serial("Press F8", "Press F8"), func(s *script) *script {
		return s.of(event.Event{Kind: event.ConsolePartial, Text: "Press F8"}).say("Press F8 for menu").stalls(event.StageFirmware)
	}, false, "not after"},
	{"serial/not", "x64", serial("login:"), nil, false, "no line"},
	{"serial/not a pattern", "x64", serial("("), nil, false, "no regular expression"},
	{"serial/after settling is too late", "x64", serial("Shell>"), func(s *script) *script { return noServer(s).say("Shell>") }, false, "no line"},

	{"never/serial", "x64", never("PXE-E", ""), nil, true, "no line of the console matches"},
	{"never/serial seen", "x64", never("PXE-E", ""), noServer, false, `matches: "PXE-E18: Server response timeout."`},
	{"never/packet", "x64", never("", "DHCPNAK"), nil, true, "no packet matches"},
	{"never/packet seen", "x64", never("", "RRQ probe"), nil, false, "a packet matches"},
	{"never/not a pattern", "x64", never("", "("), nil, false, "no regular expression"},

	{"ends/off", "x64", endsWith("off"), nil, true, "powered itself off"},
	{"ends/not off", "bios", endsWith("off"), func(s *script) *script {
		return s.firmware().dora("probe.0").fetches("probe.0").reports().stalls(event.StageReported)
	}, false, "did not power itself off: bios stopped at reported"},
	{"ends/running", "bios", endsWith("running"), func(s *script) *script {
		return s.firmware().dora("pxelinux.0").fetches("pxelinux.0").say("PXELINUX 6.04").stalls(event.StageStarted)
	}, true, "still running"},
	{"ends/not running", "bios", endsWith("running"), nil, false, "did not keep running"},
	{"ends/unknown", "bios", endsWith("asleep"), nil, false, "have off, running"},

	{"implied/probe", "x64", nil, nil, true, "reached reported"},
	{"implied/foreign", "x64", nil, func(s *script) *script {
		return s.firmware().dora("grub.efi").fetches("grub.efi").starts().stalls(event.StageStarted)
	}, true, "reached started"},
	{"implied/unfinished probe", "x64", nil, reporting("PXELAB-PROBE END", ""), false, "did not boot: x64 stopped at"},
	{"implied/no server", "x64", nil, noServer, false, "did not boot: x64 stopped at discover: it sent 4 DHCPDISCOVERs"},
}

func TestExpectations(t *testing.T) {
	for _, c := range allClaims {
		t.Run(c.name, func(t *testing.T) {
			p := expecting(c.guest, c.expect...)
			s := newScript(p, c.guest)
			if c.script != nil {
				s = c.script(s)
			} else {
				s = healthy(p, c.guest)
			}
			all := verdictsOf(c.guest, Judge(p, s.events))
			if len(all) != max(1, len(c.expect)) {
				t.Fatalf("%d verdicts for %d expectations", len(all), len(c.expect))
			}
			v := all[len(all)-1]
			if v.Pass != c.pass || !strings.Contains(v.Sentence, c.says) {
				t.Errorf("%s: pass %t, %q; want pass %t, saying %q", v.Expectation, v.Pass, v.Sentence, c.pass, c.says)
			}
		})
	}
}

func TestFirstFailureExplains(t *testing.T) {
	p := expecting("x64", append(append(address("dhcp"), booted("probe", "")...), endsWith("off")...)...)
	all := verdictsOf("x64", Judge(p, noServer(newScript(p, "x64")).events))
	for i, v := range all {
		if explains := strings.Contains(v.Sentence, `no server on network "lan" answered`); v.Pass || explains != (i == 0) {
			t.Errorf("verdict %d: %+v", i, v)
		}
		if v.Reason != NoOffer || v.Stage != event.StageDiscover {
			t.Errorf("verdict %d is not marked with its reason: %+v", i, v)
		}
	}
}

// A guest that cannot be judged fails every expectation, with that said.
func TestUnjudgeable(t *testing.T) {
	list := append(never("PXE-E", ""), booted("probe", "")...)
	ended := event.Event{Kind: event.RunEnded, Text: "interrupted"}
	for name, c := range map[string]struct {
		play func(*script) *script
		says string
	}{
		"never powered on":  {func(s *script) *script { return healthy(s.plan, "x64").add(ended) }, "bios was never powered on: the run ended first (interrupted)"},
		"interrupted":       {func(s *script) *script { return s.firmware().discovers(1).add(ended) }, "cut short at stage discover: the run ended (interrupted)"},
		"ended by the user": {func(s *script) *script { return s.firmware().of(event.Event{Kind: event.GuestEnded, Text: "by hand"}) }, "cut short at stage firmware (by hand)"},
		"ended, and then killed": {func(s *script) *script {
			return s.firmware().of(event.Event{Kind: event.GuestEnded}).of(event.Event{Kind: event.GuestExited, Exit: &event.Exit{Code: -1, Signal: "killed"}})
		}, "cut short"},
		"log cut off": {func(s *script) *script { return s.firmware() }, "the log ends there"},
		"discarded": {func(s *script) *script {
			return noServer(s).of(event.Event{Kind: event.BootDiscarded, Text: "the clock outran the servers"})
		}, "every boot of bios was discarded (the clock outran the servers)"},
	} {
		p := expecting("bios", list...)
		for _, v := range verdictsOf("bios", Judge(p, c.play(newScript(p, "bios")).events)) {
			if v.Pass || !strings.Contains(v.Sentence, c.says) {
				t.Errorf("%s: pass %t, %q", name, v.Pass, v.Sentence)
			}
		}
	}
}

func TestLastKeptBootCounts(t *testing.T) {
	p := expecting("x64", booted("probe", "tftp")...)
	s := noServer(newScript(p, "x64")).of(event.Event{Kind: event.BootDiscarded, Text: "hasty"})
	s.power("x64", false).firmware().dora("probe-x64.efi").fetches("probe-x64.efi").starts().reports().off()
	v := verdictsOf("x64", Judge(p, s.events))[0]
	if !v.Pass || v.Boot != 2 {
		t.Errorf("the second boot should count: %+v", v)
	}
}

// A foreign boot program that has done all that is expected need not be watched for a minute more; unless
// something must never happen.
func TestSettlesWhenNothingIsLeftToSee(t *testing.T) {
	for _, c := range []struct {
		expect []topology.Expectation
		want   bool
	}{
		{append(served("grub.efi", "tftp", ""), serial("grub> ")...), true},
		{append(never("PXE-E", ""), serial("grub> ")...), false},
		{serial("something else"), false},
		{endsWith("off"), false},
	} {
		p := expecting("x64", c.expect...)
		s := newScript(p, "x64").firmware().dora("grub.efi").fetches("grub.efi").starts()
		s.of(event.Event{Kind: event.ConsolePartial, Text: "grub> "})
		if got := settled(p, s); got != c.want {
			t.Errorf("%s: settled %t, want %t", c.expect[0], got, c.want)
		}
	}
}

func settled(p *plan.Plan, s *script) bool {
	tr := NewTracker(p)
	for _, e := range s.events {
		tr.Feed(e)
	}
	return tr.Guest(s.guest.Name).Settled
}
