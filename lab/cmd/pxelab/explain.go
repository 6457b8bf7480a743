package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/explain"
	"github.com/pxelab/pxelab/lab/guest/console"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/network"
	"github.com/pxelab/pxelab/lab/report"
)

func explainCommand() *cobra.Command {
	var asJSON, brief bool
	var log, live string
	cmd := &cobra.Command{
		Use:   "explain BUNDLE|CAPTURE",
		Short: "Say what happened in a run or a capture, and what to change",
		Long: `Say what happened in each boot of a saved run or of a capture (pcap or pcapng,
also packed with gzip, also of tcpdump -i any): step by step, and where a boot
stopped (the furthest stage that it reached), why, by which frames, and what to
change. A capture has no consoles, so less can be told of it; what cannot be
told is said.

A console log (--console), beside a capture or alone, tells what the client
said.

Exit status: 0 no boot stopped, 1 some did, 2 the file is no bundle or capture.`,
		Example: `  pxelab explain ~/.local/state/pxelab/runs/no-bootfile-20261122-060102.123
  tcpdump -ni eth0 -s 0 -w boot.pcap udp or icmp or arp
  pxelab explain boot.pcap`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().StringVar(&log, "console", "", "the `file` with what the machine's serial console said")
	cmd.Flags().StringVar(&live, "live", "", "listen on an `interface` of this host, send nothing, and tell boots as they happen until Ctrl-C")
	cmd.Flags().BoolVar(&brief, "brief", false, "only how each boot ended, and why")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		var record *explain.Record
		var err error
		if live != "" {
			if len(args) > 0 || log != "" {
				return errors.New("explain: --live listens to a network; leave out the file")
			}
			record, err = listened(cmd.Context(), live, asJSON)
		} else {
			record, err = explained(strings.Join(args, ""), log)
		}
		if err != nil {
			return err
		}
		if asJSON {
			if err := writeJSON(record); err != nil {
				return err
			}
		} else {
			fmt.Print(report.Record(record, !brief, styleOf(os.Stdout, "")))
		}
		for _, x := range record.Boots {
			if x.End == explain.Stopped {
				return errVerdict
			}
		}
		return nil
	}
	return cmd
}

// explained reads a bundle or a capture, a console or both.
func explained(path, log string) (*explain.Record, error) {
	lines, err := consoleLines(log)
	switch {
	case err != nil:
		return nil, err
	case path == "" && log == "":
		return nil, errors.New("explain: name a bundle or a capture, or a console log with --console")
	case path == "":
		return &explain.Record{Boots: []explain.Explanation{explain.Console(lines)}}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	if info.IsDir() {
		p, events, err := bundle.Read(path)
		if err != nil {
			return nil, err
		}
		record := &explain.Record{Boots: explain.Run(judge.Results(p, events), events)}
		if len(record.Boots) == 0 {
			record.Nothing = "this run has no guest"
		}
		return record, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	defer file.Close()
	record, err := explain.Capture(explain.Frames(file), lines...)
	if err != nil {
		return nil, fmt.Errorf("explain %s: %w", path, err)
	}
	return record, nil
}

// listened follows a network until the context ends, and prints each step as it is seen; as JSON, a line each.
func listened(ctx context.Context, ifname string, asJSON bool) (*explain.Record, error) {
	boots, n, begin := explain.NewLive(), 0, time.Now()
	ready := func() { fmt.Fprintf(os.Stderr, "listening on %s; Ctrl-C ends and explains\n", ifname) }
	err := network.Listen(ctx, ifname, ready, func(data []byte, at time.Time) {
		n++
		f := explain.Untagged(n, data, at)
		for _, news := range boots.Frame(&f) {
			if asJSON {
				text, _ := json.Marshal(news) // plain data
				fmt.Println(string(text))
			} else {
				fmt.Printf("%8.2f s  %s  %s\n", at.Sub(begin).Seconds(), news.Machine, news.Text)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	fmt.Println()
	return boots.Explain(time.Now()), nil
}

// consoleLines are the clean lines of a console log; none without one.
func consoleLines(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("explain: %w", err)
	}
	var cleaner console.Cleaner
	var lines []string
	for _, l := range append(cleaner.Feed(raw), cleaner.Flush()...) {
		lines = append(lines, l.Text)
	}
	return lines, nil
}
