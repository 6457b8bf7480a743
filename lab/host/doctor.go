package host

import (
	"fmt"
	"strconv"
	"strings"
)

// Check is one line of the doctor's report.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Level  Level  `json:"level"`
	Found  string `json:"found"`            // what there is, or why it is not usable
	Remedy string `json:"remedy,omitempty"` // what to do about it; empty when it is OK
}

// Level says what a failed check means.
type Level string

// Without a required part no lab runs; without an optional one a lab is slower, or has fewer kinds of guest.
const (
	Required Level = "required"
	Optional Level = "optional"
)

// Usable says whether every required check is OK.
func Usable(checks []Check) bool {
	for _, c := range checks {
		if !c.OK && c.Level == Required {
			return false
		}
	}
	return true
}

// Checks judges the host. It depends on nothing but the Host.
func (h *Host) Checks() []Check {
	checks := []Check{
		h.checkQEMU(), h.checkFirmware("bios", Required), h.checkROMs(), h.checkUserns(), h.checkRoom(),
		h.checkFirmware("ovmf-x64", Optional), h.checkFirmware("ovmf-ia32", Optional), h.checkKVM(), h.checkTun(),
	}
	if h.Libvirt.OK { // a host without is no worse: whoever asks for it is told what to do
		checks = append(checks, Check{Name: "libvirt", OK: true, Level: Optional, Found: h.Libvirt.Why})
	}
	checks = append(append(checks, h.checkParts()...), h.checkUSB()...)
	for _, p := range h.Problems {
		checks = append(checks, Check{Name: "descriptor", Level: Optional, Found: p, Remedy: "mend or remove the file"})
	}
	for i := range checks {
		if checks[i].OK {
			checks[i].Remedy = ""
		}
	}
	return checks
}

func (h *Host) checkQEMU() Check {
	c := Check{Name: "qemu", Level: Required, Found: "no qemu-system-x86_64 in $PATH", Remedy: install(h.Distro, "qemu")}
	q, ok := h.Find("x86_64")
	if !ok {
		return c
	}
	c.Found = fmt.Sprintf("%s at %s", q.Version, q.Path)
	switch {
	case q.Version == "":
		c.Found, c.Remedy = q.Path+" does not tell its version", "run "+q.Path+" --version to see why"
	case older(q.Version, OldestQEMU):
		c.Remedy = "upgrade to QEMU " + OldestQEMU + " or newer: the lab's cables are its datagram sockets"
	default:
		c.OK = true
	}
	return c
}

// older compares dotted version numbers.
func older(version, than string) bool {
	a, b := strings.Split(version, "."), strings.Split(than, ".")
	for i := range b {
		have, want := 0, 0
		if i < len(a) {
			have, _ = strconv.Atoi(a[i]) // parseVersion let nothing but digits through
		}
		want, _ = strconv.Atoi(b[i])
		if have != want {
			return have < want
		}
	}
	return false
}

func (h *Host) checkFirmware(name string, level Level) Check {
	c := Check{Name: name, Level: level, Found: "not found", Remedy: install(h.Distro, name)}
	if f, ok := h.Boot(name); ok {
		c.OK, c.Found = true, f.Title+", by "+f.Source
	}
	return c
}

func (h *Host) checkROMs() Check {
	c := Check{Name: "option-roms", Level: Required, Found: "none", Remedy: install(h.Distro, "roms")}
	var nics []string
	for _, r := range h.ROMs {
		nics = append(nics, r.NIC)
		if r.NIC == "virtio" && r.EFI != "" { // QEMU loads the combined one, and fails without it
			c.OK = true
		}
	}
	if len(nics) > 0 {
		c.Found = strings.Join(nics, ", ")
	}
	return c
}

func (h *Host) checkUserns() Check {
	return Check{Name: "namespaces", OK: h.Userns.OK, Level: Required, Found: h.Userns.Why,
		Remedy: "do what that says, or run as root"}
}

// oneGuestMiB is what the smallest guest takes, with its emulator.
const oneGuestMiB = 192

func (h *Host) checkRoom() Check {
	c := Check{Name: "room", Level: Required, Found: fmt.Sprintf("%d MiB free, %d cores", h.FreeMiB, h.Cores),
		Remedy: fmt.Sprintf("free some memory, or raise this session's limit: one guest takes about %d MiB", oneGuestMiB)}
	c.OK = h.FreeMiB >= oneGuestMiB
	return c
}

func (h *Host) checkKVM() Check {
	c := Check{Name: "kvm", OK: h.KVM.OK, Level: Optional, Found: h.KVM.Why, Remedy: "nothing is lost: guests run under TCG, warped where nobody watches"}
	switch {
	case strings.Contains(c.Found, "permission denied"):
		c.Remedy = "to use it, join the group that owns /dev/kvm (usually: usermod -aG kvm $USER) and log in again; else guests run under TCG"
	case strings.Contains(c.Found, "no such file"):
		c.Remedy = "to use it, turn on virtualisation in the machine's set-up (or nested virtualisation of its host); else guests run under TCG"
	}
	return c
}

func (h *Host) checkTun() Check {
	return Check{Name: "tun", OK: h.Tun.OK, Level: Optional, Found: h.Tun.Why,
		Remedy: "to use taps, load the tun module (modprobe tun) or make /dev/net/tun writable; else cables end in packet sockets"}
}
