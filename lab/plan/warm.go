package plan

import (
	"fmt"
	"strings"
)

// Warm says that a guest goes on from a snapshot of its firmware in place of being powered on. Until the snapshot nothing that the
// firmware did could depend on the network, so what comes next is the same; see docs/warm-start.md.
type Warm struct {
	// Marks are texts on the serial console, the latest in a boot first: the snapshot is taken at the first of them at which the
	// firmware has asked the network for nothing yet. "" is the console's first octet.
	Marks []string `json:"marks"`
}

// start picks cold or warm starts. One needs a warped clock: a snapshot goes on with the clock that it was taken with.
func start(o Options, clock Choice) Choice {
	switch {
	case o.Start == "cold":
		return Choice{"cold", "asked for on the command line"}
	case o.Hypervisor != nil:
		return Choice{"cold", "warm starts are of guests whose QEMU the lab runs itself"}
	case clock.Value != "warp":
		return Choice{"cold", "warm starts need a warped clock, and the clock is " + clock.Value}
	case o.Start == "warm":
		return Choice{"warm", "asked for on the command line"}
	}
	return Choice{"warm", "what firmware does before it asks the network is always the same"}
}

// warm plans a guest's warm start. Guests stay cold that do something of their own before the network is asked.
func (g *Guest) warm(p *Plan, sameMAC bool) *Warm {
	switch {
	case p.Start.Value != "warm", g.Clock != "warp":
		return nil
	case len(g.Keys) > 0: // they may be meant for a prompt that comes before
		return nil
	case g.NIC == usbNIC: // no firmware boots from one
		return nil
	case sameMAC: // whether its address is taken is the network's to say
		return nil
	case g.Client == "ipxe" && !g.Over(IPv6):
		return &Warm{Marks: []string{"net0: "}}
	case g.Client == "edk2" && !g.Over(IPv6):
		return &Warm{Marks: []string{">>Start ", ""}}
	case g.Client == "edk2": // it asks for routers before it says what it does
		return &Warm{Marks: []string{""}}
	}
	return nil
}

// startText is how a guest starts, for people.
func (g Guest) startText() string {
	if g.Warm == nil {
		return ""
	}
	last := strings.TrimSpace(g.Warm.Marks[0])
	if last == "" {
		return "  start warm, from its first word"
	}
	return fmt.Sprintf("  start warm, from %q", last)
}
