package host

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the emulator of its own proofs.
func TestMain(m *testing.M) {
	if how := os.Getenv("PXELAB_FAKE_QEMU"); how != "" {
		fakeQEMU(how)
	}
	os.Exit(m.Run())
}

// fakeQEMU behaves as one kind of emulator, with its monitor on descriptor 3.
func fakeQEMU(how string) {
	if how == "exits" {
		fmt.Fprintln(os.Stderr, "warning: first\nCould not access KVM kernel module: Device or resource busy")
		os.Exit(1)
	}
	monitor := os.NewFile(3, "monitor")
	fmt.Fprintln(monitor, `{"QMP": {"version": {}}}`)
	if how == "talks nonsense" {
		fmt.Fprintln(monitor, `}{`)
	}
	if how == "boots" {
		fmt.Print("Bds")
		fmt.Println("Dxe: loading")
	}
	asked := 0
	for lines := bufio.NewScanner(monitor); lines.Scan(); asked++ {
		var status string
		switch {
		case how == "refuses":
			fmt.Fprintln(monitor, `{"error": {"class": "GenericError", "desc": "no"}}`)
			continue
		case !strings.Contains(lines.Text(), "query-status"):
		case asked < 3:
			status = "running"
		case how == "breaks":
			status = "internal-error"
		default:
			status = "running"
		}
		fmt.Fprintf(monitor, "{\"event\": \"RTC_CHANGE\"}\n{\"return\": {\"status\": %q}}\n", status)
	}
	os.Exit(0)
}

// TestProof shows each way in which a proof ends.
func TestProof(t *testing.T) {
	cases := []struct {
		how, why string
		ok       bool
		timed    bool
		limit    time.Duration
	}{
		{how: "boots", ok: true, why: "OVMF boots"},
		{how: "breaks", why: `machine status "internal-error" after`},
		{how: "exits", why: "the emulator ended: Could not access KVM kernel module: Device or resource busy after"},
		{how: "refuses", why: `QMP error: {"class"`},
		{how: "talks nonsense", why: "read QMP: invalid character"},
		{how: "hangs", why: `no "BdsDxe" on the console within 300ms`, timed: true, limit: 300 * time.Millisecond},
	}
	for _, c := range cases {
		t.Run(c.how, func(t *testing.T) {
			t.Setenv("PXELAB_FAKE_QEMU", c.how)
			t.Setenv("TMPDIR", t.TempDir())
			if c.limit == 0 {
				c.limit = time.Minute // beyond what a loaded machine takes to start a process
			}
			p := proof{binary: os.Args[0], accel: "kvm", firmware: Firmware{Title: "OVMF", Machine: "q35"}, want: "BdsDxe", limit: c.limit}
			v := p.run(t.Context())
			if v.OK != c.ok || v.timed != c.timed || !strings.Contains(v.Why, c.why) {
				t.Errorf("got %+v, want OK %t, timed %t, reason with %q", v, c.ok, c.timed, c.why)
			}
			if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
				t.Errorf("the proof left %v behind (%v)", left, err)
			}
		})
	}
}

func TestProofWithoutEmulator(t *testing.T) {
	p := proof{binary: filepath.Join(t.TempDir(), "absent"), limit: time.Minute}
	if v := p.run(t.Context()); v.OK || !strings.Contains(v.Why, "no such file") {
		t.Errorf("got %+v, want a no that says that there is no such file", v)
	}
	p.firmware.Vars = filepath.Join(t.TempDir(), "absent.fd")
	if v := p.run(t.Context()); v.OK || !strings.Contains(v.Why, "absent.fd") {
		t.Errorf("got %+v, want a no that names the variable store", v)
	}
}

// TestProofs holds what is booted to what the host has, and that every proof must hold.
func TestProofs(t *testing.T) {
	h := &Host{}
	if _, why := proofs(h); why != "there is no qemu-system-x86_64" {
		t.Errorf("without an emulator: %q", why)
	}
	h.QEMU = []QEMU{{Arch: "x86_64", Path: os.Args[0]}}
	if _, why := proofs(h); why != "there is no firmware to boot" {
		t.Errorf("without firmware: %q", why)
	}
	h.Firmware = []Firmware{{Name: "bios", Title: "SeaBIOS"}, {Name: "ovmf-x64", Title: "OVMF"}}
	h.ROMs = []ROM{{NIC: "virtio", Device: "virtio-net-pci"}}
	list, _ := proofs(h)
	if len(list) != 2 || list[0].firmware.Name != "ovmf-x64" || list[1].firmware.Name != "bios" {
		t.Fatalf("proofs are %+v, want OVMF's and then SeaBIOS's", list)
	}
	t.Setenv("PXELAB_FAKE_QEMU", "boots")
	for i := range list {
		list[i].want, list[i].limit = "BdsDxe", time.Minute
		list[i].args, list[i].firmware.Vars = nil, ""
	}
	if v := prove(t.Context(), list); !v.OK || !strings.Contains(v.Why, "OVMF boots") || !strings.Contains(v.Why, "SeaBIOS boots") {
		t.Errorf("both proofs hold, and the verdict is %+v", v)
	}
	list[1].want, list[1].limit = "never said", 300*time.Millisecond
	if v := prove(t.Context(), list); v.OK || !v.timed || !strings.Contains(v.Why, "SeaBIOS") {
		t.Errorf("SeaBIOS does not show itself, and the verdict is %+v", v)
	}
}

