package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/judge"
)

// texts are what clients say when they give up, and what that means: first ROMs that no lab can boot, Intel's and those made after
// it (PXE 2.1 appendix C and Intel's Boot Agent documentation number them), then EDK2's client (UefiPxeBcDxe's PxeBcBoot.c) and iPXE
// (src/include/errno.h), then others on the way. Rows of one sign that all apply are several causes, the likeliest first.
var texts = []struct {
	sign     string // in the line that counts
	after    string // in an earlier line of the same attempt; empty: whatever came before
	unless   string // in no earlier line of it; empty: whatever came before
	cause    judge.Reason
	what, do string
}{
	{"PXE-E51:", "", "", judge.NoOffer, "no DHCP server and no proxyDHCP server answered it", "see whether its DHCPDISCOVER reaches a server: cable, VLAN, spanning tree, relay, firewall (UDP 67)"},
	{"PXE-E52:", "", "", judge.NoOffer, "a proxyDHCP server answered it and no DHCP server did, so it has no address", "run a DHCP server on its segment, or let a relay reach it"},
	{"PXE-E53:", "", "NBP filename is ", judge.NoBootfile, "it was offered an address and nobody named a boot file", "name a boot file for its architecture (option 93), or run a proxyDHCP service"},
	{"PXE-E53:", "Station IP address is ", "NBP filename is ", judge.AnswerIgnored, "it chose a boot server from a menu, and what answered is not in the list of servers or names no file", "list each boot server in tag 8 of option 43, and have it name the file for this architecture"},
	{"PXE-E55:", "", "", judge.ProxySilent, "a server said PXEClient in option 60 and its port 4011 did not answer", "run a proxyDHCP service there on UDP 4011, or take option 60 (PXEClient) out of the offers of that server"},
	{"PXE-E11:", "", "", judge.TFTPSilent, "nobody answered its ARP request for the server's address, or for the router's", "check next server (siaddr), router and netmask in the DHCP reply, and that the host is up"},
	{"PXE-E32:", "", "", judge.TFTPSilent, "the TFTP server did not answer its request", "start the TFTP server at next server (siaddr), or open UDP 69 and the ports it answers from"},
	{"PXE-E36:", "", "", judge.TFTPError, "the TFTP server answered with an error", "see the log of that server"},
	{"PXE-E3B:", "", "", judge.FileNotFound, "the TFTP server has no such file", "check the path, its case and slashes, and the folder that the server serves"},
	{"PXE-T01:", "", "", judge.FileNotFound, "the TFTP server has no such file", "check the path, its case and slashes, and the folder that the server serves"},
	{"PXE-E61:", "", "", judge.NoLink, "its card sees no link", "check the cable and the port; on a switch with spanning tree let the port forward at once (portfast)"},
	{"PXE-E74:", "", "", judge.NoMenu, "the boot menu or its prompt (option 43, tags 9 and 10) is missing or malformed", "send both, or name the file and set bit 3 of the discovery control"},
	{"PXE-E76:", "", "", judge.NoDiscoveryGroup, "discovery by multicast is allowed and the group (option 43, tag 7) is missing or malformed", "name the group, or forbid multicast (tag 6, bit 1)"},
	{"PXE-E77:", "", "", judge.TypeNotListed, "the list of boot servers (option 43, tag 8) is missing or malformed", "list a server for each type in the menu"},
	{"PXE-E78:", "", "", judge.BootServerSilent, "no boot server answered", "run a boot server of that type, answering by unicast to the port it was asked from"},
	{"PXE-E79:", "", "", judge.ImageRefused, "the boot program is too big for the memory below 640 KiB", "serve a smaller first program, such as pxelinux.0 or undionly.kpxe"},
	{"PXE-E53:", "NBP filename is ", "", judge.TFTPNoTsize, "the TFTP server did not tell the size of the file, without which it does not download; a name it had", "use a TFTP server that grants tsize (RFC 2349), or send DHCP option 13"},
	{"PXE-E18:", "", "Station IP address is ", judge.NoOffer, "no DHCP server answered it", "see whether its DHCPDISCOVER reaches a server: cable, VLAN, spanning tree, relay, firewall (UDP 67)"},
	{"PXE-E18:", "", "Station IP address is ", judge.OfferRefused, "offers came and it dropped each without a word, as it does when option 43 cannot be read", "capture the packets; write option 43 as tags with their lengths, ended by 255"},
	{"PXE-E18:", "Downloading NBP file", "", judge.TFTPStopped, "the TFTP server fell silent in the middle of the file", "see the log of that server, and whether packets of the size agreed on pass"},
	{"PXE-E18:", "NBP filename is ", "Downloading NBP file", judge.TFTPSilent, "the TFTP server did not answer its request", "start the TFTP server at next server (siaddr), or open UDP 69 and the ports it answers from"},
	{"PXE-E16:", "", "Station IP address is ", judge.NoBootfile, "servers offered it addresses and nobody named a boot file", "name a boot file for its architecture (option 93), or run a proxyDHCP service"},
	{"PXE-E16:", "", "Station IP address is ", judge.NoClass, "a proxyDHCP service named one and left option 60 out, so that it did not count", "have that service send PXEClient in option 60 (vendor class identifier)"},
	{"PXE-E16:", "", "Station IP address is ", judge.NoAck, "it took an offer, and no server confirmed the address", "leave one server in charge of this network's addresses: a proxyDHCP service offers none"},
	{"PXE-E16:", "Station IP address is ", "", judge.ProxySilent, "it has an address, and port 4011 of a server that said PXEClient in option 60 did not answer", "run a proxyDHCP service there on UDP 4011, or take option 60 (PXEClient) out of the offers of that server"},
	{"PXE-E16:", "Station IP address is ", "", judge.BootServerSilent, "it chose a boot server from a menu, and none answered", "run a boot server of that type, answering by unicast to the port it was asked from"},
	{"PXE-E22:", "NBP filename is ", "", judge.TFTPSilent, "the host that it asked for the file says that nobody listens there (ICMP)", "start the TFTP server there, or name another host in next server (siaddr)"},
	{"PXE-E23:", "NBP filename is ", "", judge.FileNotFound, "the TFTP server refused the file, mostly because it has none of that name", "check the path, its case and slashes, and the folder that the server serves"},
	{"PXE-E23:", "NBP filename is ", "", judge.TFTPError, "the TFTP server refused it for another reason, such as its permissions", "see the log of that server"},
	{"PXE-E05:", "NBP filename is ", "", judge.ImageRefused, "DHCP option 13 says that the file is smaller than it is", "take option 13 (boot file size) out of the settings of the DHCP server, or set it to the file's size in blocks of 512 octets, rounded up"},
	{"http://ipxe.org/040ee1", "", "", judge.NoOffer, "no DHCP server answered it", "see whether its DHCPDISCOVER reaches a server: cable, VLAN, spanning tree, relay, firewall (UDP 67)"},
	{"http://ipxe.org/040ee1", "", "", judge.NoAck, "a server offered it an address and did not confirm it", "see the log of that server; a BOOTP server has to answer every request"},
	{"http://ipxe.org/2d1260", "", "", judge.FileNotFound, "the TFTP server has no such file", "check the path, its case and slashes, and the folder that the server serves"},
	{"http://ipxe.org/4c1260", "", "", judge.TFTPSilent, "the TFTP server did not answer its request", "start the TFTP server at next server (siaddr), or open UDP 69 and the ports it answers from"},
	{"http://ipxe.org/4c1260", "", "", judge.TFTPStopped, "the TFTP server fell silent in the middle of the file", "see the log of that server, and whether packets of the size agreed on pass"},
	{"http://ipxe.org/4c1060", "PXEBS (", "", judge.BootServerSilent, "no boot server answered", "run a boot server of that type, answering by unicast to the port it was asked from"},
	{"http://ipxe.org/4c1060", "PXEBS (", "", judge.AnswerIgnored, "a boot server answered in a way that it does not take", "have it answer by unicast, to the address and port that the request came from, and repeat tag 71 of option 43"},
	{"http://ipxe.org/2e0080", "", "", judge.WrongArch, "the file is no program for this machine", "have the DHCP server choose the file by option 93"},
	{"Security Violation", "", "", judge.ImageRefused, "Secure Boot did not accept the signature of a program", "sign it with a key that the firmware, or shim, knows"},
	{"\"EFI Internal Shell\"", "", ">>Start ", judge.NoLink, "its firmware went to its shell without trying the network", "give it a source of random numbers (virtio-rng, or a processor with RDRAND), without which EDK2 has offered no network boot since 2024; check that it has a driver for the card, and its boot order"},
}

