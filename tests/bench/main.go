// Command bench boots the same guests with pxelab and with raw QEMU, in turn, and prints the ratios.
//
// Raw QEMU is the guest's own command line with QEMU's built-in DHCP and TFTP servers in place of the lab's
// network (the qemu.sh of a bundle). Both are timed from the start of QEMU to the last line of the probe's
// report. The lab's servers send other packets than QEMU's, and firmware waits differently on them: the part
// from the first DHCPDISCOVER on is therefore shown apart from the part before it, in which no packet has
// crossed yet and only the harness itself can cost time.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// boot is one measured boot, from the start of QEMU.
type boot struct {
	discover time.Duration // first DHCPDISCOVER on the wire
	report   time.Duration // last line of the probe's report
}

// row is one firmware's pairs, in the order measured.
type row struct {
	firmware        string
	raw, real, warp []boot
}

func main() {
	pairs := flag.Int("n", 5, "pairs to measure for each firmware")
	binary := flag.String("pxelab", "bin/pxelab", "the binary under measurement")
	firmware := flag.String("firmware", "bios,ovmf-x64,ovmf-ia32", "which to measure")
	rounds := flag.Int("boots", 0, "measure boots a minute instead: as many rounds of four boots")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *rounds > 0 {
		if err := throughput(ctx, *binary, *rounds, []int{2, 4, 8}); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(2)
		}
		return
	}
	if err := run(ctx, *binary, strings.Split(*firmware, ","), *pairs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
}

// run measures every firmware and prints the table.
func run(ctx context.Context, binary string, firmwares []string, pairs int) error {
	dir, err := os.MkdirTemp("", "pxelab-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	heard, err := echo(ctx)
	if err != nil {
		return err
	}
	var rows []row
	for _, firmware := range firmwares {
		r, err := measure(ctx, binary, dir, firmware, pairs, heard)
		if err != nil {
			return fmt.Errorf("%s: %w", firmware, err)
		}
		rows = append(rows, r)
	}
	return print(os.Stdout, rows, pairs)
}

// measure boots one firmware by turns: raw, in the lab in real time, in the lab under warp.
func measure(ctx context.Context, binary, dir, firmware string, pairs int, heard <-chan time.Time) (row, error) {
	r := row{firmware: firmware}
	topology, err := writeTopology(dir, firmware)
	if err != nil {
		return r, err
	}
	for i := range pairs {
		inLab, bundle, err := labBoot(ctx, binary, topology, dir, "real", i)
		if err != nil {
			return r, err
		}
		raw, err := rawBoot(ctx, bundle, heard)
		if err != nil {
			return r, err
		}
		warped, _, err := labBoot(ctx, binary, topology, dir, "warp", i)
		if err != nil {
			return r, err
		}
		r.raw, r.real, r.warp = append(r.raw, raw), append(r.real, inLab), append(r.warp, warped)
		fmt.Fprintf(os.Stderr, "%-10s pair %d: raw %.2f s  lab %.2f s  warp %.2f s\n", firmware, i+1,
			raw.report.Seconds(), inLab.report.Seconds(), warped.report.Seconds())
	}
	return r, nil
}

// print writes the medians and their ratios.
func print(w io.Writer, rows []row, pairs int) error {
	fmt.Fprintf(w, "power-on to the end of the probe's report, median of %d, by turns in one run\n\n", pairs)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "firmware\traw QEMU\tlab, real time\tratio\tto first DISCOVER\tafter it\tlab, warp\ttimes faster\t")
	for _, r := range rows {
		report := func(b boot) time.Duration { return b.report }
		discover := func(b boot) time.Duration { return b.discover }
		after := func(b boot) time.Duration { return b.report - b.discover }
		fmt.Fprintf(t, "%s\t%.2f s\t%.2f s\t%.3f\t%.3f\t%.3f\t%.2f s\t%.1f\t\n", r.firmware,
			median(r.raw, report).Seconds(), median(r.real, report).Seconds(), ratio(r.real, r.raw, report),
			ratio(r.real, r.raw, discover), ratio(r.real, r.raw, after),
			median(r.warp, report).Seconds(), ratio(r.raw, r.warp, report))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprint(w, `
ratio: lab in real time / raw, pair by pair, median. "to first DISCOVER" is what the harness itself costs: nothing has
crossed the wire yet. "after it" differs by the servers: QEMU's built-in ones send other packets than the lab's.
`)
	return err
}

func median(boots []boot, of func(boot) time.Duration) time.Duration {
	var all []time.Duration
	for _, b := range boots {
		all = append(all, of(b))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// ratio is the median of a/b, pair by pair.
func ratio(a, b []boot, of func(boot) time.Duration) float64 {
	var all []float64
	for i := range a {
		all = append(all, of(a[i]).Seconds()/of(b[i]).Seconds())
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// echo answers the probe's datagram on loopback, which QEMU's built-in network reaches as its own gateway, and
// tells when each came.
func echo(ctx context.Context) (<-chan time.Time, error) {
	conn, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp4", "127.0.0.1:7777")
	if err != nil {
		return nil, fmt.Errorf("listen for raw QEMU's probes: %w", err)
	}
	heard := make(chan time.Time, 100)
	go func() {
		<-ctx.Done()
		conn.Close()
	}()
	go func() {
		buf := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			heard <- time.Now()
			_, _ = conn.WriteTo(append([]byte("ECHO:"), buf[:n]...), from)
		}
	}()
	return heard, nil
}
