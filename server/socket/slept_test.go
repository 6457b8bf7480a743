package socket

import (
	"testing"
	"time"
)

func TestSlept(t *testing.T) {
	for _, c := range []struct {
		asked, took time.Duration
		interrupted bool
		want        bool
	}{
		{time.Second, time.Second, false, false},
		{time.Second, time.Second + slack - 1, false, false}, // a busy host
		{time.Second, time.Second + slack, false, true},
		{time.Second, time.Hour, false, true},
		{time.Second, time.Millisecond, false, false}, // an answer came
		{time.Second, time.Millisecond, true, true},
		{-time.Second, time.Hour, false, false}, // a deadline that was past when it was set is to end the wait
	} {
		if got := Slept(c.asked, c.took, c.interrupted); got != c.want {
			t.Errorf("asked for %s, took %s, interrupted %t: %t", c.asked, c.took, c.interrupted, got)
		}
	}
}
