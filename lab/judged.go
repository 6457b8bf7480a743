package lab

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/judge"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/report"
	"github.com/pxelab/pxelab/lab/topology"
	"github.com/pxelab/pxelab/server/pxe"
)

// Known lists what a topology may name.
func Known() topology.Known {
	return topology.Known{Firmwares: plan.Firmwares(), NICs: plan.NICs(), Sticks: plan.Sticks(), Images: images.Names(), Reporters: images.Reporters(), Archs: pxe.ArchNames(), HTTPFirmwares: plan.HTTPFirmwares(),
		Reasons: judge.Reasons(), Notes: judge.Notes()}
}

// Judge judges what the bundle in a folder recorded.
func Judge(dir string) (report.Report, error) {
	p, events, err := bundle.Read(dir)
	if err != nil {
		return report.Report{}, err
	}
	return report.New(p, events), nil
}

// WriteReports judges the bundle in a folder, and writes the reports into it: verdicts.json, junit.xml and report.txt.
func WriteReports(dir string) (report.Report, error) {
	r, err := Judge(dir)
	if err != nil {
		return r, err
	}
	text, err := r.JSON()
	if err != nil {
		return r, err
	}
	junit, err := r.JUnit()
	if err != nil {
		return r, err
	}
	plain := r.Text(report.Style{Width: 120}) + "\n" + r.Who(report.Style{Width: 120})
	for name, data := range map[string][]byte{"verdicts.json": text, "junit.xml": junit, "report.txt": []byte(plain)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return r, fmt.Errorf("write the reports: %w; `pxelab judge %s` prints them", err, dir)
		}
	}
	return r, nil
}
