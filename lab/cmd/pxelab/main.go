// Command pxelab boots real firmware over virtual networks and judges how each machine booted.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/network/sandbox"
	"github.com/pxelab/pxelab/lab/plan"
)

// The exit codes. A misbehaving guest is a verdict (1), never an error (2).
const (
	exitPass = 0 // every verdict passes
	exitFail = 1 // some verdict fails
	exitBad  = 2 // bad input, or the harness broke
	exitHost = 3 // this host cannot run it

	exitInterrupted = 130 // Ctrl-C or SIGTERM, as shells number it
)

// errVerdict is returned by a command whose verdicts do not all pass: all has been said already.
var errVerdict = errors.New("some verdicts fail")

func main() {
	lab.Main()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { // a second Ctrl-C ends the process at once
		<-ctx.Done()
		stop()
	}()
	err := root().ExecuteContext(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		os.Exit(exitInterrupted) // the user knows: no message
	}
	os.Exit(exitCode(err))
}

// exitCode prints err, if there is anything to say, and gives the exit status that stands for it.
func exitCode(err error) int {
	switch {
	case err == nil:
		return exitPass
	case errors.Is(err, errVerdict):
		return exitFail
	}
	fmt.Fprintln(os.Stderr, folded(fmt.Sprintf("pxelab: %v", err), widthOf(os.Stderr), 4))
	var refused *sandbox.Refused
	if errors.Is(err, plan.ErrHost) || errors.As(err, &refused) {
		return exitHost
	}
	return exitBad
}

// root assembles the command line.
func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pxelab",
		Short: "A virtual PXE lab: boots real firmware over the network and tells whether, and how, it booted",
		Long: `pxelab builds bridged virtual networks, starts PXE servers on them, boots real
firmware in QEMU guests, and judges from the serial console and the wire
whether and how each machine booted.

Exit status: 0 every verdict passes, 1 some fail, 2 bad input or the lab itself
broke, 3 this host cannot run it.`,
		Example: `  pxelab run topologies/firmware-trio.yaml   # boot, judge, tear down
  pxelab up                                  # the same, and stay up
  pxelab status                              # who is where
  pxelab console x64                         # a serial console (Ctrl-] leaves)
  pxelab capture | wireshark -k -i -         # watch the wire
  pxelab down`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cobra.EnableCommandSorting = false // as they are used, not by the alphabet
	cmd.AddGroup(&cobra.Group{ID: "lab", Title: "A lab:"}, &cobra.Group{ID: "inside", Title: "Inside a running lab:"},
		&cobra.Group{ID: "file", Title: "Files, and this host:"})
	for group, commands := range map[string][]*cobra.Command{
		"lab":    {runCommand(), matrixCommand(), reportCommand(), upCommand(), downCommand(), statusCommand(), judgeCommand(), explainCommand(), dissectCommand(), studioCommand(), lessonsCommand(), exportCommand()},
		"inside": {consoleCommand(), logsCommand(), powerCommand(), faultCommand(), stepCommand(), shellCommand(), captureCommand()},
		"file":   {planCommand(), validateCommand(), schemaCommand(), doctorCommand(), versionCommand(), serveCommand(), clientCommand(), probeCommand()},
	} {
		for _, c := range commands {
			c.GroupID = group
			cmd.AddCommand(c)
		}
	}
	explainUsage(cmd)
	return cmd
}
