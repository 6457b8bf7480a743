// Command resilience boots every firmware under losses, delays, reordering and a server that restarts, and prints the table of
// docs/firmware-resilience.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/judge"
)

// options are what a user may choose.
type options struct {
	binary, out string
	firmwares   []string
	boots       int
	atOnce      int
	only        *regexp.Regexp
}

func main() {
	var o options
	flag.StringVar(&o.binary, "pxelab", "bin/pxelab", "the binary that boots them")
	flag.StringVar(&o.out, "out", "", "folder to keep the bundles in, and to go on in after an interruption (default: none is kept)")
	firmware := flag.String("firmware", "bios,ovmf-x64,ovmf-ia32", "which to boot")
	flag.IntVar(&o.boots, "n", 10, "boots of each firmware under each loss; half as many under all else")
	flag.IntVar(&o.atOnce, "at-once", 4, "guests powered on at the same time: in real time they mostly wait")
	only := flag.String("only", "", "only the conditions whose names match this regular expression")
	flag.Parse()
	o.firmwares = strings.Split(*firmware, ",")
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		fmt.Fprintln(os.Stderr, "resilience:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "resilience:", err)
		os.Exit(2)
	}
}

// run boots them all, a lab for each condition.
func run(ctx context.Context, o options, w io.Writer) error {
	dir := o.out
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "pxelab-resilience-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	begun := time.Now()
	var rows []row
	for i, c := range conditions(o.boots) {
		if !o.only.MatchString(c.name) {
			continue
		}
		r, err := measure(ctx, o, c, filepath.Join(dir, fmt.Sprintf("%02d", i)))
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		rows = append(rows, r)
		fmt.Fprintf(os.Stderr, "%6.0f s  %s\n", time.Since(begun).Seconds(), c.name)
	}
	return write(w, o, rows)
}

// measure boots every firmware under one condition, unless its bundle is there already, from an earlier run into the same folder.
func measure(ctx context.Context, o options, c condition, dir string) (row, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return row{}, err
	}
	topology := filepath.Join(dir, "topology.yaml")
	if err := os.WriteFile(topology, []byte(c.topology("resilience-"+filepath.Base(dir), o.firmwares)), 0o644); err != nil {
		return row{}, err
	}
	folder := filepath.Join(dir, "bundle")
	if _, err := os.Stat(filepath.Join(folder, "verdicts.json")); err != nil {
		if err := boot(ctx, o, topology, folder); err != nil {
			return row{}, err
		}
	}
	p, events, err := bundle.Read(folder)
	if err != nil {
		return row{}, err
	}
	r := row{name: c.name, cells: map[string]*cell{}}
	for _, g := range judge.Results(p, events) {
		r.count(&g, traffic(events, g.Guest))
	}
	return r, nil
}

// boot runs a topology into a bundle.
func boot(ctx context.Context, o options, topology, bundle string) error {
	if err := os.RemoveAll(bundle); err != nil { // of a run that was interrupted
		return err
	}
	out, err := exec.CommandContext(ctx, o.binary, "run", topology, "--clock", "real", "--at-once", fmt.Sprint(o.atOnce), "--out", bundle).CombinedOutput()
	if exit := new(exec.ExitError); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) { // 1: some did not boot
		return fmt.Errorf("pxelab run: %w\n%s", err, out)
	}
	return nil
}
