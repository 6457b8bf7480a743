package labtest_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// published puts this module into a module proxy made of files (`go help goproxy`), as it would be were it published now: what git
// knows of, and nothing that was built. It gives the proxy's address, and the version.
func published(t *testing.T, repo, module string) (proxy, version string) {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate")
	list.Dir = repo
	out, err := list.Output()
	if err != nil {
		t.Fatalf("list the module's files by git: %v", err)
	}
	files := slices.DeleteFunc(strings.Fields(string(out)), func(name string) bool { return ofOther(repo, name) })
	now := time.Now().UTC()
	version = fmt.Sprintf("v0.0.0-%s-%012x", now.Format("20060102150405"), os.Getpid()) // a pseudo-version, of this test alone
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for _, name := range files {
		data, err := os.ReadFile(filepath.Join(repo, name))
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create(module + "@" + version + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(repo, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	at := filepath.Join(dir, module, "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	info := fmt.Sprintf(`{"Version": %q, "Time": %q}`, version, now.Format(time.RFC3339))
	for name, data := range map[string][]byte{"../@latest": []byte(info), "list": nil, version + ".info": []byte(info), version + ".mod": mod,
		version + ".zip": packed.Bytes()} {
		if err := os.WriteFile(filepath.Join(at, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return "file://" + dir, version
}

// ofOther tells whether a file is no part of the module: of a module within it, or gone though git knows it.
func ofOther(repo, name string) bool {
	if _, err := os.Lstat(filepath.Join(repo, name)); err != nil {
		return true
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, err := os.Stat(filepath.Join(repo, dir, "go.mod")); err == nil {
			return true
		}
	}
	return false
}

// forget takes a version of the module out of the cache of modules, where `go get` had put it.
func forget(t *testing.T, module, version string) {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Error(err)
		return
	}
	cache := strings.TrimSpace(string(out))
	dir := filepath.Join(cache, module+"@"+version)
	problem := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			return os.Chmod(p, 0o755) // what is in it cannot be removed otherwise
		}
		return err
	})
	downloads, err := filepath.Glob(filepath.Join(cache, "cache/download", module, "@v", version+".*"))
	if problem != nil || err != nil {
		t.Errorf("take %s out of the cache: %v, %v", version, problem, err)
	}
	for _, p := range append(downloads, dir) {
		if err := os.RemoveAll(p); err != nil {
			t.Error(err)
		}
	}
}
