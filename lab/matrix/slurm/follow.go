package slurm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/folder"
)

// How often the folder is looked at and Slurm asked, how long a result may take to be seen on a shared folder once its task is
// over (NFS keeps what it knows of a folder for up to 30 s, see acdirmax in nfs(5)), and how long tasks have to go when they are
// cancelled.
const (
	lookEvery = 250 * time.Millisecond
	askEvery  = 2 * time.Second
	settle    = 35 * time.Second
	farewell  = 30 * time.Second
)

// Step is something that happened to a case of the array, in the order in which it was seen.
type Step struct {
	Case    matrix.Case
	Attempt int            // how often it has begun, this time included
	Running bool           // a node has it now
	Node    string         // where; empty when Slurm has not said
	Waits   string         // it waits again, and why: a sentence
	Result  *matrix.Result // it is over
}

// Array is a job on its way.
type Array struct {
	Job
	Tell func(Step)        // both are called by the goroutine that Run is called by
	Note func(text string) // what concerns no case, or no change of one

	id     string // by which Slurm knows the job
	open   map[int]*progress
	silent bool // Slurm did not answer when it was last asked
}

// progress is what is known of a case that is not over.
type progress struct {
	matrix.Case
	before   int  // attempts up to this number were there when the job was submitted
	last     task // what Slurm last said
	over     time.Time
	held     bool
	recorded []int // attempts whose result is from here
}

