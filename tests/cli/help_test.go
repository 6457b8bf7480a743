package cli

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// listed finds the commands that pxelab --help lists.
var listed = regexp.MustCompile(`(?m)^  ([a-z]+)  +[A-Z]`)

// Every command has help with an example, and all help fits a terminal of 80 columns.
func TestHelp(t *testing.T) {
	commands := [][]string{{}}
	for _, m := range listed.FindAllStringSubmatch(help(t), -1) {
		commands = append(commands, []string{m[1]})
	}
	if len(commands) < 17 {
		t.Fatalf("help lists only %v", commands)
	}
	for _, command := range commands {
		text := help(t, command...)
		if !strings.Contains(text, "\nExamples:\n  pxelab") && !strings.Contains(strings.Join(command, ""), "completion") {
			t.Errorf("pxelab %v --help has no example:\n%s", command, text)
		}
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("pxelab %v --help: %d columns: %s", command, n, line)
			}
		}
	}
}

// The topologies that examples name are there to be tried.
func TestExamplesExist(t *testing.T) {
	named := regexp.MustCompile(`topologies/[a-z-]+\.[a-z]+`)
	found := 0
	for _, command := range []string{"", "run", "plan", "validate", "schema"} {
		for _, file := range named.FindAllString(help(t, strings.Fields(command)...), -1) {
			found++
			if out, err := exec.Command("ls", root+"/"+file).CombinedOutput(); err != nil {
				t.Errorf("the help of %q names %s: %s", command, file, out)
			}
		}
	}
	if found == 0 {
		t.Error("no example names a topology")
	}
}

func help(t *testing.T, command ...string) string {
	t.Helper()
	out, err := exec.Command(pxelab(), append(command, "--help")...).Output()
	if err != nil {
		t.Fatalf("pxelab %v --help: %v", command, err)
	}
	return string(out)
}