// attempt is the part of a console that tells of the last boot over IPv4: what EDK2 says over IPv6 and HTTP comes after it has failed.
func attempt(lines []string) (from, to int) {
	to = len(lines)
	for i, line := range lines {
		switch {
		case strings.Contains(line, ">>Start PXE over IPv4"), strings.Contains(line, "iPXE initialising devices"):
			from, to = i, len(lines)
		case to == len(lines) && (strings.Contains(line, ">>Start PXE over IPv6") || strings.Contains(line, ">>Start HTTP Boot over")):
			to = i
		}
	}
	return from, to
}

// textAnswers explain the last line of a console in which a client says why it gave up; none if no such line is known.
func textAnswers(lines []string) []Answer {
	from, to := attempt(lines)
	for i := to - 1; i >= from; i-- {
		if list := meanings(lines[from:i+1], i+1); len(list) > 0 && !goneOn(lines[i+1:]) {
			return list
		}
	}
	return nil
}

// goneOn tells whether a client got a program after all, such as over IPv6 once IPv4 had failed.
func goneOn(lines []string) bool {
	return slices.ContainsFunc(lines, func(line string) bool {
		return strings.Contains(line, "NBP file downloaded successfully") || strings.HasSuffix(strings.TrimSpace(line), "... ok") ||
			strings.Contains(line, "BdsDxe: starting Boot") && strings.Contains(line, `"UEFI `)
	})
}

