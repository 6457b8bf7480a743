package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/server"
)

func serveCommand() *cobra.Command {
	var config, messages, name string
	cmd := &cobra.Command{
		Use:   "serve --config FILE",
		Short: "Run our PXE servers on a real interface, outside any lab",
		Long: `Run our DHCP, TFTP and echo servers as FILE (JSON) says, on the one interface
that it names. Each decision is written with its reason as a JSON line. This is
the very process that runs inside a lab; on a real interface it answers real
machines.`,
		Example: `  pxelab plan --json | jq '.services[0].server' > boot.json   # to start from
  pxelab serve --config boot.json`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration file")
	cmd.Flags().StringVar(&messages, "messages", "", "where decisions are written, one JSON object a line (default: standard output)")
	cmd.Flags().StringVar(&name, "name", "", "shown in process lists")
	_ = cmd.Flags().MarkHidden("name")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if config == "" {
			return errors.New("serve: no configuration: name one with --config (see pxelab serve --help)")
		}
		in, err := os.Open(config)
		if err != nil {
			return fmt.Errorf("serve: %w", err)
		}
		defer in.Close()
		out := os.Stdout
		if messages != "" {
			if out, err = os.OpenFile(messages, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644); err != nil {
				return fmt.Errorf("serve: %w", err)
			}
			defer out.Close()
		}
		err = server.Main(cmd.Context(), in, out)
		if err != nil && name == "" { // a lab's own services have names, and their configuration no file
			return fmt.Errorf("serve %s: %w", config, err)
		}
		return err
	}
	return cmd
}

// The descriptors that lab.Start hands to the supervisor.
const (
	fdJob      = 3
	fdSocket   = 4
	fdLifeline = 5
)

// labCommand is the supervisor inside its namespaces. People never call it.
func labCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "__lab",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, fd := range []int{fdJob, fdSocket, fdLifeline} {
				syscall.CloseOnExec(fd) // they are not for guests and services
			}
			listener, err := net.FileListener(os.NewFile(fdSocket, "control"))
			if err != nil {
				return fmt.Errorf("take over the control socket: %w", err)
			}
			return lab.Supervise(cmd.Context(), os.NewFile(fdJob, "job"), os.NewFile(fdLifeline, "lifeline"), listener.(*net.UnixListener))
		},
	}
}
