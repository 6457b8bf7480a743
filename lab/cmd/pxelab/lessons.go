package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pxelab/pxelab/lab"
	"github.com/pxelab/pxelab/lab/bundle"
	"github.com/pxelab/pxelab/lab/dissect"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/lesson"
	"github.com/pxelab/pxelab/lab/network/capture"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/story"
	"github.com/pxelab/pxelab/lab/story/diagram"
	"github.com/pxelab/pxelab/lab/studio"
	"github.com/pxelab/pxelab/lab/topology"
)

func lessonsCommand() *cobra.Command {
	var handout, bundle string
	var answers, topology bool
	cmd := &cobra.Command{
		Use:   "lessons [NAME|FILE.md]",
		Short: "List the lessons, or print one as a hand-out",
		Long: `List the lessons that pxelab holds, or show one. A lesson is taught on the page
of pxelab studio --lesson NAME.

A hand-out is one HTML file, for the browser to print. Made with the bundle of
a run of the lesson's lab (--bundle) it has a picture of the boot, and for the
trainer also the answers and the notes, on pages of their own (--answers).

A lesson of your own is named by its file.`,
		Example: `  pxelab lessons
  pxelab lessons port-4011 --handout port-4011.html
  pxelab lessons port-4011 --topology > lab.yaml
  pxelab run lab.yaml --out /tmp/bundle
  pxelab lessons port-4011 --handout trainer.html --bundle /tmp/bundle --answers`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeLessons,
	}
	cmd.Flags().StringVar(&handout, "handout", "", "write the hand-out to this `file`; - is standard output")
	cmd.Flags().StringVar(&bundle, "bundle", "", "the `folder` of a run of this lesson's lab: the hand-out has a picture of it")
	cmd.Flags().BoolVar(&answers, "answers", false, "the hand-out has the answers, as they are in the bundle, and the notes")
	cmd.Flags().BoolVar(&topology, "topology", false, "print the lesson's topology")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			if handout != "" || bundle != "" || answers || topology {
				return errors.New("lessons: name the lesson that is meant; `pxelab lessons` lists them")
			}
			if err := listLessons(); err != nil {
				return err
			}
			fmt.Println("\npxelab studio --lesson NAME teaches one")
			return nil
		}
		from, l, err := findLesson(args[0])
		if err != nil {
			return err
		}
		switch {
		case topology:
			_, data, err := from.Topology(l)
			if err == nil {
				_, err = os.Stdout.Write(data)
			}
			return err
		case handout == "" && (bundle != "" || answers):
			return errors.New("lessons: --bundle and --answers are for a hand-out; say where that goes with --handout FILE")
		case answers && bundle == "":
			return errors.New("lessons: the answers are in the packets of a run; name its folder with --bundle")
		case handout != "":
			return writeHandout(l, handout, bundle, answers)
		}
		return showLesson(from, l)
	}
	return cmd
}

func completeLessons(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	all, _ := studio.Lessons().All()
	var names []string
	for _, l := range all {
		names = append(names, l.Name+"\t"+l.Title)
	}
	return names, cobra.ShellCompDirectiveDefault
}

// findLesson finds a lesson by its name, or reads one from a file of its own, beside which its topology may be.
func findLesson(name string) (from lesson.Library, l *lesson.Lesson, err error) {
	from = studio.Lessons()
	if file, ok := strings.CutSuffix(name, ".md"); ok {
		from.Path = filepath.Dir(name)
		from.Lessons = os.DirFS(from.Path)
		name = filepath.Base(file)
	}
	if l, err = from.Lesson(name); err != nil && len(problemsOf(err)) == 0 {
		err = fmt.Errorf("%w; `pxelab lessons` lists them", err)
	}
	return from, l, err
}

// problemsOf are those of a file, if that is what the error is about.
func problemsOf(err error) (list topology.Problems) {
	errors.As(err, &list)
	return list
}

