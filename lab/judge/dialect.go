package judge

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// whose finds the service that a remedy is for; empty if it is none of the lab's.
type whose func(*boot) string

// dialects say what to do in the words of the server that has to be changed, where it is one of those by its program's
// name.
var dialects = []struct {
	reason  Reason
	program string
	of      whose
	remedy  func(*boot) string
}{
	{WrongArch, "dnsmasq", (*boot).namer, func(b *boot) string {
		return fmt.Sprintf("dnsmasq chooses by tag: dhcp-match=set:ARCH,option:client-arch,%d and dhcp-boot=tag:ARCH,FILE", b.archSent())
	}},
	{WrongArch, "kea-dhcp4", (*boot).namer, func(b *boot) string {
		return fmt.Sprintf(`Kea chooses by client class: one with "test": "option[93].hex == 0x%04x" and the "boot-file-name" for %s`, b.archSent(), b.guest.Arch)
	}},
	{WrongArch, "dhcpd", (*boot).namer, func(b *boot) string {
		return fmt.Sprintf(`dhcpd chooses by option 93: "option arch code 93 = unsigned integer 16;", then if option arch = 00:%02x { filename ...; }`, b.archSent())
	}},
	{NoMenu, "dnsmasq", (*boot).teller, func(b *boot) string {
		return fmt.Sprintf(`dnsmasq has no pxe-service for machines that send %d in option 93: add pxe-service=%s,"TEXT",FILE, where TEXT is what a menu shows and FILE is the %s program`,
			b.archSent(), serviceNames[b.guest.Arch], b.guest.Arch)
	}},
	{NoMenu, "dhcpd", (*boot).teller, func(*boot) string {
		return "dhcpd sends option 43 by vendor-option-space: with a filename let its tag 6 be 8 (boot that file at once), or take it out"
	}},
	{NoMenu, "kea-dhcp4", (*boot).teller, func(*boot) string {
		return "Kea sends option 43 by vendor-encapsulated-options: with a boot-file-name let its tag 6 be 8 (boot that file at once), or take it out"
	}},
	{ChainLoop, "dhcpd", (*boot).namer, func(b *boot) string {
		return fmt.Sprintf(`dhcpd must ask for iPXE first, and for that alone, as iPXE says architecture %d like the firmware: `+
			`if exists user-class and option user-class = "iPXE" { filename ...; } elsif option arch ...`, b.archSent())
	}},
	{ChainLoop, "dnsmasq", (*boot).namer, func(*boot) string {
		return "dnsmasq tells iPXE by its user class: dhcp-userclass=set:ipxe,iPXE and dhcp-boot=tag:ipxe,SCRIPT, with tag:!ipxe on the lines for firmware"
	}},
	{ChainLoop, "kea-dhcp4", (*boot).namer, func(*boot) string {
		return `Kea tells iPXE by its user class: a client class with "test": "option[77].hex == 'iPXE'" and its own boot-file-name, ` +
			`and "not member('ipxe')" in the tests for firmware`
	}},
	{NoBootfile, "kea-dhcp4", (*boot).namelessServer, keaNextServer},
	{NoBootfile, "dhcpd", (*boot).namelessServer, dhcpdNextServer},
	{TFTPSilent, "kea-dhcp4", (*boot).namelessServer, keaNextServer},
	{TFTPSilent, "dhcpd", (*boot).namelessServer, dhcpdNextServer},
	{ProxySilent, "dnsmasq", (*boot).asked4011, func(*boot) string {
		return "dnsmasq listens on port 4011 only if it has a pxe-service: take dhcp-option=60,PXEClient out, " +
			"or let it say that the named file is to be booted at once: dhcp-option-force=vendor:PXEClient,6,8b"
	}},
	{ProxySilent, "dhcpd", (*boot).asked4011, func(b *boot) string {
		return `take option vendor-class-identifier "PXEClient" out of dhcpd's configuration` + b.thenObeys()
	}},
	{ProxySilent, "kea-dhcp4", (*boot).asked4011, func(b *boot) string {
		return "take vendor-class-identifier out of Kea's option-data" + b.thenObeys()
	}},
	{TFTPSilent, "dnsmasq", (*boot).runs, func(*boot) string {
		return "dnsmasq serves files only with enable-tftp, and only where interface=, listen-address= and enable-tftp=INTERFACE let it: look at these"
	}},
	{FileNotFound, "in.tftpd", (*boot).server, func(*boot) string {
		return "put the file below the folder that in.tftpd is given after --secure, or give it the folder that has it"
	}},
	{FileNotFound, "nginx", (*boot).server, nginxRoot},
	{TFTPNoTsize, "atftpd", (*boot).server, func(*boot) string { return "start atftpd without --no-tsize" }},
}

// nginxRoot says where nginx looks for the file that it does not have.
func nginxRoot(b *boot) string {
	t := b.lastTransfer()
	return fmt.Sprintf("put %s below the folder that \"root\" names in nginx's server block for %s, or let \"root\" name the folder that has it",
		strings.TrimLeft(t.file, "/"), t.asked[0].Packet.Dst)
}

