package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/pxelab/pxelab/lab/matrix"
)

// mix is what the boots are of: half SeaBIOS, a quarter each of OVMF x86-64 and IA-32.
var mix = []string{"bios", "bios", "ovmf-x64", "ovmf-ia32"}

// way is one way of making the same boots.
type way struct {
	name   string
	boots  int
	took   time.Duration
	cpu    time.Duration // of all processes
	failed []string
}

func (w way) perMinute() float64 { return float64(w.boots) / w.took.Minutes() }

// throughput makes the same boots in every way, one way after the other, and prints how many a minute each makes.
//
// Raw QEMU is each guest's own command line with QEMU's built-in servers (the qemu.sh of a bundle), in real time: one at a time, and
// several at once, as many as do best. A boot counts only if the last line of the probe's report was seen, and in the matrix only if
// its case passed: the nonce and the checksums of that report are right.
func throughput(ctx context.Context, binary string, rounds int, widths []int) error {
	dir, err := os.MkdirTemp("", "pxelab-boots-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if _, err := echo(ctx); err != nil {
		return err
	}
	b := boots{binary: binary, dir: dir}
	if err := b.writeMatrix(); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "once each, for the snapshots")
	if w := b.matrix(ctx, "prepare", 1, "warp", "warm", 0); len(w.failed) > 0 {
		return fmt.Errorf("prepare: %s", strings.Join(w.failed, "; "))
	}
	var ways []way
	add := func(w way) {
		ways = append(ways, w)
		fmt.Fprintf(os.Stderr, "%-34s %3d boots in %6.1f s: %5.1f a minute\n", w.name, w.boots, w.took.Seconds(), w.perMinute())
	}
	inRealTime := b.matrix(ctx, "real", 1, "real", "cold", 0) // raw QEMU boots from its bundles
	inRealTime.name = "matrix, real time"
	add(b.raw(ctx, "raw QEMU, one after another", 1, 1))
	for _, n := range widths {
		add(b.raw(ctx, fmt.Sprintf("raw QEMU, %d at once", n), max(1, n/len(mix)), n))
	}
	best := slices.MaxFunc(ways, func(a, b way) int { return cmp.Compare(a.perMinute(), b.perMinute()) })
	add(inRealTime)
	add(b.matrix(ctx, "matrix, warp", max(1, rounds/4), "warp", "cold", 0))
	add(b.matrix(ctx, "matrix, warp, warm start", rounds, "warp", "warm", 0))
	add(b.matrix(ctx, "the same on one core", max(1, rounds/2), "warp", "warm", 1))
	return printWays(os.Stdout, ways, best)
}

// boots is where the boots are made.
type boots struct{ binary, dir string }

