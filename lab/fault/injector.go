package fault

import (
	"net"
	"slices"
	"time"

	"github.com/pxelab/pxelab/lab/wire"
)

// Injector applies the rules of one cable, in their order, to the frames of one power-on of its guest. It is not safe for
// concurrent use.
type Injector struct {
	rules   []*armed
	own     [6]byte
	tickets int // given to frames that were put aside
}

// armed is a rule in use.
type armed struct {
	Rule
	number int
	sender [6]byte   // its MAC
	met    [2]int    // how many frames of its kind there were, to the guest and from it
	aside  [2]*aside // of reorder: the frame that waits for others
	parted bool      // of partition: it is under way
	left   [2]int    // of partition: frames that it still takes, if that ends it
	spent  bool      // it has been done, once and for all
}

// aside is a frame that was put aside until others have gone first.
type aside struct{ ticket, left int }

// New gives the injector for one power-on of the guest whose card has this address. Its rules are numbered from 1.
func New(rules []Rule, own [6]byte) *Injector {
	i := &Injector{own: own}
	for n, r := range rules {
		i.Add(n+1, r)
	}
	return i
}

// Add arms a rule behind all others. It counts frames from now on.
func (i *Injector) Add(number int, r Rule) {
	a := &armed{Rule: r, number: number}
	if mac, err := net.ParseMAC(r.MAC); err == nil { // the plan's; empty where no service is named
		copy(a.sender[:], mac)
	}
	i.rules = append(i.rules, a)
}

// Without has the injector leave out the rules that spent names, as if they had been done.
func (i *Injector) Without(spent func(*Rule) bool) *Injector {
	for _, a := range i.rules {
		a.spent = spent(&a.Rule)
	}
	return i
}

// Remove takes a rule away.
func (i *Injector) Remove(number int) {
	i.rules = slices.DeleteFunc(i.rules, func(a *armed) bool { return a.number == number })
}

// Heal ends a partition of which time is the end.
func (i *Injector) Heal(number int) {
	for _, a := range i.rules {
		if a.number == number {
			a.parted = false
		}
	}
}

// Action is what becomes of one frame. The zero Action lets it pass.
type Action struct {
	Rule   int           // the number of the rule that means this frame; zero: none does
	Do     string        // its deed
	Drop   bool          // it ends here
	Delay  time.Duration // it travels on that much later, behind what is held up already
	Kbit   int           // it waits for its turn on a line of so many thousand bits a second
	Queue  int           // of Kbit: if as many wait already, it ends here
	Aside  int           // it waits until Then of a later frame names this number, from 1; other frames pass it
	Wait   time.Duration // of Aside: it travels on after that time at the latest
	Then   []int         // these, which were put aside, travel on right after this one
	Copies int           // so many more of it
	Data   []byte        // what travels on in its place; nil: itself
	For    time.Duration // a partition begins here, which Heal ends after that time
	Beside *Rule         // it travels on, and this is to be done to a service or the guest before; nil: nothing
}

// Held tells whether the frame travels on later, and not as soon as it comes.
func (a Action) Held() bool { return a.Delay > 0 || a.Kbit > 0 || a.Aside > 0 }

// Decide says what becomes of a frame. Every rule counts the frames of its kind; the first that means this one acts.
func (i *Injector) Decide(data []byte, fromGuest bool) Action {
	var a Action
	if len(i.rules) == 0 {
		return a
	}
	h, known := wire.Peek(data)
	if !fromGuest && !Concerns(i.own, data, &h) {
		return a
	}
	w := way(fromGuest)
	for _, r := range i.rules {
		if r.AtPowerOn() || r.spent {
			continue
		}
		means := r.sentBy(&h, fromGuest) && r.matches(&h, known) && r.large(data)
		if means {
			r.met[w]++
			means = r.chooses(r.met[w])
		}
		if a.Rule != 0 || !r.due(means, w) {
			continue
		}
		a = i.act(r, data, w)
		a.Rule, a.Do, r.spent = r.number, r.Do, r.once()
	}
	if !a.Drop && a.Aside == 0 {
		a.Then = i.passed(w)
	}
	return a
}

// sentBy tells whether a frame is of the sender that the rule names.
func (a *armed) sentBy(h *wire.Head, fromGuest bool) bool {
	switch a.From {
	case "":
		return true
	case "guest":
		return fromGuest
	}
	return !fromGuest && h.Src == a.sender
}

// way numbers the directions, which are counted apart: which of two frames that cross comes first is chance.
func way(fromGuest bool) int {
	if fromGuest {
		return 1
	}
	return 0
}

// Concerns tells whether a frame that comes to the guest whose card has this address is for it. A bridge also floods what is for
// others, and what goes to all comes in whatever order the others boot in: of that only DHCP's answers to this guest count.
func Concerns(own [6]byte, data []byte, h *wire.Head) bool {
	if _, client, _, dhcp := h.BOOTP(); dhcp {
		return client == own
	}
	return len(data) >= 6 && [6]byte(data) == own
}

// passed counts a frame that travels on for those of its direction that wait for others to go first, and gives those that have
// waited for enough of them.
func (i *Injector) passed(w int) (then []int) {
	for _, r := range i.rules {
		x := r.aside[w]
		if x == nil {
			continue
		}
		if x.left--; x.left == 0 {
			then, r.aside[w] = append(then, x.ticket), nil
		}
	}
	return then
}
