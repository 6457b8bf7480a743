package runner

import (
	"math"

	"github.com/pxelab/pxelab/lab/affinity"
	"github.com/pxelab/pxelab/lab/matrix"
)

// room is what the machine has for labs: cores, each of which one warped lab has for itself or several that mostly wait share, and
// memory.
type room struct {
	cores  []core
	memory int // MiB left
	width  int // cores that may be in use
	labs   int // that run
}

type core struct {
	number int
	used   float64 // of 1
}

func newRoom(cores []int, memoryMiB int) *room {
	r := &room{memory: memoryMiB, width: len(cores)}
	for _, n := range cores {
		r.cores = append(r.cores, core{number: n})
	}
	return r
}

// usableCores lists the cores that this process may use, by number, no more than the share of them that it gets.
func usableCores(most int) ([]int, error) {
	all, err := affinity.Usable()
	return all[:min(len(all), max(1, most))], err
}

// take finds cores for a lab. One that needs more than there is of anything runs alone.
func (r *room) take(n matrix.Needs) (cores []int, ok bool) {
	if n.Memory > r.memory && r.labs > 0 {
		return nil, false
	}
	if n.Cores > 1 {
		cores = r.whole(min(int(math.Ceil(n.Cores)), len(r.cores)))
	} else {
		cores = r.share(n.Cores)
	}
	if cores == nil {
		return nil, false
	}
	r.use(n, cores, 1)
	return cores, true
}

// give takes back what a lab had.
func (r *room) give(n matrix.Needs, cores []int) { r.use(n, cores, -1) }

// rest takes back the cores of a lab whose guests are done: what it still waits for keeps none busy.
func (r *room) rest(n matrix.Needs, cores []int) { r.occupy(n, cores, -1) }

func (r *room) use(n matrix.Needs, cores []int, sign int) {
	r.labs += sign
	r.memory -= sign * n.Memory
	r.occupy(n, cores, sign)
}

func (r *room) occupy(n matrix.Needs, cores []int, sign int) {
	for i := range r.cores {
		for _, c := range cores {
			if r.cores[i].number == c {
				r.cores[i].used += float64(sign) * min(1, n.Cores)
			}
		}
	}
}

// whole finds k cores that nobody uses.
func (r *room) whole(k int) []int {
	if k > r.free() && (r.labs > 0 || k > len(r.cores)) {
		return nil
	}
	var out []int
	for _, c := range r.cores {
		if c.used < 0.01 && len(out) < k {
			out = append(out, c.number)
		}
	}
	if len(out) < k {
		return nil
	}
	return out
}

// share finds a core with so much left, the fullest first, so that others stay free for those that need a whole one.
func (r *room) share(need float64) []int {
	best := -1
	for i, c := range r.cores {
		if c.used+need > 1.01 || c.used < 0.01 && r.free() < 1 && r.labs > 0 {
			continue
		}
		if best < 0 || c.used > r.cores[best].used {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	return []int{r.cores[best].number}
}

// free is how many more cores may be put to use.
func (r *room) free() int {
	n := r.width
	for _, c := range r.cores {
		if c.used >= 0.01 {
			n--
		}
	}
	return n
}
