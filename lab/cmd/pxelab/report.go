package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab/matrix/folder"
	"github.com/pxelab/pxelab/lab/matrix/store"
	"github.com/pxelab/pxelab/lab/report/results"
)

// noHistory is the word with which a history is neither read nor written.
const noHistory = "none"

func reportCommand() *cobra.Command {
	var out, format, history string
	cmd := &cobra.Command{
		Use:   "report DIR|BUNDLE...",
		Short: "Tell what came of a matrix or of runs, and what changed",
		Long: `Report what came of a matrix or of saved runs. Several folders of results of one
matrix, such as its shards leave, give one report: what none of them holds was
not run, and a second result of a case is a further attempt.

A matrix is held against its earlier runs: new failures, what was fixed, flaky
cases, stages that became slower. docs/reports.md tells the rules.

Exit status: 0 every case is as it should be, 1 some are not, 2 there is nothing
to report, or the folders are of different matrices.`,
		Example: `  pxelab report nightly/
  pxelab report nightly/ --format markdown >> "$GITHUB_STEP_SUMMARY"
  pxelab report shard-1 shard-2 --format all -o report/`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "the file to write; with --format all, the folder")
	cmd.Flags().StringVar(&format, "format", "text", "text, junit, json, html, markdown, annotations, or all")
	cmd.Flags().StringVar(&history, "history", "", "the `file` with earlier runs, to which this one is added, or none (default: one of this user, for a matrix)")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		form, err := formOf(format, out)
		if err != nil {
			return err
		}
		r, err := store.Read(args...)
		if err != nil {
			return err
		}
		remembered := remember(history, r, args[0])
		if err := errors.Join(render(r, form, out), remembered); err != nil {
			return err
		}
		if !r.Passed {
			return errVerdict
		}
		return nil
	}
	return cmd
}

// remember holds a report against the history that is asked for. Single runs have one only if it is named.
func remember(history string, r *results.Report, dir string) error {
	switch {
	case history == noHistory:
		return nil
	case history == "" && !folder.Dir(dir).HasPlan():
		return nil
	case history == "":
		history = store.DefaultHistory()
	}
	return store.Remember(history, r)
}

// allForms is the word with which a folder gets every form.
const allForms = "all"

// formOf checks the form that is asked for, before anything is read.
func formOf(format, out string) (results.Form, error) {
	if format == allForms {
		if out == "" {
			return "", errors.New("report: --format all writes a folder; name it with --out")
		}
		return allForms, nil
	}
	form, err := results.ParseForm(format)
	if err != nil {
		return "", fmt.Errorf("report: --format %w", err)
	}
	return form, nil
}

// render writes a report in the form that is asked for.
func render(r *results.Report, form results.Form, out string) error {
	switch {
	case form == allForms:
		return store.Write(out, r)
	case out != "":
		return store.WriteForm(out, r, form)
	case form == results.Text:
		_, err := fmt.Print(r.Text(styleOf(os.Stdout, "")))
		return err
	}
	data, err := r.Render(form)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(data)
	return err
}
