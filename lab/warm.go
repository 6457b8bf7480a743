package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/lab/guest"
	"github.com/pxelab/pxelab/lab/plan"
)

// warmth is whether a guest starts from a snapshot: from which folder, or why from none.
type warmth struct {
	Dir string `json:"dir,omitempty"`
	Why string `json:"why,omitempty"`
}

// A snapshot is a folder of the cache, named after its key:
//
//	state      what QEMU goes on from
//	shot.json  what the machine had done until then (shot)
//	vars.fd    its variable store at that moment, if it has one
const (
	stateFile = "state"
	shotFile  = "shot.json"
)

// shot is the content of shot.json.
type shot struct {
	guest.Shot
	Mark string    `json:"mark"` // what the console said
	Made time.Time `json:"made"`
	Why  string    `json:"why,omitempty"` // there is none, and so why
}

const (
	// shotAge is how old a snapshot may be: its clock goes on at the time at which it was taken.
	shotAge = 7 * 24 * time.Hour
	// failedAge is how long it is believed that one cannot be taken: the host may have been busy.
	failedAge = time.Hour
	// shotLimit is how long a firmware may take to its mark; 3 s on a calm host.
	shotLimit = 45 * time.Second
	// shotTries is how often a mark is tried at which a firmware was on its way to the network already.
	shotTries = 3
	// shotBytes is how much the cache may hold of snapshots; a state has 10 to 45 MB.
	shotBytes = 4 << 30
)

// snapshots finds the snapshot of each guest that the plan has start warm, and takes those that are missing, as many at once as
// guests run. Where one cannot be had the guest starts cold, and its log says why.
func snapshots(ctx context.Context, p *plan.Plan, o Options) map[string]warmth {
	out := map[string]warmth{}
	var mu sync.Mutex
	var taking sync.WaitGroup
	room := make(chan struct{}, max(p.AtOnce, 1))
	for _, g := range p.Guests {
		if g.Warm == nil {
			continue
		}
		taking.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			dir, err := snapshot(ctx, g, o)
			w := warmth{Dir: dir}
			if err != nil {
				w = warmth{Why: err.Error()}
			}
			mu.Lock()
			defer mu.Unlock()
			out[g.Name] = w
		})
	}
	taking.Wait()
	return out
}

// snapshot gives the folder of a guest's snapshot, which is taken if it is missing or too old. Of several processes that miss it,
// one takes it.
func snapshot(ctx context.Context, g plan.Guest, o Options) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("keep a snapshot: %w", err)
	}
	cache = filepath.Join(cache, "pxelab", "warm")
	dir := filepath.Join(cache, shotKey(g))
	if fresh(dir) {
		return dir, nil
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", fmt.Errorf("keep a snapshot: %w", err)
	}
	unlock, err := lockFile(ctx, dir+".lock")
	if err != nil {
		return "", fmt.Errorf("take a snapshot: %w", err)
	}
	defer unlock()
	if fresh(dir) { // by now
		return dir, nil
	}
	o.Say(fmt.Sprintf("taking a snapshot of %s with %s, once: later boots start from it", g.Firmware, g.NIC))
	if err := takeSnapshot(ctx, g, dir, o.Cores); err != nil {
		return "", err
	}
	makeRoom(cache, shotBytes)
	return dir, nil
}

// fresh tells whether a snapshot is there, or that none can be taken, and notes that it was used.
func fresh(dir string) bool {
	now, age := time.Now(), shotAge
	st, err := os.Stat(filepath.Join(dir, shotFile))
	if _, lacks := os.Stat(filepath.Join(dir, stateFile)); lacks != nil {
		age = failedAge
	}
	return err == nil && now.Sub(st.ModTime()) < age && os.Chtimes(dir, now, now) == nil
}

