package scaleout

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/pxelab/pxelab/tests/netns"
)

// gitlabCILocal finds the program that runs GitLab pipelines without GitLab.
func gitlabCILocal(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("../../scripts/fetch-gitlab-ci-local.sh", "--cached").Output() // here is no network
	path := strings.TrimSpace(string(out))
	if err == nil && path != "" {
		return path
	}
	if strings.Contains(os.Getenv("PXELAB_REQUIRE"), "npm") {
		t.Fatalf("needs gitlab-ci-local, and PXELAB_REQUIRE says that it must be there: with npm, scripts/fetch-gitlab-ci-local.sh fetches it (%v)", err)
	}
	t.Skipf("needs gitlab-ci-local: with npm, scripts/fetch-gitlab-ci-local.sh fetches it (%v)", err)
	return ""
}

// TestGitLabScripts lints the scripts of the pipeline, as actionlint does those of the workflow.
func TestGitLabScripts(t *testing.T) {
	shellcheck := netns.Program(t, "shellcheck")
	text, err := os.ReadFile("../../docs/ci/gitlab-ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	var jobs map[string]any
	if err := yaml.Unmarshal(text, &jobs); err != nil {
		t.Fatal(err)
	}
	linted := 0
	for name, value := range jobs {
		job, _ := value.(map[string]any)
		for _, key := range []string{"before_script", "script", "after_script"} {
			lines, _ := job[key].([]any)
			if len(lines) == 0 {
				continue
			}
			script := ""
			for _, line := range lines {
				script += fmt.Sprintln(line)
			}
			linted++
			cmd := exec.Command(shellcheck, "--shell=sh", "-")
			cmd.Stdin = strings.NewReader(script)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s of %s: %v\n%s", key, name, err, out)
			}
		}
	}
	if linted != 4 {
		t.Errorf("linted %d scripts, want those of three jobs and what comes before each", linted)
	}
}

// onGitLab has the pipeline run by a program that is not ours, which also holds its form to GitLab's own schema.
func onGitLab(t *testing.T, b *built, whole outcomes) {
	program := gitlabCILocal(t)
	dir := t.TempDir()
	b.checkout(t)(dir)
	text, err := os.ReadFile("../../docs/ci/gitlab-ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".gitlab-ci.yml"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(want int, name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = dir, b.env()
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != want {
			t.Fatalf("%s %v: %v, want exit status %d\n%s", name, args, cmd.ProcessState, want, out)
		}
		return string(out)
	}
	run(0, "git", "init", "--quiet", "--initial-branch=main")
	run(0, "git", "remote", "add", "origin", "git@gitlab.example:lab/matrix.git") // never asked: it wants a name for the project
	run(0, "git", "add", "--all")
	run(0, "git", "-c", "user.name=lab", "-c", "user.email=lab@gitlab.example", "commit", "--quiet", "--message=matrix")
	out := run(1, "node", program, "--force-shell-executor", "--shell-isolation", "--concurrency=1", "--variable", "MATRIX=three.matrix.yaml")
	for _, want := range []string{"json schema validated", "boot: [4/4]"} {
		if !strings.Contains(out, want) {
			t.Errorf("the pipeline does not say %q:\n%s", want, out)
		}
	}
	night := filepath.Join(dir, "night") // artefacts are copied there
	b.sameReport(t, whole, night)
	junit, err := os.ReadFile(filepath.Join(night, "junit.xml"))
	if err != nil || !strings.Contains(string(junit), "spoilt") {
		t.Errorf("junit.xml (%v) does not tell the case that failed:\n%s", err, junit)
	}
	whole.failure(t)
}
