package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/judge"
)

// Line is one event of a log in one line, without its end: when, who, what. Names are names columns wide; a line
// that is wider than width is cut, and says so. Zero width cuts nothing.
func Line(e event.Event, names, width int) string {
	who := e.Guest
	if who == "" {
		who = e.Service
	}
	if who == "" {
		who = e.Network
	}
	line := fmt.Sprintf("%9.3f  %s  %-15s  %s", e.At.Seconds(), pad(who, names), e.Kind, Visible(happened(e)))
	line = strings.TrimRight(line, " ")
	if width > 0 {
		line = shorten(line, width)
	}
	return line
}

// happened words what an event holds.
func happened(e event.Event) string {
	switch {
	case e.Packet != nil && e.Packet.FromGuest:
		return fmt.Sprintf("-> #%d %s", e.Packet.Frame, e.Packet.Info)
	case e.Packet != nil:
		return fmt.Sprintf("<- #%d %s", e.Packet.Frame, e.Packet.Info)
	case e.Decision != nil:
		return e.Decision.String()
	case e.Progress != nil:
		return e.Progress.String()
	case e.Hold != nil:
		return Held(e)
	case e.Kind == event.FaultHit && e.Fault != nil:
		return fmt.Sprintf("fault %d (%s): %s", e.Fault.Rule, e.Fault.Do, e.Fault.Info)
	case e.Fault != nil:
		return fmt.Sprintf("fault %d: %s", e.Fault.Rule, e.Text)
	case e.Stall != nil:
		return fmt.Sprintf("more than %s at %s", e.Stall.Budget, e.Stall.Stage)
	case e.Late != nil:
		return fmt.Sprintf("the host was late by %s", e.Late.By.Round(time.Millisecond))
	case e.Power != nil:
		return powered(e)
	case e.Exit != nil:
		return strings.Join(strings.Fields(fmt.Sprintf("exit status %d %s %s", e.Exit.Code, e.Exit.Signal, e.Exit.Stderr)), " ")
	case e.Kind == event.GuestSettled:
		return fmt.Sprintf("boot %d", e.Boot)
	case e.Socket != nil:
		return e.Socket.Network + " " + e.Socket.Address
	case e.Run != nil:
		return fmt.Sprintf("%s, nonce %s", e.Run.Topology, e.Run.Nonce)
	}
	return e.Text
}

// powered words a power-on.
func powered(e event.Event) string {
	text := fmt.Sprintf("boot %d, %s, clock %s", e.Boot, e.Power.Accel, e.Power.Clock)
	switch {
	case e.Power.Warm != "":
		text += ", from a snapshot of its firmware"
	case e.Power.Cold != "":
		text += ", from cold: " + e.Power.Cold
	}
	return text
}

// clock words the clock of a guest's boot, and that it was not powered on from cold.
func clock(g judge.Result) string {
	if g.Warm {
		return g.Clock + " warm"
	}
	return g.Clock
}
