package host

import (
	"fmt"
	"io"
)

// WriteText prints checks for people: a line each, with its remedy below where there is one, and the upshot.
func WriteText(w io.Writer, checks []Check) error {
	var failed int
	for _, c := range checks {
		mark, remedy := "ok", "fix"
		switch {
		case !c.OK && c.Level == Required:
			mark = "FAIL"
			failed++
		case !c.OK:
			mark, remedy = "no", "note"
		}
		if _, err := fmt.Fprintf(w, "%-5s %-12s %s\n", mark, c.Name, c.Found); err != nil {
			return err
		}
		if c.Remedy == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%18s %s: %s\n", "", remedy, c.Remedy); err != nil {
			return err
		}
	}
	upshot := "\nThis host can run labs."
	if failed > 0 {
		upshot = fmt.Sprintf("\nThis host cannot run a lab yet: see the fix for each FAIL (%d).", failed)
	}
	_, err := fmt.Fprintln(w, upshot)
	return err
}
