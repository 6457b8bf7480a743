package matrix_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/matrix"
)

// planOf makes a plan whose cases are thought to take these times.
func planOf(costs ...time.Duration) matrix.Plan {
	p := matrix.Plan{Version: matrix.Version, Name: "m"}
	for i, d := range costs {
		id := fmt.Sprintf("t%d/bios", i)
		p.Cases = append(p.Cases, matrix.Case{Index: i, ID: id, Inputs: "sum of " + id, Needs: matrix.Needs{Cores: 1, Estimate: d}})
	}
	return p
}

func ids(cases []matrix.Case) string {
	var out []string
	for _, c := range cases {
		out = append(out, c.ID)
	}
	return strings.Join(out, " ")
}

func TestShardsHoldEachCaseOnceAndAreBalanced(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var costs []time.Duration
		var all, longest time.Duration
		for range 1 + random.IntN(60) {
			d := time.Duration(random.IntN(20_000)) * time.Millisecond
			costs, all, longest = append(costs, d), all+d, max(longest, d)
		}
		p, n := planOf(costs...), 1+random.IntN(9)
		seen := map[int]int{}
		for i := 1; i <= n; i++ {
			s := matrix.Shard{I: i, N: n}
			var load time.Duration
			for _, c := range s.Of(p) {
				seen[c.Index]++
				load += c.Cost()
			}
			if most := all/time.Duration(n) + longest + time.Duration(len(costs))*time.Millisecond; load > most {
				t.Errorf("shard %d/%d of %v has %s to do, more than its part and one case, %s", i, n, costs, load, most)
			}
			if !reflect.DeepEqual(s.Of(p), s.Of(p)) {
				t.Errorf("shard %d/%d is another one the second time", i, n)
			}
		}
		for i := range costs {
			if seen[i] != 1 {
				t.Fatalf("case %d is in %d of %d shards", i, seen[i], n)
			}
		}
	}
}

func TestShardsFollowPastTimes(t *testing.T) {
	p := planOf(time.Second, time.Second, time.Second, time.Second)
	p = p.WithTimes(matrix.Times{"m/t2/bios": 10 * time.Second, "other/t3/bios": 99 * time.Second})
	if got := ids(matrix.Shard{I: 1, N: 2}.Of(p)); got != "t2/bios" {
		t.Errorf("the shard with the long case holds %q", got)
	}
	if got := ids(matrix.Shard{I: 2, N: 2}.Of(p)); got != "t0/bios t1/bios t3/bios" {
		t.Errorf("the other shard holds %q", got)
	}
}

func TestParseShard(t *testing.T) {
	for text, good := range map[string]bool{"1/1": true, "2/8": true, "8/8": true, "0/8": false, "9/8": false, "2": false, "a/b": false, "": false, "1/0": false} {
		if _, err := matrix.ParseShard(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestOrderIsWideThenLongest(t *testing.T) {
	p := planOf(time.Second, 3*time.Second, 2*time.Second, 3*time.Second)
	p.Cases[0].Needs.Cores = 2.25
	if got := ids(matrix.Ordered(p.Cases)); got != "t0/bios t1/bios t3/bios t2/bios" {
		t.Error(got)
	}
}

func TestFilter(t *testing.T) {
	p := planOf(1, 2, 3)
	for expr, want := range map[string]string{"": "t0/bios t1/bios t2/bios", "^t[12]/": "t1/bios t2/bios", "bios$": "t0/bios t1/bios t2/bios"} {
		got, err := matrix.Filter(p.Cases, expr)
		if err != nil || ids(got) != want {
			t.Errorf("%q gives %q, %v", expr, ids(got), err)
		}
	}
	for _, expr := range []string{"nothing", "("} {
		if _, err := matrix.Filter(p.Cases, expr); err == nil {
			t.Errorf("%q is no error", expr)
		}
	}
}
