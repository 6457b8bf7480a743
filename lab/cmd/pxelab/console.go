package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/pxelab/pxelab/lab/control"
)

// escapeKey leaves the console: Ctrl-], as in telnet and virsh. Firmware has no use for it.
const escapeKey = 0x1d

func consoleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "console GUEST",
		Short: "Attach to a guest's serial console; Ctrl-] leaves it",
		Long: `Attach to a guest's serial console. What it showed so far comes first. Every key
goes to the guest, Ctrl-C too; Ctrl-] leaves. In SeaBIOS and iPXE F8 is F8; EDK2
takes Ctrl-M (Enter) for F8 on a serial console.`,
		Example:           "  pxelab console x64",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeGuests,
	}
	name := labFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := control.Dial(*name)
		if err != nil {
			return err
		}
		fd := int(os.Stdin.Fd())
		if term.IsTerminal(fd) {
			old, err := term.MakeRaw(fd)
			if err != nil {
				return fmt.Errorf("make the terminal raw: %w", err)
			}
			defer func() { _ = term.Restore(fd, old) }()
			fmt.Fprintf(os.Stderr, "console of %s; Ctrl-] leaves\r\n", args[0]) // only now does it
		}
		ctx, leave := context.WithCancelCause(cmd.Context())
		defer leave(nil)
		err = attach(ctx, c, args[0], leave)
		if errors.Is(context.Cause(ctx), errLeft) {
			return nil
		}
		if err == nil {
			fmt.Fprintf(os.Stderr, "\r\nthe console of %s has ended: it is off (pxelab power %[1]s on boots it again)\r\n", args[0])
		}
		return err
	}
	return cmd
}

// attach copies keys to the guest and its screen back until either ends.
func attach(ctx context.Context, c *control.Client, guest string, leave context.CancelCauseFunc) error {
	port, err := c.Console(ctx, guest)
	if err != nil {
		return err
	}
	defer port.Close()
	go func() { _, _ = io.Copy(port, keys{in: os.Stdin, leave: leave}) }()
	_, err = io.Copy(os.Stdout, port)
	return err
}

// errLeft says that the user typed the escape key.
var errLeft = errors.New("left the console")

// keys is what the user types, up to the escape key.
type keys struct {
	in    io.Reader
	leave context.CancelCauseFunc
}

func (k keys) Read(p []byte) (int, error) {
	n, err := k.in.Read(p)
	if i := bytes.IndexByte(p[:n], escapeKey); i >= 0 {
		k.leave(errLeft)
		return i, io.EOF
	}
	return n, err
}
