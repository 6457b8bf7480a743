package explain_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
	console    string
	why        string
}{
	{symptom: "no DHCP server where the machine is: wrong bridge, wrong VLAN, firewall", cause: judge.NoOffer,
		topologies: []string{"no-server"}, captures: []string{"no server"}, console: "PXE-E51"},
	{symptom: "a DHCP server and nobody who names a boot file", cause: judge.NoBootfile, topologies: []string{"no-bootfile"}, captures: []string{"no boot file"}, console: "PXE-E53"},
	{symptom: "option 60 says PXEClient and nobody is on port 4011", cause: judge.ProxySilent,
		topologies: []string{"combined-no-4011", "isc-dhcpd-option-60"}, captures: []string{"nobody on port 4011"}, console: "PXE-E55"},
	{symptom: "a proxyDHCP service whose port 4011 is closed or filtered", cause: judge.ProxySilent, topologies: []string{"proxy-deaf"}},
	{symptom: "a proxyDHCP service that leaves option 60 out", cause: judge.NoClass, topologies: []string{"proxy-no-class"}},
	{symptom: "a proxyDHCP service that offers addresses; two DHCP servers that contradict each other", cause: judge.NoAck,
		topologies: []string{"proxy-your-ip"}, captures: []string{"two servers contradict each other"}},
	{symptom: "a boot server that answers by broadcast", cause: judge.AnswerIgnored, topologies: []string{"boot-server-to-all"}},
	{symptom: "a boot server that does not repeat the type (option 43 tag 71)", cause: judge.AnswerIgnored, topologies: []string{"boot-server-no-item"}},
	{symptom: "discovery by multicast without a group", cause: judge.NoDiscoveryGroup, topologies: []string{"discovery-no-group"}, console: "PXE-E76"},
	{symptom: "discovery options without a menu", cause: judge.NoMenu, topologies: []string{"combined-no-menu", "dnsmasq-proxy-no-service"},
		captures: []string{"boot servers and no menu"}, console: "PXE-E74"},
	{symptom: "a menu type that the server list lacks", cause: judge.TypeNotListed, topologies: []string{"discovery-not-listed"}, console: "PXE-E77"},
	{symptom: "a boot menu for a client that has no code for it", cause: judge.MenuUnsupported, topologies: []string{"combined-menu-to-ipxe"}},
	{symptom: "the TFTP server lacks the file: path, case, slashes", cause: judge.FileNotFound,
		topologies: []string{"missing-file", "tftpd-hpa-no-root"}, captures: []string{"no such file"}, console: "PXE-T01"},
	{symptom: "the TFTP port is closed", cause: judge.TFTPSilent, topologies: []string{"dead-tftp"}},
	{symptom: "the TFTP server is silent, or its port filtered", cause: judge.TFTPSilent,
		topologies: []string{"faults-services-broken"}, captures: []string{"TFTP silent"}, console: "PXE-E32"},
	{symptom: "TFTP answers come from another address, or through NAT", cause: judge.TFTPError, captures: []string{"answered from another address"}},
	{symptom: "large packets are lost: the MTU of a tunnel or VLAN", cause: judge.TFTPStopped,
		captures: []string{"large blocks lost, seen at the server", "a router says that blocks are too large"}},
	{symptom: "a TFTP server without options", cause: judge.TFTPNoOptions, topologies: []string{"tftp-no-options"}},
	{symptom: "a TFTP server without tsize: PXE-E53, although a file was named", cause: judge.TFTPNoTsize, topologies: []string{"tftp-no-tsize", "atftpd-no-tsize"}},
	{symptom: "a TFTP server that falls silent in mid-transfer", cause: judge.TFTPStopped, topologies: []string{"tftp-stops"}},
	{symptom: "a program for another architecture", cause: judge.WrongArch, topologies: []string{"wrong-arch", "dnsmasq-no-arch"}, captures: []string{"a program for another machine"}},
	{symptom: "Secure Boot refuses the program", cause: judge.ImageRefused, why: "a console beside a capture (TestConsoleBesideCapture): the lab's firmware has no keys"},
	{symptom: "no next server: only options 66 and 67", cause: judge.NoBootfile, topologies: []string{"kea-no-next-server"}, captures: []string{"a file and nowhere to fetch it, iPXE"}},
	{symptom: "no relay, or one that reaches no server", cause: judge.NoOffer, topologies: []string{"relay-none", "relay-astray", "relay-no-pool"}},
	{symptom: "a server answers a relayed request by broadcast on its own network", cause: judge.OfferRefused, captures: []string{"a relayed request is answered by broadcast"}},
	{symptom: "a switch port that forwards late (spanning tree)", cause: judge.NoOffer, captures: []string{"a spanning tree"}, console: "PXE-E61"},
	{symptom: "a boot program that is told to boot itself again", cause: judge.ChainLoop, topologies: []string{"chain-ipxe-loop"}},
	{symptom: "firmware without a driver for its network card, or without random numbers: no packet at all", cause: judge.NoLink, topologies: []string{"usb-adapter-no-stick"}},
	{symptom: "a BOOTP server that answers once", cause: judge.NoAck, topologies: []string{"bootp-once"}},
	{symptom: "every address is lent, or the server does not know the machine", cause: judge.NoOffer,
		topologies: []string{"faults-services-broken"}, captures: []string{"another machine is answered"}},
	{symptom: "option 43 cannot be read", cause: judge.OfferRefused, captures: []string{"option 43 cannot be read"}},
	{symptom: "a boot file name with something behind it", cause: judge.FileNotFound, topologies: []string{"dnsmasq-name-tail"}, captures: []string{"a name with a carriage return"}},
	{symptom: "an address that another host has", cause: judge.AddressInUse, captures: []string{"its address is in use"}},
	{symptom: "a boot program that finds its configuration missing", cause: judge.FileNotFound,
		topologies: []string{"chain-pxelinux-no-config", "chain-pxelinux-no-ldlinux", "chain-grub-no-config"}},
	{symptom: "HTTP boot is told no URI, or not as HTTPClient", cause: judge.NoURI, topologies: []string{"http-no-uri", "http-no-uri-ipv6"}},
	{symptom: "option 13 is too small for the file", cause: judge.ImageRefused, topologies: []string{"dnsmasq-small-size"}},
	{symptom: "machines that share a MAC address or UUID, or have no UUID", topologies: []string{"identity-twins", "identity-no-uuid"}},
}

