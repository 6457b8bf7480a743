package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/studio"
)

// studioFlags are what the command line says of a studio.
type studioFlags struct {
	listen    string
	out       string
	watchOnly bool
	plan      *plan.Options
}

func studioCommand() *cobra.Command {
	var f studioFlags
	cmd := &cobra.Command{
		Use:   "studio [TOPOLOGY|LAB|BUNDLE|CAPTURE]",
		Short: "Watch, replay and share a boot, on a page in the browser",
		Long: `Serve a page on which a network boot is watched as it happens, and replayed: the
network, the packets and what is in them, the consoles, the verdicts.

A topology is brought up, and ends with the studio (Ctrl-C). A running lab, by
its name, is shown and stays up. A bundle or a capture (pcap, pcapng, gzip) is
replayed. With nothing named it is the only lab that is up, or else
topologies/firmware-trio.yaml.

The page is served to this host alone, to whoever has the token that is in the
address. Two addresses are printed: one for everything, one for watching.`,
		Example: `  pxelab studio               # the only lab that is up, or the default one
  pxelab studio topologies/proxy-beside-dhcp.yaml
  pxelab studio ~/.local/state/pxelab/runs/no-bootfile-20261122-060102.123
  pxelab studio --watch-only boot.pcapng`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeLabsAndFiles,
	}
	f.plan = planFlags(cmd.Flags())
	f.plan.Interactive = true
	outFlag(cmd, &f.out)
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:0", "`ADDRESS:PORT` or unix:PATH to serve on")
	cmd.Flags().BoolVar(&f.watchOnly, "watch-only", false, "let nobody change anything")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return runStudio(cmd.Context(), strings.Join(args, ""), &f)
	}
	return cmd
}

func completeLabsAndFiles(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	names, _ := completeLabs(cmd, args, word)
	return names, cobra.ShellCompDirectiveDefault
}

// shown is what a studio shows.
type shown struct {
	source *studio.Source
	lab    *lab.Running // the lab that was brought up for it and ends with it; nil: there is none
}

// runStudio serves until the context ends.
func runStudio(ctx context.Context, what string, f *studioFlags) error {
	at, err := studio.Listen(f.listen) // first: nothing is started that could not be seen
	if err != nil {
		return fmt.Errorf("studio: %w", err)
	}
	defer at.Close()
	show, err := showing(ctx, what, f)
	if err != nil {
		return err
	}
	defer show.source.Close()
	server := studio.New(show.source, at, studio.Options{Version: versionText(), WatchOnly: f.watchOnly})
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	sayStudio(server, at, show)
	select {
	case <-ctx.Done():
		err = nil // Ctrl-C is how a studio ends
	case err = <-served:
	}
	err = errors.Join(err, server.Close(), show.source.Close())
	if show.lab == nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "\nending the lab")
	if err := errors.Join(err, show.lab.Stop()); err != nil {
		return err
	}
	if _, err := lab.WriteReports(show.lab.Bundle); err != nil {
		return err
	}
	fmt.Printf("bundle %s\n", show.lab.Bundle)
	return nil
}

// sayStudio prints where the page is.
func sayStudio(s *studio.Server, at *studio.Listener, show *shown) {
	if at.Open {
		fmt.Fprintln(os.Stderr, "warning: others in the network can reach this address, and whoever sees the token in it can use it; it is not encrypted")
	}
	if !studio.Vendored() {
		fmt.Fprintln(os.Stderr, "this pxelab was built without xterm.js: consoles are shown as plain text (with npm, `make build` fetches it)")
	}
	fmt.Printf("%s\n", show.source.Name())
	if u := s.URL(); u != "" {
		fmt.Printf("  open:  %s\n", u)
	}
	fmt.Printf("  watch: %s\n", s.WatchURL())
	end := "Ctrl-C ends the studio"
	if show.lab != nil {
		end += " and the lab"
	}
	fmt.Println(end)
}

// showing opens what the command line names.
func showing(ctx context.Context, what string, f *studioFlags) (*shown, error) {
	if what == "" {
		labs, err := control.List()
		if err != nil {
			return nil, err
		}
		if len(labs) > 0 {
			return attached(ctx, "")
		}
		return broughtUp(ctx, defaultTopology, f)
	}
	info, err := os.Stat(what)
	switch {
	case err != nil && !strings.ContainsRune(what, filepath.Separator) && filepath.Ext(what) == "":
		return attached(ctx, what)
	case err != nil:
		return nil, fmt.Errorf("studio: %w; name a topology, a bundle, a capture, or a lab that is up", err)
	case info.IsDir():
		source, err := studio.OpenBundle(what)
		return &shown{source: source}, err
	case filepath.Ext(what) == ".yaml", filepath.Ext(what) == ".yml":
		return broughtUp(ctx, what, f)
	}
	source, err := studio.OpenCapture(what)
	return &shown{source: source}, err
}

// attached shows a lab that is up.
func attached(ctx context.Context, name string) (*shown, error) {
	c, err := control.Dial(name)
	if err != nil {
		return nil, fmt.Errorf("studio: %w", err)
	}
	source, err := studio.OpenLab(ctx, c)
	return &shown{source: source}, err
}

// broughtUp starts a lab that ends with this process, however that ends.
func broughtUp(ctx context.Context, path string, f *studioFlags) (*shown, error) {
	p, err := loadPlan(ctx, path, *f.plan, true)
	if err != nil {
		return nil, err
	}
	r, err := lab.Start(ctx, p, lab.Options{Out: f.out, Stay: true, Version: versionText(), Say: announce})
	if err != nil {
		return nil, err
	}
	source, err := studio.OpenLab(ctx, r.Client)
	if err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	return &shown{source: source, lab: r}, nil
}
