package runner

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A program that is none of ours and burns a core is seen, and what we burn ourselves is ours.
func TestProcessorTimes(t *testing.T) {
	cores, err := usableCores(1024)
	if err != nil {
		t.Fatal(err)
	}
	busy, own, err := processorTimes(cores)
	if err != nil {
		t.Fatal(err)
	}
	for mine := own; mine < own+100*time.Millisecond; { // counts in steps of 10 ms
		_, mine, _ = processorTimes(cores)
	}
	out, err := exec.Command("sh", "-c", "(while :; do :; done) >/dev/null 2>&1 & echo $!").Output() // its parent ends, so it is not below us
	if err != nil {
		t.Fatal(err)
	}
	hog, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(hog, syscall.SIGKILL) }()
	before := treeTime(os.Getpid())
	for treeTime(hog) < 200*time.Millisecond {
	}
	again, mine, err := processorTimes(cores)
	if err != nil {
		t.Fatal(err)
	}
	if foreign := (again - busy) - (mine - own); foreign < 150*time.Millisecond {
		t.Errorf("others had %s of %s, and the hog alone used 200 ms", foreign, again-busy)
	}
	if mine < before {
		t.Errorf("our own time went back from %s to %s", before, mine)
	}
}
