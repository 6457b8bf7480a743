package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/network/sandbox"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/report/results"
	"github.com/pxelab/pxelab/lab/topology"
)

func planCommand() *cobra.Command {
	var asJSON, up bool
	cmd := &cobra.Command{
		Use:     "plan [FILE]",
		Short:   "Show all that a run would do, and why; nothing is started",
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
		var text strings.Builder
		if err := p.WriteText(&text); err != nil {
			return err
		}
		_, err = fmt.Print(foldedPlan(text.String(), widthOf(os.Stdout)))
		return err
	}
	return cmd
}

func validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "validate FILE...",
		Short:   "Check topologies, matrices, lessons: every problem with its place",
		Example: "  pxelab validate topologies/*.yaml lessons/*.md",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			bad := 0
			for _, path := range args {
				found, err := validate(path)
				if err != nil {
					fmt.Fprintln(os.Stderr, folded(err.Error(), widthOf(os.Stderr), 4))
					bad++
					continue
				}
				fmt.Printf("%s: ok: %s\n", path, found)
			}
			if bad > 0 {
				return fmt.Errorf("%d of %d topology files have problems", bad, len(args))
			}
			return nil
		},
	}
}

// validate reads a topology, or a matrix or a lesson by its name, and says what is in it.
func validate(path string) (string, error) {
	if strings.HasSuffix(path, matrix.Suffix) {
		m, err := loadMatrix(path)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s, %d cases", m.Plan.Name, len(m.Plan.Cases)), nil
	}
	if strings.HasSuffix(path, ".md") {
		return validateLesson(path)
	}
	t, err := loadTopology(path)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, %d networks, %d services, %d guests", t.Name, len(t.Networks), len(t.Services), len(t.Guests)), nil
}

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "schema [topology|matrix|report]",
		Short:   "Print the JSON Schema of topology files, matrix files or reports",
		Example: "  pxelab schema > topologies/schema.json\n  pxelab schema report > docs/report.schema.json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			of := "topology"
			if len(args) > 0 {
				of = args[0]
			}
			var text []byte
			var err error
			switch of {
			case "topology":
				text, err = topology.Schema(lab.Known())
			case "matrix":
				text, err = matrix.Schema(lab.Known())
			case "report":
				text, err = results.Schema()
			default:
				err = fmt.Errorf("schema: there is none of %q; name topology, matrix or report", of)
			}
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
		Use:     "doctor",
		Short:   "Check this host: what is found, what is missing, what to do",
		Example: "  pxelab doctor\n  pxelab doctor --no-cache   # after a change of kernel, QEMU or rights",
		Args:    cobra.NoArgs,
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
			err = writeChecks(checks)
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

// writeChecks prints what the doctor found, what does not fit on a line below its own column.
func writeChecks(checks []host.Check) error {
	var text strings.Builder
	if err := host.WriteText(&text, checks); err != nil {
		return err
	}
	const found = 19 // the column
	_, err := fmt.Print(folded(text.String(), widthOf(os.Stdout), found))
	return err
}

// writeJSON prints v, indented.
func writeJSON(v any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