// shotKey names everything that a snapshot depends on: the command line with MAC and UUID, less the guest's name, and the files it
// names, the emulator first.
func shotKey(g plan.Guest) string {
	h := sha256.New()
	fmt.Fprintln(h, "snapshot 1", g.Warm.Marks)
	for _, a := range g.Argv {
		if a.Flag == "-name" {
			continue
		}
		fmt.Fprintln(h, a.Flag, a.Value)
		identify(h.Write, a.Flag)
		for word := range strings.FieldsFuncSeq(a.Value, func(r rune) bool { return r == ',' || r == '=' }) {
			identify(h.Write, word)
		}
	}
	for _, c := range g.Copies {
		fmt.Fprintln(h, c.From, c.To)
		identify(h.Write, c.From)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// identify writes what tells one version of a file from another.
func identify(write func([]byte) (int, error), path string) {
	if !filepath.IsAbs(path) {
		return
	}
	if st, err := os.Stat(path); err == nil {
		_, _ = write(fmt.Appendln(nil, path, st.Size(), st.ModTime().UnixNano()))
	}
}

// lockFile holds a lock until unlock is called or this process ends.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	locked := make(chan error, 1)
	go func() {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		for errors.Is(err, unix.EINTR) {
			err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		}
		if err != nil || ctx.Err() != nil { // nobody waits for it
			_ = f.Close()
		}
		locked <- err
	}()
	select {
	case err := <-locked:
		return func() { _ = f.Close() }, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// takeSnapshot has a guest's firmware run to the last mark at which it can be stopped in time, and keeps that, or why it cannot be.
func takeSnapshot(ctx context.Context, g plan.Guest, dir string, cores []int) error {
	tmp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+"-")
	if err != nil {
		return fmt.Errorf("take a snapshot: %w", err)
	}
	defer os.RemoveAll(tmp)
	s, err := takeAtMark(ctx, g, tmp, cores)
	if err != nil && ctx.Err() != nil {
		return err
	}
	if err != nil {
		s = shot{Why: err.Error(), Made: time.Now()}
		_ = os.Remove(filepath.Join(tmp, stateFile))
	}
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("keep a snapshot: %w", err)
	}
	if err := os.WriteFile(filepath.Join(tmp, shotFile), text, 0o600); err != nil {
		return fmt.Errorf("keep a snapshot: %w", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("keep a snapshot: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("keep a snapshot: %w", err)
	}
	return nil
}

func takeAtMark(ctx context.Context, g plan.Guest, dir string, cores []int) (shot, error) {
	var last error
	for _, mark := range g.Warm.Marks {
		for range shotTries {
			if err := copies(g, dir); err != nil {
				return shot{}, fmt.Errorf("take a snapshot: %w", err)
			}
			taken, err := guest.Take(ctx, guest.ShotConfig{Argv: g.Resolve(dir), Dir: dir, Mark: mark,
				State: filepath.Join(dir, stateFile), Limit: shotLimit, Cores: cores})
			if err == nil {
				return shot{Shot: taken, Mark: mark, Made: time.Now()}, nil
			}
			if last = err; !errors.Is(err, guest.ErrSpoke) {
				break
			}
		}
	}
	return shot{}, last
}

// makeRoom removes the snapshots that were not used for longest, until the rest fits.
func makeRoom(cache string, limit int64) {
	states, err := filepath.Glob(filepath.Join(cache, "*", stateFile))
	if err != nil {
		return
	}
	type kept struct {
		dir  string
		size int64
		used time.Time
	}
	var all []kept
	total := int64(0)
	for _, state := range states {
		st, err := os.Stat(state)
		dir, err2 := os.Stat(filepath.Dir(state))
		if errors.Join(err, err2) == nil {
			all = append(all, kept{filepath.Dir(state), st.Size(), dir.ModTime()})
			total += st.Size()
		}
	}
	for total > limit {
		oldest := 0
		for i := range all {
			if all[i].used.Before(all[oldest].used) {
				oldest = i
			}
		}
		_ = os.RemoveAll(all[oldest].dir)
		total -= all[oldest].size
		all = append(all[:oldest], all[oldest+1:]...)
	}
}

// resumed is a guest's snapshot, opened.
type resumed struct {
	shot
	key   string
	state *os.File
}

// resume opens the snapshot that a guest is to start from, and puts its files where the guest's are. nil, with the reason: the
// guest starts cold.
func (m *machine) resume(g plan.Guest, dir string) (*resumed, string) {
	w := m.lab.job.Warm[g.Name]
	if g.Warm == nil || w.Dir == "" {
		return nil, w.Why
	}
	r := &resumed{key: filepath.Base(w.Dir)}
	text, err := os.ReadFile(filepath.Join(w.Dir, shotFile))
	if err == nil {
		err = json.Unmarshal(text, &r.shot)
	}
	if err == nil && r.Why != "" {
		return nil, r.Why
	}
	for _, c := range g.Copies {
		if err == nil {
			err = copyFile(filepath.Join(w.Dir, c.To), filepath.Join(dir, c.To))
		}
	}
	if err == nil {
		r.state, err = os.Open(filepath.Join(w.Dir, stateFile))
	}
	if err != nil {
		return nil, fmt.Sprintf("open its snapshot: %v", err)
	}
	return r, ""
}

// argv is the command line of the machine that goes on.
func (r *resumed) argv(cold []string) []string {
	return append(cold, "-incoming", fmt.Sprintf("fd:%d", guest.FDState), "-global", "migration.announce-rounds=0")
}

// replay puts on the cable what the machine had sent before.
func (r *resumed) replay(nic *os.File) error {
	for _, f := range r.Frames {
		if _, err := nic.Write(f); err != nil {
			return fmt.Errorf("put the frames of a snapshot on the cable: %w", err)
		}
	}
	return nil
}
