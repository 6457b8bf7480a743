package images

import (
	"slices"
	"strings"
	"testing"
)

func TestByFile(t *testing.T) {
	for file, want := range map[string]string{"probe.0": "probe", "grub-ia32.efi": "grub", "ldlinux.c32": "pxelinux", KernelFile: LinuxName} {
		if m, ok := ByFile(file); !ok || m.Name != want {
			t.Errorf("%s is of image %q (%t), want %q", file, m.Name, ok, want)
		}
	}
	if m, ok := ByFile("nosuch.0"); ok {
		t.Errorf("nosuch.0 is %v", m)
	}
}

// Each file is known by its name on the wire, so no two images may share one.
func TestFilesAreDistinct(t *testing.T) {
	seen := map[string]Image{}
	for _, m := range append(Catalogue(), HostFiles()...) {
		if other, dup := seen[m.File]; dup {
			t.Errorf("%v and %v are served under the same name", m, other)
		}
		seen[m.File] = m
		if shipped := m.Bytes() != nil; shipped == m.HostMade() {
			t.Errorf("%v: shipped %t, made from the host %t", m, shipped, m.HostMade())
		}
	}
}

func TestCompanions(t *testing.T) {
	var got []string
	for _, m := range Companions("pxelinux.0") {
		got = append(got, m.File)
	}
	if want := []string{"ldlinux.c32", "pxelinux.cfg/default", KernelFile, InitrdFile}; !slices.Equal(got, want) {
		t.Errorf("pxelinux.0 fetches %v, want %v", got, want)
	}
	for _, file := range []string{"probe.0", "snponly.efi", "nosuch.0"} {
		if got := Companions(file); got != nil {
			t.Errorf("%s fetches %v, want nothing", file, got)
		}
	}
}

// A configuration names the files that are served beside it, and carries the nonce.
func TestConfigFile(t *testing.T) {
	for _, file := range []string{"pxelinux.cfg/default", "grub/grub.cfg", "linux.ipxe"} {
		b, ok := ConfigFile(file, testNonce)
		text := string(b)
		for _, want := range []string{KernelFile, InitrdFile, " pxelab.nonce=" + testNonce, "console=ttyS0"} {
			if !ok || !strings.Contains(text, want) {
				t.Errorf("%s does not say %q:\n%s", file, want, text)
			}
		}
		if strings.Contains(text, "%!") {
			t.Errorf("%s is not whole:\n%s", file, text)
		}
	}
	if b, ok := ConfigFile("other.cfg", testNonce); ok {
		t.Errorf("other.cfg says %q", b)
	}
}

func TestParseOSLine(t *testing.T) {
	for line, want := range map[string]Line{
		"PXELAB-OS v1 kernel=6.1.0 fw=bios nonce=\r":         {"os", map[string]string{"kernel": "6.1.0", "fw": "bios", "nonce": ""}},
		"PXELAB-OS nic name=eth0 mac=52:54:00:70:78:01":      {"nic", map[string]string{"name": "eth0", "mac": "52:54:00:70:78:01"}},
		"PXELAB-OS cmdline=a=b c  d=1 \"e f\"":               {"cmdline", map[string]string{"cmdline": "a=b c  d=1 \"e f\""}},
		"PXELAB-OS END":                                      {"end", map[string]string{}},
		"PXELAB-OS module name=virtio.ko error=no_such_file": {"module", map[string]string{"name": "virtio.ko", "error": "no_such_file"}},
	} {
		got, ok := ParseOSLine(line)
		if !ok || got.Key != want.Key || len(got.Fields) != len(want.Fields) {
			t.Errorf("%q is %v (%t), want %v", line, got, ok, want)
		}
		for k, v := range want.Fields {
			if got.Fields[k] != v {
				t.Errorf("%q: %s is %q, want %q", line, k, got.Fields[k], v)
			}
		}
	}
	for _, line := range []string{"", "PXELAB-OS", "PXELAB-OS v1 kernel", "PXELAB-PROBE END", "x PXELAB-OS END", "PXELAB-OS nic name=a name=b", "PXELAB-OS Nic name=a"} {
		if got, ok := ParseOSLine(line); ok {
			t.Errorf("%q is taken for %v", line, got)
		}
	}
}

func FuzzParseOSLine(f *testing.F) {
	f.Add("PXELAB-OS v1 kernel=6.1.0 fw=bios nonce=ABCDEFGH23456789")
	f.Add("PXELAB-OS cmdline=BOOT_IMAGE=linux/vmlinuz BOOTIF=01-52-54-00-70-78-01")
	f.Add("PXELAB-OS END")
	f.Fuzz(func(t *testing.T, line string) {
		l, ok := ParseOSLine(line)
		if !ok {
			return
		}
		if l.Fields == nil || !isKey(l.Key) {
			t.Errorf("%q gives %#v", line, l)
		}
		if _, probe := ParseLine(line); probe {
			t.Errorf("%q is a line of a probe, too", line)
		}
	})
}
