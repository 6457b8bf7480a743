package host

import (
	"fmt"
	"strings"
	"testing"
)

// describe writes a descriptor of an OVMF with its code and variables under dir.
func describe(dir, arch, machine string, features ...string) string {
	return fmt.Sprintf(`{"description": "OVMF in %[1]s", "interface-types": ["uefi"],
		"mapping": {"device": "flash", "executable": {"filename": "%[1]s/code", "format": "raw"},
			"nvram-template": {"filename": "%[1]s/vars", "format": "raw"}},
		"targets": [{"architecture": %[2]q, "machines": [%[3]q]}], "features": ["%[4]s"]}`,
		dir, arch, machine, strings.Join(features, `", "`))
}

// TestDescriptorOrder holds the interop order: by file name over all directories, the more specific directory
// masking, an empty file only masking; and ours above it: no Secure Boot first.
func TestDescriptorOrder(t *testing.T) {
	const (
		system = "usr/share/qemu/firmware/"
		admin  = "etc/qemu/firmware/"
		user   = "home/me/.config/qemu/firmware/"
	)
	images := map[string]string{}
	for _, d := range []string{"a", "b", "c"} {
		images[d+"/code"], images[d+"/vars"] = "x", "x"
	}
	plain := func(dir string) string { return describe(dir, "x86_64", "pc-q35-*") }
	cases := []struct {
		name  string
		files map[string]string
		want  string // code
	}{
		{"lowest name first", map[string]string{system + "60.json": plain("/b"), system + "50.json": plain("/a")}, "/a/code"},
		{"name before directory", map[string]string{system + "50.json": plain("/a"), user + "60.json": plain("/b")}, "/a/code"},
		{"user before administrator before system", map[string]string{
			system + "50.json": plain("/a"), admin + "50.json": plain("/b"), user + "50.json": plain("/c")}, "/c/code"},
		{"empty file masks", map[string]string{system + "50.json": plain("/a"), admin + "50.json": "", system + "60.json": plain("/b")}, "/b/code"},
		{"secure boot last", map[string]string{system + "50.json": describe("/a", "x86_64", "pc-q35-*", "secure-boot"), system + "60.json": plain("/b")}, "/b/code"},
		{"secure boot when there is nothing else", map[string]string{system + "50.json": describe("/a", "x86_64", "pc-q35-*", "secure-boot")}, "/a/code"},
		{"enrolled keys never", map[string]string{system + "50.json": describe("/a", "x86_64", "pc-q35-*", "enrolled-keys")}, ""},
		{"absent files never", map[string]string{system + "50.json": plain("/absent")}, ""},
		{"other machine never", map[string]string{system + "50.json": describe("/a", "x86_64", "microvm")}, ""},
		{"other architecture never", map[string]string{system + "50.json": describe("/a", "aarch64", "virt-*")}, ""},
		{"bad machine pattern never", map[string]string{system + "50.json": describe("/a", "x86_64", "[")}, ""},
		{"the alias is q35 too", map[string]string{system + "50.json": describe("/a", "x86_64", "q35")}, "/a/code"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for name, data := range images {
				c.files[name] = data
			}
			list, problems := layout(c.files).firmware()
			f, _ := (&Host{Firmware: list}).Boot("ovmf-x64")
			if f.Code != c.want || len(problems) > 0 {
				t.Errorf("chose %q with problems %q, want %q; all: %+v", f.Code, problems, c.want, list)
			}
		})
	}
}

func TestBrokenDescriptor(t *testing.T) {
	m := layout(map[string]string{
		"etc/qemu/firmware/10-broken.json": `{"description": `,
		"etc/qemu/firmware/README":         "not a descriptor",
		"usr/share/OVMF/OVMF_CODE_4M.fd":   "x", "usr/share/OVMF/OVMF_VARS_4M.fd": "x",
	})
	h := m.gather(t.Context())
	if len(h.Problems) != 1 || !strings.Contains(h.Problems[0], "10-broken.json") {
		t.Errorf("problems are %q, want one about 10-broken.json", h.Problems)
	}
	if f, ok := h.Boot("ovmf-x64"); !ok || f.Source != "known path /usr/share/OVMF/OVMF_CODE_4M.fd" {
		t.Errorf("the known path must do without a descriptor; got %+v", f)
	}
	checks := h.Checks()
	if c := checks[len(checks)-1]; c.Name != "descriptor" || c.OK || c.Level != Optional {
		t.Errorf("the doctor's last check is %+v, want the broken descriptor", c)
	}
}

func FuzzDescriptor(f *testing.F) {
	f.Add([]byte(describe("/a", "x86_64", "pc-q35-*", "secure-boot")))
	f.Add([]byte(describe("relative", "i386", "[", "")))
	f.Add([]byte(`{"mapping": {"device": "memory", "filename": "/x"}, "targets": [{}], "interface-types": ["uefi"]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := layout(map[string]string{"usr/share/qemu/firmware/50.json": string(b), "a/code": "x", "a/vars": "x"})
		list, problems := m.firmware()
		if len(list) > 0 && len(problems) > 0 {
			t.Errorf("one file gave firmware %+v and problems %q", list, problems)
		}
		for _, fw := range list {
			if !m.both(fw.Code, fw.Vars) {
				t.Errorf("firmware without files: %+v", fw)
			}
		}
	})
}
