package network

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/lab/fault"
	"github.com/pxelab/pxelab/lab/network/capture"
)

// The frames a cable carries: Ethernet without preamble and check sequence (IEEE 802.3), no jumbos. QEMU hands
// over whatever the guest makes; a real NIC and switch would not let it pass.
const (
	minFrame = 14
	maxFrame = 1514
)

// CableConfig says how a guest's NIC is plugged into a bridge, and who looks on.
type CableConfig struct {
	Name    string             // unique among the lab's cables; the guest's name where it has one NIC
	Tun     bool               // a tap device may be used
	Capture *capture.Interface // gets every frame; may be nil
	Filter  func(Frame) Action // decides what becomes of a frame, before it has a number; nil passes all. It must be quick

	Gate *Gate // may keep each frame back before Filter sees it; nil: none does

	// Observe sees every frame before it travels on, so a reply is never seen before its request. Calls for
	// both directions come one at a time and in the order of the capture. It must be quick, keep nothing of
	// Data, and not call Connect, Disconnect or Close. May be nil.
	Observe func(Frame)
}

// Frame is one Ethernet frame on a cable.
type Frame struct {
	Data      []byte    // valid during the call only
	FromGuest bool      // the guest sent it; otherwise it travels towards the guest
	At        time.Time // when the cable had it
	Number    int       // in the capture, from 1; 0 if it is not captured
	Action    Action    // what the filter decided
}

// Action is what becomes of a frame. One that is dropped is captured, with a comment, and observed all the same; one that is
// held up, when it travels on; of one that is spoilt, what travels on.
type Action = fault.Action

// Stats counts a cable's frames since it was plugged in.
type Stats struct {
	FromGuest, ToGuest Count // what travelled on
	Filtered           int   // dropped by the filter
	Misfit             int   // shorter than 14 octets or longer than 1514
	LinkDown           int   // sent while the link was down
	NoGuest            int   // sent to a guest that is off
	Failed             int   // refused by the kernel on the way out
}

// Count is frames and their octets.
type Count struct{ Frames, Octets int }

// Cable connects a guest's NIC with a bridge and carries its frames, one datagram each.
type Cable struct {
	config   CableConfig
	via, why string
	port     io.ReadWriteCloser // bridge side
	pumping  sync.WaitGroup     // the pump that reads port

	closing  chan struct{} // closed by Close
	plugging sync.Mutex    // held by Connect, Disconnect and Close

	order sync.Mutex // puts the frames of both directions in one order; guards what follows
	guest *plug      // guest side; nil while the guest is off
	down  bool
	held  [2]chan *held    // frames that are held up, to the guest and from it
	aside map[int]*held    // frames that wait for others to go first, by their action's number
	lines [2]map[int]*line // what rules make of the cable, by their numbers: slow lines to the guest and from it
	stats Stats
	err   error // why the bridge side fell silent
}

// plug is the guest side of a cable during one power-on.
type plug struct {
	conn    *net.UnixConn
	pumping sync.WaitGroup
	gone    bool // guarded by Cable.order: QEMU has closed its end

	handing sync.Mutex // puts what is handed to the guest in order; guards what follows
	aside   [][]byte   // frames of a gate that wait until the guest takes them
	closed  bool       // it is being disconnected
}

// Plug plugs a cable into the bridge. The guest is connected with Connect.
func (b *Bridge) Plug(config CableConfig) (*Cable, error) {
	port, via, why, err := b.openPort(config.Name, config.Tun)
	if err != nil {
		return nil, fmt.Errorf("plug in cable %q: %w", config.Name, err)
	}
	c := &Cable{config: config, via: via, why: why, port: port, closing: make(chan struct{})}
	c.renew()
	c.pumping.Go(c.pumpToGuest)
	return c, nil
}

// Via says how the cable reaches the bridge, ViaTap or ViaPacket, and in the latter case why.
func (c *Cable) Via() (via, why string) { return c.via, c.why }

// Stats gives the counters so far.
func (c *Cable) Stats() Stats {
	c.order.Lock()
	defer c.order.Unlock()
	return c.stats
}

// Err says why frames no longer come from the bridge; nil while they do.
func (c *Cable) Err() error {
	c.order.Lock()
	defer c.order.Unlock()
	return c.err
}

// SetLink pulls the cable out (false) or back in. Frames sent meanwhile are lost and seen by nobody. The guest
// is not told: its NIC's link state is QEMU's (set_link).
func (c *Cable) SetLink(up bool) {
	c.order.Lock()
	defer c.order.Unlock()
	c.down = !up
}

// Connect gives the end for one power-on of the guest: a datagram socket for QEMU's "-netdev dgram", where
// each datagram is one frame. The caller closes it once QEMU has been started. The end of an earlier power-on
// is disconnected first.
func (c *Cable) Connect() (guestEnd *os.File, err error) {
	c.plugging.Lock()
	defer c.plugging.Unlock()
	c.unplugGuest()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("connect a guest to cable %q: %w", c.config.Name, err)
	}
	guestEnd = os.NewFile(uintptr(fds[1]), "cable "+c.config.Name)
	ours := os.NewFile(uintptr(fds[0]), "cable "+c.config.Name)
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		guestEnd.Close()
		return nil, fmt.Errorf("connect a guest to cable %q: %w", c.config.Name, err)
	}
	guest := &plug{conn: conn.(*net.UnixConn)}
	c.order.Lock()
	c.guest = guest
	c.order.Unlock()
	guest.pumping.Go(func() { c.pumpFromGuest(guest.conn) })
	return guestEnd, nil
}

// Disconnect ends a power-on of the guest. Every frame it has sent until now is still carried and observed
// before Disconnect returns; frames for it are lost from now on.
func (c *Cable) Disconnect() {
	c.plugging.Lock()
	defer c.plugging.Unlock()
	c.unplugGuest()
}

func (c *Cable) unplugGuest() {
	c.order.Lock()
	guest := c.guest
	c.guest = nil
	c.renew()
	c.order.Unlock()
	if guest == nil {
		return
	}
	guest.close()                           // no more pumps
	guest.conn.SetDeadline(time.Unix(1, 0)) // wakes those there are
	guest.pumping.Wait()
	if c.config.Gate != nil {
		c.config.Gate.leave(c)
	}
	guest.conn.Close()
}

// Close disconnects the guest and takes the cable off the bridge.
func (c *Cable) Close() error {
	c.plugging.Lock()
	defer c.plugging.Unlock()
	c.unplugGuest()
	select {
	case <-c.closing:
	default:
		close(c.closing)
	}
	err := c.port.Close()
	c.pumping.Wait()
	if err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("unplug cable %q: %w", c.config.Name, err)
	}
	return nil
}
