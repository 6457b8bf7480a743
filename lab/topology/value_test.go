package topology

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestValuesReadBack holds every shipped topology, written from its values, to the lab that its file is.
func TestValuesReadBack(t *testing.T) {
	for _, path := range glob(t, shippedDir+"/*.yaml") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		v, err := ReadValue(path, data, "topology")
		if err != nil {
			t.Fatal(err)
		}
		want, err := Parse(path, data, known)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(path, []byte(v.YAML()), known)
		if err != nil {
			t.Fatalf("%s, written from its values, does not read:\n%v\n%s", path, err, v.YAML())
		}
		if diff := cmp.Diff(asText(t, want), asText(t, got)); diff != "" {
			t.Errorf("%s, written from its values, is another lab (-want +got):\n%s", path, diff)
		}
	}
}

func asText(t *testing.T, top *Topology) string {
	t.Helper()
	text, err := json.MarshalIndent(top, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func FuzzValue(f *testing.F) {
	for _, seed := range []string{"a: 1", "a: |\n  x\n   y\n", "a: [b, {c: d}, '']", "a: \"\\t\\n b\\n\"", "? a\n: b", "a: &x [1]\nb: *x", "- - 1\n  -\n", "a: 'on'\n\"*\": ~", "{}", "[]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := ReadValue("x.yaml", data, "topology")
		if err != nil || v.Kind == Number || v.Kind == Text { // a file that is one scalar is no topology
			return
		}
		again, err := ReadValue("x.yaml", []byte(v.YAML()), "topology")
		if err != nil {
			t.Fatalf("written from its values, it does not read: %v\n%q", err, v.YAML())
		}
		places := cmpopts.IgnoreFields(Value{}, "Line", "Column")
		if diff := cmp.Diff(v, again, places, cmpopts.IgnoreFields(Entry{}, "Line", "Column"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("written as %q it reads as others (-want +got):\n%s", v.YAML(), diff)
		}
	})
}

func TestFindFollowsAProblemsKey(t *testing.T) {
	v, err := ReadValue("x.yaml", []byte("guests:\n  a: {faults: [{do: drop}, {do: cut}]}\nfiles:\n  x: 1\n  x.conf: 2\n"), "topology")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string][2]int{
		"guests.a.faults[1].do": {2, 33}, "guests.a.faults[1].at": {2, 28}, "files.x.conf": {5, 11}, "guests.b": {1, 1}, "": {1, 1},
	} {
		if got := v.Find(key); got.Line != want[0] || got.Column != want[1] {
			t.Errorf("%q is at %d:%d, want %d:%d", key, got.Line, got.Column, want[0], want[1])
		}
	}
}