// Run submits the job and follows it until every case has a result and no task is left. A case whose task ended without one gets
// a result that says so. When ctx ends, Run cancels what is left of the array, waits until it is gone, and gives the cause. An
// array of an earlier run with the same folder, whose Run was killed, is cancelled first.
func (a *Array) Run(ctx context.Context) error {
	if err := a.cancelEarlier(ctx); err != nil {
		return err
	}
	a.open = map[int]*progress{}
	for _, c := range a.Cases {
		a.open[c.Index] = &progress{Case: c, before: a.highest(c)}
	}
	if err := a.submit(ctx); err != nil {
		return err
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var asked time.Time
	var known map[int]task
	for {
		every := askEvery
		if len(a.open) == 0 {
			every = lookEvery // the last tasks are on their way out
		}
		if now := time.Now(); now.Sub(asked) >= every {
			asked = now
			known = a.ask(ctx)
		}
		if err := a.look(ctx, known); err != nil {
			return errors.Join(err, a.cancel(ctx))
		}
		if len(a.open) == 0 && !hasActive(known) { // nor is there, if Slurm does not answer, anything to wait for
			return nil
		}
		select {
		case <-ctx.Done():
			if err := a.cancel(ctx); err != nil {
				a.Note(err.Error())
			}
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// highest is the number of the last attempt at a case that there is.
func (a *Array) highest(c matrix.Case) int {
	all, _ := attempts(folder.Dir(a.Dir), c) // what cannot be read is told when it is looked at
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1].number
}

// ask gives what Slurm says of the tasks; nil when it does not answer, which is told once.
func (a *Array) ask(ctx context.Context) map[int]task {
	known, err := tasks(ctx, a.id)
	if err != nil {
		if ctx.Err() == nil && !a.silent {
			a.Note(fmt.Sprintf("Slurm does not answer, so only results that arrive are seen: %v", err))
		}
		a.silent = true
		return nil
	}
	if a.silent {
		a.Note("Slurm answers again")
	}
	a.silent = false
	if known == nil {
		known = map[int]task{}
	}
	return known
}

// look holds every case that is open against the folder and against what Slurm says (nil: it says nothing). The first result that
// an attempt leaves is the case's.
func (a *Array) look(ctx context.Context, known map[int]task) error {
	for _, c := range a.Cases {
		p := a.open[c.Index]
		if p == nil {
			continue
		}
		t, there := known[c.Index]
		all, err := a.begun(p, t)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(all, func(x attempt) bool { return x.result != nil }); i >= 0 {
			a.close(ctx, p, t, all[i].result)
			continue
		}
		if known == nil {
			continue
		}
		if err := a.step(ctx, p, t, there, all); err != nil {
			return err
		}
	}
	return nil
}

// begun reads the attempts at a case that tasks of this job have begun and that were not given up. Of a task that has never run
// there is none: a shared folder is spared the question.
func (a *Array) begun(p *progress, t task) ([]attempt, error) {
	if t.waits() && t.restarts == 0 {
		return nil, nil
	}
	all, err := attempts(folder.Dir(a.Dir), p.Case)
	return slices.DeleteFunc(all, func(x attempt) bool { return x.number <= p.before || slices.Contains(p.recorded, x.number) }), err
}

// close takes a case off the list with its result. A task that waits to run it once more, because Slurm takes its first worker
// for lost, has nothing left to do.
func (a *Array) close(ctx context.Context, p *progress, t task, r *matrix.Result) {
	delete(a.open, p.Index)
	a.Tell(Step{Case: p.Case, Node: r.Host, Result: r})
	if t.restarts > 0 && t.waits() {
		if _, err := call(ctx, "", "scancel", a.task(p.Index)); err != nil && ctx.Err() == nil {
			a.Note(fmt.Sprintf("%s has its result, but its second run could not be cancelled: %v", p.ID, err))
		}
	}
}

// step tells what Slurm's word changes about a case whose attempts, those that were not given up, have no result.
func (a *Array) step(ctx context.Context, p *progress, t task, there bool, all []attempt) error {
	was := p.last
	if there {
		p.last = t
	}
	if t.restarts > was.restarts {
		if err := a.lost(ctx, p, was, t, all); err != nil {
			return err
		}
	}
	if t.runs() && (!was.runs() || t.restarts > was.restarts) {
		a.Tell(Step{Case: p.Case, Attempt: p.before + t.restarts + 1, Running: true, Node: t.node})
	}
	if t.held() && !p.held {
		a.Tell(Step{Case: p.Case, Waits: fmt.Sprintf("Slurm holds its task (%s): it runs after scontrol release %s", t.reason, a.task(p.Index))})
	}
	p.held = t.held()
	if there && !t.over() {
		p.over = time.Time{}
		return nil
	}
	if p.over.IsZero() {
		p.over = time.Now()
	}
	if time.Since(p.over) < settle {
		return nil
	}
	return a.giveUp(p, all)
}

// lost records each attempt that Slurm ended by putting its task back into the queue. If it did so because the worker is gone, the
// case runs elsewhere at once.
func (a *Array) lost(ctx context.Context, p *progress, was, now task, all []attempt) error {
	usable, err := nodes(ctx, a.Partition)
	node := was.node
	why := fmt.Sprintf("Slurm took it off %s and put it back into the queue (job %s)", node, a.task(p.Index))
	told := "Slurm put it back into the queue, so it runs again"
	isLost := node == "" || err != nil || !slices.Contains(usable, node)
	if isLost {
		if node == "" {
			node = "its node"
		}
		why = fmt.Sprintf("Slurm lost %s, where it ran, and put it back into the queue (job %s)", node, a.task(p.Index))
		told = "its worker was lost (" + node + "), so it runs again"
	}
	gone := slices.Clone(all)
	if now.runs() && len(gone) > 0 { // the last one is that of the new run
		gone = gone[:len(gone)-1]
	}
	if len(gone) == 0 && !now.runs() {
		gone = []attempt{{}}
	}
	for _, x := range gone {
		r, err := record(folder.Dir(a.Dir), p.Case, x.number, was.node, why)
		if err != nil {
			return err
		}
		if r != nil {
			p.recorded = append(p.recorded, r.Attempt)
		}
	}
	a.Tell(Step{Case: p.Case, Node: was.node, Waits: told})
	if isLost && now.waits() && was.node != "" && len(usable) > 0 {
		a.elsewhere(ctx, p, was.node)
	}
	return nil
}

// elsewhere spares a case the two minutes for which Slurm keeps a task back that was put into the queue again. They are there
// so that its node may come back in order; on another node, of which there is one, there is nothing to wait for.
func (a *Array) elsewhere(ctx context.Context, p *progress, node string) {
	if _, err := call(ctx, "", "scontrol", "update", "JobId="+a.task(p.Index), "ExcNodeList="+node, "StartTime=now"); err != nil && ctx.Err() == nil {
		a.Note(fmt.Sprintf("%s runs again when Slurm lets it: %v", p.ID, err))
	}
}

// giveUp closes a case whose task is over and left no result.
func (a *Array) giveUp(p *progress, all []attempt) error {
	number := 0
	if len(all) > 0 {
		number = all[len(all)-1].number
	}
	why := p.last.ended() + " and left no result"
	if said := a.said(p.Index); said != "" {
		why += ": " + said
	}
	r, err := record(folder.Dir(a.Dir), p.Case, number, p.last.node, why)
	if err != nil || r == nil { // nil: it came in this moment, and is seen the next time
		return err
	}
	delete(a.open, p.Index)
	a.Tell(Step{Case: p.Case, Node: p.last.node, Result: r})
	return nil
}

// said is the last line that a task printed.
func (a *Array) said(index int) string {
	text, err := os.ReadFile(filepath.Join(a.Dir, "slurm", strconv.Itoa(index)+".log"))
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

func (a *Array) task(index int) string { return a.id + "_" + strconv.Itoa(index) }

// cancel ends what is left of the array and waits until no task runs, or for as long as Slurm takes to kill one that will not
// go.
func (a *Array) cancel(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer stop()
	if _, err := call(ctx, "", "scancel", a.id); err != nil {
		return fmt.Errorf("cancel the array: %w; do it by hand: scancel %s", err, a.id)
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		known, err := tasks(ctx, a.id)
		if err == nil && !hasActive(known) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("after scancel %s some of its tasks have not ended for %v; look with squeue --jobs=%s", a.id, farewell, a.id)
		}
	}
}

func hasActive(known map[int]task) bool {
	for _, t := range known {
		if !t.over() {
			return true
		}
	}
	return false
}
