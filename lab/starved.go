package lab

import (
	"time"

	"github.com/pxelab/pxelab/lab/event"
)

// Limits of a longer budget.
const (
	starvedFrom = 0.5 // of the time that the guest ran, spent waiting for a core: less is an everyday host
	longest     = 6   // times the budget, even for a guest that hardly runs
)

// spared is the grace of a starved guest: the deadline it was given at, and the one that replaces it.
type spared struct{ deadline, until time.Duration }

// stretched gives the budget of a stage to a guest that waited for a core: the time in which it runs as long as it
// would have run within the budget on a host with a core to spare. The firmware's own timers stretch with it, as TCG
// runs them late. A guest that never ran has the longest.
func stretched(budget, ran, waited time.Duration) time.Duration {
	if float64(waited) < starvedFrom*float64(ran) || waited == 0 {
		return budget
	}
	return time.Duration(float64(budget) * min(longest, float64(ran+waited)/max(1, float64(ran))))
}

// spare puts a stall off, once per deadline, when the guest could not have met it for want of a core.
func (l *lab) spare(stall event.Event) bool {
	m := l.guests[stall.Guest]
	deadline, _, ok := l.tracker.Guest(stall.Guest).Deadline()
	if !ok || m.spared.deadline == deadline {
		return false
	}
	ran, waited := m.now.Load().qemu.CPU()
	m.spared = spared{deadline, deadline + stretched(stall.Stall.Budget, ran, waited) - stall.Stall.Budget}
	return m.spared.until > deadline
}
