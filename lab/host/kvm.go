package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// kvm proves acceleration: that /dev/kvm opens says little, because there are hosts (nested ones above all)
// that open it and then run firmware wrongly. So real firmware is booted under it, for a moment.
func (m machine) kvm(ctx context.Context, h *Host, noCache bool) Fact {
	if err := m.open(kvmDevice); err != nil {
		return Fact{Why: err.Error()}
	}
	proofs, why := proofs(h)
	if why != "" {
		return Fact{Why: "not proved: " + why}
	}
	key := m.kvmKey(h)
	if f, ok := m.recall(key); ok && !noCache {
		return f
	}
	v := prove(ctx, proofs)
	if ctx.Err() == nil {
		m.remember(key, v)
	}
	return v.Fact
}

// prove runs the proofs until one fails.
func prove(ctx context.Context, proofs []proof) verdict {
	var told []string
	for _, p := range proofs {
		v := p.run(ctx)
		if !v.OK {
			return v
		}
		told = append(told, v.Why)
	}
	return verdict{Fact: Fact{OK: true, Why: strings.Join(told, "; ")}}
}

// proofLimit is how long a firmware may take to show itself under KVM. OVMF needs 3.2 s under TCG: what is not
// faster than that is not worth having.
const proofLimit = 3 * time.Second

// proofs lists what to boot: OVMF, whose start uses the processor modes that broken hosts get wrong, and
// SeaBIOS as far as the option ROM's iPXE, which works in real mode. It says why when there is neither.
func proofs(h *Host) ([]proof, string) {
	q, ok := h.Find("x86_64")
	if !ok {
		return nil, "there is no qemu-system-x86_64"
	}
	var out []proof
	if f, ok := h.Boot("ovmf-x64"); ok {
		out = append(out, proof{binary: q.Path, accel: "kvm", firmware: f, args: flashArgs(f), want: "BdsDxe", limit: proofLimit})
	}
	if f, ok := h.Boot("bios"); ok && len(h.ROMs) > 0 && h.ROMs[0].NIC == "virtio" {
		out = append(out, proof{binary: q.Path, accel: "kvm", firmware: f, limit: proofLimit,
			args: []string{"-device", h.ROMs[0].Device}, want: "Open Source Network Boot Firmware"})
	}
	if len(out) == 0 {
		return nil, "there is no firmware to boot"
	}
	return out, ""
}

func flashArgs(f Firmware) []string {
	drive := func(unit int, options, file string) string {
		return fmt.Sprintf("if=pflash,unit=%d,format=%s%s,file=%s", unit, f.Format, options, strings.ReplaceAll(file, ",", ",,"))
	}
	return []string{"-drive", drive(0, ",readonly=on", f.Code), "-drive", drive(1, "", varsCopy)}
}

// varsCopy is the variable store in a proof's directory, which is its working directory.
const varsCopy = "vars.fd"

// prepare makes the proof's directory.
func (p proof) prepare() (string, error) {
	dir, err := os.MkdirTemp("", "pxelab-kvm-")
	if err != nil || p.firmware.Vars == "" {
		return dir, err
	}
	b, err := os.ReadFile(p.firmware.Vars)
	if err != nil {
		return dir, err
	}
	return dir, os.WriteFile(filepath.Join(dir, varsCopy), b, 0o600)
}
