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
