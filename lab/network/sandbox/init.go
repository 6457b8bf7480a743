package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
)

// Descriptors of PID 1; see Options.command.
const (
	reportFD   = 3
	lifelineFD = 4
	firstFD    = 5
)

// Main must be called first thing in main (and in TestMain). In the processes that Spawn and Probe start it
// does their work and never returns; in all others it returns at once.
func Main() {
	if len(os.Args) < 2 {
		return
	}
	switch os.Args[1] {
	case initWord:
		os.Exit(initMain(os.Args[2:]))
	case probeWord:
		os.Exit(probeMain())
	}
}

// Inside reports whether this process runs in a sandbox: its user namespace maps a single user.
func Inside() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	fields := strings.Fields(string(b))
	return err == nil && len(fields) == 3 && fields[0] == "0" && fields[2] == "1"
}

// initMain is PID 1: it makes the namespaces habitable, starts the program, reaps, and ends with it.
func initMain(args []string) int {
	if os.Getpid() != 1 || len(args) < 2 {
		fmt.Fprintf(os.Stderr, "%s is started by the lab itself, never by hand\n", initWord)
		return 2
	}
	files, err := strconv.Atoi(args[1])
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", initWord, err)
		return 2
	}
	for fd := reportFD; fd < firstFD+files; fd++ {
		syscall.CloseOnExec(fd)
	}
	if args[0] == foreground {
		go endWithLifeline()
	} else {
		syscall.Close(lifelineFD)
	}
	warnings, err := furnish()
	program := 0
	if err == nil {
		program, err = startProgram(args[2:], files)
	}
	tell(warnings, err)
	if err != nil {
		return 1
	}
	go forwardSignals(program)
	return reap(program)
}

// endWithLifeline ends the sandbox when its starter is gone: a second net beside the parent death signal,
// which is lost if the starter dies before it is set.
func endWithLifeline() {
	var b [1]byte
	for {
		if _, err := syscall.Read(lifelineFD, b[:]); err != syscall.EINTR {
			os.Exit(128 + int(syscall.SIGKILL))
		}
	}
}

// furnish makes the new namespaces habitable. What it cannot do but a lab can live without is a warning:
// inside some containers the kernel refuses a fresh /proc because the old one is partly masked.
func furnish() (warnings []string, err error) {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("make mounts private: %w", err)
	}
	const flags = syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC
	for _, m := range []struct{ kind, at string }{{"proc", "/proc"}, {"sysfs", "/sys"}} {
		if err := syscall.Mount(m.kind, m.at, m.kind, flags, ""); err != nil {
			warnings = append(warnings, fmt.Sprintf("mount a fresh %s: %v; it shows the host's", m.at, err))
		}
	}
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		return nil, fmt.Errorf("bring up lo: %w", err)
	}
	return warnings, nil
}

// startProgram starts this program with args and hands the inherited descriptors on. It avoids os.Process,
// whose Wait would compete with reap.
func startProgram(args []string, files int) (pid int, err error) {
	fds := []uintptr{0, 1, 2}
	for i := range files {
		fds = append(fds, uintptr(firstFD+i))
	}
	argv := append([]string{os.Args[0]}, args...)
	pid, err = syscall.ForkExec("/proc/self/exe", argv, &syscall.ProcAttr{Env: os.Environ(), Files: fds})
	if err != nil {
		return 0, fmt.Errorf("start the program inside: %w", err)
	}
	for _, fd := range fds[3:] {
		syscall.Close(int(fd)) // so that a reader outside sees the end when the program closes it
	}
	return pid, nil
}

func tell(warnings []string, err error) {
	r := report{Warnings: warnings}
	if err != nil {
		r.Error = err.Error()
		errors.As(err, &r.Errno)
	}
	pipe := os.NewFile(reportFD, "report")
	json.NewEncoder(pipe).Encode(r)
	pipe.Close()
}

// forwardSignals passes on what is meant for the program: PID 1 itself would ignore most of it.
func forwardSignals(program int) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM,
		syscall.SIGUSR1, syscall.SIGUSR2)
	for s := range signals {
		syscall.Kill(program, s.(syscall.Signal))
	}
}

// reap collects every process that ends, the orphans of all others included, until the program does.
func reap(program int) (status int) {
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			fmt.Fprintf(os.Stderr, "%s: wait: %v\n", initWord, err)
			return 1
		case pid == program && ws.Signaled():
			return 128 + int(ws.Signal())
		case pid == program && ws.Exited():
			return ws.ExitStatus()
		}
	}
}
