package fault

import "slices"

// ServiceDeeds are what a fault does to a service: stop asks its process to end, crash kills it, pause holds it (for a time, or
// for good), slow holds it for a time at each frame, restart kills it and starts it anew, lose-leases does so with all that it had
// kept on disk gone, and fill-pool has strangers lease every address that it gives.
var ServiceDeeds = []string{"stop", "crash", "pause", "slow", "restart", "lose-leases", "fill-pool"}

// GuestDeeds are what a fault does to the guest itself: power-cut takes its power away, for a time, and reset does so for no time.
var GuestDeeds = []string{"power-cut", "reset"}

// Deeds are all of them.
var Deeds = slices.Concat(CableDeeds, ServiceDeeds, GuestDeeds)

// OnCable tells whether the fault is done to the frame that it means, and not for its sake to something else.
func (r *Rule) OnCable() bool { return !r.OnService() && !r.OnGuest() }

// OnService tells whether the fault is done to a service.
func (r *Rule) OnService() bool { return slices.Contains(ServiceDeeds, r.Do) }

// OnGuest tells whether the fault is done to the guest itself.
func (r *Rule) OnGuest() bool { return slices.Contains(GuestDeeds, r.Do) }

// AtPowerOn tells whether the fault waits for no frame: it is done before the guest is powered on.
func (r *Rule) AtPowerOn() bool { return !r.OnCable() && r.Packet == "" && r.From == "" }

// once tells whether the fault is over when it has been done: what is stopped cannot be stopped again.
func (r *Rule) once() bool { return !r.OnCable() && r.Do != "slow" }

// chooses tells whether the nth frame of the kind is meant: of a fault that is done once, the first one if no other is named.
func (r *Rule) chooses(nth int) bool {
	if r.once() && r.First == 0 && r.Nth == 0 && r.Every == 0 && r.Percent == 0 {
		return nth == r.After+1
	}
	return r.picks(nth)
}
