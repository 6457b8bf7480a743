// Command tftpbench downloads one file from our TFTP server, tftpd-hpa and dnsmasq, in turn, and prints the throughput.
//
// Server and client are in network namespaces of their own, joined by a veth. The client is ours, so that it is the same
// for all and can ask for windows; curl downloads from each as well, as a second opinion. Each row is measured once per
// round, the order of rows turns with the rounds, and every byte is checked.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one server with one way to ask it.
type row struct {
	name   string
	server server
	window int // option windowsize; zero does not ask
	curl   bool
	took   []time.Duration // by round
	resent int             // DATA that came twice, over all rounds
}

const blksize = 1428

func main() {
	rounds := flag.Int("n", 9, "rounds")
	size := flag.Int("mib", 32, "size of the file in MiB")
	pxelab := flag.String("pxelab", "bin/pxelab", "our server; several, separated by commas, are compared")
	hpa := flag.String("tftpd-hpa", "/usr/sbin/in.tftpd", "tftpd-hpa's server")
	dnsmasq := flag.String("dnsmasq", "/usr/sbin/dnsmasq", "dnsmasq")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, strings.Split(*pxelab, ","), *hpa, *dnsmasq, *rounds, *size<<20); err != nil {
		fmt.Fprintln(os.Stderr, "tftpbench:", err)
		os.Exit(2)
	}
}

// run measures all rows, round by round.
func run(ctx context.Context, ours []string, hpa, dnsmasq string, rounds, size int) error {
	dir, err := os.MkdirTemp("", "pxelab-tftpbench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // servers that give up their rights read it
		return err
	}
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(i>>9 ^ i*31)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), content, 0o644); err != nil { //nolint:gosec // the same
		return err
	}
	l, err := newLAN()
	if err != nil {
		return err
	}
	defer l.close()
	rows, err := rowsOf(dir, ours, hpa, dnsmasq)
	if err != nil {
		return err
	}
	want := crc32.ChecksumIEEE(content)
	for n := range rounds {
		for i := range rows {
			r := rows[(i+n)%len(rows)]
			if err := r.measure(ctx, l, dir, size, want); err != nil {
				return fmt.Errorf("round %d, %s: %w", n+1, r.name, err)
			}
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", n+1, rounds)
	}
	return print(os.Stdout, rows, size, rounds)
}

// rowsOf lists what is measured.
func rowsOf(dir string, ours []string, hpa, dnsmasq string) ([]*row, error) {
	theirs := []server{tftpdHPA(hpa, dir), dnsmasqServer(dnsmasq, dir)}
	theirs = slices.DeleteFunc(theirs, func(s server) bool {
		_, err := os.Stat(s.argv[0])
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s is left out: %v; install its package, or say where it is (-tftpd-hpa, -dnsmasq)\n", s.name, err)
		}
		return err != nil
	})
	var rows []*row
	for i, binary := range ours {
		s, err := pxelabServer(binary, dir)
		if err != nil {
			return nil, err
		}
		if len(ours) > 1 {
			s.name += " (" + binary + ")"
		}
		rows = append(rows, &row{name: s.name, server: s})
		if i == 0 {
			rows = append(rows, &row{name: s.name + ", windowsize 4", server: s, window: 4},
				&row{name: s.name + ", windowsize 16", server: s, window: 16})
		}
	}
	for _, s := range theirs {
		rows = append(rows, &row{name: s.name, server: s})
	}
	for _, r := range slices.Clone(rows) {
		if r.window == 0 {
			rows = append(rows, &row{name: r.name + ", by curl", server: r.server, curl: true})
		}
	}
	return rows, nil
}

// measure starts the server, downloads once, and stops it.
func (r *row) measure(ctx context.Context, l *lan, dir string, size int, want uint32) error {
	stop, err := l.start(ctx, r.server)
	if err != nil {
		return err
	}
	defer stop()
	if err := l.answers(); err != nil {
		return err
	}
	var got download
	if r.curl {
		got, err = l.curl(ctx, dir)
	} else {
		got, err = l.fetch("file", r.window)
	}
	switch {
	case err != nil:
		return err
	case got.size != size || got.crc != want:
		return fmt.Errorf("%d octets with CRC %08x came of %d with %08x", got.size, got.crc, size, want)
	case r.window > 0 && got.window != r.window:
		return fmt.Errorf("windowsize %d was granted", got.window)
	}
	r.took = append(r.took, got.took)
	r.resent += got.again
	return nil
}

// print writes the medians and their ratios to the first row.
func print(w io.Writer, rows []*row, size, rounds int) error {
	if len(rows) == 0 || rounds == 0 {
		return errors.New("nothing was measured")
	}
	fmt.Fprintf(w, "%d MiB, blksize %d, over a veth; median of %d rounds\n\n", size>>20, blksize, rounds)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "server\tMB/s\tslowest\tfastest\tns a block\tto the first row\tcame twice\t")
	for _, r := range rows {
		speed := func(d time.Duration) float64 { return float64(size) / 1e6 / d.Seconds() }
		var ratios []float64
		for i := range r.took {
			ratios = append(ratios, rows[0].took[i].Seconds()/r.took[i].Seconds())
		}
		slices.Sort(ratios)
		took := slices.Sorted(slices.Values(r.took))
		median := took[len(took)/2]
		fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%.1f\t%d\t%.2f\t%d\t\n", r.name, speed(median), speed(took[len(took)-1]), speed(took[0]),
			median.Nanoseconds()/int64(size/blksize+1), ratios[len(ratios)/2], r.resent)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\nto the first row: its time / this row's time, round by round, median; above 1 is faster.")
	return err
}
