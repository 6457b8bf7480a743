package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	socketSuffix = ".sock"
	// maxPath is what a socket's path can have: sun_path is 108 octets with the NUL at its end (unix(7)).
	maxPath = 107
)

var labName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// RuntimeDir is the folder of the sockets of this user's labs: $XDG_RUNTIME_DIR/pxelab, else /run/pxelab for
// root, else /tmp/pxelab-UID. It is made if it is missing, and must belong to this user alone.
func RuntimeDir() (string, error) {
	uid := os.Getuid()
	dir := fmt.Sprintf("/tmp/pxelab-%d", uid)
	if uid == 0 {
		dir = "/run/pxelab"
	}
	if xdg := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(xdg) { // relative ones are to be ignored, says its specification
		dir = filepath.Join(xdg, "pxelab")
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make the folder for control sockets: %w (set XDG_RUNTIME_DIR to a folder of yours)", err)
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !st.IsDir() {
		return "", fmt.Errorf("%q is not a folder: remove it, or set XDG_RUNTIME_DIR", dir)
	}
	if owner := st.Sys().(*syscall.Stat_t).Uid; int(owner) != uid {
		return "", fmt.Errorf("%q belongs to user %d, not to %d: set XDG_RUNTIME_DIR to a folder of yours", dir, owner, uid)
	}
	if st.Mode().Perm() != 0o700 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return "", fmt.Errorf("close the folder for control sockets to others: %w", err)
		}
	}
	return dir, nil
}

// socketPath is where the lab of that name listens.
func socketPath(dir, name string) (string, error) {
	if !labName.MatchString(name) {
		return "", fmt.Errorf("lab name %q: letters, digits, dots, dashes and underscores only, the first a letter or digit", name)
	}
	path := filepath.Join(dir, name+socketSuffix)
	if len(path) > maxPath {
		return "", fmt.Errorf("socket path %q has %d octets, %d is the limit: use a shorter lab name, or a shorter XDG_RUNTIME_DIR",
			path, len(path), maxPath)
	}
	return path, nil
}

// lock makes this process the only one that makes or removes sockets in the folder. The lock is on the folder
// itself, so nothing is left behind, and the kernel drops it with its holder.
func lock(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %q: %w", dir, err)
	}
	return func() { f.Close() }, nil
}

// Listen opens the control socket of a lab that is about to be started, mode 0600. It fails if a lab of that
// name is up; the socket of a dead one is replaced. Of two callers at once exactly one succeeds.
//
// Closing the listener leaves the socket's path in place, as its file may be on the way to another process
// (UnixListener.File). The Server that ends up with it removes the path; if that process is killed, the next
// Listen or List does.
func Listen(name string) (*net.UnixListener, error) {
	dir, err := RuntimeDir()
	if err != nil {
		return nil, err
	}
	path, err := socketPath(dir, name)
	if err != nil {
		return nil, err
	}
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	info, err := askWho(path)
	switch {
	case err == nil && info.Silent:
		return nil, fmt.Errorf("lab %q is being started, or is stuck, by process %d: wait for it, or end that process", name, info.PID)
	case err == nil:
		return nil, fmt.Errorf("lab %q is already up since %s; `pxelab down %s` ends it", name, info.Since.Format("15:04:05"), name)
	case errors.Is(err, syscall.ECONNREFUSED): // its supervisor is gone
		if err := removeSocket(path); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("see whether lab %q is up: %w", name, err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	l.SetUnlinkOnClose(false)
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("close the control socket to others: %w", err)
	}
	return l, nil
}

// List finds the labs of this user that are up, in the order of their names, and removes the sockets that
// dead ones have left. The error tells of those it could not ask or remove; the others are listed all the same.
func List() ([]Info, error) {
	dir, err := RuntimeDir()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look for labs: %w", err)
	}
	var labs []Info
	var problems []error
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), socketSuffix)
		if !ok || e.Type() != fs.ModeSocket || !labName.MatchString(name) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := askWho(path)
		switch {
		case err == nil:
			info.Name = name
			labs = append(labs, info)
		case errors.Is(err, syscall.ECONNREFUSED):
			problems = append(problems, bury(dir, path))
		case !errors.Is(err, fs.ErrNotExist): // it ended meanwhile
			problems = append(problems, fmt.Errorf("ask lab %q: %w", name, err))
		}
	}
	return labs, errors.Join(problems...)
}

// bury removes the socket of a dead lab, having made sure that no new one has taken its place.
func bury(dir, path string) error {
	unlock, err := lock(dir)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := askWho(path); !errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	return removeSocket(path)
}

// removeSocket removes a socket that nobody listens on, and nothing else: connecting to a plain file is
// refused in the same way.
func removeSocket(path string) error {
	st, err := os.Lstat(path)
	if err == nil && st.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%q is in the way of a control socket: move it elsewhere", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the socket of a dead lab: %w", err)
	}
	return nil
}
