// Package lab runs a plan: it is the only place that starts and stops things.
package lab

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/guest/libvirt"
	"github.com/pxelab/pxelab/lab/plan"
)

// Job is what the outer process tells the supervisor: the plan, and what to do with it.
type Job struct {
	Plan    *plan.Plan `json:"plan"`
	Bundle  string     `json:"bundle"`  // absolute path of the folder the run leaves
	Nonce   string     `json:"nonce"`   // see NewNonce
	Started time.Time  `json:"started"` // wall clock at which the run began
	Stay    bool       `json:"stay"`    // keep the lab up after every guest has settled
	Await   bool       `json:"await"`   // guests are powered on when they are asked for, and the lab is up until it is told to end
	Program string     `json:"program"` // the pxelab that exec services mean; empty: the program that runs the lab
	Version string     `json:"version"` // of pxelab
	Socket  string     `json:"socket"`  // path of the control socket, removed when the lab ends

	Hold *control.Until `json:"hold,omitempty"` // where the lab is held first, from before any guest is powered on; nil: nowhere

	Warm map[string]warmth `json:"warm,omitempty"` // of guests that the plan has start warm
	Link libvirt.Address   `json:"link,omitzero"`  // where QEMU finds the lab, if libvirt runs it
}

// nonceAlphabet leaves out letters that a reader could mistake for digits.
const nonceAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// NewNonce draws the 16 characters that tell this run's images from those of any other.
func NewNonce() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	for i := range b {
		b[i] = nonceAlphabet[int(b[i])%len(nonceAlphabet)]
	}
	return string(b)
}

// writeJob and readJob carry a Job over a pipe.
func writeJob(w io.WriteCloser, j *Job) error {
	if err := json.NewEncoder(w).Encode(j); err != nil {
		return fmt.Errorf("send the plan to the supervisor: %w", err)
	}
	return w.Close()
}

func readJob(r io.Reader) (*Job, error) {
	var j Job
	if err := json.NewDecoder(r).Decode(&j); err != nil {
		return nil, fmt.Errorf("read the plan from the outer process: %w", err)
	}
	return &j, nil
}
