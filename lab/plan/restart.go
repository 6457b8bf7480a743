package plan

import (
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/topology"
)

// Again tells whether a program that has served and ended is to be started again by its policy, and how long after its end; spent is
// whether it would be, if it had not been as often as it may. failed is whether a signal or its status says that it did, times how
// often it was started again before.
func (e *Exec) Again(failed bool, times int) (delay time.Duration, again, spent bool) {
	r := e.Restart
	if r.Policy != topology.RestartAlways && (r.Policy != topology.RestartOnFailure || !failed) {
		return 0, false, false
	}
	if times >= r.Times {
		return 0, false, true
	}
	delay = r.Delay
	for range times {
		delay = min(2*delay, topology.LongestRestartDelay)
	}
	return delay, true, false
}

// Waves sorts the services that serve as long as the lab into those that are started at once: each wave when the one before it
// serves. They are stopped in the opposite order.
func (p *Plan) Waves() [][]Service {
	var waves [][]Service
	var done []string
	left := slices.DeleteFunc(slices.Clone(p.Services), Service.EndsByItself)
	for len(left) > 0 {
		var wave, later []Service
		for _, s := range left {
			if s.Exec == nil || !slices.ContainsFunc(s.Exec.After, func(name string) bool { return !slices.Contains(done, name) }) {
				wave = append(wave, s)
			} else {
				later = append(later, s)
			}
		}
		if len(wave) == 0 { // a circle, which no topology has
			wave, later = later, nil
		}
		for _, s := range wave {
			done = append(done, s.Name)
		}
		waves, left = append(waves, wave), later
	}
	return waves
}
