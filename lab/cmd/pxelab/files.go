package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/network/sandbox"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

func planCommand() *cobra.Command {
	var asJSON, up bool
	cmd := &cobra.Command{
		Use:     "plan [FILE]",
		Short:   "Show all that a run would do, with the reason of each choice; nothing is started",
		Example: "  pxelab plan topologies/bios-only.yaml\n  pxelab plan --clock real --json",
		Args:    cobra.MaximumNArgs(1),
	}
	o := planFlags(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().BoolVar(&up, "up", false, "as for a lab that stays up (real time by default)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.Interactive = up
		p, err := loadPlan(cmd.Context(), topologyArg(args), *o, false)
		if err != nil {
			return err
		}
		if asJSON {
			return writeJSON(p)
		}
		return p.WriteText(os.Stdout)
	}
	return cmd
}

func validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "validate FILE...",
		Short:   "Check topology files: every problem with file, line and column",
		Example: "  pxelab validate topologies/*.yaml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			bad := 0
			for _, path := range args {
				t, err := loadTopology(path)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					bad++
					continue
				}
				fmt.Printf("%s: ok: %s, %d networks, %d services, %d guests\n", path, t.Name, len(t.Networks), len(t.Services), len(t.Guests))
			}
			if bad > 0 {
				return fmt.Errorf("%d of %d topology files have problems", bad, len(args))
			}
			return nil
		},
	}
}

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of topology files, for editors",
		Example: "  pxelab schema > topologies/schema.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			text, err := topology.Schema(known())
			if err != nil {
				return err
			}
			_, err = os.Stdout.Write(text)
			return err
		},
	}
}

func doctorCommand() *cobra.Command {
	var asJSON, fresh bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check this host: what is found, what is missing, and what to do about it",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().BoolVar(&fresh, "no-cache", false, "prove acceleration again instead of trusting an earlier proof")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		h, err := host.Gather(cmd.Context(), host.Options{ProbeUserns: sandbox.Probe, NoCache: fresh})
		if err != nil {
			return err
		}
		checks := h.Checks()
		if asJSON {
			err = writeJSON(checks)
		} else {
			err = host.WriteText(os.Stdout, checks)
		}
		if err != nil {
			return err
		}
		for _, c := range checks {
			if !c.OK && c.Level == host.Required {
				return fmt.Errorf("%w: see the remedies above", plan.ErrHost)
			}
		}
		return nil
	}
	return cmd
}

// writeJSON prints v, indented.
func writeJSON(v any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
