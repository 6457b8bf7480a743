package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/guest/serial"
	"github.com/pxelab/pxelab/lab/network"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/wire"
)

// machine is one guest of the lab over all its power-ons. The director alone changes it; other goroutines may
// load its current power-on.
type machine struct {
	lab      *lab
	name     string
	mac      string // of its card
	firmware string
	guest    plan.Guest // as last powered on; the director's alone
	alive    bool       // its QEMU runs, or its end is not yet known to the director, whose alone this is
	cable    *network.Cable
	spared   spared         // its last grace; the director's alone
	faults   standingFaults // what is done on purpose to its boots; the director's alone

	prepared  bool          // what its faults do before it is powered on has been begun; the director's alone
	preparing bool          // and has not been done; the director's alone
	before    []event.Fault // what they did, until its log has it; the director's alone
	wasCut    atomic.Bool   // a fault has taken its power away

	asked json.RawMessage // what whoever asked for its boot has it judged on; the director's alone

	now atomic.Pointer[powered] // the latest power-on, nil before the first
}

// powered is one power-on: one QEMU process.
type powered struct {
	boot    int    // from 1
	network string // its NIC is on
	qemu    emulator
	decoder *wire.Decoder // used by the cable's observer alone
	begun   chan struct{} // closed once its power event is in the log
	gone    chan struct{} // closed once its exit event is
	faults  *cableFaults
	repeats int             // of TFTP packets; used by the cable's observer alone
	life    context.Context // of the lab, for what a fault begins
	settled bool            // the director has settled it
	warp    bool            // its clock is warped
	lag     time.Duration   // of TFTP's first answers over IPv6
	stopped atomic.Bool     // paused by hand
	halted  bool            // its monitor has stopped it; the director's
}

// over tells whether this power-on has ended: its exit event is in the log.
func (p *powered) over() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// plug makes the guest's cable to its network.
func (l *lab) plug(g plan.Guest) error {
	m := l.guests[g.Name]
	iface := l.capture.AddInterface(g.Name, fmt.Sprintf("guest %s on network %s", g.Name, g.Network))
	cable, err := l.bridges[g.Network].Plug(network.CableConfig{Name: g.Name, Tun: l.plan.Cable.Value == "tap", Capture: iface,
		Filter: m.filter, Gate: l.gate, Observe: m.observe})
	if err != nil {
		return fmt.Errorf("plug in guest %q: %w", g.Name, err)
	}
	m.cable = cable
	return nil
}

// observe turns a frame on the cable into an event, unless the decoder folds it away.
func (m *machine) observe(f network.Frame) {
	p := m.now.Load()
	if p == nil || p.over() {
		return // the bridge speaks to a machine that is off
	}
	<-p.begun
	if f.Action.Rule > 0 && !f.Action.Held() {
		m.faulted(p, f)
		if r := f.Action.Beside; r != nil {
			m.befall(p, *r)
		}
	}
	if f.Action.Drop && !f.FromGuest {
		return // it never had it
	}
	packet, ok := p.decoder.Frame(f.Number, f.Data, f.FromGuest)
	if moved, far := p.decoder.Moved(); far {
		m.lab.happened(event.Event{Kind: event.FileMoved, Network: p.network, Guest: m.name, Boot: p.boot, Progress: &moved})
	}
	if !ok || p.stormy(packet.TFTP) {
		return
	}
	e := event.Event{Kind: event.PacketSeen, Network: p.network, Guest: m.name, Boot: p.boot, Packet: &packet}
	if !f.FromGuest {
		e.Service, e.Via = m.lab.senders.origin(packet)
	}
	m.lab.happened(e)
}

// maxRepeats bounds what the log has of TFTP packets that one boot sent or was sent again. Where windows of blocks change places on
// the way, each side may answer the other's repetitions with its own, to thousands of times the file. What is no longer told is no
// progress either, so that the budget of the stage ends such a boot.
const maxRepeats = 50_000

// stormy tells of a repeated TFTP packet that the log has had enough of them. The end of a file is always told.
func (p *powered) stormy(t *event.TFTP) bool {
	if t == nil || t.Repeat == 0 || t.Last {
		return false
	}
	p.repeats++
	return p.repeats > maxRepeats
}

// power powers a guest on: fresh variable store, fresh cable end, QEMU. The guest must be off, its last exit
// known to the director: a cable has one guest end. One that is held does not run until it is resumed.
func (l *lab) power(ctx context.Context, g plan.Guest, held bool) error {
	m := l.guests[g.Name]
	if m.alive {
		return fmt.Errorf("power on guest %q: it is on", g.Name)
	}
	if err := m.start(ctx, g, held); err != nil {
		return fmt.Errorf("power on guest %q: %w", g.Name, err)
	}
	return nil
}

