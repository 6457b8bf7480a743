package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

func runCommand() *cobra.Command {
	var out string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "run [FILE|BUNDLE]",
		Short: "Boot a topology, judge every guest, tear it down",
		Long: `Boot a topology, judge every guest, tear it down.

A bundle, the folder that a run leaves, is run again exactly: the same plan with
a new nonce, on another machine, too; what differs here is said first, and kept
in host.json of the new bundle.`,
		Example: `  pxelab run                                     # topologies/firmware-trio.yaml
  pxelab run topologies/no-server.yaml           # nobody answers: see it told
  pxelab run --clock real --out /tmp/bundle topologies/bios-only.yaml
  pxelab run /tmp/bundle                         # the same again`,
		Args: cobra.MaximumNArgs(1),
	}
	o := planFlags(cmd.Flags())
	outFlag(cmd, &out)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the verdicts as JSON, and progress to standard error")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, repeats, err := planOrRepeat(cmd, topologyArg(args), *o)
		if err != nil {
			return err
		}
		sayDifferences(progressTo(asJSON), repeats)
		r, err := lab.Start(cmd.Context(), p, lab.Options{Out: out, Version: versionText(), Say: announce, Repeats: repeats})
		if err != nil {
			return err
		}
		if _, err := watch(cmd.Context(), r, p, progressTo(asJSON), nil); err != nil {
			return errors.Join(err, r.Stop())
		}
		if err := r.Wait(); err != nil {
			return err
		}
		fmt.Fprintln(progressTo(asJSON))
		return conclude(r.Bundle, asJSON)
	}
	return cmd
}

// planOrRepeat plans a topology, or takes the plan of a bundle.
func planOrRepeat(cmd *cobra.Command, path string, o plan.Options) (*plan.Plan, *lab.Repeat, error) {
	if !bundle.Is(path) {
		p, err := loadPlan(cmd.Context(), path, o, true)
		return p, nil, err
	}
	for _, name := range []string{"clock", "start", "accel", "at-once", "hypervisor", "connect"} {
		if cmd.Flags().Changed(name) {
			return nil, nil, fmt.Errorf("run: %s is a bundle, and is run again as it was: leave out --%s, or run its topology", path, name)
		}
	}
	r, err := lab.NewRepeat(cmd.Context(), path, versionText())
	if err != nil {
		return nil, nil, err
	}
	return r.Plan, r, nil
}

// sayDifferences tells what is otherwise than it was in the run that is repeated.
func sayDifferences(out io.Writer, r *lab.Repeat) {
	if r == nil {
		return
	}
	fmt.Fprintf(out, "again: %s\n", r.Bundle)
	if len(r.Differs) == 0 {
		fmt.Fprintln(out, "nothing differs here: the same pxelab, QEMU, firmware and programs")
	}
	for _, d := range r.Differs {
		fmt.Fprintf(out, "differs: %s\n", d)
	}
}

func upCommand() *cobra.Command {
	var out string
	var hold bool
	cmd := &cobra.Command{
		Use:   "up [FILE]",
		Short: "Bring a lab up, boot its guests, and leave it up until pxelab down",
		Example: `  pxelab up
  pxelab power x64 on && pxelab console x64`,
		Args: cobra.MaximumNArgs(1),
	}
	o := planFlags(cmd.Flags())
	o.Interactive = true
	outFlag(cmd, &out)
	cmd.Flags().BoolVar(&hold, "hold", false, "hold it at its first packet, to be stepped through (pxelab step)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := loadPlan(cmd.Context(), topologyArg(args), *o, true)
		if err != nil {
			return err
		}
		options := lab.Options{Out: out, Stay: true, Version: versionText(), Say: announce}
		until := settled(p)
		if hold {
			options.Hold = &control.Until{}
			until = func(e event.Event) bool { return e.Kind == event.LabHeld && e.Hold.On }
		}
		r, err := lab.Start(cmd.Context(), p, options)
		if err != nil {
			return err
		}
		held, err := watch(cmd.Context(), r, p, os.Stdout, until)
		if err != nil {
			return errors.Join(err, r.Stop())
		}
		if !held { // it broke, or somebody took it down meanwhile
			if err := r.Wait(); err != nil {
				return err
			}
			return errors.Join(conclude(r.Bundle, false), fmt.Errorf("%s was taken down before every guest had settled", p.Name))
		}
		if err := r.Detach(); err != nil {
			return err
		}
		fmt.Println()
		if hold {
			fmt.Printf("%s stays up, and is held: pxelab step lets it go on to the next packet\n", p.Name)
			return nil
		}
		err = conclude(r.Bundle, false)
		if err == nil || errors.Is(err, errVerdict) {
			nextCommands(p)
		}
		return err
	}
	return cmd
}

// announce tells whoever waits at a terminal what takes a while before a lab starts.
func announce(s string) {
	if widthOf(os.Stderr) > 0 {
		fmt.Fprintln(os.Stderr, s)
	}
}

// outFlag is where the bundle goes.
func outFlag(cmd *cobra.Command, out *string) {
	runs := "~/.local/state/pxelab/runs"
	if os.Getenv("XDG_STATE_HOME") != "" {
		runs = "$XDG_STATE_HOME/pxelab/runs"
	}
	cmd.Flags().StringVarP(out, "out", "o", "", "folder for the bundle, which must not exist (default: a new one under "+runs+")")
}

// nextCommands says what one can do with a lab that is up.
func nextCommands(p *plan.Plan) {
	guest := p.Guests[len(p.Guests)-1].Name
	fmt.Printf("\n%s stays up. Next:\n", p.Name)
	for _, next := range [][2]string{
		{"pxelab status", "who is where"},
		{"pxelab power " + guest + " on", "boot a guest again"},
		{"pxelab console " + guest, "its serial console (Ctrl-] leaves)"},
		{"pxelab logs -f", "packets, console lines, decisions"},
		{"pxelab capture | wireshark -k -i -", "the wire"},
		{"pxelab down", "end it"},
	} {
		fmt.Printf("  %-35s %s\n", next[0], next[1])
	}
}

// progressTo is where progress goes: out of the way of JSON.
func progressTo(asJSON bool) *os.File {
	if asJSON {
		return os.Stderr
	}
	return os.Stdout
}

// settled tells when the lab has settled every guest of the plan in its latest boot, or somebody switched it off.
// The lab's own word counts, not the tracker's: it may discard a boot that seems settled, and boot again.
func settled(p *plan.Plan) func(event.Event) bool {
	latest, done := map[string]int{}, map[string]int{} // guest to boot
	return func(e event.Event) bool {
		switch {
		case e.Kind == event.GuestPowered:
			latest[e.Guest] = e.Boot
		case e.Kind == event.GuestSettled, e.Kind == event.GuestEnded && e.Text == lab.OffByHand:
			done[e.Guest] = e.Boot
		}
		for _, g := range p.Guests {
			if latest[g.Name] == 0 || done[g.Name] < latest[g.Name] {
				return false
			}
		}
		return true
	}
}
