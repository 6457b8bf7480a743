package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/report"
)

func statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:               "status [LAB]",
		Short:             "Show the labs that are up: their guests, stages, and who served whom",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeLabs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		labs, err := control.List()
		if err != nil {
			return err
		}
		if len(args) == 0 && len(labs) == 0 {
			if asJSON {
				return writeJSON([]report.Report{})
			}
			fmt.Println("no lab is up; pxelab up brings one up")
			return nil
		}
		names := args
		if len(names) == 0 {
			for _, l := range labs {
				names = append(names, l.Name)
			}
		}
		var all []report.Report
		for _, name := range names {
			r, err := statusOf(cmd, name, asJSON)
			if err != nil {
				return err
			}
			all = append(all, r)
		}
		if asJSON {
			return writeJSON(all)
		}
		return nil
	}
	return cmd
}

// statusOf reads one lab's log and prints what it comes to.
func statusOf(cmd *cobra.Command, name string, quiet bool) (report.Report, error) {
	c, err := control.Dial(name)
	if err != nil {
		return report.Report{}, err
	}
	info, err := c.Lab(cmd.Context())
	if err != nil {
		return report.Report{}, err
	}
	p, err := c.Plan(cmd.Context())
	if err != nil {
		return report.Report{}, err
	}
	events, err := c.Log(cmd.Context(), 1)
	if err != nil {
		return report.Report{}, err
	}
	r := report.New(p, events)
	if !quiet {
		fmt.Printf("%s is up since %s, pid %d, bundle %s\n\n", info.Name, info.Since.Local().Format(time.DateTime), info.PID, info.Bundle)
		fmt.Print(r.Text(styleOf(os.Stdout, info.Bundle)))
	}
	return r, nil
}

// printEvent prints one event of a log, for people or as it is stored.
func printEvent(w io.Writer, e event.Event, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(e)
	}
	who := e.Guest
	if who == "" {
		who = e.Service
	}
	if who == "" {
		who = e.Network
	}
	_, err := fmt.Fprintf(w, "%9.3f  %-11s  %-15s  %s\n", e.At.Seconds(), who, e.Kind, eventText(e))
	return err
}

// eventText words what an event holds.
func eventText(e event.Event) string {
	switch {
	case e.Packet != nil:
		arrow := "<-"
		if e.Packet.FromGuest {
			arrow = "->"
		}
		return fmt.Sprintf("%s #%d %s", arrow, e.Packet.Frame, e.Packet.Info)
	case e.Decision != nil:
		reply := e.Decision.Reply
		if reply == "" {
			reply = "silence"
		}
		return fmt.Sprintf("%s %s: %s, because %s", e.Decision.Client, e.Decision.Request, reply, e.Decision.Reason)
	case e.Stall != nil:
		return fmt.Sprintf("more than %s at %s", e.Stall.Budget, e.Stall.Stage)
	case e.Late != nil:
		return fmt.Sprintf("the host was late by %s", e.Late.By)
	case e.Power != nil:
		return fmt.Sprintf("boot %d, %s, clock %s", e.Boot, e.Power.Accel, e.Power.Clock)
	case e.Exit != nil:
		return fmt.Sprintf("exit status %d %s %s", e.Exit.Code, e.Exit.Signal, e.Exit.Stderr)
	case e.Run != nil:
		return fmt.Sprintf("%s, nonce %s", e.Run.Topology, e.Run.Nonce)
	}
	return e.Text
}
