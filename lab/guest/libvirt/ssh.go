package libvirt

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/pxelab/pxelab/lab/plan"
)

// dialSSH reaches the daemon through ssh, as libvirt's own clients do; QEMU's calls come back through it, too. It gives the ports
// that ssh listens on there. ssh ends when the lab does: the other end of its standard input is then closed.
func dialSSH(h *plan.Hypervisor, here [2]int, log *os.File) (conn *os.File, there [2]int, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, there, os.NewSyscallError("socketpair", err)
	}
	conn = os.NewFile(uintptr(fds[0]), "libvirt through ssh")
	theirs := os.NewFile(uintptr(fds[1]), "ssh")
	defer theirs.Close()
	there[0] = 20000 + 2*rand.IntN(6000) // below what Linux gives out itself; if one is taken, ssh says so and ends
	there[1] = there[0] + 1
	argv := sshArgv(h, forward(there[0], here[0]), forward(there[1], here[1]))
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is for the lab, which may also outlive its terminal
	if err := cmd.Start(); err != nil {
		_ = conn.Close()
		return nil, there, fmt.Errorf("%w: install an ssh client", err)
	}
	go func() { _ = cmd.Wait() }()
	return conn, there, nil
}

// forward is ssh's -R for one port.
func forward(there, here int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(there)) + ":" + net.JoinHostPort("127.0.0.1", strconv.Itoa(here))
}

// sshArgv is the command that connects its standard input and output with the daemon.
func sshArgv(h *plan.Hypervisor, forwards ...string) []string {
	command := "ssh"
	if h.Command != "" {
		command = h.Command
	}
	argv := []string{command, "-T", "-e", "none", "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes"}
	if h.NoVerify {
		argv = append(argv, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
	}
	if h.Port != 0 {
		argv = append(argv, "-p", strconv.Itoa(h.Port))
	}
	if h.User != "" {
		argv = append(argv, "-l", h.User)
	}
	if h.KeyFile != "" {
		argv = append(argv, "-i", h.KeyFile)
	}
	for _, f := range forwards {
		argv = append(argv, "-R", f)
	}
	return append(argv, "--", h.Host, farCommand(h))
}

// farCommand runs in a shell on the daemon's host: libvirt's own helper there finds the socket.
func farCommand(h *plan.Hypervisor) string {
	if h.Socket != "" {
		return "exec nc -U " + quote(h.Socket)
	}
	usual := "/run/libvirt/libvirt-sock"
	if h.Driver == "qemu:///session" {
		usual = `"${XDG_RUNTIME_DIR:-$HOME/.cache}/libvirt/libvirt-sock"`
	}
	return "command -v virt-ssh-helper >/dev/null && exec virt-ssh-helper " + h.Driver + "; exec nc -U " + usual
}

// quote makes one word of s for a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
