package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/dissect"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/report"
)

// stepFlags are those of pxelab step.
type stepFlags struct {
	to, stage, guest string
	any, free, now   bool
	drop, twice      bool
	set              []string
	noWait           bool
}

func stepCommand() *cobra.Command {
	var f stepFlags
	cmd := &cobra.Command{
		Use:   "step",
		Short: "Hold a lab at its next packet, and at the next after that",
		Long: `Hold a running lab at its next packet: everybody in it stands still, guests
frozen whole and servers stopped, until the next step lets that packet go on
(docs/stepping.md). Without flags the next packet is one that tells something:
not ARP and the like, and not the middle of a file. It waits until the lab is
held again, and prints where.`,
		Example: `  pxelab up --hold                          # held at the very first packet
  pxelab step                               # to the next one
  pxelab step --to offer                    # to the next DHCPOFFER
  pxelab step --to '{packet: data, block: 2}'
  pxelab step --drop                        # the packet is lost
  pxelab step --set -dhcp.option.60         # or it is another one
  pxelab step --stage download              # on, until a guest is there
  pxelab step --go                          # on, and held no more`,
		Args: cobra.NoArgs,
	}
	name := labFlag(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.to, "to", "", "to this packet, written as in a fault: offer, or {packet: data, block: 2}")
	flags.StringVar(&f.stage, "stage", "", "until a guest reaches this stage; next: any further one")
	flags.BoolVar(&f.any, "any", false, "to the next packet, whatever it is")
	flags.BoolVar(&f.free, "go", false, "let it go on, and hold it no more")
	flags.BoolVar(&f.now, "hold", false, "hold it now, between packets")
	flags.StringVar(&f.guest, "guest", "", "to packets on the cable of this guest, or stages of it")
	flags.BoolVar(&f.drop, "drop", false, "the packet it is held at is lost")
	flags.BoolVar(&f.twice, "twice", false, "the packet it is held at goes on twice")
	flags.StringArrayVar(&f.set, "set", nil, "change the packet first, PATH=VALUE, or take an option out, -PATH")
	flags.BoolVar(&f.noWait, "no-wait", false, "do not wait until it is held again")
	_ = cmd.RegisterFlagCompletionFunc("stage", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return append(event.StageNames(), "next"), cobra.ShellCompDirectiveNoFileComp
	})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := f.step()
		if err != nil {
			return err
		}
		c, err := control.Dial(*name)
		if err != nil {
			return err
		}
		return step(cmd.Context(), c, s, f)
	}
	return cmd
}

// step is what the flags ask for, but for changes of the packet.
func (f *stepFlags) step() (control.Step, error) {
	s := control.Step{Until: control.Until{Never: f.free, Now: f.now, Any: f.any, Packet: f.to, Guest: f.guest, Stage: f.stage}}
	if n := count(f.drop, f.twice, len(f.set) > 0); n > 1 {
		return s, errors.New("step: a packet is dropped, sent twice or changed; leave out all but one of --drop, --twice and --set")
	}
	if n := count(f.free, f.now, f.any, f.to != "", f.stage != ""); n > 1 {
		return s, errors.New("step: leave out all but one of --to, --stage, --any, --go and --hold: each says where it is held next")
	}
	switch {
	case f.drop:
		s.Do = "drop"
	case f.twice:
		s.Do = "duplicate"
	}
	return s, nil
}

func count(set ...bool) (n int) {
	for _, is := range set {
		if is {
			n++
		}
	}
	return n
}

// step has a lab do one step, and waits for its end.
func step(ctx context.Context, c *control.Client, s control.Step, f stepFlags) error {
	if len(f.set) > 0 {
		h, err := c.Hold(ctx)
		switch {
		case err != nil:
			return err
		case len(h.Data) == 0:
			return errors.New("step: the lab is not held at a packet, so there is none to change; pxelab step holds it at the next one")
		}
		if s.Data, err = dissect.Change(h.Data, f.set); err != nil {
			return fmt.Errorf("step: %w", err)
		}
	}
	h, err := c.Step(ctx, s)
	if err != nil {
		return err
	}
	switch {
	case h.On:
	case f.free:
		fmt.Println("the lab goes on")
		return nil
	case f.noWait:
		fmt.Printf("the lab goes on, until %s\n", h.Until)
		return nil
	}
	return showHeld(ctx, c, h.Seq, f.now)
}

// showHeld waits until a lab is held, and prints where; or until it will not be. The event that told how the step stood is this one: what
// had happened before it may have been the last that happens. A lab that is to be held now is, whoever is on his way.
func showHeld(ctx context.Context, c *control.Client, told int, now bool) error {
	p, err := c.Plan(ctx)
	if err != nil {
		return err
	}
	done := settled(p)
	shown := errors.New("shown")
	err = c.Events(ctx, 1, func(e event.Event) error {
		idle := done(e)
		switch {
		case e.Seq < told:
		case e.Kind == event.LabHeld && e.Hold != nil && e.Hold.On:
			writeHeld(os.Stdout, p, e, widthOf(os.Stdout))
			return shown
		case e.Kind == event.RunEnded:
			fmt.Printf("the lab is over: %s\n", e.Text)
			return shown
		case idle && !now:
			fmt.Println("no guest is on its way any more, and the lab is not held; it will be once one is: pxelab power GUEST on")
			return shown
		}
		return nil
	})
	if errors.Is(err, shown) {
		return nil
	}
	return err
}

// writeHeld prints where a lab is held: in one line, and on a terminal what the packet says.
func writeHeld(w io.Writer, p *plan.Plan, e event.Event, width int) {
	fmt.Fprintln(w, folded(report.Visible(report.Held(e)), width, 4))
	if width == 0 || len(e.Hold.Data) == 0 {
		return
	}
	client := dissect.Client{FromGuest: e.Hold.FromGuest}
	for _, g := range p.Guests {
		if g.Name == e.Guest {
			client.Firmware, client.MAC = g.Firmware, g.MAC
		}
	}
	layers := dissect.Dissect(e.Hold.Data, client).Layers
	if len(layers) == 0 {
		return
	}
	for _, field := range layers[len(layers)-1].Fields {
		if field.Value != "" && strings.Trim(field.Value, "0.:x") != "" && !slices.Contains(sameInAll, field.Path) {
			fmt.Fprintln(w, inColumns(field, width))
		}
	}
}

// sameInAll are fields that are the same in every message.
var sameInAll = []string{"dhcp.op", "dhcp.htype", "dhcp.hlen", "dhcp.cookie", "dhcp.option.255"}

// inColumns is a field on one line: the path by which --set names it, and its value, cut to the width of the terminal.
func inColumns(f dissect.Field, width int) string {
	const path = 20
	line := []rune(report.Visible(fmt.Sprintf("  %-*s %s", path, f.Path, f.Value)))
	if len(line) > width {
		line = append(line[:width-1], '…')
	}
	return string(line)
}
