package scaleout

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/pxelab/pxelab/tests/netns"
)

// workflow is as much of a GitHub workflow as the shipped file uses. What it uses beyond that is an error when it is read.
type workflow struct {
	Name        string            `yaml:"name"`
	On          any               `yaml:"on"`
	Permissions map[string]string `yaml:"permissions"`
	Env         map[string]string `yaml:"env"`
	Jobs        map[string]job    `yaml:"jobs"`
}

type job struct {
	Needs    string `yaml:"needs"`
	If       string `yaml:"if"`
	RunsOn   string `yaml:"runs-on"`
	Minutes  int    `yaml:"timeout-minutes"`
	Strategy struct {
		FailFast bool             `yaml:"fail-fast"`
		Matrix   map[string][]int `yaml:"matrix"`
	} `yaml:"strategy"`
	Env   map[string]string `yaml:"env"`
	Steps []step            `yaml:"steps"`
}

type step struct {
	Name string            `yaml:"name"`
	If   string            `yaml:"if"`
	Uses string            `yaml:"uses"`
	With map[string]string `yaml:"with"`
	Run  string            `yaml:"run"`
}

// hub runs a workflow as GitHub does: each job in a new folder of one path, its scripts by bash, its artefacts kept between jobs.
// Actions are not ours to test; here those that the file uses do by hand what they do there.
type hub struct {
	t         *testing.T
	env       []string
	workspace string
	artifacts string
	checkout  func(workspace string)
	said      bytes.Buffer // what all scripts printed
}

// always tells of a step or job that runs whatever failed before.
func always(condition string) bool {
	return condition == "always()" || condition == "${{ !cancelled() }}"
}

// job runs one job, and tells whether all went well. values are those of the matrix.
func (h *hub) job(name string, j job, values map[string]int) bool {
	h.t.Helper()
	if err := os.RemoveAll(h.workspace); err != nil {
		h.t.Fatal(err)
	}
	if err := os.MkdirAll(h.workspace, 0o755); err != nil {
		h.t.Fatal(err)
	}
	env := slices.Clone(h.env)
	for key, value := range j.Env {
		env = append(env, key+"="+h.filled(value, values))
	}
	ok := true
	for _, s := range j.Steps {
		if s.If != "" && !always(s.If) {
			h.t.Fatalf("job %s: nobody here knows what `if: %s` means", name, s.If)
		}
		if !ok && !always(s.If) {
			continue
		}
		if s.Run != "" {
			ok = h.script(name, s, env) && ok
			continue
		}
		with := maps.Clone(s.With)
		for key, value := range with {
			with[key] = h.filled(value, values)
		}
		h.action(name, s.Uses, with)
	}
	return ok
}

var expression = regexp.MustCompile(`\$\{\{ *(.*?) *\}\}`)

// filled puts the values of the matrix into a text. Scripts have no expressions: what they need they get by env.
func (h *hub) filled(text string, values map[string]int) string {
	return expression.ReplaceAllStringFunc(text, func(found string) string {
		inner := expression.FindStringSubmatch(found)[1]
		if inner == "github.run_id" {
			return "1"
		}
		value, ok := values[strings.TrimPrefix(inner, "matrix.")]
		if !ok {
			h.t.Fatalf("nobody here knows what %s is", found)
		}
		return fmt.Sprint(value)
	})
}

// script runs a step as GitHub's runners do: bash -e.
func (h *hub) script(job string, s step, env []string) bool {
	h.t.Helper()
	if expression.MatchString(s.Run) {
		h.t.Fatalf("job %s, step %q: an expression in a script is a way to inject commands; give it by env", job, s.Name)
	}
	cmd := exec.Command("bash", "-e", "-c", s.Run)
	cmd.Dir, cmd.Env = h.workspace, env
	out, err := cmd.CombinedOutput()
	h.said.Write(out)
	h.t.Logf("job %s, step %q: %v\n%s", job, s.Name, err, out)
	return err == nil
}

// action does what an action of the shipped file does.
func (h *hub) action(job, uses string, with map[string]string) {
	h.t.Helper()
	knows := func(keys ...string) {
		for key := range with {
			if !slices.Contains(keys, key) {
				h.t.Fatalf("job %s: nobody here knows what %q of %s does", job, key, uses)
			}
		}
	}
	switch uses {
	case "actions/checkout@v4":
		knows()
		h.checkout(h.workspace)
	case "actions/setup-go@v5":
		knows("go-version")
	case "actions/cache/restore@v4", "actions/cache/save@v4": // nothing is kept from an earlier run
		knows("path", "key", "restore-keys")
	case "actions/upload-artifact@v4":
		knows("name", "path")
		h.upload(with["name"], with["path"])
	case "actions/download-artifact@v4":
		knows("name", "pattern", "path")
		h.download(with["name"], with["pattern"], filepath.Join(h.workspace, with["path"]))
	default:
		h.t.Fatalf("job %s: nobody here knows the action %s", job, uses)
	}
}

