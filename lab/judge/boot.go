package judge

import (
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// boot is one power-on of one guest: what was seen of it until it settled. What comes later (the lab ends a
// settled guest) can change nothing.
type boot struct {
	t      *Tracker
	guest  *plan.Guest
	number int
	warp   bool
	warm   bool          // it goes on from a snapshot of its firmware
	events []event.Event // all of them, GuestPowered first
	lines  []event.Event // the console, see addLine
	faults []armed       // on its cable, while it had not settled
	hands  []hand        // what was done by hand to its packets, while it had not settled

	stage    event.Stage
	reached  map[event.Stage]event.Event // the event that first showed each stage
	progress time.Duration               // when the boot last showed something new
	shown    map[string]bool             // what it has shown so far

	given     map[string]bool // addresses given to the guest
	pxe6      map[string]bool // DHCPv6 transactions of its PXE client
	address   string          // the last of them
	transfers []*transfer     // in the order of their first request
	report    report          // the probe's own
	os        osReport        // of the Linux that a boot program loaded
	rounds    rounds          // of a program that boots itself again
	complaint []event.Event   // lines in which the PXE client says what is wrong
	silences  []event.Event   // decisions of services to stay silent towards it
	unserved  []event.Event   // the same of TFTP and HTTP servers, which know a machine by its address

	paused    bool         // its clock stands still
	gaveUp    *event.Event // what shows that the boot attempt is over
	refused   bool         // the client complained or gave up after it had the whole file
	unstarted bool         // the firmware could not start the file, or the file returned so
	stalled   *event.Event
	exit      *event.Event
	ended     *event.Event // the lab stopped it
	discarded *event.Event
	settled   bool
	outcome   Outcome
}

func newBoot(t *Tracker, g *plan.Guest, e event.Event) *boot {
	b := &boot{t: t, guest: g, number: e.Boot, warp: e.Power != nil && e.Power.Warp, warm: e.Power != nil && e.Power.Warm != "", events: []event.Event{e},
		faults:  slices.Clone(t.armed[g.Name]),
		reached: map[event.Stage]event.Event{event.StagePower: e}, progress: e.At,
		shown: map[string]bool{}, given: map[string]bool{}, pxe6: map[string]bool{}}
	b.report.packets = map[string]map[string]string{}
	return b
}

// feed takes the next event of this boot.
func (b *boot) feed(e event.Event) {
	if b.settled {
		return
	}
	b.events = append(b.events, e)
	switch e.Kind {
	case event.Console, event.ConsolePartial:
		b.console(e)
	case event.PacketSeen:
		b.packet(e)
	case event.GuestStalled:
		b.stalled = &e
	case event.GuestEnded:
		b.ended = &e
	case event.GuestHeld:
		b.paused, b.progress = e.Text == "pause", e.At
	case event.GuestBroken: // QEMU itself would stay; the lab ends it, and that is no power-off
		e.Exit = &event.Exit{Code: -1, Stderr: "the machine cannot go on (" + e.Text + ")"}
		b.exit = &e
	case event.GuestExited:
		b.exited(e)
	}
	if b.stalled != nil || b.gaveUp != nil || b.exit != nil || b.enough(e) {
		b.settled = true
		b.outcome = b.conclude()
	}
}

// exited notes the end of the QEMU process, unless the lab itself ended it.
func (b *boot) exited(e event.Event) {
	if b.ended != nil {
		return
	}
	b.exit = &e
	if clean(e.Exit) {
		b.reach(event.StageOff, e)
	}
}

// clean tells a machine that powered itself off from a QEMU that died.
func clean(x *event.Exit) bool { return x == nil || x.Code == 0 && x.Signal == "" }

// reach marks a stage as reached. The furthest stage never moves back: a second-stage program that asks for an
// address again is still a boot program that runs.
func (b *boot) reach(s event.Stage, e event.Event) {
	if _, ok := b.reached[s]; ok {
		return
	}
	b.reached[s] = e
	b.progress = e.At
	b.stage = max(b.stage, s)
}

func (b *boot) has(s event.Stage) bool { _, ok := b.reached[s]; return ok }

// show records progress if the boot has not shown this before.
func (b *boot) show(what string, e event.Event) {
	if !b.shown[what] {
		b.shown[what] = true
		b.progress = e.At
	}
}

// enough says that a boot program which is no probe has done all that is expected of it, so that no later event
// can change a verdict. Claims about what must never happen, or how the boot ends, need the whole boot.
func (b *boot) enough(e event.Event) bool {
	if b.stage != event.StageStarted || b.speaks() || len(b.guest.Expect) == 0 ||
		e.Kind != event.Console && e.Kind != event.PacketSeen && e.Kind != event.ConsolePartial {
		return false
	}
	var serial cursor
	for _, x := range b.guest.Expect {
		if x.Never != nil || x.Ends != "" || x.Stops != nil || !b.check(x, &serial).pass {
			return false
		}
	}
	return true
}

// expectsRunning tells whether the guest is expected not to power off.
func (b *boot) expectsRunning() bool {
	for _, x := range b.guest.Expect {
		if x.Ends == "running" {
			return true
		}
	}
	return false
}

// patience is how many times its budget a guest may stay at a stage, however much it prints there.
const patience = 5

func (b *boot) state() GuestState {
	s := GuestState{Boot: b.number, Warp: b.warp, Warm: b.warm, Stage: b.stage, At: map[event.Stage]time.Duration{},
		Address: b.address, Took: b.took(), Settled: b.settled, Outcome: b.outcome,
		Cut: b.ended != nil && b.discarded == nil && !b.settled, Paused: b.paused && !b.settled}
	if b.t.held.on && b.ended == nil && !b.settled {
		s.Held, s.Paused = true, true
	}
	for stage, e := range b.reached {
		s.At[stage] = e.At
	}
	if t := b.lastTransfer(); t != nil {
		s.File = t.file
	}
	s.Budget = b.budget()
	if s.Budget > 0 && !b.settled && b.ended == nil && !b.paused && !b.t.held.on {
		s.deadline, s.limited = b.progress+b.t.held.since(b.progress)+s.Budget, true
		if since, ok := b.reached[b.stage]; ok { // a guest that prints for ever makes no progress either
			s.deadline = min(s.deadline, since.At+b.t.held.since(since.At)+patience*s.Budget)
		}
	}
	return s
}

// menuBudget is the stay at a boot menu that waits for a key when the lab types none: nothing more will come.
const menuBudget = 15 * time.Second

// sooner is how many times sooner a warped boot that makes no progress is called stalled: budgets are sized for firmware that waits
// a minute for an answer, and in a third of one an hour passes in such a guest.
const sooner = 3

// budget is how long the boot may stay at its stage.
func (b *boot) budget() time.Duration {
	budget := b.guest.Budget(b.stage)
	if b.warp {
		budget /= sooner
	}
	if budget > menuBudget && len(b.guest.Keys) == 0 && b.atMenu() {
		return menuBudget
	}
	return budget
}

// took is how long the boot had run when its last event came.
func (b *boot) took() time.Duration { return b.between(b.events[0].At, b.events[len(b.events)-1].At) }

func sameMAC(a, b string) bool { return a != "" && strings.EqualFold(a, b) }
