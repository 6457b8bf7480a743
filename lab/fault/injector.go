package fault

import (
	"bytes"
	"net"
	"time"

	"github.com/pxelab/pxelab/lab/wire"
)

// Injector applies the rules of one cable, in their order, to the frames of one power-on of its guest. It is not safe for
// concurrent use.
type Injector struct {
	rules []armed
	own   [6]byte
}

// armed is a rule in use.
type armed struct {
	Rule
	sender [6]byte // its MAC
	met    [2]int  // how many frames it has matched, to the guest and from it
	spent  bool    // it has been done, once and for all
}

// New gives the injector for one power-on of the guest whose card has this address.
func New(rules []Rule, own [6]byte) *Injector {
	i := &Injector{own: own}
	for _, r := range rules {
		a := armed{Rule: r}
		if mac, err := net.ParseMAC(r.MAC); err == nil { // the plan's; empty where no service is named
			copy(a.sender[:], mac)
		}
		i.rules = append(i.rules, a)
	}
	return i
}

// Without has the injector leave out the rules that spent names, as if they had been done.
func (i *Injector) Without(spent func(*Rule) bool) *Injector {
	for n := range i.rules {
		i.rules[n].spent = spent(&i.rules[n].Rule)
	}
	return i
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

// Action is what becomes of one frame. The zero Action lets it pass.
type Action struct {
	Rule   int           // its number, from 1; zero: no rule means this frame
	Drop   bool          // it ends here
	Delay  time.Duration // it travels on that much later
	Copies int           // so many more of it
	Data   []byte        // what travels on in its place; nil: itself
}

// Decide says what becomes of a frame. Every rule counts the frames of its kind; the first that means this one acts.
func (i *Injector) Decide(data []byte, fromGuest bool) Action {
	h, known := wire.Peek(data)
	var a Action
	if !fromGuest && !i.concerns(data, &h) {
		return a
	}
	for n := range i.rules {
		r := &i.rules[n]
		if r.AtPowerOn() || r.spent || !r.sentBy(&h, fromGuest) || !r.matches(&h, known) {
			continue
		}
		met := &r.met[way(fromGuest)]
		*met++
		if a.Rule == 0 && r.picks(*met) {
			a = r.act(data)
			a.Rule = n + 1
			r.spent = r.once()
		}
	}
	return a
}

// way numbers the directions, which are counted apart: which of two frames that cross comes first is chance.
func way(fromGuest bool) int {
	if fromGuest {
		return 1
	}
	return 0
}

// concerns tells whether a frame is for this guest. A bridge also floods what is for others, and what goes to all comes in
// whatever order the others boot in: of that only DHCP's answers to this guest count.
func (i *Injector) concerns(data []byte, h *wire.Head) bool {
	if _, client, _, dhcp := h.BOOTP(); dhcp {
		return client == i.own
	}
	return len(data) >= 6 && [6]byte(data) == i.own
}

// act is what the rule does to a frame.
func (r *Rule) act(data []byte) Action {
	switch r.Do {
	case "delay":
		return Action{Delay: r.By}
	case "duplicate":
		return Action{Copies: 1}
	case "corrupt":
		return Action{Data: spoilt(data)}
	case "truncate":
		return Action{Data: bytes.Clone(data[:min(len(data), max(r.To, 14))])}
	case "drop":
		return Action{Drop: true}
	}
	return Action{} // it travels on, and something else happens
}

// spoilt turns one bit of a frame over, past the headers of UDP over IPv4, so that its checksum is wrong.
func spoilt(data []byte) []byte {
	out := bytes.Clone(data)
	const headers = 14 + 20 + 8
	if len(out) > 0 {
		out[min(len(out)-1, headers+(len(out)-min(len(out), headers))/2)] ^= 0x10
	}
	return out
}
