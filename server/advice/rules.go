package advice

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/server/pxe"
)

var rules = []rule{
	{"no boot file", "name a boot file for this architecture (option 93)", "RFC 4578 section 2.1", (*Answer).noFile},
	{"two DHCP servers", "let one server lease addresses on a network: which offer a machine takes is chance", "RFC 2131 section 3.1", (*Answer).twoServers},
	{"boot file not there", "put the file where the TFTP server looks for it, or mend its name", "RFC 1350 section 5", (*Answer).refused},
	{"TFTP silent", "start a TFTP server at that address, or name the right one in siaddr (next-server)", "RFC 1350", (*Answer).silent},
	{"TFTP without options", "use a TFTP server with options (RFC 2347): EDK2 stops without tsize", "RFC 2349", (*Answer).noOptions},
	{"TFTP without tsize", "let the TFTP server answer the option tsize: EDK2 learns the size of its boot file so", "RFC 2349", (*Answer).noSize},
	{"option 13 wrong", "leave option 13 out: EDK2 believes it and asks no more", "RFC 2132 section 3.15", (*Answer).wrongSize},
	{"DHCPACK differs from DHCPOFFER", "name one boot file and one next server in both", "RFC 2131 section 4.3.2", (*Answer).otherAck},
	{"HTTP boot without option 60", "return option 60 HTTPClient to HTTP clients: they drop the offer without", "UEFI 2.10 section 24.7", (*Answer).noHTTPClass},
}

func (a *Answer) noFile() string {
	if _, ok := a.file(); ok || !a.Wanted || len(a.Walk.Offers) == 0 || len(a.Problems) > 0 || a.Walk.Choice.Address != nil {
		return ""
	}
	return fmt.Sprintf("offers: %d, and none of them with a way to boot", len(a.Walk.Offers))
}

func (a *Answer) twoServers() string {
	var who []string
	for _, o := range a.Walk.Offers {
		if from := o.From.Addr().String(); o.YIAddr.IsValid() && !slices.Contains(who, from) {
			who = append(who, from)
		}
	}
	if len(who) < 2 {
		return ""
	}
	slices.Sort(who)
	return strings.Join(who, " and ") + " both offer addresses"
}

func (a *Answer) refused() string {
	if f, ok := a.file(); ok && a.Look != nil && a.Look.Refused != "" {
		return fmt.Sprintf("%s: %s", name(f), a.Look.Refused)
	}
	return ""
}

func (a *Answer) silent() string {
	if f, ok := a.file(); ok && a.Look != nil && a.Look.Silent {
		return name(f) + ": no answer"
	}
	return ""
}

// answered reports whether a file was opened.
func (a *Answer) answered() bool { return a.Look != nil && !a.Look.Silent && a.Look.Refused == "" }

func (a *Answer) noOptions() string {
	if a.answered() && a.Look.Options == nil {
		return fmt.Sprintf("%s sends data at once", a.Walk.File.Server)
	}
	return ""
}

func (a *Answer) noSize() string {
	if _, ok := sizeOf(a.Look); a.answered() && a.Look.Options != nil && !ok {
		return fmt.Sprintf("%s answers other options and not tsize", a.Walk.File.Server)
	}
	return ""
}

func sizeOf(l *Look) (int64, bool) {
	if l == nil {
		return 0, false
	}
	return l.Size()
}

// wrongSize: option 13 counts blocks of 512 octets.
func (a *Answer) wrongSize() string {
	n, ok := sizeOf(a.Look)
	if !ok || a.Walk.File == nil || a.Walk.File.Size == 0 || a.Walk.File.Size == (n+511)/512*512 {
		return ""
	}
	return fmt.Sprintf("%s has %d octets, option 13 says %d", name(*a.Walk.File), n, a.Walk.File.Size)
}

func (a *Answer) otherAck() string {
	offer, ack := a.Walk.Choice.Address, a.Walk.Lease
	if offer == nil || ack == nil || offer.Server() != ack.Server() {
		return ""
	}
	was, errWas := offer.File()
	is, errIs := ack.File()
	if errWas != nil || errIs != nil || was.Name == is.Name && was.Server == is.Server {
		return ""
	}
	return fmt.Sprintf("%s was offered, %s is acknowledged", name(was), name(is))
}

