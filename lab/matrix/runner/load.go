package runner

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/matrix"
)

// load watches what others take of the cores: under warp a guest that waits for a core outruns its servers, so the matrix makes room.
type load struct {
	cores   []int
	now     func() time.Time
	counts  func(cores []int) (busy, own time.Duration, err error)
	at      time.Time
	busy    time.Duration
	own     time.Duration
	foreign float64 // cores that others keep busy, of late
	width   int
	until   time.Time // one core less until then
}

func newLoad(cores []int) *load {
	l := &load{cores: cores, now: time.Now, counts: processorTimes, width: len(cores)}
	l.at = l.now()
	l.busy, l.own, _ = l.counts(cores) // without counts nothing is foreign
	return l
}

// Bounds of what is foreign load: others that come by for a moment are an everyday thing.
const (
	narrowFrom = 0.4 // of a core
	widenFrom  = 0.25
	quiet      = 0.1              // below that nobody else is there
	penalty    = 15 * time.Second // after a boot that the host spoilt
)

// look measures, and gives how many cores the matrix may use from now on, with the reason, and whether that is news.
func (l *load) look() (width int, why string, changed bool) {
	now := l.now()
	busy, own, err := l.counts(l.cores)
	passed := now.Sub(l.at)
	if err != nil || passed <= 0 {
		return l.width, "", false
	}
	fresh := max(0, (busy-l.busy)-(own-l.own)).Seconds() / passed.Seconds()
	l.foreign = (l.foreign + fresh) / 2
	l.at, l.busy, l.own = now, busy, own
	n := len(l.cores)
	narrow, wide := n-int(math.Floor(l.foreign+1-narrowFrom)), n-int(math.Floor(l.foreign+1-widenFrom))
	why = fmt.Sprintf("others keep %.1f cores busy", l.foreign)
	if now.Before(l.until) {
		narrow, wide = min(narrow, n-1), min(wide, n-1)
		why = "a warped boot was discarded"
	}
	width = l.width
	if narrow < width {
		width = narrow
	} else if wide > width {
		width = wide
	}
	width = max(1, width)
	changed, l.width = width != l.width, width
	return width, why, changed
}

// discarded takes notice of a case in which a boot was discarded: the host did not keep up. Where nobody else was there the lab itself
// was at fault, and room would not help it.
func (l *load) discarded(r matrix.Result) {
	if l.foreign < quiet {
		return
	}
	for _, g := range r.Guests {
		if g.Boots > 1 && g.Clock == "real" {
			l.until = l.now().Add(penalty)
		}
	}
}

// userHZ is the unit of processor times in /proc (proc(5); it is 100 on every Linux that Go runs on).
const userHZ = 100

// processorTimes gives how long the cores were busy with processes, or were stolen, and how much of that was for this process and all
// below it.
func processorTimes(cores []int) (busy, own time.Duration, err error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(stat)) {
		f := strings.Fields(line)
		n, err := strconv.Atoi(strings.TrimPrefix(f[0], "cpu"))
		if !strings.HasPrefix(f[0], "cpu") || err != nil || !slices.Contains(cores, n) {
			continue
		}
		for i, field := range f[1:] {
			// User, nice, system and stolen time (proc(5)). That of interrupts nobody is charged with: most of it is for the frames of our
			// own labs. Idle and iowait are not busy; guest times are counted already.
			if i < 3 || i == 7 {
				ticks, _ := strconv.ParseInt(field, 10, 64)
				busy += time.Duration(ticks) * time.Second / userHZ
			}
		}
	}
	return busy, treeTime(os.Getpid()), nil
}

// treeTime is what a process, all below it and those of them that have ended used.
func treeTime(root int) time.Duration {
	type process struct {
		parent int
		ticks  int64
	}
	all := map[int]process{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // fails on a bad pattern only
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])) // the name before may hold anything
		if len(f) < 15 {
			continue
		}
		p := process{}
		p.parent, _ = strconv.Atoi(f[1])
		for _, field := range f[11:15] { // utime, stime, cutime, cstime
			ticks, _ := strconv.ParseInt(field, 10, 64)
			p.ticks += ticks
		}
		all[pid] = p
	}
	var ticks int64
	for pid, p := range all {
		at := pid
		for depth := 0; at != root && at > 1 && depth < 64; depth++ {
			at = all[at].parent
		}
		if at == root {
			ticks += p.ticks
		}
	}
	return time.Duration(ticks) * time.Second / userHZ
}
