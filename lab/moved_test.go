package lab

import (
	"testing"
	"time"
)

func TestMoved(t *testing.T) {
	m := newMovement()
	is := func(at, want time.Duration, moving bool) {
		t.Helper()
		if got, moves := m.moved(at); got != want || moving != (moves == nil) {
			t.Errorf("at %s it has moved for %s, moving %t; want %s, %t", at, got, moves == nil, want, moving)
		}
	}
	is(5, 5, true)
	m.stop(10)
	is(10, 10, false)
	is(17, 10, false)
	_, moves := m.moved(18)
	m.start(20)
	<-moves
	is(25, 15, true)
	m.stop(30)
	is(40, 20, false)
	m.start(40)
	is(41, 21, true)
}

// A wait that begins while everybody stands still ends when they have moved.
func TestPass(t *testing.T) {
	begun := time.Now()
	l := &lab{movement: newMovement(), now: func() time.Duration { return time.Since(begun) }}
	l.movement.stop(l.now())
	done := make(chan bool)
	go func() { done <- l.pass(t.Context(), time.Millisecond, nil) }()
	l.movement.start(l.now())
	if !<-done {
		t.Error("it was broken off")
	}
	gone := make(chan struct{})
	close(gone)
	if l.pass(t.Context(), time.Hour, gone) {
		t.Error("it goes on although what it is for is gone")
	}
}
