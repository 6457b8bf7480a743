package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/studio"
)

// exportFlags are what the command line says of an export.
type exportFlags struct {
	as, out string
	studio.Diagram
}

// forms are the forms in which a boot is exported, and the endings of files that mean them.
var forms = []struct {
	name    string
	endings []string
	write   func(w io.Writer, s *studio.Source, f *exportFlags) error
}{
	{"html", []string{".html", ".htm"}, func(w io.Writer, s *studio.Source, _ *exportFlags) error { return studio.Export(w, s, versionText()) }},
	{"svg", []string{".svg"}, func(w io.Writer, s *studio.Source, f *exportFlags) error { return s.SVG(w, f.Diagram) }},
	{"mermaid", []string{".mmd", ".mermaid"}, func(w io.Writer, s *studio.Source, f *exportFlags) error { return s.Mermaid(w, f.Diagram) }},
	{"cast", []string{".cast"}, writeCast},
}

func exportCommand() *cobra.Command {
	var f exportFlags
	var names []string
	for _, form := range forms {
		names = append(names, form.name)
	}
	cmd := &cobra.Command{
		Use:   "export [BUNDLE|LAB|CAPTURE]",
		Short: "Write a boot as a page, a diagram or a recording, to share it",
		Long: `Write what happened in a saved run, in a running lab so far, or in a capture
(pcap, pcapng, gzip), in a form that needs no pxelab to be looked at:

  html      the studio's page with everything in it: one file, which opens from
            disk, without a server or a network
  svg       a sequence diagram, as a picture
  mermaid   a sequence diagram, as text for Markdown
  cast      a serial console as it was written, for asciinema's players

With nothing named it is the only lab that is up.`,
		Example: `  pxelab export -o boot.html                # of the only lab that is up
  pxelab export runs/trio --guest x64 -o x64.svg
  pxelab export boot.pcapng --as mermaid >>README.md
  pxelab export runs/trio --guest x64 -o x64.cast && asciinema play x64.cast`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeLabsAndFiles,
	}
	cmd.Flags().StringVar(&f.as, "as", "", strings.Join(names, ", ")+" (default: by the ending of the file)")
	cmd.Flags().StringVarP(&f.out, "out", "o", "", "the `file` to write (default: standard output)")
	cmd.Flags().StringVar(&f.Guest, "guest", "", "of this guest alone")
	cmd.Flags().BoolVar(&f.Chatter, "all", false, "in diagrams: ARP, neighbour discovery and the like, too")
	_ = cmd.RegisterFlagCompletionFunc("as", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return export(cmd.Context(), strings.Join(args, ""), &f)
	}
	return cmd
}

// export writes what is named in a form.
func export(ctx context.Context, what string, f *exportFlags) error {
	i, err := f.form()
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	source, err := exported(ctx, what)
	if err != nil {
		return err
	}
	defer source.Close()
	var text bytes.Buffer
	if err := forms[i].write(&text, source, f); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if f.out == "" || f.out == "-" {
		_, err = os.Stdout.Write(text.Bytes())
	} else {
		err = os.WriteFile(f.out, text.Bytes(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// form finds which form is asked for, by its name or by the ending of the file.
func (f *exportFlags) form() (int, error) {
	var names []string
	for i, form := range forms {
		if form.name == f.as || f.as == "" && slices.Contains(form.endings, strings.ToLower(filepath.Ext(f.out))) {
			if file := f.out != "" && f.out != "-"; form.name == "html" && !file && term.IsTerminal(int(os.Stdout.Fd())) {
				return 0, errors.New("a terminal cannot show a page; write it to a file (-o boot.html)")
			}
			return i, nil
		}
		names = append(names, form.name)
	}
	have := "have " + strings.Join(names, ", ")
	switch {
	case f.as != "":
		return 0, fmt.Errorf("--as %s: there is no such form (%s)", f.as, have)
	case f.out != "":
		return 0, fmt.Errorf("the ending of %q does not say in which form; add --as (%s)", f.out, have)
	}
	return 0, fmt.Errorf("say in which form with --as (%s), or name a file with -o, such as boot.html", have)
}

// exported opens what the command line names; of a lab that is up, what it has recorded so far.
func exported(ctx context.Context, what string) (*studio.Source, error) {
	info, err := os.Stat(what)
	switch {
	case what == "" || err != nil && !strings.ContainsRune(what, filepath.Separator) && filepath.Ext(what) == "":
		c, err := control.Dial(what)
		if err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
		running, err := c.Lab(ctx)
		if err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
		return studio.OpenBundle(running.Bundle, nil)
	case err != nil:
		return nil, fmt.Errorf("export: %w; name a bundle, a capture, or a lab that is up", err)
	case info.IsDir():
		return studio.OpenBundle(what, nil)
	}
	return studio.OpenCapture(what)
}

// writeCast writes the recording of a guest's console.
func writeCast(w io.Writer, s *studio.Source, f *exportFlags) error {
	guest, guests := f.Guest, s.Guests()
	switch {
	case s.Bundle() == "":
		return errors.New("a capture has no console: a cast is made of a run's bundle, or of a lab that is up")
	case guest == "" && len(guests) == 1:
		guest = guests[0]
	case guest == "":
		return fmt.Errorf("a cast is of one console: name its guest with --guest (have %s)", strings.Join(guests, ", "))
	case !slices.Contains(guests, guest):
		return fmt.Errorf("%s has no guest %q (have %s)", s.Name(), guest, strings.Join(guests, ", "))
	}
	file, err := os.Open(bundle.Folder(s.Bundle()).Cast(guest))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the console of %s was not recorded: it was never powered on, or by a pxelab that did not record consoles", guest)
	} else if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(w, file)
	return err
}
