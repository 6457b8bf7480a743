package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/dissect"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/hold"
	"github.com/pxelab/pxelab/lab/network"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/wire"
)

// What becomes of a packet that the lab is held at (control.Step.Do, event.Hold.Did).
const (
	doPass      = "pass"
	doDrop      = "drop"
	doDuplicate = "duplicate"
	didEdit     = "edit"
)

// Hold says how stepping stands (control.Lab).
func (l *lab) Hold(ctx context.Context) (h control.Holding, err error) {
	err = l.command(ctx, func() error {
		h = l.holding()
		return nil
	})
	return h, err
}

// Step lets a held lab go on, or says where one that is not held will be (control.Lab).
func (l *lab) Step(ctx context.Context, s control.Step) (h control.Holding, err error) {
	err = l.command(ctx, func() error {
		if err := l.step(s); err != nil {
			return err
		}
		h = l.holding()
		return nil
	})
	return h, err
}

// holding is how stepping stands.
func (l *lab) holding() control.Holding {
	if !l.held {
		return control.Holding{Until: l.until, Seq: l.told}
	}
	h := control.Holding{On: true, Seq: l.told, Info: l.stages.rest()}
	at, waiting := l.gate.At()
	if h.Waiting = waiting; at != nil {
		h.Guest, h.Data, h.FromGuest, h.Info = at.Cable, at.Data, at.FromGuest, l.guests[at.Cable].infoOf(at.Data, at.FromGuest)
	}
	return h
}

// step does what one Step says. It is the director's.
func (l *lab) step(s control.Step) error {
	means, err := l.meant(s.Until)
	if err != nil {
		return err
	}
	hand, did, err := l.handOf(s)
	if err != nil {
		return err
	}
	if l.held && s.Until.Now && did == "" { // it is held, and stays so
		return nil
	}
	l.until = worded(s.Until)
	off := event.Hold{Until: l.until, Did: did}
	at, _ := l.gate.At()
	if did == didEdit {
		off.Changed = dissect.Differences(at.Data, s.Data)
	}
	if e := (event.Event{Kind: event.LabHeld, Hold: &off}); l.held && at != nil {
		l.told = l.log.Append(l.at(e, at.Cable)).Seq
	} else {
		l.told = l.log.Append(e).Seq
	}
	l.gate.Mean(means)
	l.stages.watch(l, s.Until)
	if l.held {
		l.held = false
		go l.goOn(hand)
	}
	if s.Until.Now {
		l.gate.Shut()
	}
	return nil
}

// at names the guest and its boot in an event.
func (l *lab) at(e event.Event, guest string) event.Event {
	e.Guest = guest
	if p := l.guests[guest].now.Load(); p != nil {
		e.Boot, e.Network = p.boot, p.network
	}
	return e
}

// handOf is what a Step does by hand to the packet that the lab is held at, and the word for it; empty: it is held at none.
func (l *lab) handOf(s control.Step) (hand network.Hand, did string, err error) {
	at, _ := l.gate.At()
	if !l.held || at == nil {
		if s.Do != "" && s.Do != doPass || s.Data != nil {
			return hand, "", errors.New("the lab is not held at a packet, so there is none to drop, send twice or edit; `pxelab step` holds it at the next one")
		}
		return hand, "", nil
	}
	did = s.Do
	switch s.Do {
	case "", doPass:
		did = doPass
	case doDrop:
		hand.Drop = true
	case doDuplicate:
		hand.Copy = true
	default:
		return hand, "", fmt.Errorf("unknown deed %q on a packet (have %s)", s.Do, strings.Join([]string{doPass, doDrop, doDuplicate}, ", "))
	}
	if s.Data == nil {
		return hand, did, nil
	}
	if did != doPass {
		return hand, "", fmt.Errorf("a packet that is edited travels on once; leave out the edit or %q", s.Do)
	}
	if err := network.Fits(s.Data); err != nil {
		return hand, "", fmt.Errorf("edit the packet on the cable of %q: %w", at.Cable, err)
	}
	hand.Data = s.Data
	return hand, didEdit, nil
}

// goOn has the packet that the lab was held at travel on, and those that came since, one after the other. Nobody moves before all have;
// then everybody does. It returns when the lab is to be held again, or runs freely.
func (l *lab) goOn(hand network.Hand) {
	if !l.gate.Pass(hand) {
		_ = l.command(l.life, func() error { l.moveAll(); return nil }) // unless the lab is over
	}
}

// shut is called when the gate has stopped letting frames pass. Guests whose clock is warped are stopped at once: a moment of the host
// is seconds to them.
func (l *lab) shut() {
	l.freezing.Lock()
	l.frozen = true
	for _, m := range l.guests {
		if p := m.now.Load(); p != nil && p.warped() && !p.over() {
			p.qemu.Freeze()
		}
	}
	l.freezing.Unlock()
	l.soon(l.life, l.holdStill)
}

