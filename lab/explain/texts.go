package explain

import (
	"fmt"
	"strings"

	"github.com/pxelab/pxelab/lab/judge"
)

// texts are what ROMs that no lab can boot, Intel's and those made after it, say when they give up, word for word up to the
// full stop, and what that means. PXE 2.1 appendix C and Intel's Boot Agent documentation number them.
var texts = []struct {
	sign     string
	cause    judge.Reason
	what, do string
}{
	{"PXE-E51", judge.NoOffer, "no DHCP server and no proxyDHCP server answered it", "see whether its DHCPDISCOVER reaches a server: cable, VLAN, spanning tree, relay, firewall (UDP 67)"},
	{"PXE-E52", judge.NoOffer, "a proxyDHCP server answered it and no DHCP server did, so it has no address", "run a DHCP server on its segment, or let a relay reach it"},
	{"PXE-E53", judge.NoBootfile, "it was offered an address and nobody named a boot file", "name a boot file for its architecture (option 93), or run a proxyDHCP service"},
	{"PXE-E55", judge.ProxySilent, "a server said PXEClient in option 60 and its port 4011 did not answer", "run the proxyDHCP service there on UDP 4011, or leave option 60 out of the DHCP server's offer"},
	{"PXE-E11", judge.TFTPSilent, "nobody answered its ARP request for the server's address, or for the router's", "check next server (siaddr), router and netmask in the DHCP reply, and that the host is up"},
	{"PXE-E32", judge.TFTPSilent, "the TFTP server did not answer its request", "start the TFTP server at next server (siaddr), or open UDP 69 and the ports it answers from"},
	{"PXE-E36", judge.TFTPError, "the TFTP server answered with an error", "see the log of that server"},
	{"PXE-E3B", judge.FileNotFound, "the TFTP server has no such file", "check the path, its case and slashes, and the folder that the server serves"},
	{"PXE-T01", judge.FileNotFound, "the TFTP server has no such file", "check the path, its case and slashes, and the folder that the server serves"},
	{"PXE-E61", judge.NoLink, "its card sees no link", "check the cable and the port; on a switch with spanning tree let the port forward at once (portfast)"},
	{"PXE-E74", judge.NoMenu, "the boot menu or its prompt (option 43, tags 9 and 10) is missing or malformed", "send both, or name the file and set bit 3 of the discovery control"},
	{"PXE-E76", judge.NoDiscoveryGroup, "discovery by multicast is allowed and the group (option 43, tag 7) is missing or malformed", "name the group, or forbid multicast (tag 6, bit 1)"},
	{"PXE-E77", judge.TypeNotListed, "the list of boot servers (option 43, tag 8) is missing or malformed", "list a server for each type in the menu"},
	{"PXE-E78", judge.BootServerSilent, "no boot server answered", "run a boot server of that type, answering by unicast to the port it was asked from"},
	{"PXE-E79", judge.ImageRefused, "the boot program is too big for the memory below 640 KiB", "serve a smaller first program, such as pxelinux.0 or undionly.kpxe"},
}

// textAnswer explains the last line of a console in which such a ROM says why it gave up; ok is false if none does.
func textAnswer(lines []string) (a Answer, ok bool) {
	for i, line := range lines {
		for _, t := range texts {
			if strings.Contains(line, t.sign+":") {
				a, ok = Answer{Cause: t.cause, What: t.what, Do: t.do, See: specs[t.cause],
					Evidence: []judge.Evidence{{Text: fmt.Sprintf("console line %d: %s", i+1, strings.TrimSpace(line))}}}, true
			}
		}
	}
	return a, ok
}

// Console explains a console alone: what little its last complaint tells.
func Console(lines []string) Explanation {
	x := Explanation{Machine: "the machine", Boot: 1, Client: "unknown", End: Unclear,
		Summary: "no line of this console is a complaint that is known; capture the packets of its boot, too (tcpdump -s 0)"}
	if a, ok := textAnswer(lines); ok {
		x.End, x.Answers, x.Summary = Stopped, []Answer{a}, fmt.Sprintf("the machine stopped: %s", a.What)
	}
	for i, line := range lines {
		if complains(line) {
			x.Steps = append(x.Steps, Step{Seq: i + 1, Text: "its console says: " + strings.TrimSpace(line)})
		}
	}
	return x
}
