package explain_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/report"
	"github.com/pxelab/pxelab/tests/golden"
)

// The texts of ROMs that no lab can boot, each with a near miss that must not be taken for it.
func TestTexts(t *testing.T) {
	var said strings.Builder
	for _, c := range []struct {
		line  string
		cause judge.Reason
	}{
		{"PXE-E51: No DHCP or proxyDHCP offers were received.", judge.NoOffer},
		{"PXE-E52: proxyDHCP offers were received. No DHCP offers were received.", judge.NoOffer},
		{"PXE-E53: No boot filename received.", judge.NoBootfile},
		{"PXE-E55: ProxyDHCP service did not reply to request on port 4011.", judge.ProxySilent},
		{"PXE-E11: ARP timeout", judge.TFTPSilent},
		{"PXE-E32: TFTP open timeout", judge.TFTPSilent},
		{"PXE-E36: Error received from TFTP server.", judge.TFTPError},
		{"PXE-E3B: TFTP Error - File Not Found", judge.FileNotFound},
		{"PXE-T01: File not found", judge.FileNotFound},
		{"PXE-E61: Media test failure, check cable", judge.NoLink},
		{"PXE-E74: Bad or missing PXE menu and/or prompt information", judge.NoMenu},
		{"PXE-E76: Bad or missing multicast discovery address", judge.NoDiscoveryGroup},
		{"PXE-E77: Bad or missing discovery server list", judge.TypeNotListed},
		{"PXE-E78: Could not locate boot server", judge.BootServerSilent},
		{"PXE-E79: NBP is too big to fit in free base memory", judge.ImageRefused},
		{"PXE-E50: something that nobody knows", ""},
		{"Exiting PXE-E51 test page", ""},
		{"CLIENT MAC ADDR: 00 11 22 33 44 55", ""},
	} {
		x := explain.Console([]string{"Intel(R) Boot Agent GE v1.5.50", c.line, "PXE-M0F: Exiting Intel Boot Agent."})
		var got judge.Reason
		if len(x.Answers) > 0 {
			got = x.Answers[0].Cause
		}
		if got != c.cause || (x.End == explain.Stopped) != (c.cause != "") {
			t.Errorf("%q: %s %q, want %q", c.line, x.End, got, c.cause)
		}
		said.WriteString(fmt.Sprintf("== %s\n%s\n", c.line, report.Explained(x, false, report.Style{Width: 100})))
	}
	golden.Check(t, filepath.Join("testdata", "texts.golden"), said.String())
}

