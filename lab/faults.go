package lab

import (
	"net"
	"sync"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/network"
	"github.com/pxelab/pxelab/lab/wire"
)

// maxFaultEvents bounds what the log has of one fault in one boot: a fault may meet every frame of a large file.
const maxFaultEvents = 1000

// cableFaults are the faults on a guest's cable during one power-on, with how many frames each has met.
type cableFaults struct {
	mu       sync.Mutex
	injector *fault.Injector
	hits     map[int]int // by the rule's number
}

// newFaults arms faults for one power-on of the guest whose card has this address, less those that are over for good.
func newFaults(list []standing, own net.HardwareAddr, spent func(*fault.Rule) bool) *cableFaults {
	f := &cableFaults{injector: fault.New(nil, [6]byte(own)), hits: map[int]int{}}
	for _, s := range list {
		f.add(s)
	}
	f.injector.Without(spent)
	return f
}

func (f *cableFaults) add(s standing) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.injector.Add(s.number, s.rule)
}

func (f *cableFaults) remove(rule int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.injector.Remove(rule)
}

func (f *cableFaults) decide(data []byte, fromGuest bool) fault.Action {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.injector.Decide(data, fromGuest)
	if a.Rule > 0 {
		f.hits[a.Rule]++
	}
	return a
}

// met is how many frames a rule has met.
func (f *cableFaults) met(rule int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits[rule]
}

func (f *cableFaults) heal(rule int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.injector.Heal(rule)
}

// filter decides what becomes of a frame on the cable, by the guest's faults. Each power-on begins anew.
func (m *machine) filter(f network.Frame) network.Action {
	p := m.now.Load()
	if p == nil || p.over() {
		return network.Action{}
	}
	a := p.faults.decide(f.Data, f.FromGuest)
	if a.Rule == 0 && p.lag > 0 && !f.FromGuest && wire.FirstAnswer6(f.Data) {
		return network.Action{Delay: p.lag}
	}
	if a.Held() { // it may be under way for longer than the boot lasts
		<-p.begun
		f.Action = a
		m.faulted(p, f)
	}
	if a.For > 0 {
		time.AfterFunc(a.For, func() { p.faults.heal(a.Rule) })
	}
	return a
}

// faulted records that a fault met a frame.
func (m *machine) faulted(p *powered, f network.Frame) {
	n := f.Action.Rule
	if p.faults.met(n) > maxFaultEvents {
		return
	}
	service := ""
	if f.Action.Beside != nil {
		service = f.Action.Beside.Service
	}
	m.lab.log.Append(event.Event{Kind: event.FaultHit, Network: p.network, Guest: m.name, Boot: p.boot, Fault: &event.Fault{
		Rule: n, Do: f.Action.Do, Service: service, Frame: f.Number, FromGuest: f.FromGuest, Info: m.infoOf(f.Data, f.FromGuest)}})
}
