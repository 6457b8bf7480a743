package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a program at a pseudo-terminal of 80 columns.
type terminal struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	gone   chan struct{} // closed when the program has ended
	err    error         // how; valid after gone
	mu     sync.Mutex
	more   *sync.Cond
	text   string // all it printed
	ended  bool
	before unix.Termios // its modes before the program, and after it
	after  unix.Termios
}

// at starts pxelab at a terminal of its own.
func at(t *testing.T, env []string, args ...string) *terminal {
	t.Helper()
	term := &terminal{t: t, cmd: exec.CommandContext(t.Context(), pxelab(), args...), gone: make(chan struct{})}
	term.more = sync.NewCond(&term.mu)
	master, screen := openTerminal(t)
	term.master, term.before = master, modes(t, screen)
	term.cmd.Env = append(os.Environ(), append(env, "TERM=xterm")...)
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = screen, screen, screen
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := term.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go term.read()
	go func() {
		term.err = term.cmd.Wait()
		term.after = modes(t, screen)
		screen.Close() // with that, the reader sees the end
		close(term.gone)
	}()
	gaveUp := context.AfterFunc(patience(t), term.giveUp)
	t.Cleanup(func() {
		gaveUp()
		_ = term.cmd.Process.Kill()
		<-term.gone
		term.master.Close()
	})
	return term
}

func openTerminal(t *testing.T) (master, screen *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal can be made here: %v", err)
	}
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err == nil {
		screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return master, screen
}

func (term *terminal) read() {
	buf := make([]byte, 4096)
	for {
		n, err := term.master.Read(buf)
		term.mu.Lock()
		term.text += string(buf[:n])
		term.ended = err != nil
		term.more.Broadcast()
		term.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// giveUp ends all waiting: for what was never printed, and for a program that does not end.
func (term *terminal) giveUp() {
	_ = term.cmd.Process.Kill()
	term.mu.Lock()
	defer term.mu.Unlock()
	term.ended = true
	term.more.Broadcast()
}

// sees waits until what was printed matches, and gives it.
func (term *terminal) sees(pattern string) string {
	term.t.Helper()
	wanted := regexp.MustCompile(pattern)
	term.mu.Lock()
	defer term.mu.Unlock()
	for !wanted.MatchString(term.text) {
		if term.ended {
			term.t.Fatalf("it ended, or the time for the tests did, without %q:\n%q", pattern, term.text)
		}
		term.more.Wait()
	}
	return term.text
}

func (term *terminal) types(keys string) {
	if _, err := term.master.WriteString(keys); err != nil {
		term.t.Errorf("type %q: %v", keys, err)
	}
}

// ends waits for the end of the program: in good order, with the terminal as it was.
func (term *terminal) ends() {
	term.t.Helper()
	<-term.gone
	if term.err != nil {
		term.t.Errorf("%v: %v", term.cmd.Args, term.err)
	}
	if term.after != term.before {
		term.t.Errorf("the terminal was left in other modes: %+v, was %+v", term.after, term.before)
	}
}

func modes(t *testing.T, screen *os.File) unix.Termios {
	m, err := unix.IoctlGetTermios(int(screen.Fd()), unix.TCGETS)
	if err != nil {
		t.Errorf("look at a terminal's modes: %v", err)
		return unix.Termios{}
	}
	return *m
}

const controlB, controlC, leave = "\x02", "\x03", "\x1d"

// TestConsole talks to iPXE on a guest's serial console as a person does, and leaves it.
func TestConsole(t *testing.T) {
	need(t, "boots")
	env := upForTest(t, served, 0, "--clock", "real")
	say(t, env, 0, "", "power", "bios", "on")
	term := at(t, env, "console", "bios")
	term.sees(`console of bios; Ctrl-\] leaves`)
	term.sees(`Press Ctrl-B for the iPXE command line`) // it waits for 2 s
	term.types(controlB)
	term.sees(`iPXE>`)
	term.types(controlC)         // the guest's, as any key
	term.types("echo a${mac}\r") // a BIOS remembers 16 keys at most
	term.sees(`a52:54:00:70:78:01`)
	term.types(leave)
	term.ends()
	// The guest has not noticed; another one who attaches sees what was on the screen.
	again := at(t, env, "console", "bios")
	again.sees(`a52:54:00:70:78:01`)
	say(t, env, 0, "", "power", "bios", "off")
	again.sees(`the console of bios has ended: it is off`)
	again.ends()
}

// TestTerminalWidth: what is printed for people at a terminal of 80 columns does not break in the middle of words.
func TestTerminalWidth(t *testing.T) {
	need(t, "boots")
	env := upForTest(t, served, 0, "--clock", "warp")
	for _, c := range []struct {
		command, end string
		paths        bool // has lines that must stay whole to be pasted
	}{
		{"status", `again: pxelab judge \S+\r\n`, true},
		{"logs", `guest-settled +boot 1\r\n`, false},
		{"plan ../../topologies/firmware-trio.yaml", `the firmware need not try\r\n`, false},
		{"doctor", `This host can run labs\.\r\n`, false},
		{"power nobody on", `\(have bios\)\r\n`, false},
	} {
		term := at(t, env, strings.Fields(c.command)...)
		for line := range strings.Lines(term.sees(c.end)) {
			line = strings.TrimRight(escapes.ReplaceAllString(line, ""), "\r\n")
			if len(line) > 80 && !c.paths && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("pxelab %s: %d columns: %s", c.command, len(line), line)
			}
		}
	}
	capture := at(t, env, "capture")
	capture.sees(`a terminal cannot show pcapng; pipe it`)
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")
