package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/plan"
)

// fedora is another host: the same programs elsewhere.
func fedora() *host.Host {
	h := debian()
	h.QEMU[0] = host.QEMU{Arch: "x86_64", Path: "/usr/libexec/qemu, new/qemu-kvm", Version: "9.2.0"}
	h.Firmware[1].Code, h.Firmware[1].Vars = "/usr/share/edk2/ovmf/OVMF,CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"
	h.Firmware[1].Prepared = "/home/u/.cache/pxelab/vars-ovmf-x64.fd"
	for i := range h.Parts {
		h.Parts[i].Path = "/fedora" + h.Parts[i].Path
		for k := range h.Parts[i].Modules {
			h.Parts[i].Modules[k] = "/fedora" + h.Parts[i].Modules[k]
		}
	}
	for i := range h.ROMs {
		h.ROMs[i].EFI = "/usr/share/ipxe/efi-" + h.ROMs[i].NIC + ".rom"
	}
	h.Distro = "fedora"
	return h
}

// only tells of a host's own paths that they are there, and of no others.
func only(h *host.Host) func(string) bool {
	have := map[string]bool{}
	for _, q := range h.QEMU {
		have[q.Path] = true
	}
	for _, f := range h.Firmware {
		have[f.Code], have[f.Vars], have[f.Prepared], have[f.Source] = true, true, true, true
	}
	for _, r := range h.ROMs {
		have[r.BIOS], have[r.EFI] = true, true
	}
	for _, p := range h.Parts {
		have[p.Path] = true
		for _, m := range p.Modules {
			have[m] = true
		}
	}
	for _, path := range h.Commands {
		have[path] = true
	}
	return func(path string) bool { return have[path] }
}

// On its own host a plan stays as it is; on another one it is the plan that would have been made there, the guests' cores apart.
func TestOn(t *testing.T) {
	daemon, err := plan.ParseConnect("qemu:///session")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bios-only", "nic-models", "dnsmasq", "chain-pxelinux", "chain-grub", "usb-adapter", "firmware-trio", "firmware-trio by libvirt", "nic-models by libvirt"} {
		t.Run(name, func(t *testing.T) {
			name, _, libvirt := strings.Cut(name, " ")
			var o plan.Options
			if libvirt {
				o.Hypervisor = daemon
			}
			topo := load(t, "../../topologies/"+name+".yaml")
			here, there := withPrograms(debian(), topo), withPrograms(fedora(), topo)
			for n := range there.Commands {
				there.Commands[n] = "/opt/bin/" + n
			}
			there.Firmware[2] = here.Firmware[2]
			here.Firmware[1].Prepared = "/root/.cache/pxelab/vars-ovmf-x64.fd"
			p, err := plan.New(topo, here, o)
			if err != nil {
				t.Fatal(err)
			}
			same, changes, err := p.On(here, only(here))
			if err != nil || len(changes) > 0 {
				t.Fatalf("on its own host: changes %q, error %v", changes, err)
			}
			if d := cmp.Diff(text(t, p), text(t, same)); d != "" {
				t.Errorf("on its own host it is another plan:\n%s", d)
			}
			moved, changes, err := p.On(there, only(there))
			if err != nil {
				t.Fatal(err)
			}
			want, err := plan.New(topo, there, o)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(text(t, want), text(t, moved)); d != "" {
				t.Errorf("on another host (- planned there, + moved there):\n%s", d)
			}
			if !slices.ContainsFunc(changes, func(c string) bool {
				return c == "QEMU x86_64: /usr/libexec/qemu, new/qemu-kvm here, /usr/bin/qemu-system-x86_64 there"
			}) {
				t.Errorf("changes %q", changes)
			}
		})
	}
}

// text is a plan without where its firmware was found.
func text(t *testing.T, p *plan.Plan) string {
	t.Helper()
	var out strings.Builder
	if err := p.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	lines := slices.DeleteFunc(strings.Split(out.String(), "\n"), func(l string) bool { return strings.Contains(l, "firmware code: ") })
	for _, g := range p.Guests {
		lines = append(lines, strings.Join(g.Resolve("/run"), " "), fmt.Sprint(g.Copies, g.Stick))
		for _, e := range g.Domain {
			lines = append(lines, e.XML)
		}
	}
	return strings.Join(append(lines, fmt.Sprint(p.Images)), "\n")
}

// A firmware that was given by its path stays that one, and is what the plan says it uses.
func TestOnKeepsFirmwareByPath(t *testing.T) {
	h := debian()
	h.Firmware[1].Code, h.Firmware[1].Vars = "/builds/1/CODE.fd", "/builds/1/VARS.fd"
	p, err := plan.New(load(t, "../../topologies/firmware-trio.yaml"), h, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	everywhere := func(string) bool { return true }
	moved, changes, err := p.On(debian(), everywhere)
	if err != nil || len(changes) > 0 {
		t.Fatalf("changes %q, error %v", changes, err)
	}
	if d := cmp.Diff(text(t, p)+fmt.Sprint(p.Uses), text(t, moved)+fmt.Sprint(moved.Uses)); d != "" {
		t.Errorf("(- there, + here):\n%s", d)
	}
}

// What is no path of a plan fits the host, too, and that is told.
func TestOnSmallerHost(t *testing.T) {
	p, err := plan.New(load(t, "../../topologies/firmware-trio.yaml"), debian(), plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	small := debian()
	small.Cores, small.Tun = 1, host.Fact{Why: "/dev/net/tun is missing"}
	moved, changes, err := p.On(small, only(small))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"cable: packet socket here (on a veth, because /dev/net/tun is missing), tap there",
		"guests at once: 1 here, 2 there: a warped guest needs a core of its own"}
	if d := cmp.Diff(want, changes); d != "" || moved.AtOnce != 1 || moved.Cable.Value != "packet socket" || p.AtOnce != 2 {
		t.Errorf("%d at once, cable %s, changes (- want, + got):\n%s", moved.AtOnce, moved.Cable.Value, d)
	}
}

func TestOnRefuses(t *testing.T) {
	topo := load(t, "../../topologies/dnsmasq.yaml")
	here := withPrograms(debian(), topo)
	p, err := plan.New(topo, here, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	poor := debian()
	poor.QEMU, poor.Commands = nil, nil
	poor.Firmware[1].Code, poor.Firmware[1].SMM = "/elsewhere/OVMF_CODE.secboot.fd", true
	poor.FreeMiB = 10
	_, _, err = p.On(poor, only(poor))
	if !errors.Is(err, plan.ErrHost) {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{
		"QEMU x86_64 is not on this host (there it was /usr/bin/qemu-system-x86_64): run pxelab doctor",
		"firmware code ovmf-x64 is not on this host", // that one needs another machine
		"program dnsmasq is not on this host (there it was /usr/sbin/dnsmasq): install it",
		"MiB of memory",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q:\n%v", want, err)
		}
	}
	old := *p
	old.Uses = nil
	if _, _, err := old.On(poor, only(poor)); !errors.Is(err, plan.ErrHost) || !strings.Contains(err.Error(), "run its topology again in place of the bundle") {
		t.Errorf("a plan that does not say what it uses: %v", err)
	}
	if _, _, err := old.On(here, only(here)); err != nil {
		t.Errorf("a plan that does not say what it uses, on its own host: %v", err)
	}
	fast := *p
	fast.Accel.Value = "kvm"
	if _, _, err := fast.On(here, only(here)); err == nil || !strings.Contains(err.Error(), "the run used the accelerator kvm, and here /dev/kvm cannot be opened") {
		t.Errorf("a run under KVM, without: %v", err)
	}
}
