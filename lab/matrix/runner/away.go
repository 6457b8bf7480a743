package runner

import (
	"context"
	"errors"
	"slices"

	"github.com/pxelab/pxelab/lab/matrix"
)

// RunAway has cases run on other machines, which share the folder of results with this one. It hands those that are due to away,
// which returns when each has a result in the folder, or ctx has ended; then it renders the reports, as Run does. Of the options it
// heeds Out, Plan, Cases, Resume, Show and Finish.
func RunAway(ctx context.Context, o Options, away func(ctx context.Context, cases []matrix.Case) error) ([]matrix.Result, error) {
	s, err := openStore(o)
	if err != nil {
		return nil, err
	}
	r := &run{o: &o, store: s, round: 1, results: s.kept(o.Cases)}
	due := r.due()
	done := slices.DeleteFunc(slices.Clone(r.results), func(x matrix.Result) bool {
		return slices.ContainsFunc(due, func(c matrix.Case) bool { return c.Index == x.Index })
	})
	o.Show.Begin(len(o.Cases), done)
	if len(due) > 0 {
		err = away(ctx, due)
	}
	var broke error
	if _, s.results, broke = ReadDir(o.Out); broke != nil {
		return nil, errors.Join(err, broke)
	}
	r.results = s.kept(o.Cases)
	results := r.withNotRun(ctx)
	if errors.Is(err, context.Cause(ctx)) {
		err = nil // the caller knows
	}
	return results, errors.Join(err, saveTimes(o.Plan, r.results), o.Finish(o.Out, o.Plan, results))
}
