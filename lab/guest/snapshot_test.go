package guest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/guest"
	"github.com/pxelab/pxelab/lab/guest/serial"
)

// netbooting is a machine whose option ROM boots from the network, under a warped clock, on its cable.
func netbooting(t *testing.T, more ...string) guest.Config {
	t.Helper()
	return seabios(t, append([]string{"-icount", "shift=7,sleep=off", "-netdev", "dgram,id=n0,local.type=fd,local.str=3",
		"-device", "virtio-net-pci,netdev=n0,bootindex=0,mac=52:54:00:12:34:56"}, more...)...)
}

func shotOf(t *testing.T, c guest.Config, mark, state string, limit time.Duration) (guest.Shot, error) {
	t.Helper()
	return guest.Take(t.Context(), guest.ShotConfig{Argv: c.Argv, Dir: c.Dir, Mark: mark, State: state, Limit: limit})
}

// TestTakeAndGoOn stops iPXE when it has opened its card, and has another QEMU go on from there: it must say the rest, and ask the
// network from the same card.
func TestTakeAndGoOn(t *testing.T) {
	c := netbooting(t)
	state := filepath.Join(t.TempDir(), "it's a state") // the path goes through a shell
	shot, err := shotOf(t, c, "net0: ", state, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if len(shot.Frames) > 0 || !bytes.Contains(shot.Console, []byte("SeaBIOS")) || !bytes.Contains(shot.Console, []byte("net0: ")) ||
		bytes.Contains(shot.Console, []byte("Configuring")) {
		t.Errorf("the snapshot has %d frames and this console:\n%s", len(shot.Frames), shot.Console)
	}
	from, err := os.Open(state)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	nic, end := cable(t)
	c.NIC, c.State, c.Console.Said = nic, from, shot.Console
	c.Argv = append(c.Argv, "-incoming", "fd:5", "-global", "migration.announce-rounds=0")
	lines := make(chan string, 100)
	c.Console.Line = func(l serial.Line) { lines <- l.Text }
	m, err := guest.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { m.Kill(); <-m.Done() }()
	if first := <-lines; !strings.HasPrefix(first, "SeaBIOS") {
		t.Errorf("the first line is %q, not what was said before the snapshot", first)
	}
	frame := make([]byte, 2000)
	_ = end.SetReadDeadline(time.Now().Add(time.Minute))
	n, err := end.Read(frame)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(frame[6:12], []byte{0x52, 0x54, 0, 0x12, 0x34, 0x56}) || n < 40 {
		t.Errorf("its first frame is not its own: % x", frame[:n])
	}
}

// TestTakeTooLate: at a mark that comes after the DHCPDISCOVER no snapshot is taken.
func TestTakeTooLate(t *testing.T) {
	c := netbooting(t)
	_, err := shotOf(t, c, "No configuration methods", filepath.Join(c.Dir, "state"), time.Minute)
	if !errors.Is(err, guest.ErrSpoke) {
		t.Errorf("got %v, want ErrSpoke", err)
	}
}

// TestTakeFails: a mark that never comes, a QEMU that does not start, a state that cannot be written, a caller who is gone.
func TestTakeFails(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, try := range map[string]struct {
		c     guest.Config
		ctx   context.Context
		mark  string
		state string
		want  string
	}{
		"no mark":  {netbooting(t), t.Context(), "never said", "state", "the mark did not come in time"},
		"no start": {netbooting(t, "-device", "none-such"), t.Context(), "net0", "state", "none-such"},
		"no room":  {netbooting(t), t.Context(), "SeaBIOS", "missing/state", "qemu could not write its state"},
		"gone":     {netbooting(t), gone, "SeaBIOS", "state", "canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := guest.Take(try.ctx, guest.ShotConfig{Argv: try.c.Argv, Dir: try.c.Dir, Mark: try.mark,
				State: filepath.Join(try.c.Dir, try.state), Limit: 2 * time.Second})
			if err == nil || !strings.Contains(err.Error(), try.want) {
				t.Errorf("got %v, want one that says %q", err, try.want)
			}
		})
	}
}