// TestKVMCache holds that a proof is believed for the same machine only, and one about time for a while only.
func TestKVMCache(t *testing.T) {
	m := layout(map[string]string{"proc/sys/kernel/osrelease": "6.1\n", "proc/cpuinfo": "processor: 0\nmodel name\t: Fast\n",
		"usr/bin/qemu": "x"})
	m.cache = filepath.Join(t.TempDir(), "pxelab")
	h := &Host{QEMU: []QEMU{{Arch: "x86_64", Path: "/usr/bin/qemu", Version: "7.2.22"}},
		Firmware: []Firmware{{Name: "bios", Source: "/bios.bin"}}, ROMs: []ROM{{NIC: "virtio"}}}
	key := m.kvmKey(h)
	if want := "6.1|Fast|7.2.22|/usr/bin/qemu|2026-01-02T03:04:05Z"; key != want {
		t.Errorf("key is %q, want %q", key, want)
	}
	if f, ok := m.recall(key); ok {
		t.Errorf("an empty cache recalls %+v", f)
	}
	m.remember(key, verdict{Fact: Fact{OK: true, Why: "proved"}})
	h.KVM = m.kvm(t.Context(), h, false)
	if h.KVM.Why != "proved" {
		t.Errorf("KVM is %+v, want what was proved before", h.KVM)
	}
	if f, ok := m.recall(key + "|other"); ok {
		t.Errorf("another machine's proof was believed: %+v", f)
	}
	h.Firmware = nil
	if f := m.kvm(t.Context(), h, false); f.OK || f.Why != "not proved: there is no firmware to boot" {
		t.Errorf("without firmware KVM is %+v", f)
	}
	m.remember(key, verdict{Fact{Why: "too slow"}, true})
	if f, ok := m.recall(key); !ok || f.Why != "too slow" {
		t.Errorf("a fresh verdict about time was not believed: %+v", f)
	}
	m.age(t, 2*timedFor)
	if f, ok := m.recall(key); ok {
		t.Errorf("an old verdict about time was believed: %+v", f)
	}
	m.cache = "/proc/nowhere"
	m.remember(key, verdict{})
}

// age makes the cache older.
func (m machine) age(t *testing.T, by time.Duration) {
	t.Helper()
	path := filepath.Join(m.cache, "kvm.json")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var p proved
	if err := json.Unmarshal(b, &p); err != nil {
		t.Fatal(err)
	}
	p.At = p.At.Add(-by)
	if b, err = json.Marshal(p); err == nil {
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// needQEMU skips a test where the emulator is missing, unless it must run.
func needQEMU(t *testing.T) *Host {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	h := layoutHere().gather(t.Context())
	_, why := proofs(h)
	if why == "" && len(h.Firmware) < 3 {
		why = "there is not every firmware"
	}
	if why != "" && strings.Contains(os.Getenv("PXELAB_REQUIRE"), "qemu") {
		t.Fatalf("%s, and PXELAB_REQUIRE names qemu", why)
	}
	if why != "" {
		t.Skip(why)
	}
	return h
}

// layoutHere is this machine without its devices.
func layoutHere() machine {
	return machine{root: os.DirFS("/"), getenv: os.Getenv, cores: 1, version: askVersion,
		open: func(string) error { return fs.ErrNotExist }}
}

// TestProofBoots boots the real firmware under an accelerator that works everywhere.
func TestProofBoots(t *testing.T) {
	if !strings.Contains(os.Getenv("PXELAB_REQUIRE"), "boot") {
		t.Skip("boots three firmwares in real time, which takes ten seconds: PXELAB_REQUIRE=boot runs it")
	}
	h := needQEMU(t)
	list, _ := proofs(h)
	ia32, _ := h.Boot("ovmf-ia32")
	list = append(list, proof{binary: list[0].binary, firmware: ia32, args: flashArgs(ia32), want: "BdsDxe"})
	for _, p := range list {
		t.Run(p.firmware.Name, func(t *testing.T) {
			p.accel, p.limit = "tcg", 2*time.Minute
			if v := p.run(t.Context()); !v.OK {
				t.Errorf("%s did not boot: %s", p.firmware.Title, v.Why)
			}
		})
	}
}

// TestProofEnds holds that a real emulator ends with its context, and says why it cannot start.
func TestProofEnds(t *testing.T) {
	h := needQEMU(t)
	list, _ := proofs(h)
	p := list[0]
	p.accel, p.limit, p.want = "tcg", time.Minute, "never said"
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the user left"))
	if v := p.run(ctx); v.OK || v.timed || !strings.Contains(v.Why, "the user left") {
		t.Errorf("got %+v, want the context's cause", v)
	}
	p.accel = "absent"
	if v := p.run(t.Context()); v.OK || !strings.Contains(v.Why, "the emulator ended: ") || strings.Contains(v.Why, "without a word") {
		t.Errorf("got %+v, want what the emulator said", v)
	}
}

// TestVersionHere asks the real emulator for its version.
func TestVersionHere(t *testing.T) {
	h := needQEMU(t)
	for _, q := range h.QEMU {
		out, err := exec.CommandContext(t.Context(), q.Path, "-machine", "none", "-version").Output()
		if err != nil || q.Version == "" || !strings.Contains(string(out), q.Version) {
			t.Errorf("%s: version %q is not in what it says: %q (%v)", q.Path, q.Version, out, err)
		}
		if b, err := os.ReadFile(q.Path); err != nil || !strings.HasPrefix(string(b), "\x7fELF") {
			t.Errorf("%s is not the real binary (%v)", q.Path, err)
		}
	}
}
