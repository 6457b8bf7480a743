package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/lesson"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/studio"
	"github.com/pxelab/pxelab/lab/topology"
)

// shown is what a studio shows.
type shown struct {
	source *studio.Source
	lab    *lab.Running // the lab that was brought up for it and ends with it; nil: there is none
}

// showing opens what the command line names.
func showing(ctx context.Context, what string, f *studioFlags) (*shown, error) {
	var taught *lesson.Lesson
	if f.lesson != "" {
		var err error
		if f.library, taught, err = findLesson(f.lesson); err != nil {
			return nil, fmt.Errorf("studio: %w", err)
		}
	}
	kind, err := kindOf(what, taught != nil)
	if err != nil {
		return nil, err
	}
	if kind != "topology" && f.hold {
		return nil, fmt.Errorf("studio: --hold is for a lab that is brought up, and %s is a %s: leave it out, and hold a running lab on its page", what, kind)
	}
	switch kind {
	case "topology":
		return broughtUp(ctx, what, taught, f)
	case "lab":
		c, err := control.Dial(what)
		if err != nil {
			return nil, fmt.Errorf("studio: %w", err)
		}
		source, err := studio.OpenLab(ctx, c, taught)
		return &shown{source: source}, err
	case "bundle":
		source, err := studio.OpenBundle(what, taught)
		return &shown{source: source}, err
	}
	if taught != nil {
		return nil, fmt.Errorf("studio: lesson %s needs a lab or a bundle; %s is a capture, whose machines it does not know", taught.Name, what)
	}
	source, err := studio.OpenCapture(what)
	return &shown{source: source}, err
}

// kindOf tells what is named: "topology", "lab", "bundle" or "capture". Nothing named is the lesson's topology, the only lab that is up,
// or else the default topology.
func kindOf(what string, lesson bool) (string, error) {
	if what == "" {
		if lesson {
			return "topology", nil
		}
		labs, err := control.List()
		if err != nil || len(labs) > 0 {
			return "lab", err
		}
		return "topology", nil
	}
	info, err := os.Stat(what)
	switch {
	case err != nil && !strings.ContainsAny(what, "/.") && os.IsNotExist(err):
		return "lab", nil
	case err != nil:
		return "", fmt.Errorf("studio: %w; name a topology, a bundle, a capture, or a lab that is up", err)
	case info.IsDir():
		return "bundle", nil
	case filepath.Ext(what) == ".yaml", filepath.Ext(what) == ".yml":
		return "topology", nil
	}
	return "capture", nil
}

// broughtUp starts a lab that ends with this process, however that ends.
func broughtUp(ctx context.Context, path string, taught *lesson.Lesson, f *studioFlags) (*shown, error) {
	p, err := studioPlan(ctx, path, taught, f)
	if err != nil {
		return nil, err
	}
	if taught != nil {
		if err := taught.Fits(p); err != nil {
			return nil, err
		}
	}
	o := lab.Options{Out: f.out, Stay: true, Version: versionText(), Say: announce, Hold: firstHold(taught, f.hold)}
	r, err := lab.Start(ctx, p, o)
	if err != nil {
		return nil, err
	}
	source, err := studio.OpenLab(ctx, r.Client, taught)
	if err != nil {
		return nil, errors.Join(err, r.Stop())
	}
	return &shown{source: source, lab: r}, nil
}

// studioPlan plans the topology that is named, or else the lesson's, or the default one. A lesson takes one machine after the other.
func studioPlan(ctx context.Context, path string, taught *lesson.Lesson, f *studioFlags) (*plan.Plan, error) {
	o := *f.plan
	if taught != nil && o.AtOnce == 0 {
		o.AtOnce = 1
	}
	if path != "" || taught == nil {
		return loadPlan(ctx, cmp.Or(path, defaultTopology), o, true)
	}
	path, data, err := f.library.Topology(taught)
	if err != nil {
		return nil, err
	}
	t, err := topology.Parse(path, data, lab.Known())
	if err != nil {
		return nil, err
	}
	return planOf(ctx, t, o, true)
}

// firstHold is where the lab is held first: at the lesson's first checkpoint, if it is to be held there, or at the first packet that tells
// something.
func firstHold(taught *lesson.Lesson, hold bool) *control.Until {
	if taught != nil {
		for _, s := range taught.Sections {
			if s.Checkpoint == nil {
				continue
			}
			if packet, guest, stage, ok := s.Checkpoint.Until(); ok && s.Checkpoint.Hold {
				return &control.Until{Packet: packet, Guest: guest, Stage: stage}
			}
			break
		}
	}
	if hold {
		return &control.Until{}
	}
	return nil
}
