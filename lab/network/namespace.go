package network

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// newNamespace makes a network namespace that exists as long as the file is open or a process lives in it.
// It has no name in the file system, so nothing is left to clean up.
func newNamespace() (ns *os.File, err error) {
	err = onDoomedThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		ns, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	return ns, err
}

// inNamespace runs f on a thread inside the namespace. Sockets that f opens belong to it for good, and may be
// used from anywhere. Goroutines that f starts do not run inside.
func inNamespace(ns *os.File, f func() error) error {
	return onDoomedThread(func() error {
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter network namespace: %w", err)
		}
		return f()
	})
}

// onDoomedThread runs f on a thread of its own, which ends after f, whatever f changed about it.
func onDoomedThread(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			// The first thread never ends, and its namespaces are what /proc/PID/ns shows of the process.
			result <- onDoomedThread(f)
			runtime.UnlockOSThread()
			return
		}
		result <- f() // no unlock: the Go runtime ends the thread of a goroutine that ends locked
	}()
	return <-result
}