// meanings are what the last of these lines may mean after the others.
func meanings(lines []string, number int) []Answer {
	var out []Answer
	last, before := lines[len(lines)-1], strings.Join(lines, "\n")
	for _, t := range texts {
		if !strings.Contains(last, t.sign) || !strings.Contains(before, t.after) || t.unless != "" && strings.Contains(before, t.unless) {
			continue
		}
		out = append(out, Answer{Cause: t.cause, What: t.what, Do: t.do, See: specs[t.cause],
			Evidence: []judge.Evidence{{Text: fmt.Sprintf("console line %d: %s", number, strings.TrimSpace(last))}}})
	}
	for i := range out[min(1, len(out)):] {
		out[i+1].Evidence = nil // the same line
	}
	return out
}

// fits takes what the last complaint of a console may mean. Where that is more than one thing it is said, as only packets decide.
func (x *Explanation) fits(stopped string, list []Answer) {
	x.End, x.Answers, x.Summary = Stopped, list, fmt.Sprintf("%s: %s", stopped, list[0].What)
	if len(list) > 1 {
		x.Summary = fmt.Sprintf("%s, and what its console says fits %d causes, which only its packets tell apart; the likeliest: %s", stopped, len(list), list[0].What)
	}
}

// Console explains a console alone: what little its last complaint tells.
func Console(lines []string) Explanation {
	x := Explanation{Machine: "the machine", Boot: 1, Client: "unknown", End: Unclear,
		Summary: "no line of this console is a complaint that is known; capture the packets of its boot, too (tcpdump -s 0)"}
	if list := textAnswers(lines); len(list) > 0 {
		x.fits("the machine stopped", list)
	}
	for i, line := range lines {
		if complains(line) {
			x.Steps = append(x.Steps, Step{Seq: i + 1, Text: "its console says: " + strings.TrimSpace(line)})
		}
	}
	return x
}
