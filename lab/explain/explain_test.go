package explain_test

import (
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/report"
	"github.com/pxelab/pxelab/tests/golden"
)

func given(frames []explain.Frame) iter.Seq2[explain.Frame, error] {
	return func(yield func(explain.Frame, error) bool) {
		for _, f := range frames {
			if !yield(f, nil) {
				return
			}
		}
	}
}

// later ends a capture some time after its last frame of a boot, by a frame that is nobody's.
func (w *wire) later(d time.Duration) *wire {
	return w.after(d).frame(append(append(append([]byte{}, other...), dhcpMAC...), 0x88, 0xcc, 0, 0))
}

var (
	pxeClass = dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient"))
	noServer = func(m *dhcpv4.DHCPv4) { m.ServerIPAddr = nil }
	ciaddr   = func(m *dhcpv4.DHCPv4) { m.ClientIPAddr = []byte{192, 0, 2, 100} }
)

func vendor(octets string) dhcpv4.Modifier {
	return dhcpv4.WithGeneric(dhcpv4.OptionVendorSpecificInformation, []byte(octets))
}

// scenarios are captures, each with how its one boot ended and, if it stopped, why. Those named "near" differ in one thing from
// the one before, and must not be given its cause.
var scenarios = []struct {
	name  string
	end   explain.End
	cause judge.Reason
	build func(*wire) *wire
}{
	{"healthy", explain.Fetched, "", func(w *wire) *wire {
		return w.leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}},
	{"healthy, and the program asks for more", explain.Booted, "", func(w *wire) *wire {
		return w.leases("x64.efi").wants("x64.efi").has(program(0x8664)).after(time.Second).wants("grub.cfg").has([]byte("menuentry")).later(time.Minute)
	}},
	{"the same client begins again", explain.Unclear, "", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").has(program(0x8664)).after(10 * time.Second)
		return w.asks(dhcpv4.MessageTypeDiscover, dhcpv4.WithTransactionID(dhcpv4.TransactionID{9, 9, 9, 9})).later(time.Minute)
	}},
	{"the firmware is started anew, and fetches the same", explain.Unclear, "", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").has(program(0x8664)).after(10 * time.Second)
		return w.leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}},
	{"near: another program begins again", explain.Booted, "", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").has(program(0x8664)).after(10 * time.Second)
		w.ipxe = true
		return w.discovers().told(dhcpv4.MessageTypeOffer, "boot.ipxe").later(time.Minute)
	}},
	{"near: the same client, and a file that no server named", explain.Booted, "", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").has(program(0x8664)).after(10 * time.Second)
		return w.leases("x64.efi").wants("grub.cfg").has([]byte("menuentry")).later(time.Minute)
	}},
	{"no server", explain.Stopped, judge.NoOffer, func(w *wire) *wire {
		return w.discovers().after(4 * time.Second).discovers().after(8 * time.Second).discovers().later(16 * time.Second)
	}},
	{"near: no server, and the capture ends at once", explain.Unclear, "", func(w *wire) *wire { return w.discovers().later(time.Second) }},
	{"no boot file", explain.Stopped, judge.NoBootfile, func(w *wire) *wire {
		return w.discovers().told(dhcpv4.MessageTypeOffer, "").after(4*time.Second).discovers().told(dhcpv4.MessageTypeOffer, "").later(10 * time.Second)
	}},
	{"a file and nowhere to fetch it, iPXE", explain.Stopped, judge.NoBootfile, func(w *wire) *wire {
		w.ipxe, w.arch = true, 0
		return w.leases("probe.0", noServer).later(10 * time.Second)
	}},
	{"near: a file and nowhere to fetch it, EDK2", explain.Stopped, judge.TFTPSilent, func(w *wire) *wire {
		return w.leases("x64.efi", noServer).wants("x64.efi").after(4 * time.Second).wantsAgain("x64.efi").later(10 * time.Second)
	}},
	{"nobody on port 4011", explain.Stopped, judge.ProxySilent, func(w *wire) *wire {
		return w.leases("", pxeClass).asks(dhcpv4.MessageTypeRequest, ciaddr).after(time.Second).asks(dhcpv4.MessageTypeRequest, ciaddr).later(9 * time.Second)
	}},
	{"near: port 4011 answers", explain.Fetched, "", func(w *wire) *wire {
		w.leases("", pxeClass).asks(dhcpv4.MessageTypeRequest, ciaddr).after(time.Millisecond)
		w.toldBy(dhcpMAC, dhcpIP+":4011", dhcpv4.MessageTypeAck, "x64.efi", pxeClass)
		return w.after(time.Second).wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}},
	{"boot servers and no menu", explain.Stopped, judge.NoMenu, func(w *wire) *wire {
		return w.leases("x64.efi", pxeClass, vendor("\x06\x01\x00\xff")).later(10 * time.Second)
	}},
	{"near: bit 3", explain.Fetched, "", func(w *wire) *wire {
		return w.leases("x64.efi", pxeClass, vendor("\x06\x01\x08\xff")).wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}},
	{"no such file", explain.Stopped, judge.FileNotFound, func(w *wire) *wire { return w.leases("x64.efi").wants("x64.efi").hasNot().later(time.Minute) }},
	{"near: no such file at first", explain.Fetched, "", func(w *wire) *wire {
		return w.leases("x64.efi").wants("x64.efi").hasNot().after(time.Second).wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}},
	{"TFTP silent", explain.Stopped, judge.TFTPSilent, func(w *wire) *wire {
		return w.leases("x64.efi").wants("x64.efi").after(4 * time.Second).wantsAgain("x64.efi").after(4 * time.Second).wantsAgain("x64.efi").later(4 * time.Second)
	}},
	{"near: TFTP slow", explain.Fetched, "", func(w *wire) *wire {
		return w.leases("x64.efi").wants("x64.efi").after(4 * time.Second).wantsAgain("x64.efi").after(4 * time.Second).wantsAgain("x64.efi").has(program(0x8664)).later(time.Minute)
	}},
	{"a program for another machine", explain.Stopped, judge.WrongArch, func(w *wire) *wire {
		return w.leases("boot.efi").wants("boot.efi").has(program(0x014c)).later(time.Minute)
	}},
	{"a BIOS program for UEFI", explain.Stopped, judge.WrongArch, func(w *wire) *wire {
		return w.leases("pxelinux.0").wants("pxelinux.0").has(append([]byte{0xea}, make([]byte, 100)...)).later(time.Minute)
	}},
	{"near: a script", explain.Fetched, "", func(w *wire) *wire {
		return w.leases("boot.ipxe").wants("boot.ipxe").has([]byte("#!ipxe\n" + strings.Repeat("echo on and on\n", 10))).later(time.Minute)
	}},
	{"near: a compressed kernel", explain.Fetched, "", func(w *wire) *wire {
		return w.leases("vmlinuz.gz").wants("vmlinuz.gz").has(append([]byte{0x1f, 0x8b}, make([]byte, 100)...)).later(time.Minute)
	}},
	{"only broadcasts of a healthy boot", explain.Unclear, "", func(w *wire) *wire {
		return w.discovers().after(4 * time.Second).requests().later(time.Minute)
	}},
	{"only what the machine sends of a transfer", explain.Unclear, "", func(w *wire) *wire {
		w.leases("x64.efi").wants("x64.efi").after(4 * time.Second)
		return w.udp(w.mac, dhcpMAC, w.at(leaseIP), dhcpIP+":3333", []byte{0, 4, 0, 1}).later(time.Minute)
	}},
	{"refused", explain.Stopped, judge.NoAck, func(w *wire) *wire {
		return w.discovers().told(dhcpv4.MessageTypeOffer, "x64.efi").requests().told(dhcpv4.MessageTypeNak, "").later(time.Minute)
	}},
}

