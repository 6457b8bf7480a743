package bundle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/server"
)

// chain is a plan of a service with a copied file and a configuration, and of one that has the copy only.
func chain(from string) *plan.Plan {
	p := small()
	p.Services[0].Files = []string{"pxelinux.0", "pxelinux.cfg/default"}
	p.Services[0].Server.DHCP = &server.DHCPConfig{Boot: &server.BootConfig{Files: map[string]string{"bios": "pxelinux.0"},
		IPXE: map[string]string{"bios": "pxelinux.cfg/default"}}}
	p.Services = append(p.Services, plan.Service{Name: "other", Files: []string{"pxelinux.0"}, Server: &server.Config{TFTP: &server.TFTPConfig{}}})
	p.Images = []plan.Image{{Name: "pxelinux", File: "pxelinux.0", Arch: "bios", Made: plan.MadeCopy, From: []string{from}},
		{Name: "pxelinux", File: "pxelinux.cfg/default", Made: plan.MadeConfig}}
	return p
}

func TestPayloads(t *testing.T) {
	const nonce = "ABCDEFGHJKLMNPQR"
	from := filepath.Join(t.TempDir(), "pxelinux.0")
	if err := os.WriteFile(from, []byte("a program"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := chain(from)
	b, err := Create(filepath.Join(t.TempDir(), "bundle"), p, nonce)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.AddPayloads(t.Context(), p, nonce); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"boot/pxelinux.0": "a program", "other/pxelinux.0": "a program", "boot/pxelinux.cfg/default": nonce} {
		data, err := os.ReadFile(b.TFTP(file))
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s holds %q (%v), want %q in it", file, data, err, want)
		}
	}
	if _, err := os.Stat(b.TFTP("other/pxelinux.cfg")); err == nil {
		t.Error("a service got a file that it does not serve")
	}
	served, err := b.ServedImages(p)
	if err != nil || len(served) != 2 || served[0].Size != len("a program") {
		t.Errorf("served %+v (%v)", served, err)
	}
	if err := b.AddPayloads(t.Context(), chain(from+".gone"), nonce); err == nil || !strings.Contains(err.Error(), `pxelinux.0 of image "pxelinux"`) {
		t.Errorf("error %v", err)
	}
}

// A guest that is booted by hand is told what the lab's DHCP would tell it.
func TestBootFiles(t *testing.T) {
	for _, c := range []struct {
		client, arch, want string
	}{
		{"edk2", "bios", "pxelinux.0 pxelinux.0"},
		{"ipxe", "bios", "pxelinux.cfg/default pxelinux.0 pxelinux.0"},
		{"edk2", "efi-x64", ""},
	} {
		got := strings.TrimSpace(strings.Join(bootFiles(chain(""), plan.Guest{Client: c.client, Arch: c.arch}), " "))
		if got != c.want {
			t.Errorf("%s for %s is told %q, want %q", c.client, c.arch, got, c.want)
		}
	}
}
