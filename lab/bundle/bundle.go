// Package bundle keeps the folder that a run leaves: its plan, all that was served, everything that happened. It is made before the run and
// read after it.
package bundle

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// Folder is the path of a bundle. Its methods give the paths of what is in it.
type Folder string

// Plan is the path of the plan of the run.
func (b Folder) Plan() string { return filepath.Join(string(b), "plan.json") }

// Events is the path of everything that happened, an event a line.
func (b Folder) Events() string { return filepath.Join(string(b), "events.jsonl") }

// Wire is the path of the capture.
func (b Folder) Wire() string { return filepath.Join(string(b), "wire.pcapng") }

// Log is the path of what the lab's own processes had to say.
func (b Folder) Log() string { return filepath.Join(string(b), "lab.log") }

// Host is the path of what the run was made with.
func (b Folder) Host() string { return filepath.Join(string(b), "host.json") }

// Guest is the path of a guest's folder.
func (b Folder) Guest(name string) string { return filepath.Join(string(b), "guests", name) }

// TFTP is the path of a service's TFTP root.
func (b Folder) TFTP(service string) string { return filepath.Join(string(b), "tftp", service) }

// HTTP is the path of a service's HTTP root.
func (b Folder) HTTP(service string) string { return filepath.Join(string(b), "http", service) }

// Work is the path of the working directory of a service's program.
func (b Folder) Work(service string) string { return filepath.Join(string(b), "services", service) }

// Cast is the path of the recording of a guest's console (asciinema's form, version 2), as its terminal was written to.
func (b Folder) Cast(guest string) string { return filepath.Join(b.Guest(guest), "console.cast") }

// Read reads back what a run recorded: its plan and its events.
func Read(dir string) (*plan.Plan, []event.Event, error) {
	p, err := ReadPlan(dir)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(Folder(dir).Events())
	if err != nil {
		return nil, nil, fmt.Errorf("read bundle %s: %w; a bundle is a folder with plan.json and events.jsonl", dir, err)
	}
	defer f.Close()
	events, err := event.Read(f)
	if err != nil {
		return nil, nil, fmt.Errorf("read bundle %s: %w", dir, err)
	}
	return p, events, nil
}

// ReadPlan reads the plan of a bundle.
func ReadPlan(dir string) (*plan.Plan, error) {
	text, err := os.ReadFile(Folder(dir).Plan())
	if err != nil {
		return nil, fmt.Errorf("read bundle %s: %w; a bundle is a folder with plan.json and events.jsonl", dir, err)
	}
	var p plan.Plan
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("read bundle %s: plan.json: %w", dir, err)
	}
	if p.Version != plan.Version {
		return nil, fmt.Errorf("read bundle %s: plan.json has version %d, this pxelab reads %d", dir, p.Version, plan.Version)
	}
	return &p, nil
}

// Is tells whether a path is that of a bundle's folder.
func Is(path string) bool {
	st, err := os.Stat(Folder(path).Plan())
	return err == nil && st.Mode().IsRegular()
}
