package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
)

func runCommand() *cobra.Command {
	var out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "run [FILE]",
		Short: "Boot a topology, judge every guest, tear it down",
		Example: `  pxelab run                                     # topologies/firmware-trio.yaml
  pxelab run topologies/no-server.yaml           # a broken one: see it explained
  pxelab run --clock real --out /tmp/bundle topologies/bios-only.yaml`,
		Args: cobra.MaximumNArgs(1),
	}
	o := planFlags(cmd.Flags())
	cmd.Flags().StringVarP(&out, "out", "o", "", "folder for the bundle, which must not exist (default: a new one under "+lab.DefaultRuns()+")")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the verdicts as JSON, and progress to standard error")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := loadPlan(cmd.Context(), topologyArg(args), *o, true)
		if err != nil {
			return err
		}
		r, err := lab.Start(cmd.Context(), p, lab.Options{Out: out, Version: versionText()})
		if err != nil {
			return err
		}
		if err := watch(cmd.Context(), r, p, progressTo(asJSON), nil); err != nil {
			return errors.Join(err, r.Stop())
		}
		if err := r.Wait(); err != nil {
			return err
		}
		return conclude(r.Bundle, asJSON)
	}
	return cmd
}

func upCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "up [FILE]",
		Short: "Bring a lab up, boot its guests, and leave it up until pxelab down",
		Example: `  pxelab up
  pxelab power x64 on && pxelab console x64`,
		Args: cobra.MaximumNArgs(1),
	}
	o := planFlags(cmd.Flags())
	o.Interactive = true
	cmd.Flags().StringVarP(&out, "out", "o", "", "folder for the bundle, which must not exist (default: a new one under "+lab.DefaultRuns()+")")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := loadPlan(cmd.Context(), topologyArg(args), *o, true)
		if err != nil {
			return err
		}
		r, err := lab.Start(cmd.Context(), p, lab.Options{Out: out, Stay: true, Version: versionText()})
		if err != nil {
			return err
		}
		if err := watch(cmd.Context(), r, p, os.Stdout, settled(p)); err != nil {
			return errors.Join(err, r.Stop())
		}
		if err := r.Detach(); err != nil {
			return err
		}
		err = conclude(r.Bundle, false)
		if err == nil || errors.Is(err, errVerdict) {
			nextCommands(p)
		}
		return err
	}
	return cmd
}

// nextCommands says what one can do with a lab that is up.
func nextCommands(p *plan.Plan) {
	guest := p.Guests[len(p.Guests)-1].Name
	fmt.Printf(`
%s stays up. Next:
  pxelab status                       who is where
  pxelab power %s on                boot a guest again
  pxelab console %s                 its serial console (Ctrl-] leaves)
  pxelab logs -f                      packets, console lines and decisions as they come
  pxelab capture | wireshark -k -i -  the wire
  pxelab down                         end it
`, p.Name, guest, guest)
}

// progressTo is where progress goes: out of the way of JSON.
func progressTo(asJSON bool) *os.File {
	if asJSON {
		return os.Stderr
	}
	return os.Stdout
}

// settled tells when every guest of the plan has settled in its latest boot.
func settled(p *plan.Plan) func(*judge.Tracker) bool {
	return func(t *judge.Tracker) bool {
		for _, g := range p.Guests {
			if !t.Guest(g.Name).Settled {
				return false
			}
		}
		return true
	}
}