// writeMatrix writes a topology for each guest of the mix, and the matrix over them.
func (b boots) writeMatrix() error {
	var names []string
	for i, firmware := range mix {
		path, err := writeTopology(b.dir, firmware)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("bench-%d-%s", i, firmware)
		named := strings.Replace(string(text), "name: bench-"+firmware, "name: "+name, 1)
		if err := os.WriteFile(filepath.Join(b.dir, name+".yaml"), []byte(named), 0o600); err != nil {
			return err
		}
		names = append(names, name)
	}
	for _, clock := range []string{"real", "warp"} {
		for _, start := range []string{"cold", "warm"} {
			text := fmt.Sprintf("name: bench\ntopologies: [%s]\naxes:\n  clock: [%s]\n  start: [%s]\n", strings.Join(names, ", "), clock, start)
			if err := os.WriteFile(b.matrixFile(clock, start), []byte(text), 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b boots) matrixFile(clock, start string) string {
	return filepath.Join(b.dir, clock+"-"+start+".matrix.yaml")
}

// matrix makes the mix's boots so many times with pxelab matrix, on one core or on all.
func (b boots) matrix(ctx context.Context, name string, rounds int, clock, start string, cores int) way {
	out := filepath.Join(b.dir, strings.ReplaceAll(name, " ", "-"))
	args := []string{b.binary, "matrix", b.matrixFile(clock, start), "--out", out, "--repeat", fmt.Sprint(rounds)}
	if cores == 1 {
		args = append([]string{"taskset", "--cpu-list", "0"}, args...)
	}
	w := way{name: name}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "CI=true", "XDG_STATE_HOME="+b.dir)
	begun := time.Now()
	text, err := cmd.CombinedOutput()
	w.took = time.Since(begun)
	if cmd.ProcessState != nil {
		w.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	results, globErr := filepath.Glob(filepath.Join(out, "cases", "*", "*", "*", "*", "result.json"))
	if err = errors.Join(err, globErr); err != nil {
		w.failed = append(w.failed, fmt.Sprintf("%v\n%s", err, text))
	}
	for _, path := range results {
		var r matrix.Result
		data, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(data, &r)
		}
		switch {
		case err != nil:
			w.failed = append(w.failed, err.Error())
		case r.Outcome != matrix.Passed:
			w.failed = append(w.failed, r.ID+": "+r.Reason)
		default:
			w.boots += len(r.Guests)
		}
	}
	if want := rounds * len(mix); w.boots != want {
		w.failed = append(w.failed, fmt.Sprintf("%d boots of %d", w.boots, want))
	}
	return w
}

// raw makes the mix's boots so many times with nothing but QEMU, so many at once.
func (b boots) raw(ctx context.Context, name string, rounds, atOnce int) way {
	w := way{name: name}
	var mu sync.Mutex
	var running sync.WaitGroup
	room := make(chan struct{}, atOnce)
	begun := time.Now()
	for i := range rounds * len(mix) {
		room <- struct{}{}
		running.Go(func() {
			defer func() { <-room }()
			cpu, err := b.rawBoot(ctx, i)
			mu.Lock()
			defer mu.Unlock()
			if w.cpu += cpu; err != nil {
				w.failed = append(w.failed, err.Error())
				return
			}
			w.boots++
		})
	}
	running.Wait()
	w.took = time.Since(begun)
	return w
}

// rawBoot makes one boot from a copy of what the guest's bundle has for it, as two QEMUs cannot write one variable store.
func (b boots) rawBoot(ctx context.Context, i int) (cpu time.Duration, err error) {
	k := i % len(mix)
	bundles, err := filepath.Glob(filepath.Join(b.dir, "real", "cases", fmt.Sprintf("bench-%d-%s", k, mix[k]), "*", "*", "1"))
	if err != nil || len(bundles) != 1 {
		return 0, fmt.Errorf("find the bundle of %s: %v, %w", mix[k], bundles, err)
	}
	own := filepath.Join(b.dir, "raw", fmt.Sprint(i))
	defer os.RemoveAll(own)
	if err := os.CopyFS(own, os.DirFS(bundles[0])); err != nil {
		return 0, err
	}
	script := filepath.Join(own, "guests", "it", "qemu.sh")
	if err := os.Chmod(script, 0o700); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe() // QEMU ends if its console does
	if err != nil {
		return 0, err
	}
	defer in.Close()
	text, err := cmd.Output()
	if cmd.ProcessState != nil {
		cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	if err == nil && !strings.Contains(string(text), endLine) {
		err = errors.New("the probe did not report")
	}
	if err != nil {
		return cpu, fmt.Errorf("raw QEMU, %s: %w", mix[k], err)
	}
	return cpu, nil
}

// printWays writes the table.
func printWays(out io.Writer, ways []way, best way) error {
	fmt.Fprintf(out, "half SeaBIOS, a quarter OVMF x86-64, a quarter OVMF IA-32; %d cores; in one run\n\n", runtime.NumCPU())
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "way\tboots\ttook\ta minute\ttimes the best raw QEMU\tprocessor time a boot\tfailed\t")
	for _, w := range ways {
		fmt.Fprintf(t, "%s\t%d\t%.1f s\t%.1f\t%.2f\t%.2f s\t%d\t\n", w.name, w.boots, w.took.Seconds(), w.perMinute(),
			w.perMinute()/best.perMinute(), w.cpu.Seconds()/float64(max(1, w.boots)), len(w.failed))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	whole, one := ways[len(ways)-2], ways[len(ways)-1]
	fmt.Fprintf(out, "\nparallel efficiency: %.0f %% (%.1f a minute on %d cores, %.1f on one)\n",
		100*whole.perMinute()/one.perMinute()/float64(runtime.NumCPU()), whole.perMinute(), runtime.NumCPU(), one.perMinute())
	for _, w := range ways {
		for _, f := range w.failed {
			fmt.Fprintf(out, "%s: %s\n", w.name, f)
		}
	}
	return nil
}
