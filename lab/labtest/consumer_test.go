package labtest_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/labtest"
)

// A module outside this one needs nothing but `go get`: its tests boot real firmware against its own servers, one that fails says why,
// and what the lab recorded is among the artefacts. The module comes from a proxy on disk, with what git knows of it and nothing else.
func TestConsumerModule(t *testing.T) {
	labtest.New(t) // skips where nothing can boot
	repo, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for from, to := range map[string]string{"examples_test.go": "servers_test.go", "testdata/consumer/fails_test.go": "fails_test.go",
		"../../go.sum": "go.sum"} { // the sums spare a look-up of each dependency in the checksum database
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const module = "github.com/pxelab/pxelab"
	proxy, version := published(t, repo, module)
	t.Cleanup(func() { forget(t, module, version) })
	others, err := exec.CommandContext(t.Context(), "go", "env", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "PXELAB_REQUIRE=boot",
			"GOPROXY="+proxy+","+strings.TrimSpace(string(others)), "GONOSUMDB="+module)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		return out.String(), err
	}
	for _, args := range [][]string{
		{"mod", "init", "example.com/bootserver"},
		{"get", module},
		{"mod", "tidy"},
	} {
		if out, err := run(args...); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	test := []string{"test", "-v", "-artifacts", "-outputdir", dir, "-run", "TestOwnServers/^bios$|TestNo|TestTooLate|TestMisspelt"}
	if raceDetector { // as this test was built, so that the packages of others need not be built anew
		test = append(test, "-race")
	}
	out, err := run(append(test, ".")...)
	if err == nil {
		t.Errorf("the server without a boot file passes:\n%s", out)
	}
	for _, want := range []string{
		"--- PASS: TestOwnServers/bios",
		"--- FAIL: TestNoBootFile",
		"bios: expected booted: {image: probe, from: mine}: no probe reported on the console: bios stopped at address",
		"no server named a boot file; have \"mine\" name a boot file to clients that send 0 in option 93 (BIOS)",
		"what happened:",
		"labtest: service other comes too late",
		`unknown key "boted"`,
		"listen on tcp4 192.0.2.7:80 as service \"mine\"",
		"cannot assign requested address",
		`unknown firmware "boss" (did you mean "bios"?)`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not say %q", want)
		}
	}
	folder := regexp.MustCompile(`=== ARTIFACTS TestNoBootFile (\S+)`).FindStringSubmatch(out)
	for _, file := range []string{"lab1/wire.pcapng", "lab1/events.jsonl", "lab1/verdicts.json", "lab1/junit.xml", "lab1/guests/bios/console.log",
		"bios-boot*.txt", "bios-boot*.console"} {
		if folder == nil {
			t.Fatalf("no folder of artefacts is named:\n%s", out)
		}
		if found, _ := filepath.Glob(filepath.Join(folder[1], file)); len(found) == 0 {
			t.Errorf("no %s among the artefacts", file)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}
