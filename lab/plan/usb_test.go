package plan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/plan"
)

// usbParts are what the doctor of a Debian with everything finds for USB sticks.
func usbParts() []host.Part {
	const kernel = "/home/me/.cache/pxelab/kernel-6.1.0-25-amd64/"
	modules := kernel + "lib/modules/6.1.0-25-amd64/kernel/"
	return []host.Part{
		{Name: "usb-kernel", Path: kernel + "boot/vmlinuz-6.1.0-25-amd64", Version: "6.1.0-25-amd64",
			Modules: []string{modules + "drivers/net/virtio_net.ko", modules + "drivers/net/usb/cdc_ether.ko"}},
		{Name: "stick-init", Path: "/usr/local/bin/pxelab-stick"},
		{Name: "grub-pc", Path: "/usr/lib/grub/i386-pc"},
	}
}

// A guest with a stick runs in real time even in a warped lab, and what is served to USB cards has drivers for them.
func TestStick(t *testing.T) {
	p, err := plan.New(load(t, "../../topologies/usb-adapter.yaml"), debian(), plan.Options{Clock: "warp"})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range p.Guests {
		argv := strings.Join(g.Resolve("/run/"+g.Name), " ")
		if g.Clock != "real" || strings.Contains(argv, "-icount") {
			t.Errorf("guest %s has clock %q: %s", g.Name, g.Clock, argv)
		}
		for _, want := range []string{"file=/run/" + g.Name + "/stick.img", "usb-storage,drive=stick,bootindex=0", "usb-net,netdev=n0,mac=" + g.MAC} {
			if !strings.Contains(argv, want) {
				t.Errorf("guest %s: no %q in %s", g.Name, want, argv)
			}
		}
		if g.Budget(event.StageFirmware) <= time.Minute || g.Budget(event.StageStarted) <= time.Minute {
			t.Errorf("guest %s has the budgets of one that boots no Linux from a stick: %v", g.Name, g.Budgets)
		}
		if len(g.Stick.From) != 7 || g.Stick.From[3] != usbParts()[0].Path || g.Stick.From[4] != usbParts()[1].Path {
			t.Errorf("guest %s: its stick is made from %v", g.Name, g.Stick.From)
		}
	}
	for _, m := range p.Images {
		if m.File == "linux/vmlinuz" && !slices.Equal(m.From, []string{usbParts()[0].Path}) {
			t.Errorf("%s is made from %v, which has no driver for the card", m.File, m.From)
		}
	}
}

// A card that has an option ROM is tried after the stick.
func TestStickBeforeCard(t *testing.T) {
	topo := load(t, "../../topologies/usb-adapter.yaml")
	topo.Guests = topo.Guests[:1]
	topo.Guests[0].NIC = "virtio"
	p, err := plan.New(topo, debian(), plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if argv := strings.Join(p.Guests[0].Resolve("/run"), " "); !strings.Contains(argv, "virtio-net-pci,netdev=n0,mac="+p.Guests[0].MAC+",bootindex=1") {
		t.Errorf("the card is not second: %s", argv)
	}
}

func TestStickRefused(t *testing.T) {
	topo := load(t, "../../topologies/usb-adapter.yaml")
	h := debian()
	h.Parts = slices.DeleteFunc(h.Parts, func(p host.Part) bool { return p.Name == "usb-kernel" || p.Name == "grub-pc" })
	topo.Guests[1].Firmware = "ovmf-ia32"
	_, err := plan.New(topo, h, plan.Options{})
	if !errors.Is(err, plan.ErrHost) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{`guest "bios": the stick "pxe-client" is made from a part that is not on this host (grub-pc)`,
		`guest "x64": the stick "pxe-client" boots on bios and on x86-64 UEFI, and firmware "ovmf-ia32" is efi-ia32`,
		`file "linux/vmlinuz" of image "linux" is made from a part that is not on this host (usb-kernel)`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not said: %s\nin: %v", want, err)
		}
	}
}
