package control

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// peerPID is the process that listens at the other end, as this process sees it, through PID namespaces too.
// The kernel notes who called listen(2) last (unix(7), SO_PEERCRED), which is why claim calls it again.
func peerPID(c *net.UnixConn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if credErr != nil {
		return 0, fmt.Errorf("read the credentials of the lab's socket: %w", credErr)
	}
	return int(cred.Pid), nil
}

// claim makes this process the one that peerPID finds. The listener may have been opened by another, in
// another PID namespace, which may be gone by now.
func claim(l *net.UnixListener) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return err
	}
	var listenErr error
	if err := raw.Control(func(fd uintptr) { listenErr = unix.Listen(int(fd), unix.SOMAXCONN) }); err != nil {
		return err
	}
	return listenErr
}
