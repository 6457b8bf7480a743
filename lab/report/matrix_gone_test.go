package report

import (
	"strings"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/matrix"
)

func TestMatrixProgressGone(t *testing.T) {
	c := matrix.Case{Index: 3, ID: "lost"}
	p := NewMatrixProgress("m", []matrix.Case{c}, 1, 1, nil)
	p.Started(c, 1, time.Second)
	if frame := p.Frame(80, 2*time.Second); !strings.Contains(frame, "lost") {
		t.Fatalf("an attempt that runs is not shown:\n%s", frame)
	}
	p.Gone(c)
	if frame := p.Frame(80, 3*time.Second); strings.Contains(frame, "lost") || !strings.Contains(frame, "0 of 1") {
		t.Errorf("an attempt that is gone is shown, or counted:\n%s", frame)
	}
}
