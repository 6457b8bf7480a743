package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/whole"
)

// Made tells what a run was made with: the content of host.json. Held against another, it tells why the same plan may go otherwise.
type Made struct {
	Version int        `json:"version"`
	Pxelab  string     `json:"pxelab"` // its version
	System  string     `json:"system"` // "linux/amd64"
	Kernel  string     `json:"kernel"` // its release
	Accel   string     `json:"accel"`  // "tcg" or "kvm"
	Files   []MadeFile `json:"files"`  // what the plan uses of the host, in its order

	Repeats string   `json:"repeats,omitempty"` // the bundle whose plan was run again
	Differs []string `json:"differs,omitempty"` // what was otherwise there, a sentence each
}

// MadeFile is one of the plan's Uses as it was when the run began.
type MadeFile struct {
	plan.Use
	SHA256 string `json:"sha256,omitempty"` // absent of folders, of what is made anew on each host, and of what could not be read
}

// madeVersion is the number of the form of host.json. Fields may be added under one version, never removed.
const madeVersion = 1

// NewMade looks at what a plan uses of this host.
func NewMade(p *plan.Plan, version string) *Made {
	m := &Made{Version: madeVersion, Pxelab: version, System: runtime.GOOS + "/" + runtime.GOARCH, Kernel: kernelRelease(), Accel: p.Accel.Value}
	for _, u := range p.Uses {
		f := MadeFile{Use: u}
		if u.What != plan.UsedStore && u.What != plan.UsedModule {
			f.SHA256 = sumOf(u.Path)
		}
		m.Files = append(m.Files, f)
	}
	return m
}

func kernelRelease() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}

// AddMade writes what the run is made with.
func (b Folder) AddMade(m *Made) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write what the run is made with: %w", err)
	}
	if err := os.WriteFile(b.Host(), append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write what the run is made with: %w", err)
	}
	return nil
}

// ReadMade reads what a bundle was made with; nil of a bundle that does not tell.
func ReadMade(dir string) (*Made, error) {
	text, err := os.ReadFile(Folder(dir).Host())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var m Made
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("read bundle %s: host.json: %w", dir, err)
	case m.Version != madeVersion:
		return nil, fmt.Errorf("read bundle %s: host.json has version %d, this pxelab reads %d", dir, m.Version, madeVersion)
	}
	return &m, nil
}

// Digest is one word for all that a verdict may depend on besides the plan: two runs of one digest had the same pxelab, QEMU,
// firmware and programs, wherever these lie.
func (m *Made) Digest() string {
	h := sha256.New()
	fmt.Fprintln(h, m.Pxelab, m.System, m.Accel)
	for _, f := range m.Files {
		if f.What != plan.UsedStore && f.What != plan.UsedModule { // each host makes the one, and the other goes with its kernel
			fmt.Fprintln(h, f.What, f.Name, f.Version, f.SHA256)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// DiffersFrom tells what is otherwise here than it was where m was made, a sentence each. Paths do not count.
func (m *Made) DiffersFrom(here *Made) []string {
	var out []string
	add := func(what, here, there string) {
		if here != there {
			out = append(out, fmt.Sprintf("%s: %s here, %s there", what, orNothing(here), orNothing(there)))
		}
	}
	add("pxelab", here.Pxelab, m.Pxelab)
	add("system", here.System, m.System)
	add("kernel of the host", here.Kernel, m.Kernel)
	add("accelerator", here.Accel, m.Accel)
	for _, f := range here.Files {
		for _, g := range m.Files {
			if f.What != g.What || f.Name != g.Name || f.What == plan.UsedModule {
				continue
			}
			add(f.Use.String(), f.Version, g.Version)
			if f.Version == g.Version && f.SHA256 != "" && g.SHA256 != "" {
				add(f.Use.String()+": SHA-256", f.SHA256[:min(12, len(f.SHA256))], g.SHA256[:min(12, len(g.SHA256))])
			}
		}
	}
	return out
}

func orNothing(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// sumOf gives the SHA-256 of a file, in hex; empty where there is none. Emulators and firmware have megabytes, and a matrix starts
// hundreds of labs, so a sum is kept in the user's cache under the file's path, size, times and inode.
func sumOf(path string) string {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() {
		return ""
	}
	kept := ""
	if cache, err := os.UserCacheDir(); err == nil {
		key := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%s\x00%s", path, st.Size(), st.ModTime().UTC().Format(time.RFC3339Nano), inode(st)))
		kept = filepath.Join(cache, "pxelab", "sums", hex.EncodeToString(key[:8]))
	}
	if sum, err := os.ReadFile(kept); err == nil && len(sum) == 2*sha256.Size {
		return string(sum)
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if kept != "" {
		_ = whole.WriteFile(kept, []byte(sum), 0o600) // without it the next one is worked out again
	}
	return sum
}

// inode tells a file from one that took its place.
func inode(st os.FileInfo) string {
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprint(s.Dev, s.Ino, s.Ctim)
	}
	return ""
}
