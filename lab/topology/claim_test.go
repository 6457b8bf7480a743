package topology

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/event"
)

// claims are expectations as they are written, and what they mean.
var claims = map[string]Expectation{
	"booted: {image: probe, from: boot}":              {Booted: &Booted{Image: "probe", From: "boot"}},
	"booted: {image: probe}":                          {Booted: &Booted{Image: "probe"}},
	"address: {from: boot}":                           {Address: &From{From: "boot"}},
	"offer: {from: boot}":                             {Offer: &Offer{From: "boot"}},
	"served: {file: probe.0, from: boot, over: tftp}": {Served: &Served{File: "probe.0", From: "boot", Over: "tftp"}},
	`served: {file: "a file"}`:                        {Served: &Served{File: "a file"}},
	"stage: {reaches: boot-server, within: 20s}":      {Stage: &Reaches{Reaches: event.StageBootServer, Within: 20 * time.Second}},
	"stage: {reaches: off, within: 1m30s}":            {Stage: &Reaches{Reaches: event.StageOff, Within: 90 * time.Second}},
	"stage: {reaches: off}":                           {Stage: &Reaches{Reaches: event.StageOff}},
	"stops: {at: discover, reason: no-offer}":         {Stops: &Stops{At: event.StageDiscover, Reason: "no-offer"}},
	`serial: "NBP file"`:                              {Serial: "NBP file"},
	`serial: 'it''s \d+'`:                             {Serial: `it's \d+`},
	`never: {serial: "PXE-E"}`:                        {Never: &Never{Serial: "PXE-E"}},
	`never: {packet: 'NAK "x"'}`:                      {Never: &Never{Packet: `NAK "x"`}},
	"ends: off":                                       {Ends: "off"},
	"ends: running":                                   {Ends: "running"},
}

// serviceClaimTexts are those about services.
var serviceClaimTexts = map[string]Expectation{
	"sent: {file: probe.0, copies: 0}":                                {Sent: &Sent{File: "probe.0", Copies: new(int)}},
	"sent: {file: probe.0, over: mtftp, copies: 1, transmissions: 2}": {Sent: &Sent{File: "probe.0", Over: "mtftp", Copies: ptr(1), Transmissions: ptr(2)}},
}

func ptr(n int) *int { return &n }

func TestServiceClaimsArePrinted(t *testing.T) {
	for text, claim := range serviceClaimTexts {
		if got := claim.String(); got != text {
			t.Errorf("got %s, want %s", got, text)
		}
	}
}

// A claim is printed as it may be written: what is printed reads back as the same claim.
func TestClaimsReadBack(t *testing.T) {
	for text, claim := range claims {
		if got := claim.String(); got != text {
			t.Errorf("got %s, want %s", got, text)
		}
		top, err := Parse("lab.yaml", fmt.Appendf(nil, claimed, text), known)
		if err != nil {
			t.Errorf("%s does not read back: %v", text, err)
			continue
		}
		if d := cmp.Diff([]Expectation{claim}, top.Expect[0].List); d != "" {
			t.Errorf("%s reads back otherwise:\n%s", text, d)
		}
	}
	if got := (Expectation{}).String(); got != Implied {
		t.Errorf("no claim is printed as %q, want %q", got, Implied)
	}
}

// claimed is a topology with one claim.
const claimed = `
name: claimed
networks:
  lan: {subnet: 192.0.2.0/24}
services:
  boot: {address: 192.0.2.1, dhcp: {range: 192.0.2.100-192.0.2.199, boot: {bios: probe}}, tftp: {}}
guests:
  bios: {firmware: bios}
expect:
  bios:
    - %s
`
