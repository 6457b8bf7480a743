// Package control lets other processes see and steer a running lab: HTTP, JSON and server-sent events over a
// unix socket, and the client of it.
package control

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// Lab is what a Server needs of the running lab. All methods are called from many goroutines at once.
type Lab interface {
	// Plan is what was decided before the lab was started. It is not changed afterwards.
	Plan() *plan.Plan
	// Events gives the events with Seq >= from that have happened, and a channel that is closed as soon as
	// there are more. Both come from one look at the log, so that none is missed in between.
	Events(from int) ([]event.Event, <-chan struct{})
	// Power does what one of the Actions says to a guest of the plan.
	Power(ctx context.Context, guest, action string) error
	// Console attaches to the serial console of a guest of the plan until either end closes or ctx is done.
	// An error before rw is first used reaches the client as such.
	Console(ctx context.Context, guest string, rw io.ReadWriter) error
	// Capture writes the pcapng stream from its beginning and follows it until ctx is done or the lab ends.
	Capture(ctx context.Context, w io.Writer) error
	// Boot has a guest of the plan powered on as soon as there is a core for it, to be judged on these expectations, or on the
	// plan's if there are none, and switched off once it has settled. It returns before that.
	Boot(ctx context.Context, guest string, expect []topology.Expectation) error
	// Listen opens a socket on the host of a service outside the lab. The caller closes it.
	Listen(ctx context.Context, service, network, address string) (*os.File, error)
	// Faults lists the faults on the guests' cables, in the plan's order of guests and by their numbers.
	Faults(ctx context.Context) ([]Fault, error)
	// Arm puts a fault, written as in a topology, on the cable of a guest of the plan.
	Arm(ctx context.Context, guest, fault string) (Fault, error)
	// Clear takes a fault of a guest of the plan away, by its number; number 0 means all it has.
	Clear(ctx context.Context, guest string, rule int) ([]Fault, error)
	// Hold says how stepping through the lab stands.
	Hold(ctx context.Context) (Holding, error)
	// Step lets a held lab go on, or says where one that is not held will be. It returns before that.
	Step(ctx context.Context, s Step) (Holding, error)
	// Files is the folder of the run's bundle, as the host sees it.
	Files() (bundle string)
	// Stop asks the lab to end, and returns before it has.
	Stop(reason string)
}

// Actions are what Power can do to a guest.
var Actions = []string{"on", "off", "reset", "pause", "resume"}

// Fault is a fault on a guest's cable.
type Fault struct {
	Guest string `json:"guest"`
	Rule  int    `json:"rule"`            // its number, from 1: the plan's first, then those sent, in their order
	Fault string `json:"fault"`           // as it is written in a topology
	Sent  bool   `json:"sent,omitempty"`  // to the running lab; otherwise it is the plan's
	Boot  int    `json:"boot,omitempty"`  // the power-on that it acts in, the guest's latest; 0: none so far
	Hits  int    `json:"hits"`            // how many frames it met in that
	Waits string `json:"waits,omitempty"` // why it does not act at once
}

// Info says which lab answers behind a socket.
type Info struct {
	Name     string    `json:"name"`
	About    string    `json:"about,omitempty"`
	Version  string    `json:"version"` // of pxelab
	Since    time.Time `json:"since"`   // when the lab was brought up
	Bundle   string    `json:"bundle"`
	Networks []string  `json:"networks"`
	Services []string  `json:"services"`
	Guests   []string  `json:"guests"`
	// PID is the process that serves the lab, as this process sees it. The client fills it in: a lab in a PID
	// namespace of its own does not know its number outside.
	PID int `json:"pid,omitempty"`
	// Silent says that something listens on the socket and does not answer: a lab being started, or stuck.
	Silent bool `json:"silent,omitempty"`
}

// describe gives the Info of a lab.
func describe(l Lab, version string, since time.Time) Info {
	p := l.Plan()
	info := Info{Name: p.Name, About: p.About, Version: version, Since: since, Bundle: l.Files(),
		Networks: []string{}, Services: []string{}, Guests: []string{}}
	for _, n := range p.Networks {
		info.Networks = append(info.Networks, n.Name)
	}
	for _, s := range p.Services {
		info.Services = append(info.Services, s.Name)
	}
	for _, g := range p.Guests {
		info.Guests = append(info.Guests, g.Name)
	}
	return info
}

// What travels besides Info, plan.Plan and event.Event.
type (
	powerRequest struct {
		Action string `json:"action"`
	}
	bootRequest struct {
		Expect []topology.Expectation `json:"expect,omitempty"`
	}
	listenRequest struct {
		Network string `json:"network"` // as of net.Listen: "udp4", "tcp"
		Address string `json:"address"` // ":67"
	}
	faultRequest struct {
		Fault string `json:"fault"`
	}
	stopRequest struct {
		Reason string `json:"reason"`
	}
	failure struct {
		Error string `json:"error"`
	}
)

// consoleProtocol is the name of the raw byte stream that a console request is upgraded to (RFC 9110
// section 7.8).
const consoleProtocol = "pxelab-console"
