package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab/control"
)

func faultCommand() *cobra.Command {
	var clear, asJSON bool
	cmd := &cobra.Command{
		Use:   "fault [GUEST [FAULT | --clear [NUMBER]]]",
		Short: "Break a guest's cable on purpose, or mend it, while the lab is up",
		Long: `Put a fault on the cable of a guest of a running lab, written as in a topology
(docs/faults.md); it acts at once, and in every later boot, each of which it
meets anew. The verdicts of a boot hold it to having met a frame, and name it
where it is why the boot stopped. Without a fault, list those there are and how
many frames each has met in the guest's latest boot.`,
		Example: `  pxelab fault                                  # which there are
  pxelab fault x64 '{do: drop, packet: offer, first: 2}'
  pxelab power x64 on                           # boots with it
  pxelab fault x64 --clear 1                    # or --clear alone: all`,
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: completeGuests,
	}
	name := labFlag(cmd)
	cmd.Flags().BoolVar(&clear, "clear", false, "take the fault of that number away; without one, all of the guest")
	cmd.Flags().BoolVar(&asJSON, "json", false, "list as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if clear && len(args) == 0 {
			return errors.New("fault: --clear needs the guest whose faults are to go: pxelab fault GUEST --clear")
		}
		c, err := control.Dial(*name)
		if err != nil {
			return err
		}
		switch {
		case clear:
			return clearFaults(cmd.Context(), c, args)
		case len(args) == 2:
			return sendFault(cmd.Context(), c, args[0], args[1])
		}
		return listFaults(cmd.Context(), c, args, asJSON)
	}
	return cmd
}

// sendFault puts a fault on a guest's cable.
func sendFault(ctx context.Context, c *control.Client, guest, text string) error {
	f, err := c.Arm(ctx, guest, text)
	if err != nil {
		return err
	}
	fmt.Printf("fault %d on the cable of %s: %s\n", f.Rule, f.Guest, f.Fault)
	if f.Waits != "" {
		fmt.Printf("it acts from the next power-on: %s\n", f.Waits)
	}
	return nil
}

// clearFaults takes the fault away that the second argument numbers, or all.
func clearFaults(ctx context.Context, c *control.Client, args []string) error {
	rule := 0
	if len(args) == 2 {
		n, err := strconv.Atoi(args[1])
		if err != nil || n < 1 {
			return fmt.Errorf("fault: %q is not the number of a fault; `pxelab fault %s` lists them", args[1], args[0])
		}
		rule = n
	}
	gone, err := c.Clear(ctx, args[0], rule)
	if err != nil {
		return err
	}
	for _, f := range gone {
		fmt.Printf("fault %d is off the cable of %s: %s\n", f.Rule, f.Guest, f.Fault)
	}
	return nil
}

// listFaults prints the faults of all guests, or of one.
func listFaults(ctx context.Context, c *control.Client, args []string, asJSON bool) error {
	list, err := c.Faults(ctx)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		if err := hasGuest(ctx, c, args[0]); err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(f control.Fault) bool { return f.Guest != args[0] })
	}
	switch {
	case asJSON:
		return writeJSON(list)
	case len(list) == 0:
		_, err = fmt.Println("no fault on any cable; pxelab fault --help shows how to put one there")
		return err
	}
	return writeFaults(os.Stdout, list)
}

func writeFaults(to io.Writer, list []control.Fault) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "GUEST\tFAULT\tFRAMES MET\tWHAT")
	for _, f := range list {
		met := "not powered on yet"
		if f.Boot > 0 {
			met = fmt.Sprintf("%d in boot %d", f.Hits, f.Boot)
		}
		sent := ""
		if f.Sent {
			sent = "  (sent)"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s%s\n", f.Guest, f.Rule, met, f.Fault, sent)
	}
	return w.Flush()
}

// hasGuest complains of a guest that the lab has not.
func hasGuest(ctx context.Context, c *control.Client, guest string) error {
	info, err := c.Lab(ctx)
	if err == nil && !slices.Contains(info.Guests, guest) {
		err = fmt.Errorf("lab %q has no guest %q (have %s)", info.Name, guest, strings.Join(info.Guests, ", "))
	}
	return err
}
