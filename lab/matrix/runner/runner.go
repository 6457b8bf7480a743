package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/host"
	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/lab/matrix/folder"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/topology"
)

// Options say what is run, and how.
type Options struct {
	Out   string        // folder for the results; it is made, and must be empty or hold results of the same plan
	Plan  matrix.Plan   // the whole matrix
	Cases []matrix.Case // those of it to run

	Repeat    int  // attempts at each case; zero means one
	UntilFail bool // attempts at all of them until one is not as expected
	FailFast  bool // start nothing more once one is not as expected
	Resume    bool // Out may hold results: those that gave a verdict on the same inputs are kept
	Add       bool // Out may hold results: all cases are attempted once more
	Loose     bool // labs are not kept on cores of their own: others that do not know of this run are on the machine, too

	Version string                                   // of pxelab
	Host    *host.Host                               // the facts of this machine
	Known   topology.Known                           // the words of topologies
	Past    matrix.Times                             // how long cases took
	Choices plan.Options                             // for every case; the clock is the case's own
	Run     func(context.Context, Job) matrix.Result // nil means RunCase; tests of the order give another

	Show   Show
	Finish func(dir string, p matrix.Plan, results []matrix.Result) error // renders reports, once, at the end
}

// Show is told what happens. Its methods may be called from several goroutines.
type Show interface {
	Begin(cases int, kept []matrix.Result)
	Started(j Job)
	Event(j Job, e event.Event)
	Ended(j Job, r matrix.Result)
	Width(width int, why string) // how many labs are to run at once, whenever that changes
}

// Job is one attempt at one case.
type Job struct {
	Case    matrix.Case
	Attempt int
	Dir     string // its bundle
	Cores   []int  // the host's cores it has, by number

	o    *Options
	rest func() // its guests are done; called once at most
}

// Run runs cases until all are done, ctx ends or an option says so, and renders the reports either way. It gives the results of all
// cases asked for, those that were not run among them. An error means that the matrix itself broke.
func Run(ctx context.Context, o Options) ([]matrix.Result, error) {
	if o.Run == nil {
		o.Run = RunCase
	}
	s, err := openStore(o)
	if err != nil {
		return nil, err
	}
	cores, err := usableCores(o.Host.Cores)
	if err != nil {
		return nil, err
	}
	r := &run{o: &o, store: s, room: newRoom(cores, o.Host.FreeMiB), load: newLoad(cores), ended: make(chan finished), rested: make(chan Job)}
	r.results = s.kept(o.Cases)
	if o.Add {
		o.Show.Begin(len(o.Cases)*max(1, o.Repeat), nil)
	} else {
		o.Show.Begin(len(o.Cases)*max(1, o.Repeat), r.results)
	}
	r.all(ctx)
	results := r.withNotRun(ctx)
	err = errors.Join(saveTimes(o.Plan, r.results), o.Finish(o.Out, o.Plan, results))
	return results, err
}

// run is a matrix on its way. One goroutine owns it.
type run struct {
	o       *Options
	store   *store
	room    *room
	load    *load
	queue   []matrix.Case
	round   int
	running int
	bad     bool // something was not as expected
	ended   chan finished
	rested  chan Job // they give back their cores and go on
	results []matrix.Result
}

// finished is a job with what became of it.
type finished struct {
	job    Job
	result matrix.Result
	holds  matrix.Needs // what it has still to give back
}

// all runs rounds of attempts.
func (r *run) all(ctx context.Context) {
	rounds := max(1, r.o.Repeat)
	tick := time.NewTicker(checkEvery) // a round may be shorter
	defer tick.Stop()
	for r.round = 1; r.o.UntilFail || r.round <= rounds; r.round++ {
		r.queue = r.due()
		r.attempt(ctx, tick.C)
		if ctx.Err() != nil || r.bad && (r.o.UntilFail || r.o.FailFast) {
			return
		}
	}
}

// due lists the cases that this round has still to attempt.
func (r *run) due() []matrix.Case {
	p := r.o.Plan
	p.Cases = r.o.Cases
	return slices.DeleteFunc(matrix.Ordered(p.WithTimes(r.o.Past).Cases), func(c matrix.Case) bool {
		n := 0
		for _, k := range r.results {
			if k.Index == c.Index && k.Outcome != matrix.Broken && k.Outcome != matrix.NotRun {
				n++
			}
		}
		return !r.o.Add && n >= r.round
	})
}

