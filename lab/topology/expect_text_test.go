package topology

import (
	"strings"
	"testing"
)

// A claim that is read alone is the one that is read in a file.
func TestParseExpectation(t *testing.T) {
	const file = `name: lab
networks: {lan: {subnet: 192.0.2.0/24}}
services:
  mine: {address: 192.0.2.1, external: {}}
  tftp: {address: 192.0.2.2, tftp: {}}
guests: {bios: {firmware: bios}}
expect:
  bios:
`
	good := []string{"booted: {image: probe, from: mine}", "{stops: {at: offer, reason: no-bootfile}}", "ends: off", "never: {serial: PXE-E}",
		"dhcp: {type: REQUEST, count: 1}", "serial: 'probe-x64\\.efi'"}
	topo, err := Parse("lab.yaml", []byte(file+"    - "+strings.Join(good, "\n    - ")+"\n"), known)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range good {
		if x, err := ParseExpectation("expectation", text, topo, known); err != nil || x.String() != topo.Expect[0].List[i].String() {
			t.Errorf("%s is %s, %v", text, x, err)
		}
	}
	for text, want := range map[string]string{
		"":                                  "expectation:1:1: is empty; write a claim",
		"boots: {}":                         `unknown key "boots"`,
		"booted: {image: prob}":             `unknown image "prob" (did you mean "probe"?)`,
		"address: {from: her}":              `expectation:1:17: address.from: unknown service "her"`,
		"offer: {from: tftp}":               "has neither dhcp, dhcp6 nor proxydhcp",
		"ends: off\nserial: x":              "makes 2 claims",
		"log: x":                            "is a claim about a service",
		"off":                               "want a mapping",
		"stops: {at: offer, reason: moody}": `unknown reason "moody"`,
		"serial: '('":                       "expectation:1:9",
		"[":                                 "expectation:1:",
	} {
		if x, err := ParseExpectation("expectation", text, topo, known); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want %s", text, x, err, want)
		}
	}
}
