package judge

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/topology"
)

// linux is the report of a Linux; replace changes lines of it, as in reports.
func (s *script) linux(replace ...string) *script {
	lines := []string{
		"PXELAB-OS v1 kernel=6.1.0-25-cloud-amd64 fw=" + startedBy[s.guest.Arch] + " nonce=" + nonce,
		"PXELAB-OS smbios uuid=" + s.guest.UUID,
		"PXELAB-OS nic name=eth0 mac=" + s.guest.MAC,
		"PXELAB-OS cmdline=BOOT_IMAGE=linux/vmlinuz console=ttyS0 BOOTIF=01-" + strings.ReplaceAll(s.guest.MAC, ":", "-"),
		"PXELAB-OS END",
	}
	for _, l := range lines {
		for i := 0; i+1 < len(replace); i += 2 {
			if strings.HasPrefix(l, replace[i]) {
				l = replace[i+1]
			}
		}
		if l != "" {
			s.after(20 * ms).say(l)
		}
	}
	return s
}

// asIPXE is the DISCOVER of a program that is iPXE, before those of dora.
func (s *script) asIPXE() *script {
	return s.sends(event.DHCP{Type: "DISCOVER", UserClass: "iPXE"})
}

// loads boots PXELINUX, which fetches these files one after the other, and then the report follows.
func loads(files []string, replace ...string) func(*script) *script {
	return func(s *script) *script {
		s.firmware().dora("pxelinux.0").fetches("pxelinux.0").say("PXELINUX 6.04")
		for _, f := range files {
			s.fetches(f)
		}
		return s.linux(replace...).off()
	}
}

var linuxFiles = []string{"ldlinux.c32", "pxelinux.cfg/default", images.KernelFile, images.InitrdFile}

func osIs(x topology.OS) []topology.Expectation { return one(topology.Expectation{OS: &x}) }
func fetched(files ...string) []topology.Expectation {
	return one(topology.Expectation{Fetched: files})
}