// checkEvery is how often the load of the machine is looked at.
const checkEvery = time.Second

// attempt runs what is in the queue to its end, and looks at the load of the machine at each check.
func (r *run) attempt(ctx context.Context, check <-chan time.Time) {
	stopped := ctx.Done()
	for {
		r.start(ctx)
		if r.running == 0 && (len(r.queue) == 0 || r.over(ctx)) {
			return
		}
		select {
		case f := <-r.ended:
			r.finish(f)
		case j := <-r.rested:
			r.room.rest(j.Case.Needs, j.Cores)
		case <-check:
			if width, why, changed := r.load.look(); changed {
				r.room.width = width
				r.o.Show.Width(width, why)
			}
		case <-stopped:
			stopped = nil // the labs that run are being stopped; their ends are waited for
		}
	}
}

// over tells whether nothing more is to be started.
func (r *run) over(ctx context.Context) bool { return ctx.Err() != nil || r.bad && r.o.FailFast }

// start starts what there is room for.
func (r *run) start(ctx context.Context) {
	for i := 0; i < len(r.queue) && !r.over(ctx); {
		c := r.queue[i]
		cores, ok := r.room.take(c.Needs)
		if !ok {
			i++
			continue
		}
		r.queue = slices.Delete(r.queue, i, i+1)
		j := Job{Case: c, Cores: cores, o: r.o}
		j.Attempt = r.store.Next(c.ID)
		j.Dir = r.store.Attempt(c.ID, j.Attempt)
		holds := c.Needs
		j.rest = func() {
			r.rested <- j
			holds.Cores = 0
		}
		r.running++
		r.o.Show.Started(j)
		go func() {
			result := r.one(ctx, j)
			r.ended <- finished{j, result, holds}
		}()
	}
}

// one runs one job and stores its result.
func (r *run) one(ctx context.Context, j Job) matrix.Result {
	began := time.Now()
	result := r.o.Run(ctx, j)
	result.Version, result.Index, result.ID, result.Inputs, result.Attempt = matrix.Version, j.Case.Index, j.Case.ID, j.Case.Inputs, j.Attempt
	result.Began, result.Took, result.Host = began.UTC(), time.Since(began), hostname()
	if result.Outcome == matrix.NotRun {
		return result // what is there of it is no result
	}
	result = expected(j.Case, result)
	if err := folder.WriteResult(j.Dir, result); err != nil {
		was := strings.TrimSuffix(fmt.Sprintf("%s: %s", result.Outcome, result.Reason), ": ")
		result.Outcome, result.Reason = matrix.Broken, fmt.Sprintf("its result (%s) could not be kept: %v", was, err)
	}
	return result
}

// expected turns a failure that the matrix expects into one, and a pass that it does not.
func expected(c matrix.Case, r matrix.Result) matrix.Result {
	switch {
	case c.ExpectFail == "":
	case r.Outcome == matrix.Failed:
		r.Outcome = matrix.ExpectedFailure
	case r.Outcome == matrix.Passed:
		r.Outcome, r.Reason = matrix.UnexpectedPass, "it was expected to fail: "+c.ExpectFail
	}
	return r
}

// finish takes a job that has ended.
func (r *run) finish(f finished) {
	r.running--
	r.room.give(f.holds, f.job.Cores)
	r.load.discarded(f.result)
	if f.result.Outcome != matrix.NotRun {
		r.bad = r.bad || !f.result.Outcome.Good()
		r.results = append(r.results, f.result)
	}
	r.o.Show.Ended(f.job, f.result)
}

// withNotRun gives all results, with one for each case that has none.
func (r *run) withNotRun(ctx context.Context) []matrix.Result {
	why := "nobody ran it"
	switch {
	case ctx.Err() != nil:
		why = "the matrix was interrupted first"
	case r.bad && r.o.FailFast:
		why = "another case was not as expected first (--fail-fast)"
	}
	out := slices.Clone(r.results)
	for _, c := range r.o.Cases {
		if !slices.ContainsFunc(out, func(x matrix.Result) bool { return x.Index == c.Index }) {
			out = append(out, c.NotRun(why))
		}
	}
	return out
}