func keaNextServer(b *boot) string {
	return fmt.Sprintf(`write "next-server": "%s" beside each "boot-file-name"%s`, event.AddressOr(b.onlyTFTP(), "ADDRESS"), b.whoseAddress())
}

func dhcpdNextServer(b *boot) string {
	return fmt.Sprintf("write next-server %s; beside each filename%s", event.AddressOr(b.onlyTFTP(), "ADDRESS"), b.whoseAddress())
}

// whoseAddress says what ADDRESS stands for in a line of configuration, if it does.
func (b *boot) whoseAddress() string {
	if b.onlyTFTP() != "" {
		return ""
	}
	return ", where ADDRESS is that of the TFTP server"
}

// fileHost names the TFTP server, with its address if it is known.
func (b *boot) fileHost() string {
	if a := b.onlyTFTP(); a != "" {
		return "the TFTP server (" + a + ")"
	}
	return "the TFTP server"
}

// fileHostOrNone is fileHost, where a lab may have no TFTP server at all.
func (b *boot) fileHostOrNone() string {
	may := slices.ContainsFunc(b.t.plan.Services, func(s plan.Service) bool { return s.Server != nil && s.Server.TFTP != nil || foreign(&s) })
	if may || b.guest.Network == "" {
		return b.fileHost()
	}
	return "the address of a TFTP server that has it (there is none in this lab: start one)"
}

// onlyTFTP is the address of the lab's TFTP server; empty if it has several, or none that its topology tells.
func (b *boot) onlyTFTP() string {
	only := ""
	for _, s := range b.t.plan.Services {
		if !s.Address.IsValid() || (s.Server == nil || s.Server.TFTP == nil) && !b.t.opened(&s, "udp", portTFTP) {
			continue
		}
		if only != "" {
			return ""
		}
		only = s.Address.Addr().String()
	}
	return only
}

// serviceNames are dnsmasq's client system types, which pxe-service wants.
var serviceNames = map[string]string{"bios": "x86PC", "efi-ia32": "IA32_EFI", "efi-x64": "X86-64_EFI", "efi-bc": "BC_EFI", "efi-aa64": "ARM64_EFI"}

// dialect is what to do about a reason in the words of the server; empty if there are no better ones than the rule's.
func (b *boot) dialect(r Reason) string {
	for _, d := range dialects {
		if d.reason == r && b.program(d.of(b)) == d.program {
			return d.remedy(b)
		}
	}
	return ""
}

// program is the name of the program that a service is, if it is none of ours.
func (b *boot) program(service string) string { return programOf(b.t.plan, service) }

func programOf(p *plan.Plan, service string) string {
	for _, s := range p.Services {
		if s.Name == service && s.Exec != nil && len(s.Exec.Argv) > 0 {
			return path.Base(s.Exec.Argv[0])
		}
	}
	return ""
}

// archSent is the first client architecture that the boot sent (option 93).
func (b *boot) archSent() int {
	if own, ok := b.introduced(); ok && len(own.Packet.DHCP.Archs) > 0 {
		return own.Packet.DHCP.Archs[0]
	}
	return 0
}

// sentBy is the service that sent the last DHCP message which is picked.
func (b *boot) sentBy(pick func(*event.DHCP) bool) string {
	if list := b.dhcp(false, pick); len(list) > 0 {
		return list[len(list)-1].Service
	}
	return ""
}

// namer is who named the file that was asked for last.
func (b *boot) namer() string {
	t := b.lastTransfer()
	return b.sentBy(func(d *event.DHCP) bool { return t != nil && d.File != "" && sameFile(d.File, t.file) })
}

// whoNamed names who named a file, as sentences do.
func (b *boot) whoNamed(file string) string {
	if list := b.dhcp(false, func(d *event.DHCP) bool { return d.File != "" && sameFile(d.File, file) }); len(list) > 0 {
		return b.sender(list[len(list)-1])
	}
	return "the DHCP server"
}

// namelessServer is who named a file without saying where it is.
func (b *boot) namelessServer() string {
	return b.sentBy(namesNoServer)
}

// server is who was asked for a file last.
func (b *boot) server() string {
	if t := b.lastTransfer(); t != nil {
		return b.serviceName(t)
	}
	return ""
}

// runs is who was asked for a file last, if it has not ended.
func (b *boot) runs() string {
	if name := b.server(); b.t.gone[name] == nil {
		return name
	}
	return ""
}

// teller is whose option 43 counts.
func (b *boot) teller() string {
	e, _ := b.told()
	return e.Service
}

// asked4011 is the service at whose port 4011 the boot asked.
func (b *boot) asked4011() string {
	for _, e := range b.dhcp(true, func(d *event.DHCP) bool { return d.DstPort == portBINL }) {
		for _, s := range b.t.plan.Services {
			if b.t.isAt(s, event.HostOf(e.Packet.Dst)) && s.Host == "" {
				return s.Name
			}
		}
	}
	return ""
}