// validateLesson reads a lesson and its topology, and says what is in it.
func validateLesson(path string) (string, error) {
	from, l, err := findLesson(path)
	if err != nil {
		return "", err
	}
	file, data, err := from.Topology(l)
	if err != nil {
		return "", err
	}
	t, err := topology.Parse(file, data, lab.Known())
	if err != nil {
		return "", err
	}
	var names plan.Plan // who there will be
	for _, g := range t.Guests {
		names.Guests = append(names.Guests, plan.Guest{Name: g.Name})
	}
	for _, s := range t.Services {
		names.Services = append(names.Services, plan.Service{Name: s.Name})
	}
	if err := l.Fits(&names); err != nil {
		return "", err
	}
	checkpoints, questions := 0, 0
	for _, s := range l.Sections {
		questions += len(s.Questions)
		if s.Checkpoint != nil {
			checkpoints++
		}
	}
	return fmt.Sprintf("%s, %d sections, %d checkpoints, %d questions", l.Name, len(l.Sections), checkpoints, questions), nil
}

// showLesson says what is in a lesson.
func showLesson(from lesson.Library, l *lesson.Lesson) error {
	path, _, err := from.Topology(l)
	if err != nil {
		return err
	}
	width := widthOf(os.Stdout)
	fmt.Println(folded(l.Title+": "+l.About, width, 0))
	fmt.Printf("%d minutes, with %s\n\n", l.Minutes, path)
	for i, s := range l.Sections {
		text := fmt.Sprintf("%2d  %s", i+1, s.Title)
		if s.Checkpoint != nil {
			text += " (" + s.Checkpoint.Says + ")"
		}
		fmt.Println(folded(text, width, 4))
	}
	fmt.Printf("\npxelab studio --lesson %s teaches it\n", l.Name)
	return nil
}

// writeHandout writes a lesson for paper, from a run if there is one.
func writeHandout(l *lesson.Lesson, file, dir string, answers bool) error {
	var h lesson.Handout
	if dir != "" {
		p, events, err := bundle.Read(dir)
		if err != nil {
			return err
		}
		if err := l.Fits(p); err != nil {
			return fmt.Errorf("%w\nlessons: %s is no run of this lesson's lab: `pxelab lessons %s --topology` prints that", err, dir, l.Name)
		}
		if answers {
			if h.Answers, err = solved(l, p, events, bundle.Folder(dir)); err != nil {
				return fmt.Errorf("lessons: %s: %w", dir, err)
			}
		}
		h.Diagram, h.Of = drawnFor(l, p, events)
	}
	page, err := l.Handout(h)
	if err != nil {
		return err
	}
	if file == "-" {
		_, err = os.Stdout.Write(page)
	} else if err = os.WriteFile(file, page, 0o644); err == nil {
		fmt.Println(file)
	}
	if err != nil {
		return fmt.Errorf("write the hand-out: %w", err)
	}
	return nil
}

// solved answers a lesson's questions from a run.
func solved(l *lesson.Lesson, p *plan.Plan, events []event.Event, b bundle.Folder) (map[string]lesson.Answer, error) {
	f := lesson.New(l, p)
	for _, e := range events {
		f.Event(e)
	}
	if next := f.Next(); next != nil {
		return nil, fmt.Errorf("in this run it never came to %q; run the lesson's lab again", next.Says)
	}
	frames, err := capture.OpenIndex(b.Wire())
	if err != nil {
		return nil, err
	}
	defer frames.Close()
	answers := map[string]lesson.Answer{}
	for i, s := range l.Sections {
		at, _ := f.Reached(i)
		e := lesson.Evidence{Facts: at.Facts}
		if at.Frame > 0 {
			frame, err := frames.Frame(at.Frame)
			if err != nil {
				return nil, err
			}
			e.Packet = dissect.Dissect(frame.Data, dissect.Client{FromGuest: frame.FromGuest})
		}
		for _, q := range s.Questions {
			if answers[q.ID], err = q.Solve(e); err != nil {
				return nil, err
			}
		}
	}
	return answers, nil
}

// drawnFor draws the boot of the machine that a lesson is mostly about: that of its first checkpoint.
func drawnFor(l *lesson.Lesson, p *plan.Plan, events []event.Event) (svg []byte, of string) {
	for _, s := range l.Sections {
		if s.Checkpoint != nil && s.Checkpoint.Guest != "" {
			of = s.Checkpoint.Guest
			break
		}
	}
	told := story.New(p)
	var items []story.Item
	for _, e := range events {
		items = append(items, told.Add(e)...)
	}
	return diagram.SVG(told.Lanes(), story.Rows(items), diagram.Style{Guest: of}), of
}
