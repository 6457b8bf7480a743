package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/dissect"
	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/network/capture"
	"github.com/pxelab/pxelab/lab/studio"
)

// dissectFlags are what the command line says of a frame.
type dissectFlags struct {
	set    []string
	asJSON bool
}

func dissectCommand() *cobra.Command {
	var f dissectFlags
	cmd := &cobra.Command{
		Use:   "dissect BUNDLE|LAB|CAPTURE [FRAME]",
		Short: "Open a packet into its fields, and say what each means",
		Long: `Open a frame of a saved run, of a running lab so far, or of a capture into its
fields: every DHCP option and PXE tag with its meaning, what the machine's
firmware does with it, what is wrong with it, and where it is specified. Without
a number it lists the frames.

With --set it shows the frame as it would be with other values. They are named
and written as pxelab step --set takes them; "-PATH" takes an option out.`,
		Example: `  pxelab dissect boot.pcap                     # each frame in one line
  pxelab dissect boot.pcap 14
  pxelab dissect runs/trio 14 --set -dhcp.option.60`,
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: completeLabsAndFiles,
	}
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "with a field changed: `PATH=VALUE`, or -PATH (may be repeated)")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		source, err := exported(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		defer source.Close()
		if len(args) == 1 {
			return f.list(source, args[0])
		}
		number, err := strconv.Atoi(args[1])
		if err != nil || number < 1 {
			return fmt.Errorf("dissect: %q is no number of a frame; `pxelab dissect %s` lists them", args[1], args[0])
		}
		return f.show(source, number)
	}
	return cmd
}

// show prints a frame.
func (f *dissectFlags) show(source *studio.Source, number int) error {
	opened, err := source.Dissect(number, f.set)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("dissect: %s", strings.TrimSuffix(err.Error(), ": "+fs.ErrNotExist.Error()))
	case err != nil:
		return fmt.Errorf("dissect frame %d: %w", number, err)
	case f.asJSON:
		return writeJSON(opened)
	}
	return opened.Print(os.Stdout)
}

// list prints each frame in one line: of a run with the guest on whose cable it was, and with an arrow behind that if the guest sent it.
func (f *dissectFlags) list(source *studio.Source, path string) error {
	if len(f.set) > 0 || f.asJSON {
		return errors.New("dissect: --set and --json are about one frame; add its number")
	}
	recorded := source.Bundle() != ""
	if recorded {
		path = bundle.Folder(source.Bundle()).Wire()
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("dissect: %w", err)
	}
	defer file.Close()
	out := bufio.NewWriter(os.Stdout)
	if recorded {
		err = listRecorded(out, file)
	} else {
		err = listForeign(out, file)
	}
	if err != nil {
		return errors.Join(out.Flush(), fmt.Errorf("dissect %s: %w", path, err))
	}
	return out.Flush()
}

// listRecorded lists the frames of a run.
func listRecorded(w io.Writer, file io.Reader) error {
	for f, err := range capture.Read(file) {
		if errors.Is(err, io.ErrUnexpectedEOF) { // the lab is writing on
			return nil
		} else if err != nil {
			return err
		}
		who := f.Interface
		if f.FromGuest {
			who += " >"
		}
		if _, err := fmt.Fprintf(w, "%6d  %-12s  %s\n", f.Number, who, dissect.Dissect(f.Data, dissect.Client{}).Summary); err != nil {
			return err
		}
	}
	return nil
}

// listForeign lists the frames of a capture from elsewhere.
func listForeign(w io.Writer, file io.Reader) error {
	for f, err := range explain.Frames(file) {
		if err != nil {
			return err
		}
		text := dissect.Dissect(f.Data, dissect.Client{}).Summary
		if f.Odd != "" {
			text = "not understood: " + f.Odd
		}
		if _, err := fmt.Fprintf(w, "%6d  %s\n", f.Number, text); err != nil {
			return err
		}
	}
	return nil
}
