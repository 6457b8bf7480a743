package host

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Options say how to gather.
type Options struct {
	// NoCache proves KVM again instead of believing an earlier proof.
	NoCache bool
	// ProbeUserns tries whether a user and network namespace can be made; nil leaves the fact open (not OK).
	ProbeUserns func() error
	// PrepareStores makes variable stores that one boot has set up, where they are missing: 3 s each, once.
	PrepareStores bool
	// Commands are further programs to look for.
	Commands []string
}

// Gather looks at this machine. What is missing is a fact in the Host, not an error; the error is that of a
// context that ended.
func Gather(ctx context.Context, o Options) (*Host, error) {
	m := machine{
		root:    os.DirFS("/"),
		getenv:  os.Getenv,
		cores:   runtime.NumCPU(), // of the scheduling affinity at start, on Linux
		open:    open,
		version: askVersion,
		userns:  o.ProbeUserns,
	}
	if dir, err := os.UserCacheDir(); err == nil {
		m.cache = filepath.Join(dir, "pxelab")
	}
	if exe, err := os.Executable(); err == nil {
		m.beside = filepath.Dir(exe)
	}
	h := m.gather(ctx)
	h.Commands = m.commands(o.Commands)
	h.KVM = m.kvm(ctx, h, o.NoCache)
	m.prepareStores(ctx, h, o.PrepareStores)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return h, nil
}

// machine is where facts come from, so that tests can lay out other machines.
type machine struct {
	root    fs.FS // "/"
	getenv  func(string) string
	cores   int
	open    func(device string) error                                // for reading and writing
	version func(ctx context.Context, binary string) (string, error) // what the emulator prints about itself
	userns  func() error
	cache   string // directory that keeps the proof of KVM; empty means that nothing is kept
	beside  string // directory of pxelab itself; empty means that it is not known
}

// gather finds everything but KVM, which needs the rest for its proof.
func (m machine) gather(ctx context.Context) *Host {
	h := &Host{
		Userns:  Fact{Why: "not probed"},
		Tun:     fact(m.open(tunDevice), "opens"),
		Cores:   m.usableCores(),
		FreeMiB: m.freeMiB(),
		Distro:  parseOSRelease(m.read("/etc/os-release")),
	}
	if m.userns != nil {
		h.Userns = fact(m.userns(), "a bridge was made in a namespace of its own")
	}
	h.QEMU = m.emulators(ctx)
	h.Firmware, h.Problems = m.firmware()
	h.ROMs = m.roms()
	h.Parts = m.parts()
	h.Libvirt = m.libvirt()
	return h
}

const (
	tunDevice = "/dev/net/tun"
	kvmDevice = "/dev/kvm"
)

// fact turns an outcome into a Fact; yes is the reason when it went well.
func fact(err error, yes string) Fact {
	if err != nil {
		return Fact{Why: err.Error()}
	}
	return Fact{OK: true, Why: yes}
}

func open(device string) error {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

func askVersion(ctx context.Context, binary string) (string, error) {
	out, err := exec.CommandContext(ctx, binary, "--version").Output()
	return string(out), err
}

// read gives a file's content, or nothing: an absent file is an absent fact.
func (m machine) read(path string) string {
	b, err := fs.ReadFile(m.root, rel(path))
	if err != nil {
		return ""
	}
	return string(b)
}

// has says whether a regular file is there.
func (m machine) has(path string) bool {
	st, err := fs.Stat(m.root, rel(path))
	return err == nil && st.Mode().IsRegular()
}

// executable says whether a file is there that somebody may run.
func (m machine) executable(path string) bool {
	st, err := fs.Stat(m.root, rel(path))
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}

// rel turns an absolute path into a name of the root file system.
func rel(path string) string {
	return strings.TrimPrefix(filepath.Clean(path), "/")
}