// upload keeps a file, or what is in a folder.
func (h *hub) upload(name, path string) {
	h.t.Helper()
	from, to := filepath.Join(h.workspace, path), filepath.Join(h.artifacts, name)
	if info, err := os.Stat(from); err != nil {
		h.t.Logf("upload %s: %v", name, err) // there it is a warning, too
		return
	} else if info.IsDir() {
		from += "/."
	}
	h.copy(from, to)
}

// download gives the artefact of a name, or those of a pattern, each in a folder of its name.
func (h *hub) download(name, pattern, to string) {
	h.t.Helper()
	if pattern == "" {
		h.copy(filepath.Join(h.artifacts, name)+"/.", to)
		return
	}
	found, err := filepath.Glob(filepath.Join(h.artifacts, pattern))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, f := range found {
		h.copy(f+"/.", filepath.Join(to, filepath.Base(f)))
	}
}

func (h *hub) copy(from, to string) {
	h.t.Helper()
	copyAll(h.t, from, to)
}

// copyAll copies a file or folder into a folder, which is made.
func copyAll(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp %s %s: %v\n%s", from, to, err, out)
	}
}

// TestWorkflows runs the shipped workflow files, every script of them, on a small matrix. Their reports must be those of a run in
// one piece.
func TestWorkflows(t *testing.T) {
	netns.Need(t)
	b := build(t)
	b.needBoots(t)
	whole := b.whole(t, "three", 3)
	t.Run("github", func(t *testing.T) { onGitHub(t, b, whole) })
	t.Run("gitlab", func(t *testing.T) { onGitLab(t, b, whole) })
}

func onGitHub(t *testing.T, b *built, whole outcomes) {
	text, err := os.ReadFile("../../docs/ci/github-actions.yml")
	if err != nil {
		t.Fatal(err)
	}
	var w workflow
	if err := yaml.UnmarshalWithOptions(text, &w, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	h := &hub{t: t, workspace: filepath.Join(dir, "work"), artifacts: filepath.Join(dir, "artifacts"), checkout: b.checkout(t)}
	summary := filepath.Join(dir, "summary.md")
	h.env = append(b.env(), "CI=true", "GITHUB_ACTIONS=true", "GITHUB_STEP_SUMMARY="+summary)
	for key, value := range w.Env {
		h.env = append(h.env, key+"="+value)
	}
	h.env = append(h.env, "MATRIX=three.matrix.yaml")

	if !h.job("plan", w.Jobs["plan"], nil) {
		t.Fatal("the job that plans failed")
	}
	boot := w.Jobs["boot"]
	shards := boot.Strategy.Matrix["shard"]
	for i, shard := range shards {
		if shard != i+1 {
			t.Errorf("shards %v: want 1, 2, 3 ...", shards)
		}
	}
	if want := fmt.Sprint(len(shards)); boot.Env["SHARDS"] != want || len(shards) < 2 {
		t.Errorf("SHARDS is %s; there are %s shards", boot.Env["SHARDS"], want)
	}
	for _, shard := range shards {
		if !h.job(fmt.Sprint("boot ", shard), boot, map[string]int{"shard": shard}) {
			t.Errorf("shard %d failed; only the report is to fail for a case", shard)
		}
	}
	if h.job("report", w.Jobs["report"], nil) {
		t.Error("the job that reports passed, though a case fails")
	}
	b.sameReport(t, whole, filepath.Join(h.artifacts, "night"))
	reason := whole.failure(t)
	told, err := os.ReadFile(summary)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(told), "spoilt") || !strings.Contains(plainText(string(told)), reason) {
		t.Errorf("the step summary does not tell the reason %q:\n%s", reason, told)
	}
	if !strings.Contains(h.said.String(), "::error") {
		t.Error("no case is annotated")
	}
	h.without(w, "part-1")
}

// without takes a shard's artefact away, as when its machine broke: its cases were not run, and the report says so.
func (h *hub) without(w workflow, part string) {
	h.t.Helper()
	for _, name := range []string{part, "night"} {
		if err := os.RemoveAll(filepath.Join(h.artifacts, name)); err != nil {
			h.t.Fatal(err)
		}
	}
	if h.job("report", w.Jobs["report"], nil) {
		h.t.Errorf("the job that reports passed without %s", part)
	}
	text, err := os.ReadFile(filepath.Join(h.artifacts, "night", "results.json"))
	if err != nil {
		h.t.Fatal(err)
	}
	o := read(h.t, text)
	if len(o.Cases) != 3 || !slices.ContainsFunc(o.verdicts(), func(v string) bool { return strings.Contains(v, ": not-run ") }) {
		h.t.Errorf("without %s the report says %q", part, o.verdicts())
	}
}

// plainText takes the signs away with which Markdown makes text stand for itself.
func plainText(markdown string) string { return strings.ReplaceAll(markdown, `\`, "") }
