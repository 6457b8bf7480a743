package lab

import (
	"testing"

	"github.com/pxelab/pxelab/lab/event"
)

// TestStorm: of TFTP packets that are sent again and again the log has so many; of others, and of the end of a file, all.
func TestStorm(t *testing.T) {
	var p powered
	told := 0
	for range maxRepeats + 10 {
		if !p.stormy(&event.TFTP{Op: "ACK", Repeat: 1}) {
			told++
		}
		if p.stormy(nil) || p.stormy(&event.TFTP{Op: "DATA", Block: 1}) || p.stormy(&event.TFTP{Op: "DATA", Repeat: 2, Last: true}) {
			t.Fatal("what is no repetition, or the end of a file, is not told")
		}
	}
	if told != maxRepeats {
		t.Errorf("%d repetitions are told, want %d", told, maxRepeats)
	}
}