// TestScenarios holds the causes, and all that is said of each capture, to the golden.
func TestScenarios(t *testing.T) {
	var said strings.Builder
	for _, c := range scenarios {
		record, err := explain.Capture(given(c.build(newWire(t)).frames))
		if err != nil || len(record.Boots) != 1 {
			t.Fatalf("%s: %v, %d boots, want 1", c.name, err, len(record.Boots))
		}
		x := record.Boots[0]
		var cause judge.Reason
		if len(x.Answers) > 0 {
			cause = x.Answers[0].Cause
		}
		if x.End != c.end || cause != c.cause {
			t.Errorf("%s: %s %q, want %s %q: %s", c.name, x.End, cause, c.end, c.cause, x.Summary)
		}
		said.WriteString("== " + c.name + "\n" + report.Explained(x, true, report.Style{Width: 100}) + "\n")
	}
	golden.Check(t, filepath.Join("testdata", "scenarios.golden"), said.String())
}

// crossed are two machines whose boots cross, and one of which boots twice.
func crossed(t *testing.T) []explain.Frame {
	w := newWire(t)
	w.discovers()
	w.mac = other
	w.discovers()
	w.mac = machine
	w.told(dhcpv4.MessageTypeOffer, "x64.efi").after(4*time.Second).requests().told(dhcpv4.MessageTypeAck, "x64.efi").wants("x64.efi").has(program(0x8664))
	w.mac = other
	w.after(4 * time.Second).discovers().after(8 * time.Second).discovers()
	w.mac = machine
	return w.after(5 * time.Minute).discovers().after(4 * time.Second).discovers().later(time.Minute).frames
}

// TestSeveralMachines: they are told apart.
func TestSeveralMachines(t *testing.T) {
	record, err := explain.Capture(given(crossed(t)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range record.Boots {
		got = append(got, x.Machine+" "+string(x.End))
	}
	want := []string{"52:54:00:00:00:01 fetched", "52:54:00:00:00:01 stopped", "52:54:00:00:00:02 stopped"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(- want, + got)\n%s", diff)
	}
}

// TestOthers: a DHCP client that does not boot from the network is counted, and not explained.
func TestOthers(t *testing.T) {
	w := newWire(t)
	w.asks(dhcpv4.MessageTypeDiscover, dhcpv4.WithOption(dhcpv4.OptClassIdentifier("udhcp 1.35.0"))).told(dhcpv4.MessageTypeOffer, "").later(time.Minute)
	record, err := explain.Capture(given(w.frames))
	if err != nil || len(record.Boots) != 0 || record.Others != 1 {
		t.Errorf("%v, %d boots, %d others; want none and one", err, len(record.Boots), record.Others)
	}
}
