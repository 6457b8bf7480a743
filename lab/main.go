package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/pxelab/pxelab/lab/network/sandbox"
	"github.com/pxelab/pxelab/server"
)

// The first arguments with which this package starts its own program again. People never write them, and no other program has them.
const (
	labWord   = "__lab"   // the supervisor, inside its namespaces
	serveWord = "__serve" // one of our servers, on its host; its name follows

	linkWord = "libvirt" // after labWord: the supervisor was given the files of a libvirt.Link, too
)

// The descriptors that Start hands to the supervisor, and startOurs to a server.
const (
	fdJob      = 3
	fdSocket   = 4
	fdLifeline = 5
	fdLink     = 6 // and the two after it

	fdConfig   = 3
	fdMessages = 4
)

// Main must be called first thing in main, or in an init function: a lab is made of processes of the very program that starts it.
// In these it does their work and never returns; in all others it returns at once.
func Main() {
	sandbox.Main()
	if len(os.Args) < 2 {
		return
	}
	switch os.Args[1] {
	case labWord:
		os.Exit(hidden(superviseJob))
	case serveWord:
		os.Exit(hidden(serve))
	}
}

// hidden does the work of a process that the lab has started, until it is done or a signal ends it, and gives the exit status.
func hidden(work func(context.Context) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := work(ctx)
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return 128 + int(syscall.SIGTERM)
	}
	fmt.Fprintf(os.Stderr, "pxelab: %v\n", err)
	return 2
}

// superviseJob is the supervisor.
func superviseJob(ctx context.Context) error {
	for _, fd := range []int{fdJob, fdSocket, fdLifeline} {
		syscall.CloseOnExec(fd) // they are not for guests and services
	}
	listener, err := net.FileListener(os.NewFile(fdSocket, "control"))
	if err != nil {
		return fmt.Errorf("take over the control socket (%s is started by the lab itself, never by hand): %w", labWord, err)
	}
	var link []*os.File
	for fd := fdLink; len(os.Args) > 2 && os.Args[2] == linkWord && fd < fdLink+3; fd++ {
		syscall.CloseOnExec(fd)
		link = append(link, os.NewFile(uintptr(fd), linkWord))
	}
	return Supervise(ctx, os.NewFile(fdJob, "job"), os.NewFile(fdLifeline, "lifeline"), listener.(*net.UnixListener), link...)
}

// serve is what `pxelab serve` does, on a host of a lab.
func serve(ctx context.Context) error {
	return server.Main(ctx, os.NewFile(fdConfig, "configuration"), os.NewFile(fdMessages, "messages"), nil)
}
