package runner

import (
	"fmt"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/matrix"
)

func TestRoom(t *testing.T) {
	warp := matrix.Needs{Cores: 1, Memory: 100}
	quiet := matrix.Needs{Cores: 0.25, Memory: 100}
	trio := matrix.Needs{Cores: 2.25, Memory: 300}
	huge := matrix.Needs{Cores: 1, Memory: 5000}
	type step struct {
		needs matrix.Needs
		want  string // the cores, or "-"
	}
	for name, c := range map[string]struct {
		cores []int
		width int
		steps []step
	}{
		"warped labs have a core each":            {[]int{0, 3}, 2, []step{{warp, "[0]"}, {warp, "[3]"}, {warp, "-"}, {quiet, "-"}}},
		"labs that wait share one":                {[]int{0, 3}, 2, []step{{quiet, "[0]"}, {quiet, "[0]"}, {warp, "[3]"}, {quiet, "[0]"}, {quiet, "[0]"}, {quiet, "-"}}},
		"one that needs more has all":             {[]int{0, 3}, 2, []step{{trio, "[0 3]"}, {quiet, "-"}}},
		"one that needs more waits for all":       {[]int{0, 3}, 2, []step{{quiet, "[0]"}, {trio, "-"}}},
		"narrowed to one core":                    {[]int{0, 3}, 1, []step{{warp, "[0]"}, {warp, "-"}}},
		"narrowed, labs that wait still share":    {[]int{0, 3}, 1, []step{{quiet, "[0]"}, {quiet, "[0]"}, {warp, "-"}}},
		"narrowed, nothing else runs":             {[]int{0, 3}, 1, []step{{trio, "[0 3]"}, {quiet, "-"}}},
		"memory is shared out":                    {[]int{0, 1, 2, 3}, 4, []step{{trio, "[0 1 2]"}, {huge, "-"}, {warp, "[3]"}}},
		"what fits nowhere else runs by itself":   {[]int{0, 1}, 2, []step{{huge, "[0]"}, {warp, "-"}}},
		"one core, and one that needs more of it": {[]int{5}, 1, []step{{trio, "[5]"}, {warp, "-"}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(c.cores, 1000)
			r.width = c.width
			var taken []func()
			for i, s := range c.steps {
				cores, ok := r.take(s.needs)
				got := "-"
				if ok {
					got = fmt.Sprint(cores)
					taken = append(taken, func() { r.give(s.needs, cores) })
				}
				if got != s.want {
					t.Fatalf("step %d: %s, want %s", i, got, s.want)
				}
			}
			for _, give := range taken {
				give()
			}
			if fresh := newRoom(c.cores, 1000); r.memory != fresh.memory || r.labs != 0 || r.free() != c.width {
				t.Errorf("all was given back, and there is %+v", r)
			}
		})
	}
}

// A lab that rests has given back its cores and no memory; its end gives back the rest.
func TestRoomRest(t *testing.T) {
	r := newRoom([]int{0}, 150)
	warp := matrix.Needs{Cores: 1, Memory: 100}
	cores, _ := r.take(warp)
	r.rest(warp, cores)
	if _, ok := r.take(warp); ok {
		t.Error("there was no memory for a second lab, and it began")
	}
	small := matrix.Needs{Cores: 1, Memory: 50}
	if _, ok := r.take(small); !ok {
		t.Error("the core of a lab that rests is not to be had")
	}
	r.give(small, []int{0})
	r.give(matrix.Needs{Memory: 100}, cores)
	if r.memory != 150 || r.labs != 0 || r.free() != 1 {
		t.Errorf("all was given back, and there is %+v", r)
	}
}

// A matrix makes room for others, and takes the cores again when these are gone.
func TestLoadNarrows(t *testing.T) {
	now := time.Unix(0, 0)
	var busy, own time.Duration
	l := newLoad([]int{0, 1})
	l.now = func() time.Time { return now }
	l.counts = func([]int) (time.Duration, time.Duration, error) { return busy, own, nil }
	l.at, l.busy, l.own = now, 0, 0
	second := func(foreign float64) int {
		now = now.Add(time.Second)
		mine := time.Duration((2 - foreign) * float64(time.Second))
		busy, own = busy+2*time.Second, own+mine
		width, _, _ := l.look()
		return width
	}
	for i, s := range []struct {
		foreign float64
		want    int
	}{{0, 2}, {0.2, 2}, {0, 2}, {1, 1}, {1, 1}, {0.5, 1}, {0.5, 1}, {0.5, 1}, {0, 1}, {0, 2}, {2, 1}, {2, 1}, {0, 1}, {0, 1}, {0, 2}} {
		if got := second(s.foreign); got != s.want {
			t.Errorf("second %d, others keep %.1f cores busy: width %d, want %d", i, s.foreign, got, s.want)
		}
	}
	spoilt := matrix.Result{Guests: []judge.Result{{Boots: 2, Clock: "real"}}}
	second(0)
	second(0)
	l.discarded(spoilt)
	if got := second(0); got != 2 {
		t.Errorf("a boot was discarded while nobody else was there: width %d, want 2", got)
	}
	second(0.25)
	l.discarded(spoilt)
	if got := second(0); got != 1 {
		t.Errorf("after a discarded boot beside others: width %d, want 1", got)
	}
	for range 20 {
		second(0)
	}
	if got := second(0); got != 2 {
		t.Errorf("long after: width %d, want 2", got)
	}
}
