package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/report"
)

// labFlag is the flag that names a running lab; without it, the only one running is meant.
func labFlag(cmd *cobra.Command) *string {
	name := cmd.Flags().StringP("lab", "l", "", "name of the lab (default: the only one that is up)")
	_ = cmd.RegisterFlagCompletionFunc("lab", completeLabs)
	return name
}

func completeLabs(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	labs, err := control.List()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	for _, l := range labs {
		names = append(names, l.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeGuests completes a guest's name from the only lab that is up.
func completeGuests(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	c, err := control.Dial(cmd.Flag("lab").Value.String())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	p, err := c.Plan(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, g := range p.Guests {
		names = append(names, g.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func downCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:               "down [LAB]",
		Short:             "End a lab: guests, services and networks go, its bundle stays",
		Example:           "  pxelab down\n  pxelab down firmware-trio\n  pxelab down --all",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeLabs,
	}
	cmd.Flags().BoolVar(&all, "all", false, "every lab of this user")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		names := args
		if all && len(args) > 0 {
			return fmt.Errorf("down: --all means every lab, and %s is named too; leave one of them out", args[0])
		}
		if all {
			labs, err := control.List()
			if err != nil {
				return err
			}
			if len(labs) == 0 {
				fmt.Println("no lab is up")
			}
			for _, l := range labs {
				names = append(names, l.Name)
			}
		} else if len(args) == 0 {
			names = []string{""}
		}
		var errs []error
		for _, name := range names {
			errs = append(errs, down(cmd.Context(), name))
		}
		return errors.Join(errs...)
	}
	return cmd
}

// down asks one lab to end and waits until it is gone.
func down(ctx context.Context, name string) error {
	c, err := control.Dial(name)
	if err != nil {
		return err
	}
	info, err := c.Lab(ctx)
	if err != nil {
		return err
	}
	if err := c.Stop(ctx, "pxelab down"); err != nil {
		return err
	}
	if err := waitGone(ctx, info.PID); err != nil {
		return fmt.Errorf("wait for %s to end: %w", info.Name, err)
	}
	if _, err := lab.WriteReports(info.Bundle); err != nil {
		return err
	}
	fmt.Printf("%s is down\nbundle %s\n", info.Name, info.Bundle)
	return nil
}

// waitGone waits for the end of a process that is not ours to wait for.
func waitGone(ctx context.Context, pid int) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for syscall.Kill(pid, 0) == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func logsCommand() *cobra.Command {
	var follow, asJSON bool
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Print a running lab's events: packets, console lines, decisions",
		Long: `Print a running lab's events: packets, console lines, decisions, each with the
seconds since the run began. A terminal gets one line per event, cut to its
width; a pipe or a file gets lines whole.`,
		Example: `  pxelab logs -f                 # follow
  pxelab logs --json | jq 'select(.kind=="packet").packet.info'`,
		Args: cobra.NoArgs,
	}
	name := labFlag(cmd)
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on as things happen")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line, as in events.jsonl")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := control.Dial(*name)
		if err != nil {
			return err
		}
		print, err := eventPrinter(cmd.Context(), c, asJSON)
		if err != nil {
			return err
		}
		if follow {
			return c.Events(cmd.Context(), 1, print)
		}
		events, err := c.Log(cmd.Context(), 1)
		for _, e := range events {
			err = errors.Join(err, print(e))
		}
		return err
	}
	return cmd
}

// eventPrinter prints events as they are stored, or a line each for people, cut to the width of their terminal.
func eventPrinter(ctx context.Context, c *control.Client, asJSON bool) (func(event.Event) error, error) {
	if asJSON {
		stored := json.NewEncoder(os.Stdout)
		return func(e event.Event) error { return stored.Encode(e) }, nil
	}
	info, err := c.Lab(ctx)
	if err != nil {
		return nil, err
	}
	names, width := 0, widthOf(os.Stdout)
	for _, name := range slices.Concat(info.Networks, info.Services, info.Guests) {
		names = max(names, len(name))
	}
	return func(e event.Event) error {
		_, err := fmt.Println(report.Line(e, names, width))
		return err
	}, nil
}

func powerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:               "power GUEST on|off|reset|pause|resume",
		Short:             "Switch a guest on or off, reset it, freeze it whole",
		Example:           "  pxelab power x64 on        # boot it again",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeGuests,
	}
	name := labFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := control.Dial(*name)
		if err != nil {
			return err
		}
		return c.Power(cmd.Context(), args[0], args[1])
	}
	return cmd
}

func captureCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "capture",
		Short:   "Stream every frame of a running lab as pcapng, from the start",
		Example: "  pxelab capture | wireshark -k -i -\n  pxelab capture > wire.pcapng",
		Args:    cobra.NoArgs,
	}
	name := labFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if term.IsTerminal(int(os.Stdout.Fd())) {
			return errors.New("capture: a terminal cannot show pcapng; pipe it (pxelab capture | wireshark -k -i -) or redirect it to a file")
		}
		c, err := control.Dial(*name)
		if err != nil {
			return err
		}
		return c.Capture(cmd.Context(), os.Stdout)
	}
	return cmd
}