// TestConsoles: what EDK2 and iPXE say, in the lines around it that tell one meaning from another. The causes are all that are
// given, the likeliest first.
func TestConsoles(t *testing.T) {
	start, station, name, loading := ">>Start PXE over IPv4.", "  Station IP address is 192.0.2.100", " NBP filename is x64.efi", " Downloading NBP file..."
	e53, e18, e16 := "  PXE-E53: No boot filename received.", "  PXE-E18: Server response timeout.", "  PXE-E16: No valid offer received."
	e23, e22 := "  PXE-E23: Client received TFTP error from server.", "  PXE-E22: Client received ICMP error from server."
	e05, e99 := "  PXE-E05: Buffer size is smaller than the requested file.", "  PXE-E99: Unexpected network error."
	shell := `BdsDxe: starting Boot0000 "EFI Internal Shell" from Fv(7CB8BDC9-F8EB-4F34-AAEA-3EE4AF6516A1)`
	for _, c := range []struct {
		lines  string
		causes string
	}{
		{join(start, station, name, e53), "tftp-no-tsize"},
		{join(start, station, e53), "no-bootfile answer-ignored"},
		{join(start, e53), "no-bootfile"},
		{join(start, e18), "no-offer offer-refused"},
		{join(start, station, name, e18), "tftp-silent"},
		{join(start, station, name, loading, e18), "tftp-stopped"},
		{join(start, station, e18), ""},
		{join(start, e16), "no-bootfile no-class no-ack"},
		{join(start, station, e16), "proxy-silent boot-server-silent"},
		{join(start, e18, ">>Start PXE over IPv6.", e16), "no-offer offer-refused"},
		{join(start, e18, ">>Start PXE over IPv6.", " NBP file downloaded successfully."), ""},
		{join(start, e18, start, station, name, e53), "tftp-no-tsize"},
		{join(start, station, name, e22), "tftp-silent"},
		{join(start, station, e22), ""},
		{join(start, station, name, e23), "file-not-found tftp-error"},
		{join(start, station, name, e05), "image-refused"},
		{join(start, station, e99), ""},
		{join(start, station, name), ""},
		{join("No configuration methods succeeded (http://ipxe.org/040ee119)", "No more network devices"), "no-offer no-ack"},
		{"tftp://192.0.2.1/probe.0... No such file or directory (http://ipxe.org/2d12603b)", "file-not-found"},
		{"Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)", ""}, // of a machine with or without an address
		{"tftp://192.0.2.1/probe.0... Connection timed out (http://ipxe.org/4c126035)", "tftp-silent tftp-stopped"},
		{"PXEBS (net0 type 128)... Connection timed out (http://ipxe.org/4c106035)", "boot-server-silent answer-ignored"},
		{"DHCP (net0 52:54:00:00:00:01)... Connection timed out (http://ipxe.org/4c106035)", ""},
		{"Could not boot image: Exec format error (http://ipxe.org/2e008001)", "wrong-arch"},
		{"Could not boot image: Permission denied (http://ipxe.org/0216e001)", ""},
		{"Verification failed: (0x1A) Security Violation", "image-refused"},
		{"Verification passed", ""},
		{shell, "no-link"},
		{join(start, station, name, " NBP file downloaded successfully.", shell), ""},
	} {
		var got []string
		for _, a := range explain.Console(strings.Split(c.lines, "\n")).Answers {
			got = append(got, string(a.Cause))
		}
		if s := strings.Join(got, " "); s != c.causes {
			t.Errorf("%s\nis explained by %q, want %q", c.lines, s, c.causes)
		}
	}
}

func join(lines ...string) string { return strings.Join(lines, "\n") }

// A console beside a capture says what the wire does not.
func TestConsoleBesideCapture(t *testing.T) {
	build := func() *wire {
		return newWire(t).leases("x64.efi").wants("x64.efi").has(program(0x8664)).later(time.Minute)
	}
	for name, c := range map[string]struct {
		lines []string
		end   explain.End
		cause judge.Reason
	}{
		"none": {nil, explain.Fetched, ""},
		"Secure Boot": {[]string{`  NBP file downloaded successfully.`, `BdsDxe: loading Boot0001 "UEFI PXEv4 (MAC:525400000001)" from PciRoot(0x0)`,
			`BdsDxe: failed to load Boot0001 "UEFI PXEv4 (MAC:525400000001)" from PciRoot(0x0): Access Denied`}, explain.Stopped, judge.ImageRefused},
	} {
		record, err := explain.Capture(given(build().frames), c.lines...)
		if err != nil || len(record.Boots) != 1 {
			t.Fatal(name, err)
		}
		x := record.Boots[0]
		if x.End != c.end || len(x.Answers) > 0 && x.Answers[0].Cause != c.cause {
			t.Errorf("%s: %s %+v", name, x.End, x.Answers)
		}
	}
	two := build()
	two.mac = other
	two.asks(dhcpv4.MessageTypeDiscover)
	record, err := explain.Capture(given(two.frames), "PXE-E51: No DHCP or proxyDHCP offers were received.")
	if err != nil || len(record.Said) == 0 || !strings.Contains(record.Said[0], "the console was left out") {
		t.Errorf("two machines and one console: %v %+v", err, record)
	}
}
