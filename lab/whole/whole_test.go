package whole

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "new", "file")
	for _, text := range []string{"first", "second"} {
		if err := WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Errorf("it holds %q (%v), want %q", got, err, text)
		}
	}
	for name, want := range map[string]os.FileMode{path: 0o644, filepath.Dir(path): 0o755 | os.ModeDir} {
		if st, err := os.Stat(name); err != nil || st.Mode() != want {
			t.Errorf("%s: %v (%v), want %v", name, st.Mode(), err, want)
		}
	}
	private := filepath.Join(dir, "own", "file")
	if err := WriteFile(private, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(filepath.Dir(private)); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the folder of a private file: %v (%v)", st.Mode(), err)
	}
}

// A file that cannot be put in its place leaves nothing beside it.
func TestWriteFileFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("x"), 0o644); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if err := WriteJSON(filepath.Join(dir, "v"), func() {}); err == nil {
		t.Error("a function became JSON")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left beside it: %v (%v)", entries, err)
	}
}
