package host

import (
	"cmp"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/whole"
)

// proved is the cache file: what was proved, for what, and when.
type proved struct {
	Key   string    `json:"key"`
	Fact  Fact      `json:"fact"`
	Timed bool      `json:"timed,omitempty"`
	At    time.Time `json:"at"`
}

// timedFor is how long a verdict that was only about time is believed: the host may have been busy.
const timedFor = time.Hour

// kvmKey names everything a proof depends on: kernel, processor, emulator and firmware files.
func (m machine) kvmKey(h *Host) string {
	q, _ := h.Find("x86_64")
	parts := []string{strings.TrimSpace(m.read("/proc/sys/kernel/osrelease")), cpuModel(m.read("/proc/cpuinfo")), q.Version}
	files := []string{q.Path}
	for _, f := range h.Firmware {
		files = append(files, cmp.Or(f.Code, f.Source)) // SeaBIOS is found by its own path
	}
	for _, file := range files {
		if st, err := fs.Stat(m.root, rel(file)); err == nil {
			parts = append(parts, file, st.ModTime().UTC().Format(time.RFC3339))
		}
	}
	return strings.Join(parts, "|")
}

// cpuModel takes the first processor's name out of /proc/cpuinfo.
func cpuModel(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// recall gives an earlier verdict that still holds.
func (m machine) recall(key string) (Fact, bool) {
	if m.cache == "" {
		return Fact{}, false
	}
	b, err := os.ReadFile(filepath.Join(m.cache, "kvm.json"))
	if err != nil {
		return Fact{}, false
	}
	var p proved
	if json.Unmarshal(b, &p) != nil || p.Key != key || p.Timed && time.Since(p.At) > timedFor {
		return Fact{}, false
	}
	return p.Fact, true
}

// remember keeps a verdict. A cache that cannot be written costs the next run a moment and nothing else, so
// that is not reported.
func (m machine) remember(key string, v verdict) {
	b, err := json.Marshal(proved{Key: key, Fact: v.Fact, Timed: v.timed, At: time.Now().UTC()})
	if err != nil || m.cache == "" {
		return
	}
	_ = whole.WriteFile(filepath.Join(m.cache, "kvm.json"), b, 0o600)
}
