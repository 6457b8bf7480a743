package guest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pxelab/pxelab/lab/affinity"
	"github.com/pxelab/pxelab/lab/guest/serial"
)

// FDState is the descriptor at which QEMU finds the state of the machine that it is to go on with: the flag
// "-incoming fd:5" reads it.
const FDState = 5

// Shot is what a machine had done when its state was taken. Whoever has a machine go on from that state hands out both first, as
// the machine itself will not say them again.
type Shot struct {
	Console []byte   `json:"console"` // every byte of the serial port
	Frames  [][]byte `json:"frames"`  // every Ethernet frame it had sent; none is of ARP or IPv4
}

// ShotConfig says of which machine, and when, a state is taken.
type ShotConfig struct {
	Argv  []string      // as in Config
	Dir   string        // the directory QEMU runs in
	Mark  string        // text on the serial port at which the machine is stopped; empty: its first byte
	State string        // path of the file that gets the state
	Limit time.Duration // how long the mark may take
	Cores []int         // the host's cores that the machine is kept on, by number; nil means all that this process may use
}

// ErrSpoke tells that a machine had begun to ask for a network boot before it could be stopped: what comes next in such a boot
// depends on what it hears, so the state is of no use. Another try may come out otherwise.
var ErrSpoke = errors.New("it had begun its network boot before it was stopped")

// errNoMark ends a machine that does not come to its mark.
var errNoMark = errors.New("the mark did not come in time")

// Take runs a machine by itself, its cable connected to nothing, stops it at the mark, and writes the state it is in. It leaves no
// process, whatever ends this one.
func Take(ctx context.Context, c ShotConfig) (Shot, error) {
	// The emulator dies with us. That signal is tied to the thread that starts it, which therefore must not end before it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeoutCause(ctx, c.Limit, errNoMark)
	defer cancel()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return Shot{}, fmt.Errorf("take a snapshot: make a cable: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "cable"), os.NewFile(uintptr(fds[1]), "cable")
	defer ours.Close()
	defer theirs.Close()
	t := &taker{mark: []byte(c.Mark), seen: make(chan struct{})}
	// The state must not say that the machine was stopped: it is to go on by itself.
	argv := append(slices.Clone(c.Argv), "-global", "migration.store-global-state=off")
	m, err := Start(ctx, Config{Argv: argv, Dir: c.Dir, NIC: theirs, Console: serial.Config{RawConsole: t}, Grace: time.Second,
		Start: func(cmd *exec.Cmd) error {
			cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
			if len(c.Cores) == 0 {
				return cmd.Start()
			}
			return affinity.On(c.Cores, cmd.Start)
		}})
	if err != nil {
		return Shot{}, fmt.Errorf("take a snapshot: %w", err)
	}
	err = t.take(ctx, m, c.State)
	m.Kill()
	<-m.Done()
	_ = theirs.Close()
	if err == nil {
		err = m.Err()
	}
	if err != nil {
		return Shot{}, fmt.Errorf("take a snapshot: %w", err)
	}
	shot := Shot{Console: t.said, Frames: framesOf(ours)}
	for _, f := range shot.Frames {
		if boots(f) {
			return Shot{}, fmt.Errorf("take a snapshot: %w", ErrSpoke)
		}
	}
	return shot, nil
}

// taker keeps what a machine says, and notices the mark. Write is called by one goroutine.
type taker struct {
	mark []byte
	said []byte
	seen chan struct{}
	done bool
}

func (t *taker) Write(b []byte) (int, error) {
	t.said = append(t.said, b...)
	if !t.done && bytes.Contains(t.said, t.mark) {
		t.done = true
		close(t.seen)
	}
	return len(b), nil
}

// take stops the machine at its mark and writes its state.
func (t *taker) take(ctx context.Context, m *Machine, state string) error {
	select {
	case <-t.seen:
	case <-m.Done():
		return fmt.Errorf("qemu ended before its mark: %s", describe(m.Exit()))
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := m.Pause(ctx); err != nil {
		return err
	}
	// Without this QEMU would spread the copy over time.
	if err := m.execute(ctx, "migrate-set-parameters", map[string]any{"max-bandwidth": int64(1) << 40}, nil); err != nil {
		return err
	}
	if err := m.execute(ctx, "migrate", map[string]any{"uri": "exec:exec cat >" + quoted(state)}, nil); err != nil {
		return err
	}
	return m.migrated(ctx)
}

// quoted makes one word of a path for the shell.
func quoted(path string) string { return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'" }

// migratedPoll is how often QEMU is asked whether a state is written, which takes it a tenth of a second.
const migratedPoll = 5 * time.Millisecond

// migrated waits until the state is written.
func (m *Machine) migrated(ctx context.Context) error {
	tick := time.NewTicker(migratedPoll)
	defer tick.Stop()
	for {
		var reply struct {
			Status string `json:"status"`
			Why    string `json:"error-desc"`
		}
		if err := m.execute(ctx, "query-migrate", nil, &reply); err != nil {
			return err
		}
		switch reply.Status {
		case "completed":
			return nil
		case "failed", "cancelled":
			return fmt.Errorf("qemu could not write its state: %s", reply.Why)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// framesOf reads what waits in a socket.
func framesOf(socket *os.File) [][]byte {
	var out [][]byte
	buf := make([]byte, 64<<10)
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	_ = raw.Read(func(fd uintptr) bool {
		for {
			n, err := unix.Read(int(fd), buf)
			if err != nil {
				return true
			}
			out = append(out, bytes.Clone(buf[:n]))
		}
	})
	return out
}

// The octets of an Ethernet frame by which its kind is told (IEEE 802.3; IANA's EtherTypes and ICMPv6 types).
const (
	etherType      = 12
	typeIPv6       = 0x86dd
	ipv6Next       = 20 // the next header of an IPv6 packet
	ipv6ICMP       = 58
	ipv6Options    = 0 // hop-by-hop options: of multicast listener reports
	icmp6Type      = 54
	icmp6Neighbour = 135 // a neighbour solicitation: duplicate address detection (RFC 4862 section 5.4)
)

// boots tells whether a frame is more than what firmware sends when it brings a card up, heard or not: multicast listener reports
// (RFC 3810) and the question whether its own address is taken.
func boots(frame []byte) bool {
	if len(frame) <= icmp6Type || binary.BigEndian.Uint16(frame[etherType:]) != typeIPv6 {
		return true
	}
	return frame[ipv6Next] != ipv6Options && (frame[ipv6Next] != ipv6ICMP || frame[icmp6Type] != icmp6Neighbour)
}