// TestFailures: every failure is tried by what its row names.
func TestFailures(t *testing.T) {
	for _, f := range failures {
		if len(f.topologies)+len(f.captures)+len(f.console)+len(f.why) == 0 {
			t.Errorf("%s is not tried", f.symptom)
		}
		for _, name := range f.topologies {
			text, err := os.ReadFile(filepath.Join("../../topologies", name+".yaml"))
			if err != nil {
				t.Error(err)
			}
			want := regexp.MustCompile(`stops: \{.*reason: ` + string(f.cause) + `\}`)
			if f.cause == "" {
				want = regexp.MustCompile(`note: `)
			}
			if !want.Match(text) {
				t.Errorf("%s: %s expects no %s", f.symptom, name, want)
			}
		}
		for _, name := range f.captures {
			checkCapture(t, f.symptom, name, f.cause)
		}
		if f.console != "" {
			checkConsole(t, f.symptom, f.console)
		}
	}
}

// checkCapture: there is such a scenario, for that cause.
func checkCapture(t *testing.T, symptom, name string, cause judge.Reason) {
	t.Helper()
	type one struct {
		name  string
		cause judge.Reason
	}
	for _, list := range [][]one{collect(scenarios, func(i int) one { return one{scenarios[i].name, scenarios[i].cause} }),
		collect(fieldScenarios, func(i int) one { return one{fieldScenarios[i].name, fieldScenarios[i].cause} })} {
		i := slices.IndexFunc(list, func(o one) bool { return o.name == name })
		if i < 0 {
			continue
		}
		if list[i].cause != cause {
			t.Errorf("%s: capture %q is for %s, want %s", symptom, name, list[i].cause, cause)
		}
		return
	}
	t.Errorf("%s: no capture %q", symptom, name)
}

func collect[S any, T any](list []S, get func(int) T) []T {
	var out []T
	for i := range list {
		out = append(out, get(i))
	}
	return out
}

func checkConsole(t *testing.T, symptom, sign string) {
	t.Helper()
	if x := explain.Console([]string{sign + ": whatever follows"}); x.End != explain.Stopped {
		t.Errorf("%s: %s is not explained: %s", symptom, sign, x.Summary)
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
		if f.console != "" {
			by = append(by, f.console)
		}
		if f.why != "" {
			by = append(by, f.why)
		}
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
