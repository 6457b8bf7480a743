package explain_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/judge"
)

// failures are what goes wrong with network boot where people use it, and by what each is tried here: shipped topologies, in which real
// firmware stops for that cause; captures of scenarios and fieldScenarios; consoles of TestTexts. Where one cannot be tried, why
// says so.
var failures = []struct {
	symptom    string
	cause      judge.Reason // the first answer; empty: a note
	topologies []string
	captures   []string
	console    []string // the complaints of ROMs, by their numbers
	near       []string // topologies and captures that are like it and must not be given that cause
}{
	{symptom: "no DHCP server where the machine is: wrong bridge, wrong VLAN, firewall", cause: judge.NoOffer,
		topologies: []string{"no-server"}, captures: []string{"no server"}, console: []string{"PXE-E51"},
		near: []string{"firmware-trio", "near: no server, and the capture ends at once"}},
	{symptom: "answers come in another VLAN", cause: judge.OfferRefused, captures: []string{"answers come in another VLAN"}, near: []string{"near: answers come in its own VLAN"}},
	{symptom: "a DHCP server and nobody who names a boot file", cause: judge.NoBootfile, topologies: []string{"no-bootfile"}, captures: []string{"no boot file"}, console: []string{"PXE-E53"},
		near: []string{"firmware-trio", "near: a file and nowhere to fetch it, EDK2"}},
	{symptom: "option 60 says PXEClient and nobody is on port 4011", cause: judge.ProxySilent,
		topologies: []string{"combined-no-4011", "isc-dhcpd-option-60"}, captures: []string{"nobody on port 4011"}, console: []string{"PXE-E55"},
		near: []string{"combined-direct", "isc-dhcpd", "near: port 4011 answers"}},
	{symptom: "a proxyDHCP service whose port 4011 is closed or filtered", cause: judge.ProxySilent, topologies: []string{"proxy-deaf"},
		near: []string{"proxy-beside-dhcp"}},
	{symptom: "a proxyDHCP service that leaves option 60 out", cause: judge.NoClass, topologies: []string{"proxy-no-class"},
		near: []string{"proxy-beside-dhcp"}},
	{symptom: "a proxyDHCP service that offers addresses; two DHCP servers that contradict each other", cause: judge.NoAck,
		topologies: []string{"proxy-your-ip"}, captures: []string{"two servers contradict each other"},
		near: []string{"proxy-beside-dhcp", "near: two servers contradict each other, and it boots"}},
	{symptom: "a boot server that answers by broadcast", cause: judge.AnswerIgnored, topologies: []string{"boot-server-to-all"},
		near: []string{"boot-servers"}},
	{symptom: "a boot server that does not repeat the type (option 43 tag 71)", cause: judge.AnswerIgnored, topologies: []string{"boot-server-no-item"},
		near: []string{"boot-servers"}},
	{symptom: "discovery by multicast without a group", cause: judge.NoDiscoveryGroup, topologies: []string{"discovery-no-group"}, console: []string{"PXE-E76"},
		near: []string{"discovery-multicast"}},
	{symptom: "discovery options without a menu", cause: judge.NoMenu, topologies: []string{"combined-no-menu", "dnsmasq-proxy-no-service"},
		captures: []string{"boot servers and no menu"}, console: []string{"PXE-E74"},
		near: []string{"combined-direct", "dnsmasq-proxy", "near: bit 3"}},
	{symptom: "a menu type that the server list lacks", cause: judge.TypeNotListed, topologies: []string{"discovery-not-listed"}, console: []string{"PXE-E77"},
		near: []string{"discovery-only-listed"}},
	{symptom: "a boot menu for a client that has no code for it", cause: judge.MenuUnsupported, topologies: []string{"combined-menu-to-ipxe"},
		near: []string{"combined-menu"}},
	{symptom: "the TFTP server lacks the file: path, case, slashes", cause: judge.FileNotFound,
		topologies: []string{"missing-file", "tftpd-hpa-no-root"}, captures: []string{"no such file"}, console: []string{"PXE-T01"},
		near: []string{"firmware-trio", "near: no such file at first"}},
	{symptom: "the TFTP port is closed", cause: judge.TFTPSilent, topologies: []string{"dead-tftp"},
		near: []string{"firmware-trio"}},
	{symptom: "the TFTP server is silent, or its port filtered", cause: judge.TFTPSilent,
		topologies: []string{"faults-services-broken"}, captures: []string{"TFTP silent"}, console: []string{"PXE-E32"},
		near: []string{"faults-services", "near: TFTP slow"}},
	{symptom: "TFTP answers come from another address, or through NAT", cause: judge.TFTPError, captures: []string{"answered from another address"},
		near: []string{"near: answered from the address that was asked"}},
	{symptom: "large packets are lost: the MTU of a tunnel or VLAN", cause: judge.TFTPStopped,
		captures: []string{"large blocks lost, seen at the server", "a router says that blocks are too large"},
		near:     []string{"near: small blocks lost", "near: the fourth block lost", "near: a router says that the machine is unreachable"}},
	{symptom: "TFTP answers are filtered: they come from a port of their own", cause: judge.TFTPError,
		captures: []string{"answers from the server's own port are lost"}, near: []string{"near: an answer came late, and was acknowledged"}},
	{symptom: "a TFTP server without options", cause: judge.TFTPNoOptions, topologies: []string{"tftp-no-options"},
		near: []string{"tftp-windowsize"}},
	{symptom: "a TFTP server without tsize: PXE-E53, although a file was named", cause: judge.TFTPNoTsize, topologies: []string{"tftp-no-tsize", "atftpd-no-tsize"},
		near: []string{"atftpd"}},
	{symptom: "a TFTP server that falls silent in mid-transfer", cause: judge.TFTPStopped, topologies: []string{"tftp-stops"},
		near: []string{"firmware-trio"}},
	{symptom: "a program for another architecture", cause: judge.WrongArch, topologies: []string{"wrong-arch", "dnsmasq-no-arch"}, captures: []string{"a program for another machine"},
		near: []string{"architectures", "dnsmasq", "near: a script", "near: a compressed kernel"}},
	{symptom: "Secure Boot refuses the program", cause: judge.ImageRefused, captures: []string{"Secure Boot"}, console: []string{"Security Violation"},
		near: []string{"near: the firmware cannot load it for another reason"}},
	{symptom: "no next server: only options 66 and 67", cause: judge.NoBootfile, topologies: []string{"kea-no-next-server"}, captures: []string{"a file and nowhere to fetch it, iPXE"},
		near: []string{"kea", "near: a file and nowhere to fetch it, EDK2"}},
	{symptom: "no relay, or one that reaches no server", cause: judge.NoOffer, topologies: []string{"relay-none", "relay-astray", "relay-no-pool"},
		near: []string{"relay"}},
	{symptom: "a server answers a relayed request by broadcast on its own network", cause: judge.OfferRefused, captures: []string{"a relayed request is answered by broadcast"},
		near: []string{"near: a request is answered by broadcast"}},
	{symptom: "a switch port that forwards late (spanning tree)", cause: judge.NoOffer, captures: []string{"a spanning tree"},
		near: []string{"near: a spanning tree, and it asked for longer than that takes", "near: the server pings an address first"}},
	{symptom: "a switch port that has no link", cause: judge.NoLink, console: []string{"PXE-E61"}, near: []string{"firmware-trio"}},
	{symptom: "the next server is wrong, or its host down", cause: judge.TFTPSilent, captures: []string{"a next server that is not there"}, console: []string{"PXE-E11"},
		near: []string{"near: the next server is there"}},
	{symptom: "a boot program that is told to boot itself again", cause: judge.ChainLoop, topologies: []string{"chain-ipxe-loop"},
		near: []string{"chain-ipxe-script"}},
	{symptom: "firmware without a driver for its network card, or without random numbers: no packet at all", cause: judge.NoLink, topologies: []string{"usb-adapter-no-stick"},
		near: []string{"usb-adapter"}},
	{symptom: "a BOOTP server that answers once", cause: judge.NoAck, topologies: []string{"bootp-once"},
		near: []string{"bootp"}},
	{symptom: "every address is lent, or the server does not know the machine", cause: judge.NoOffer,
		topologies: []string{"dnsmasq-all-lent", "faults-services-broken"}, captures: []string{"another machine is answered"},
		near: []string{"dnsmasq", "faults-services", "near: another machine is not answered, either"}},
	{symptom: "option 43 cannot be read", cause: judge.OfferRefused, captures: []string{"option 43 cannot be read"},
		near: []string{"near: option 43 can be read"}},
	{symptom: "a boot file name with something behind it", cause: judge.FileNotFound, topologies: []string{"dnsmasq-name-tail"}, captures: []string{"a name with a carriage return"},
		near: []string{"dnsmasq", "near: a name with a blank in it"}},
	{symptom: "an address that another host has", cause: judge.AddressInUse, captures: []string{"its address is in use"},
		near: []string{"near: its address was in use, and it took another"}},
	{symptom: "a boot program that finds its configuration missing", cause: judge.FileNotFound,
		topologies: []string{"chain-pxelinux-no-config", "chain-pxelinux-no-ldlinux", "chain-grub-no-config"},
		near:       []string{"chain-pxelinux", "chain-grub"}},
	{symptom: "HTTP boot is told no URI, or not as HTTPClient", cause: judge.NoURI, topologies: []string{"http-no-uri", "http-no-uri-ipv6"},
		near: []string{"http-boot", "http-boot-ipv6"}},
	{symptom: "option 13 is too small for the file", cause: judge.ImageRefused, topologies: []string{"dnsmasq-small-size"},
		captures: []string{"option 13 is too small, and the last block is one too many"},
		near:     []string{"dnsmasq", "near: option 13 is right", "near: option 13 is too small, and the client has room"}},
	{symptom: "the option ROM of QEMU's card is taken for the firmware's own PXE client", captures: []string{"the ROM of QEMU's card"},
		near: []string{"near: iPXE that the firmware's client loaded"}},
	{symptom: "machines that share a MAC address or UUID, or have no UUID", topologies: []string{"identity-twins", "identity-no-uuid"},
		near: []string{"firmware-trio"}},
}