func (m *machine) start(ctx context.Context, g plan.Guest, held bool) error {
	if g.Clock == "warp" && m.faults.timed() {
		g = g.InRealTime()
	}
	dir := m.lab.bundle.Guest(g.Name)
	from, why := m.resume(g, dir)
	if from != nil {
		defer from.state.Close()
	} else if err := copies(g, dir); err != nil {
		return err
	}
	mac, err := net.ParseMAC(g.MAC)
	if err != nil {
		return err
	}
	p := &powered{boot: 1, network: g.Network, decoder: wire.New(mac), faults: newFaults(m.faults.list, mac, m.spent), begun: make(chan struct{}), gone: make(chan struct{}), life: ctx,
		warp: g.Clock == "warp", lag: time.Duration(g.Lag), halted: held}
	if last := m.now.Load(); last != nil {
		p.boot = last.boot + 1
	}
	record, err := m.record(dir, p.boot)
	if err != nil {
		return err
	}
	nic, err := m.cable.Connect()
	if err != nil {
		return errors.Join(err, record.Close())
	}
	defer nic.Close()
	m.guest, m.alive = g, true
	qemu, power, release, err := m.lab.ignite(ctx, g, ignition{dir: dir, nic: nic, held: held, from: from, broken: m.broken(p),
		console: serial.Config{RawConsole: record, Input: record.typed, Line: m.line(p), Keys: keystrokes(g), Typed: m.typed(p)}})
	if err != nil {
		return errors.Join(err, record.Close())
	}
	p.qemu = qemu
	m.now.Store(p)
	power.Cable, _ = m.cable.Via()
	power.Accel, power.Clock, power.Warp, power.Cold, power.Expect = m.lab.plan.Accel.Value, clockOf(g), g.Clock == "warp", why, m.asked
	m.lab.log.Append(event.Event{Kind: event.GuestPowered, Network: g.Network, Guest: g.Name, Boot: p.boot, Power: &power})
	for _, f := range m.before {
		m.lab.log.Append(event.Event{Kind: event.FaultHit, Network: g.Network, Guest: g.Name, Boot: p.boot, Fault: &f})
	}
	m.before = nil
	close(p.begun)
	go m.watch(p, record)
	return release()
}

// line records the console lines of one power-on, none before its power event.
func (m *machine) line(p *powered) func(serial.Line) {
	return func(line serial.Line) {
		<-p.begun
		kind := event.Console
		if line.Partial {
			kind = event.ConsolePartial
		}
		m.lab.happened(event.Event{Kind: kind, Guest: m.name, Boot: p.boot, Text: line.Text})
	}
}

// typed records what was typed for the plan.
func (m *machine) typed(p *powered) func(serial.Keys) {
	return func(k serial.Keys) {
		<-p.begun
		m.lab.log.Append(event.Event{Kind: event.KeysTyped, Guest: m.name, Boot: p.boot, Text: k.Name})
	}
}

// keystrokes are what the plan types on a guest's console.
func keystrokes(g plan.Guest) []serial.Keys {
	var out []serial.Keys
	for _, k := range g.Keys {
		out = append(out, serial.Keys{Name: strings.Join(k.Press, " "), When: regexp.MustCompile(k.When), Bytes: []byte(k.Type)}) // parsed with the topology
	}
	return out
}

// broken ends a guest whose machine cannot go on, such as KVM does with firmware it cannot run: QEMU itself
// would stay.
func (m *machine) broken(p *powered) func(string) {
	return func(status string) {
		<-p.begun
		m.lab.log.Append(event.Event{Kind: event.GuestBroken, Guest: m.name, Boot: p.boot, Text: status})
		p.qemu.Kill()
	}
}

// endGrace is how long QEMU gets to end by itself: it holds nothing that would need saving.
const endGrace = 100 * time.Millisecond

// watch records the end of QEMU.
func (m *machine) watch(p *powered, record io.Closer) {
	<-p.qemu.Done()
	m.cable.Disconnect() // its last frames are observed first
	exit := p.qemu.Exit()
	if err := errors.Join(p.qemu.Err(), record.Close(), m.cable.Err()); err != nil {
		m.lab.stop(fmt.Errorf("guest %q: %w", m.name, err))
	}
	m.lab.happened(event.Event{Kind: event.GuestExited, Network: p.network, Guest: m.name, Boot: p.boot, Exit: &exit})
	close(p.gone)
}

// end stops the guest for the lab's own reason.
func (m *machine) end(why string) {
	p := m.now.Load()
	m.lab.log.Append(event.Event{Kind: event.GuestEnded, Guest: m.name, Boot: p.boot, Text: why})
	p.qemu.Kill()
}

// console attaches rw to the serial console of the current power-on until either ends.
func (m *machine) console(ctx context.Context, rw io.ReadWriter) error {
	p := m.now.Load()
	if p == nil || p.over() {
		return fmt.Errorf("guest %q is off: pxelab power %s on boots it", m.name, m.name)
	}
	detach, done := p.qemu.Attach(rw)
	defer detach()
	typed := make(chan struct{})
	go func() {
		defer close(typed)
		buf := make([]byte, 256)
		for {
			n, err := rw.Read(buf)
			if n > 0 {
				_ = p.qemu.Type([]byte(plan.Typed(m.firmware, string(buf[:n]))))
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case <-ctx.Done():
	case <-typed:
	case <-done: // all that the guest ever said has been written
	}
	return nil
}

// clockOf words the guest's clock: "real", or "warp shift=7".
func clockOf(g plan.Guest) string {
	if g.Clock == "warp" {
		return fmt.Sprintf("warp shift=%d", g.Shift)
	}
	return g.Clock
}

// copies makes the files that a guest may write.
func copies(g plan.Guest, dir string) error {
	for _, c := range g.Copies {
		if err := copyFile(c.From, filepath.Join(dir, c.To)); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// guest finds a guest of the lab by its name.
func (l *lab) guest(name string) (*machine, error) {
	if m := l.guests[name]; m != nil {
		return m, nil
	}
	var names []string
	for _, g := range l.plan.Guests {
		names = append(names, g.Name)
	}
	return nil, fmt.Errorf("no guest %q in this lab (have %s)", name, strings.Join(names, ", "))
}