var loadedClaims = []claims{
	{"os", "bios", osIs(topology.OS{}), loads(linuxFiles), true, "ran Linux 6.1.0-25-cloud-amd64"},
	{"os/all of it", "bios", osIs(topology.OS{Cmdline: "^BOOT_IMAGE=linux/vmlinuz ", BootIF: true, From: "tftp"}), loads(linuxFiles), true, "started by bios"},
	{"os/none", "bios", osIs(topology.OS{}), nil, false, "no Linux reported"},
	{"os/another nonce", "bios", osIs(topology.OS{}), loads(linuxFiles, "PXELAB-OS v1", "PXELAB-OS v1 kernel=6.1 fw=bios nonce=OLDOLDOLDOLDOLD0"), false, "not told this run's configuration"},
	{"os/no nonce", "bios", osIs(topology.OS{}), loads(linuxFiles, "PXELAB-OS v1", "PXELAB-OS v1 kernel=6.1 fw=bios nonce="), false, `has nonce ""`},
	{"os/unfinished", "bios", osIs(topology.OS{}), loads(linuxFiles, "PXELAB-OS END", ""), false, "did not finish it"},
	{"os/another firmware", "bios", osIs(topology.OS{}), loads(linuxFiles, "PXELAB-OS v1", "PXELAB-OS v1 kernel=6.1 fw=efi64 nonce="+nonce), false, `started by "efi64"`},
	{"os/mixed mode", "ia32", osIs(topology.OS{}), loads(linuxFiles), true, "started by efi32"},
	{"os/another machine", "bios", osIs(topology.OS{}), loads(linuxFiles, "PXELAB-OS smbios", "PXELAB-OS smbios uuid=0f0f0f0f-0000-4000-8000-000000000001"), false, "has UUID"},
	{"os/another command line", "bios", osIs(topology.OS{Cmdline: "root="}), loads(linuxFiles), false, "does not match"},
	{"os/not a pattern", "bios", osIs(topology.OS{Cmdline: "("}), loads(linuxFiles), false, "no regular expression"},
	{"os/no BOOTIF", "bios", osIs(topology.OS{BootIF: true}), loads(linuxFiles, "PXELAB-OS cmdline", "PXELAB-OS cmdline=quiet"), false, "no BOOTIF"},
	{"os/BOOTIF with colons", "bios", osIs(topology.OS{BootIF: true}), loads(linuxFiles, "PXELAB-OS cmdline", "PXELAB-OS cmdline=BOOTIF=01-52:54:00:70:78:01"), false, "in dashes"},
	{"os/BOOTIF of another card", "bios", osIs(topology.OS{BootIF: true}), loads(linuxFiles, "PXELAB-OS cmdline", "PXELAB-OS cmdline=BOOTIF=01-52-54-00-70-78-02"), false, "booted from 52:54:00:70:78:01"},
	{"os/no driver", "bios", osIs(topology.OS{BootIF: true}), loads(linuxFiles, "PXELAB-OS nic", ""), false, "has no driver"},
	{"os/BOOTIF not claimed", "bios", osIs(topology.OS{}), loads(linuxFiles, "PXELAB-OS nic", ""), true, ""},
	{"os/another service", "bios", osIs(topology.OS{From: "dhcp"}), loads(linuxFiles), false, `not by "dhcp"`},
	{"os/the kernel came from nowhere", "bios", osIs(topology.OS{}), loads(linuxFiles[:2]), false, `"linux/vmlinuz" did not cross the wire whole`},

	{"fetched", "bios", fetched("pxelinux.0", "pxelinux.cfg/default", "linux/initrd.gz"), loads(linuxFiles), true, "in this order"},
	{"fetched/slash", "bios", fetched("/pxelinux.0"), loads(linuxFiles), true, ""},
	{"fetched/another order", "bios", fetched("linux/initrd.gz", "linux/vmlinuz"), loads(linuxFiles), false, `had "linux/vmlinuz" before "linux/initrd.gz"`},
	{"fetched/never asked for", "bios", fetched("pxelinux.0", "menu.c32"), loads(linuxFiles[:1]), false, `never asked for "menu.c32"; it fetched pxelinux.0, ldlinux.c32`},
	{"fetched/half", "bios", fetched("pxelinux.0", "linux/vmlinuz"), func(s *script) *script {
		s.firmware().dora("pxelinux.0").fetches("pxelinux.0").asks("RRQ", "linux/vmlinuz", event.TFTP{})
		return s.gets("DATA", "linux/vmlinuz", event.TFTP{Block: 1, Bytes: 512}).stalls(event.StageStarted)
	}, false, "did not get it whole; it fetched pxelinux.0"},
	{"fetched/nothing", "bios", fetched("pxelinux.0"), noServer, false, "it fetched nothing"},

	{"implied/linux", "bios", nil, loads(linuxFiles), true, "reached reported"},
	{"implied/unfinished linux", "bios", nil, loads(linuxFiles, "PXELAB-OS END", ""), false, "did not boot"},
}

func TestLoaded(t *testing.T) {
	for _, c := range loadedClaims {
		t.Run(c.name, func(t *testing.T) {
			p := expecting(c.guest, c.expect...)
			for i := range p.Guests {
				p.Guests[i].UUID = "70786c61-6200-4c61-8000-525400707801"
			}
			s := newScript(p, c.guest)
			run := *s.events[0].Run
			for _, f := range []string{images.KernelFile, images.InitrdFile} {
				run.Images = append(run.Images, event.Image{Name: images.LinuxName, File: f, Size: 8192})
			}
			s.events[0].Run = &run
			if c.script == nil {
				c.script = reporting()
			}
			v := verdictsOf(c.guest, Judge(p, c.script(s).events))[0]
			if v.Pass != c.pass || !strings.Contains(v.Sentence, c.says) {
				t.Errorf("%s: pass %t, %q; want pass %t, saying %q", v.Expectation, v.Pass, v.Sentence, c.pass, c.says)
			}
		})
	}
}
