package plan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/plan"
)

// parts are what Debian's packages bring for boot programs, with the kernel that was fetched.
func parts() []host.Part {
	const kernel = "/home/me/.cache/pxelab/kernel-6.1.0-25-cloud-amd64/"
	modules := kernel + "lib/modules/6.1.0-25-cloud-amd64/kernel/"
	return []host.Part{
		{Name: "kernel", Path: kernel + "boot/vmlinuz-6.1.0-25-cloud-amd64", Version: "6.1.0-25-cloud-amd64",
			Modules: []string{modules + "drivers/virtio/virtio.ko", modules + "drivers/net/virtio_net.ko"}},
		{Name: "init", Path: "/usr/local/bin/pxelab-init"},
		{Name: "pxelinux", Path: "/usr/lib/PXELINUX/pxelinux.0"},
		{Name: "ldlinux", Path: "/usr/lib/syslinux/modules/bios/ldlinux.c32"},
		{Name: "grub-mkimage", Path: "/usr/bin/grub-mkimage"},
		{Name: "undionly", Path: "/usr/lib/ipxe/undionly.kpxe"},
		{Name: "snponly", Path: "/usr/lib/ipxe/snponly.efi"},
		{Name: "ipxe", Path: "/usr/lib/ipxe/ipxe.efi"},
		{Name: "grub-x64", Path: "/usr/lib/grub/x86_64-efi"},
		{Name: "grub-ia32", Path: "/usr/lib/grub/i386-efi"},
	}
}

// Every file that comes from the host must have a way to be made, and a configuration text if it is one.
func TestEveryHostFileIsMade(t *testing.T) {
	topo := load(t, "../../topologies/chain-grub.yaml")
	topo.Services[0].TFTP.Images = images.Names()
	p, err := plan.New(topo, debian(), plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range images.HostFiles() {
		i := slices.IndexFunc(p.Images, func(i plan.Image) bool { return i.File == m.File })
		if i < 0 {
			t.Errorf("%s is not planned", m.File)
			continue
		}
		_, config := images.ConfigFile(m.File, "ABCDEFGH23456789")
		if made := p.Images[i].Made; made == "" || (made == plan.MadeConfig) != config || config != (len(p.Images[i].From) == 0) {
			t.Errorf("%s is made %q from %v; is it a configuration: %t", m.File, made, p.Images[i].From, config)
		}
	}
}

// A host that lacks a part cannot run the lab, and is told each of them.
func TestPartsMissing(t *testing.T) {
	h := debian()
	h.Parts = slices.DeleteFunc(h.Parts, func(p host.Part) bool { return p.Name == "kernel" || p.Name == "grub-ia32" })
	_, err := plan.New(load(t, "../../topologies/chain-grub.yaml"), h, plan.Options{})
	if !errors.Is(err, plan.ErrHost) {
		t.Fatalf("error %v, want ErrHost", err)
	}
	for _, want := range []string{`"grub-ia32.efi" of image "grub"`, `"linux/vmlinuz"`, "(kernel)", "pxelab doctor"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %s: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "grub-x64") {
		t.Errorf("the error names what is there: %v", err)
	}
	if _, err := plan.New(load(t, "../../topologies/firmware-trio.yaml"), h, plan.Options{}); err != nil {
		t.Errorf("a lab that boots no Linux needs none of it: %v", err)
	}
}
