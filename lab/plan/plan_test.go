package plan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server/pxe"
	"github.com/pxelab/pxelab/tests/golden"
)

// debian is a host as Debian 12's packages make it, without KVM.
func debian() *host.Host {
	return &host.Host{
		QEMU: []host.QEMU{{Arch: "x86_64", Path: "/usr/bin/qemu-system-x86_64", Version: "7.2.22"}},
		Firmware: []host.Firmware{
			{Name: "bios", Title: "SeaBIOS", Machine: "q35", Source: "built into QEMU"},
			{Name: "ovmf-x64", Title: "OVMF x86-64", Machine: "q35", Code: "/usr/share/OVMF/OVMF_CODE_4M.fd",
				Vars: "/usr/share/OVMF/OVMF_VARS_4M.fd", Source: "60-edk2-x86_64.json"},
			{Name: "ovmf-ia32", Title: "OVMF IA-32", Machine: "q35", SMM: true, Code: "/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd",
				Vars: "/usr/share/OVMF/OVMF32_VARS_4M.fd", Source: "50-edk2-i386-secure.json"},
		},
		ROMs: roms(), Parts: append(parts(), usbParts()...),
		KVM: host.Fact{Why: "/dev/kvm cannot be opened: permission denied"}, Userns: host.Fact{OK: true}, Tun: host.Fact{OK: true},
		Cores: 2, FreeMiB: 4096, Distro: "debian",
	}
}

// roms are the option ROMs of Debian's ipxe-qemu.
func roms() []host.ROM {
	var out []host.ROM
	for _, nic := range plan.NICs() {
		out = append(out, host.ROM{NIC: nic, BIOS: "/usr/lib/ipxe/qemu/pxe-" + nic + ".rom", EFI: "/usr/lib/ipxe/qemu/efi-" + nic + ".rom"})
	}
	return out
}

// known is what a topology may name.
func known() topology.Known {
	return topology.Known{Firmwares: plan.Firmwares(), NICs: plan.NICs(), Sticks: plan.Sticks(), Images: images.Names(), Reporters: images.Reporters(), Archs: pxe.ArchNames(), HTTPFirmwares: plan.HTTPFirmwares(),
		Reasons: judge.Reasons(), Notes: judge.Notes()}
}

// withPrograms is a host that has every program that a topology asks for.
func withPrograms(h *host.Host, topo *topology.Topology) *host.Host {
	h.Commands = map[string]string{}
	for _, name := range topo.Commands() {
		h.Commands[name] = "/usr/sbin/" + name
	}
	return h
}

func load(t *testing.T, path string) *topology.Topology {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	topo, err := topology.Parse(path, data, known())
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

// TestGoldens plans every shipped topology on the same host.
func TestGoldens(t *testing.T) {
	files, _ := filepath.Glob("../../topologies/*.yaml")
	if len(files) == 0 {
		t.Fatal("no topologies")
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if strings.HasSuffix(name, ".matrix") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			topo := load(t, file)
			p, err := plan.New(topo, withPrograms(debian(), topo), plan.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if err := p.WriteText(&got); err != nil {
				t.Fatal(err)
			}
			golden.Check(t, filepath.Join("testdata", name+".golden"), got.String())
			roundTrip(t, p)
		})
	}
}

// roundTrip holds the plan of a bundle to the one that ran.
func roundTrip(t *testing.T, p *plan.Plan) {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back plan.Plan
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(&back)
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("the plan reads back otherwise (%v):\n%s\n%s", err, text, again)
	}
}

func TestChoices(t *testing.T) {
	kvm := debian()
	kvm.KVM = host.Fact{OK: true, Why: "OVMF booted under it"}
	for _, c := range []struct {
		name         string
		host         *host.Host
		options      plan.Options
		accel, clock string
		atOnce       int
	}{
		{"run-without-kvm", debian(), plan.Options{}, "tcg", "warp", 2},
		{"up-without-kvm", debian(), plan.Options{Interactive: true}, "tcg", "real", 3},
		{"up-warped", debian(), plan.Options{Interactive: true, Clock: "warp"}, "tcg", "warp", 2},
		{"run-in-real-time", debian(), plan.Options{Clock: "real"}, "tcg", "real", 3},
		{"run-with-kvm", kvm, plan.Options{}, "kvm", "real", 3},
		{"warp-needs-tcg", kvm, plan.Options{Clock: "warp"}, "kvm", "real", 3},
		{"tcg-beside-kvm", kvm, plan.Options{Accel: "tcg"}, "tcg", "warp", 2},
		{"one-at-a-time", debian(), plan.Options{AtOnce: 1}, "tcg", "warp", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := plan.New(load(t, "../../topologies/firmware-trio.yaml"), c.host, c.options)
			if err != nil {
				t.Fatal(err)
			}
			if p.Accel.Value != c.accel || p.Clock.Value != c.clock || p.AtOnce != c.atOnce {
				t.Errorf("accel %s clock %s at once %d, want %s %s %d", p.Accel.Value, p.Clock.Value, p.AtOnce, c.accel, c.clock, c.atOnce)
			}
			if p.Accel.Why == "" || p.Clock.Why == "" || p.WhyAtOnce == "" {
				t.Error("a choice has no reason")
			}
		})
	}
}

// TestHostProblems names everything that stands in the way, each with a remedy.
func TestHostProblems(t *testing.T) {
	poor := debian()
	poor.Firmware = poor.Firmware[:1]
	poor.FreeMiB = 100
	poor.Userns = host.Fact{Why: "user.max_user_namespaces is 0; run: sudo sysctl -w user.max_user_namespaces=15000"}
	_, err := plan.New(load(t, "../../topologies/firmware-trio.yaml"), poor, plan.Options{Accel: "kvm"})
	if !errors.Is(err, plan.ErrHost) {
		t.Fatalf("error %v is not ErrHost", err)
	}
	for _, want := range []string{`firmware "ovmf-x64" is not on this host`, `firmware "ovmf-ia32" is not on this host`,
		"accelerator kvm was asked for", "MiB of memory", "pxelab doctor", "sudo sysctl -w"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q:\n%v", want, err)
		}
	}
}

// TestInRealTime unwarps one guest and leaves the plan's own alone.
func TestInRealTime(t *testing.T) {
	p, err := plan.New(load(t, "../../topologies/bios-only.yaml"), debian(), plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := p.Guests[0].InRealTime()
	if argv := strings.Join(g.Resolve("/run"), " "); strings.Contains(argv, "icount") || g.Clock != "real" {
		t.Errorf("clock %s, command %s", g.Clock, argv)
	}
	if argv := strings.Join(p.Guests[0].Resolve("/run"), " "); !strings.Contains(argv, "-icount shift=") {
		t.Errorf("the planned guest lost its clock: %s", argv)
	}
}
