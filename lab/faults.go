package lab

import (
	"fmt"
	"net"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/network"
	"github.com/pxelab/pxelab/lab/wire"
)

// maxFaultEvents bounds what the log has of one fault in one boot: a fault may meet every frame of a large file.
const maxFaultEvents = 1000

// filter decides what becomes of a frame on the cable, by the faults of the plan. Each power-on begins anew.
func (m *machine) filter(f network.Frame) network.Action {
	p := m.now.Load()
	if p == nil || p.faults == nil || p.over() {
		return network.Action{}
	}
	a := p.faults.Decide(f.Data, f.FromGuest)
	if a.Delay > 0 { // it may be under way for longer than the boot lasts
		<-p.begun
		f.Action = a
		m.faulted(p, f)
	}
	return a
}

// faulted records that a fault met a frame. The frame is read by itself, without what came before.
func (m *machine) faulted(p *powered, f network.Frame) {
	n := f.Action.Rule
	if p.hits == nil {
		p.hits = map[int]int{}
	}
	if p.hits[n]++; p.hits[n] > maxFaultEvents {
		return
	}
	info := "a frame"
	mac, _ := net.ParseMAC(m.guest.MAC)
	if packet, ok := wire.New(mac).Frame(f.Number, f.Data, f.FromGuest); ok {
		info = packet.Info
	}
	h, _ := wire.Peek(f.Data)
	if name, block, ok := h.Block(); ok { // whose transfer it is one frame does not tell
		info = fmt.Sprintf("TFTP %s %d", name, block)
	}
	m.lab.log.Append(event.Event{Kind: event.FaultHit, Network: p.network, Guest: m.name, Boot: p.boot, Fault: &event.Fault{
		Rule: n, Do: m.guest.Faults[n-1].Do, Service: m.guest.Faults[n-1].Service, Frame: f.Number, FromGuest: f.FromGuest, Info: info}})
}