// captured is a scenario of either list.
type captured struct {
	name  string
	cause judge.Reason
	says  string
}

func allCaptured() map[string]captured {
	out := map[string]captured{}
	for _, c := range scenarios {
		out[c.name] = captured{c.name, c.cause, ""}
	}
	for _, c := range fieldScenarios {
		out[c.name] = captured{c.name, c.cause, c.says}
	}
	return out
}

// expects tells whether a shipped topology expects a machine to stop for a cause, or a note.
func expects(t *testing.T, topology string, cause judge.Reason) bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../topologies", topology+".yaml"))
	if err != nil {
		t.Error(err)
	}
	if cause == "" {
		return strings.Contains(string(text), "note: ")
	}
	return regexp.MustCompile(`stops: \{.*reason: ` + string(cause) + `\}`).Match(text)
}

// TestFailures: every failure is found by what its row names, and not in what is like it. That the captures are explained so is for
// TestScenarios and TestField; the boot tests hold the topologies to what they expect.
func TestFailures(t *testing.T) {
	all := allCaptured()
	for _, f := range failures {
		if len(f.topologies)+len(f.captures)+len(f.console) == 0 || len(f.near) == 0 {
			t.Errorf("%s: nothing tries it, or nothing like it", f.symptom)
		}
		for _, name := range f.topologies {
			if !expects(t, name, f.cause) {
				t.Errorf("%s: %s does not expect %s", f.symptom, name, f.cause)
			}
		}
		for _, name := range f.captures {
			if c, ok := all[name]; !ok || c.cause != f.cause {
				t.Errorf("%s: capture %q is for %q, want %q", f.symptom, name, c.cause, f.cause)
			}
		}
		for _, sign := range f.console {
			x := explain.Console([]string{sign + ": whatever follows"})
			if x.End != explain.Stopped || x.Answers[0].Cause != f.cause {
				t.Errorf("%s: %s is explained by %+v", f.symptom, sign, x.Answers)
			}
		}
		for _, name := range f.near {
			c, ok := all[name]
			switch {
			case ok && c.cause == f.cause && c.says == "": // with words, TestField holds that they are not said
				t.Errorf("%s: %q is given its cause", f.symptom, name)
			case !ok && expects(t, name, f.cause):
				t.Errorf("%s: %s expects its cause", f.symptom, name)
			}
		}
	}
}

// TestFailuresShown holds the table of docs/explain.md to the rows.
func TestFailuresShown(t *testing.T) {
	var table strings.Builder
	table.WriteString("| what is wrong | cause | tried by |\n|---|---|---|\n")
	for _, f := range failures {
		var by []string
		for _, name := range f.topologies {
			by = append(by, fmt.Sprintf("[%s](../topologies/%s.yaml)", name, name))
		}
		if len(f.captures) > 0 {
			by = append(by, "a capture")
		}
		by = append(by, f.console...)
		cause := "(a note)"
		if f.cause != "" {
			cause = "`" + string(f.cause) + "`"
		}
		fmt.Fprintf(&table, "| %s | %s | %s |\n", f.symptom, cause, strings.Join(by, ", "))
	}
	doc, err := os.ReadFile("../../docs/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), table.String()) {
		t.Errorf("docs/explain.md does not show this table:\n%s", &table)
	}
}
