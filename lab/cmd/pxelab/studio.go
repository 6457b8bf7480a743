package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/lesson"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/studio"
)

// studioFlags are what the command line says of a studio.
type studioFlags struct {
	listen, out, lesson         string
	watchOnly, hold, open, list bool
	plan                        *plan.Options

	library lesson.Library // where the lesson is from
}

func studioCommand() *cobra.Command {
	var f studioFlags
	cmd := &cobra.Command{
		Use:   "studio [TOPOLOGY|LAB|BUNDLE|CAPTURE]",
		Short: "Watch, step through, replay and share a boot, in the browser",
		Long: `Serve a page on which a network boot is watched as it happens, held at each
packet, and replayed: the network, the packets and what is in them, the
consoles, the verdicts.

A topology is brought up, and ends with the studio (Ctrl-C). A running lab, by
its name, is shown and stays up. A bundle or a capture (pcap, pcapng, gzip) is
replayed. With nothing named it is the only lab that is up, or else
topologies/firmware-trio.yaml. A lesson brings its own topology.

The page is served to this host alone, to whoever has the token that is in the
address. Two addresses are printed: one for everything, one for watching.`,
		Example: `  pxelab studio               # the only lab that is up, or the default one
  pxelab studio --hold topologies/proxy-beside-dhcp.yaml
  pxelab studio --lesson what-pxe-is
  pxelab studio ~/.local/state/pxelab/runs/no-bootfile-20261122-060102.123
  pxelab studio boot.pcapng`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeLabsAndFiles,
	}
	flags := cmd.Flags()
	f.plan = planFlags(flags)
	f.plan.Interactive = true
	outFlag(cmd, &f.out)
	flags.StringVar(&f.listen, "listen", "127.0.0.1:0", "`ADDRESS:PORT` or unix:PATH to serve on (port 0: any free one)")
	flags.BoolVar(&f.watchOnly, "watch-only", false, "let nobody change anything")
	flags.BoolVar(&f.hold, "hold", false, "hold the lab at its first packet, to be stepped through")
	flags.StringVar(&f.lesson, "lesson", "", "`name` of the lesson to teach, or a file of your own, NAME.md")
	flags.BoolVar(&f.list, "list-lessons", false, "list the lessons and end")
	flags.BoolVar(&f.open, "open", false, "open the browser (default: from a terminal with a screen, outside CI)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f.list {
			return listLessons()
		}
		if !flags.Changed("open") {
			f.open = widthOf(os.Stdout) > 0 && os.Getenv("CI") == "" && studio.Display()
		}
		return runStudio(cmd.Context(), strings.Join(args, ""), &f)
	}
	_ = cmd.RegisterFlagCompletionFunc("lesson", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		all, _ := studio.Lessons().All()
		for _, l := range all {
			names = append(names, l.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

func completeLabsAndFiles(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	names, _ := completeLabs(cmd, args, word)
	return names, cobra.ShellCompDirectiveDefault
}

func listLessons() error {
	all, err := studio.Lessons().All()
	for _, l := range all {
		fmt.Printf("%-28s %3d min  %s\n", l.Name, l.Minutes, l.Title)
	}
	return err
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
	loaded := make(chan struct{})
	server := studio.New(show.source, at, studio.Options{Version: versionText(), WatchOnly: f.watchOnly, Loaded: func() { close(loaded) }})
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	sayStudio(server, at, show)
	if f.open {
		if remove, err := studio.Browse(server.BestURL()); err != nil {
			fmt.Fprintf(os.Stderr, "%v: open the address by hand\n", err)
		} else {
			defer remove()
			go func() { <-loaded; remove() }()
		}
	}
	select {
	case <-ctx.Done(): // Ctrl-C is how a studio ends
	case err = <-served:
	}
	return errors.Join(err, server.Close(), show.end())
}

// sayStudio prints where the page is.
func sayStudio(s *studio.Server, at *studio.Listener, show *shown) {
	if at.Open {
		fmt.Fprintln(os.Stderr, folded("warning: others in the network can reach this address. Nothing is encrypted, and whoever sees a token can use it.", widthOf(os.Stderr), 0))
	}
	if !studio.Vendored() {
		fmt.Fprintln(os.Stderr, folded("this pxelab was built without xterm.js: consoles are shown as plain text (with npm, `make build` fetches it)", widthOf(os.Stderr), 0))
	}
	fmt.Println(show.source.Name())
	if u := s.URL(); u != "" {
		fmt.Printf("  open:  %s\n", u)
	}
	fmt.Printf("  watch: %s\n", s.WatchURL())
	for _, u := range s.WatchElsewhere() {
		fmt.Printf("         %s\n", u)
	}
	if show.lab == nil {
		fmt.Println("Ctrl-C ends the studio")
	} else {
		fmt.Println("Ctrl-C ends the studio and the lab")
	}
}

// end closes the source and ends the lab that was brought up for it.
func (s *shown) end() error {
	if s.lab == nil {
		return s.source.Close()
	}
	fmt.Fprintln(os.Stderr, "\nending the lab")
	err := errors.Join(s.source.Close(), s.lab.Stop())
	if err != nil {
		return err
	}
	if _, err := lab.WriteReports(s.lab.Bundle); err != nil {
		return err
	}
	fmt.Printf("bundle %s\n", s.lab.Bundle)
	return nil
}