func (a *Answer) noHTTPClass() string {
	if !a.HTTP {
		return ""
	}
	for _, o := range a.Walk.Offers {
		f, err := o.File()
		class, _ := o.Get(pxe.OptClassID)
		if err == nil && strings.HasPrefix(strings.ToLower(f.Name), "http") && !strings.HasPrefix(string(class), "HTTPClient") {
			return fmt.Sprintf("%s names %s and is no HTTPClient's", o.Server(), f.Name)
		}
	}
	return ""
}

var comparisons = []comparison{
	{"nobody answers", "start a DHCP server on this network, or a relay to one", "RFC 2131 section 4.3.1", nobody},
	{"no boot file for anybody", "name boot files in the DHCP server, or start a proxyDHCP service", "PXE 2.1 section 2.2", nothing},
	{"one boot file for unlike machines", "choose the file by option 93: a program for one architecture does not start on another", "RFC 4578 section 2.1", oneFile},
	{"boot file for 9 and not for 7", "configure architecture 7, too: that is what x86-64 firmware sends", "RFC 4578 errata", nineNotSeven},
	{"iPXE loads itself again", "answer user class iPXE (option 77) with what iPXE is to boot: a script or a kernel", "iPXE: breaking the infinite loop", loop},
}

func nobody(all []Answer) (who []string, text string) {
	for _, a := range all {
		if len(a.Walk.Offers) > 0 {
			return nil, ""
		}
		who = append(who, a.String())
	}
	return who, fmt.Sprintf("no offer to any of %d machines", len(all))
}

func nothing(all []Answer) (who []string, text string) {
	offers := 0
	for _, a := range all {
		if offers += len(a.Walk.Offers); a.Walk.Choice.Address != nil {
			return nil, ""
		}
		who = append(who, a.String())
	}
	if offers == 0 {
		return nil, ""
	}
	return who, "there are offers, and none of them with a way to boot"
}

// program is a boot file and whose.
type program struct {
	server netip.Addr
	name   string
}

// oneFile: 7 and 9 are both x86-64. iPXE is left out: a script suits all.
func oneFile(all []Answer) (who []string, text string) {
	told := map[program][]*Answer{}
	for i := range all {
		if f, ok := all[i].file(); ok && !all[i].IPXE {
			p := program{f.Server, f.Name}
			told[p] = append(told[p], &all[i])
			if kind(told[p][0].Arch) != kind(all[i].Arch) {
				text = name(f)
			}
		}
	}
	for _, list := range told {
		if f, _ := list[0].file(); text == name(f) {
			for _, a := range list {
				who = append(who, a.String())
			}
		}
	}
	return who, text
}

// kind takes together the architectures that run the same programs.
func kind(a pxe.Arch) pxe.Arch {
	same := map[pxe.Arch]pxe.Arch{pxe.ArchEFIBC: pxe.ArchEFIX64, pxe.ArchHTTPIA32: pxe.ArchEFIIA32, 16: pxe.ArchEFIX64,
		17: pxe.ArchEFIX64, 18: 10, 19: pxe.ArchEFIAA64, 20: pxe.ArchBIOS, 28: 27}
	if k, ok := same[a]; ok {
		return k
	}
	return a
}

func nineNotSeven(all []Answer) (who []string, text string) {
	var seven, nine *Answer
	for i := range all {
		switch a := &all[i]; {
		case a.IPXE:
		case a.Arch == pxe.ArchEFIX64:
			seven = a
		case a.Arch == pxe.ArchEFIBC:
			nine = a
		}
	}
	if seven == nil || nine == nil {
		return nil, ""
	}
	_, has7 := seven.file()
	f, has9 := nine.file()
	if has7 || !has9 {
		return nil, ""
	}
	return []string{seven.String()}, "9 gets " + name(f) + ", 7 gets none"
}

// loop: that a file is iPXE is known by its name alone.
func loop(all []Answer) (who []string, text string) {
	for i := range all {
		f, ok := all[i].file()
		if !ok || !all[i].IPXE || !isIPXE(f.Name) {
			continue
		}
		who, text = append(who, all[i].String()), name(f)+" is told to iPXE itself"
	}
	return who, text
}

func isIPXE(file string) bool {
	base := strings.ToLower(file[strings.LastIndexByte(file, '/')+1:])
	for _, n := range []string{"undionly", "snponly", "ipxe", "snp.efi"} {
		if strings.HasPrefix(base, n) && !strings.HasSuffix(base, ".ipxe") {
			return true
		}
	}
	return false
}
