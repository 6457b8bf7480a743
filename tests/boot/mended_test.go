package boot

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/tests/built"
)

// mends are the changes that the explanations shown in docs/explain.md ask for, each in the words that ask for it. A lab that starts a
// server, or names a boot file for the first time, has its TFTP server in the same place.
var mends = []struct {
	topology, says string
	change         []string // old and new text, by turns
}{
	{"no-server", "and names a boot file for each kind of machine (this one sends 0 in option 93: BIOS), and a TFTP server that has these files (one host may be both)", []string{"# No services at all.",
		"services: {boot: {address: 192.0.2.1, dhcp: {range: 192.0.2.100-192.0.2.199, boot: {bios: probe, efi-x64: probe, efi-ia32: probe}}, tftp: {}}}"}},
	{"no-bootfile", `have "dhcp" name a boot file to clients that send 0 in option 93 (BIOS), and as next server (siaddr) the address of a TFTP server that has it`, []string{"range: 192.0.2.100-192.0.2.199}}",
		"range: 192.0.2.100-192.0.2.199, boot: {bios: probe, efi-x64: probe, efi-ia32: probe}}, tftp: {}}"}},
	{"missing-file", `put it into the TFTP folder of "boot"`, []string{"tftp: {missing: [probe]}", "tftp: {}"}},
	{"wrong-arch", `have "boot" name "probe-x64.efi" to clients that send 7 in option 93 (EFI x86-64)`, []string{"{bios: probe-x64.efi, efi-x64: probe.0, efi-ia32: probe.0}",
		"{bios: probe.0, efi-x64: probe-x64.efi, efi-ia32: probe-ia32.efi}"}},
	{"proxy-no-class", `have "proxy" send PXEClient in option 60`, []string{", flaws: [no-class]", ""}},
	{"boot-server-to-all", `have "boot" answer by unicast`, []string{"      flaws: [to-all]\n", ""}},
	{"dnsmasq-proxy-no-service", `add pxe-service=IA32_EFI,"TEXT",FILE, where TEXT is what a menu shows and FILE is the efi-ia32 program`, []string{"          enable-tftp",
		"          pxe-service=IA32_EFI,\"Probe\",probe-ia32.efi\n          enable-tftp"}},
	{"dnsmasq-small-size", "or set it to 27 (blocks of 512 octets)", []string{"dhcp-option-force=13,00:01", "dhcp-option-force=13,00:1b"}},
	{"kea-no-next-server", `write "next-server": "192.0.2.2" beside each "boot-file-name"`, []string{`"boot-file-name"`, `"next-server": "192.0.2.2", "boot-file-name"`}},
	{"faults-services-broken", "leave it out to boot without it", []string{", faults: [{do: crash, service: crashes, packet: data, block: 1}]", "",
		", faults: [{do: pause, service: hangs, packet: rrq}]", "", ", faults: [{do: fill-pool, service: fills}]", ""}},
	{"isc-dhcpd-option-60", `take option vendor-class-identifier "PXEClient" out of dhcpd's configuration: the machine then obeys "proxy"`, []string{`            option vendor-class-identifier "PXEClient";` + "\n", ""}},
	{"relay-astray", `in the command line of "relay" give the DHCP server's address, 192.0.2.1 ("boot"), in place of 192.0.2.7`, []string{"192.0.2.7]", "192.0.2.1]"}},
}

// TestMended makes the change that each explanation shown in docs/explain.md asks for, and no other: every machine boots.
func TestMended(t *testing.T) {
	built.NeedBoots(t)
	doc, err := os.ReadFile("../../docs/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	var shown, tried []string
	for _, m := range regexp.MustCompile(`(?m)^### (.*)$`).FindAllStringSubmatch(string(doc), -1) {
		shown = append(shown, m[1])
	}
	for _, m := range mends {
		tried = append(tried, m.topology)
	}
	if !slices.Equal(shown, tried) {
		t.Errorf("docs/explain.md shows %q, and mended are %q", shown, tried)
	}
	cores := usableCores(t)
	for _, m := range mends {
		t.Run(m.topology, func(t *testing.T) {
			t.Parallel()
			_, section, _ := strings.Cut(string(doc), "\n### "+m.topology+"\n")
			section, _, _ = strings.Cut(section, "\n### ")
			if !strings.Contains(strings.Join(strings.Fields(section), " "), m.says) {
				t.Errorf("docs/explain.md does not say of it: %s", m.says)
			}
			file := filepath.Join(t.TempDir(), m.topology+".yaml")
			if err := os.WriteFile(file, []byte(mended(t, m.topology, m.change)), 0o600); err != nil {
				t.Fatal(err)
			}
			core := <-cores
			defer func() { cores <- core }()
			if r := bootsBelow(t, onCore(core), file, "--clock", "warp"); r.code != 0 {
				t.Errorf("mended as its explanation says, it does not boot:\n%s", r.explain())
			}
		})
	}
}

// mended is a shipped topology with a change, that expects each machine to boot the probe.
func mended(t *testing.T, topology string, change []string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../topologies", topology+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	lab, _, found := strings.Cut(string(text), "\nexpect:\n")
	if !found {
		t.Fatalf("%s expects nothing", topology)
	}
	for i := 0; i < len(change); i += 2 {
		if !strings.Contains(lab, change[i]) {
			t.Fatalf("%s has no %q to change", topology, change[i])
		}
		lab = strings.ReplaceAll(lab, change[i], change[i+1])
	}
	return lab + "\nexpect:\n  \"*\":\n    - booted: {image: probe}\n"
}
