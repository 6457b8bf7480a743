package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/report"
)

func statusCommand() *cobra.Command {
	var asJSON, who bool
	cmd := &cobra.Command{
		Use:               "status [LAB]",
		Short:             "Show the labs that are up: guests, stages, who served whom",
		Example:           "  pxelab status\n  pxelab status firmware-trio --json | jq '.[].guests[].stage'",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeLabs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().BoolVar(&who, "who", false, "whose word each guest followed, and why")
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
		for i, name := range names {
			if i > 0 && !asJSON {
				fmt.Println()
			}
			r, err := statusOf(cmd, name, asJSON, who)
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
func statusOf(cmd *cobra.Command, name string, quiet, who bool) (report.Report, error) {
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
	switch {
	case quiet:
	case who:
		fmt.Print(r.Who(styleOf(os.Stdout, "")))
	default:
		fmt.Printf("%s is up since %s, process %d\n", info.Name, info.Since.Local().Format(time.DateTime), info.PID)
		fmt.Printf("bundle %s\n\n", info.Bundle)
		fmt.Print(report.Status(p, events, styleOf(os.Stdout, info.Bundle), time.Since(info.Since)))
	}
	return r, nil
}