// holdStill has everybody stand still, and tells that the lab is held. It is the director's.
func (l *lab) holdStill() {
	l.stopAll()
	l.held = true
	h := event.Hold{On: true, Info: l.stages.rest()}
	at, waiting := l.gate.At()
	e := event.Event{Kind: event.LabHeld, Hold: &h}
	if h.Waiting = waiting; at != nil {
		h.Data, h.FromGuest, h.Info = at.Data, at.FromGuest, l.guests[at.Cable].infoOf(at.Data, at.FromGuest)
		e = l.at(e, at.Cable)
	}
	l.told = l.log.Append(e).Seq
}

// meant turns what was asked for into what the gate is to shut at; nil is no frame.
func (l *lab) meant(u control.Until) (network.Means, error) {
	if err := checkUntil(l.plan, u); err != nil {
		return nil, err
	}
	if u.Never || u.Now || u.Stage != "" {
		return nil, nil
	}
	conditions := map[string]*hold.Condition{}
	for _, g := range l.plan.Guests {
		if u.Guest != "" && g.Name != u.Guest {
			continue
		}
		mac, err := net.ParseMAC(g.MAC)
		if err != nil {
			return nil, err
		}
		switch {
		case u.Any:
			conditions[g.Name] = hold.Selected(fault.Selection{}, [6]byte(mac))
		case u.Packet == "":
			conditions[g.Name] = hold.Telling([6]byte(mac))
		default:
			s, err := l.plan.ParseSelection("step", u.Packet, g)
			if err != nil { // its sender is on another network
				continue
			}
			conditions[g.Name] = hold.Selected(s, [6]byte(mac))
		}
	}
	return func(cable string, data []byte, fromGuest bool) bool {
		c := conditions[cable]
		return c != nil && c.Means(data, fromGuest)
	}, nil
}

// checkUntil says what is wrong with where a lab is to be held next.
func checkUntil(p *plan.Plan, u control.Until) error {
	ways := 0
	for _, way := range []bool{u.Never, u.Now, u.Any, u.Packet != "", u.Stage != ""} {
		if way {
			ways++
		}
	}
	if ways > 1 {
		return errors.New("a lab is held next in one way: now, never, at any packet, at a certain one, or at a stage")
	}
	if u.Guest != "" && !slices.ContainsFunc(p.Guests, func(g plan.Guest) bool { return g.Name == u.Guest }) {
		var names []string
		for _, g := range p.Guests {
			names = append(names, g.Name)
		}
		return fmt.Errorf("no guest %q in this lab (have %s)", u.Guest, strings.Join(names, ", "))
	}
	if u.Stage != "" && u.Stage != stageNext && !slices.Contains(event.StageNames(), u.Stage) {
		return fmt.Errorf("unknown stage %q (have %s, %s)", u.Stage, stageNext, strings.Join(event.StageNames(), ", "))
	}
	if u.Packet != "" {
		g := plan.Guest{}
		if i := slices.IndexFunc(p.Guests, func(g plan.Guest) bool { return g.Name == u.Guest }); i >= 0 {
			g = p.Guests[i]
		}
		if _, err := p.ParseSelection("step", u.Packet, g); err != nil {
			return err
		}
	}
	return nil
}

// checkHold does so for a lab that is yet to be started.
func checkHold(p *plan.Plan, u *control.Until) error {
	if u == nil {
		return nil
	}
	return checkUntil(p, *u)
}

// armFirst has the lab held where its job says, from before any guest is powered on.
func (l *lab) armFirst() error {
	u := l.job.Hold
	switch {
	case u == nil:
		return nil
	case u.Now:
		l.gate.Halt()
		l.holdStill()
		return nil
	}
	return l.step(control.Step{Until: *u})
}

// worded says where a lab is to be held next, for people.
func worded(u control.Until) string {
	var what string
	switch {
	case u.Never:
		return ""
	case u.Now:
		return "now"
	case u.Any:
		what = "any packet"
	case u.Packet != "":
		what = "packet " + u.Packet
	case u.Stage == stageNext:
		what = "the next stage"
	case u.Stage != "":
		what = "stage " + u.Stage
	default:
		what = "the next packet"
	}
	if u.Guest != "" {
		what += " of " + u.Guest
	}
	return what
}

// infoOf is a frame on the guest's cable in one line. It is read by itself, without what came before.
func (m *machine) infoOf(data []byte, fromGuest bool) string {
	h, _ := wire.Peek(data)
	if name, block, ok := h.Block(); ok { // whose transfer it is one frame does not tell
		return fmt.Sprintf("TFTP %s %d", name, block)
	}
	mac, _ := net.ParseMAC(m.mac)
	if packet, ok := wire.New(mac).Frame(0, data, fromGuest); ok {
		return packet.Info
	}
	if s, ok := wire.PeekTCP(data); ok {
		return fmt.Sprintf("TCP segment of %d octets, port %d to %d", s.Len, s.SrcPort, s.DstPort)
	}
	return "a frame"
}
