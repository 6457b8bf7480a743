package lesson

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// TestForms holds the forms of answers to those that an exported page finds in the same texts (tests/studio).
func TestForms(t *testing.T) {
	data, err := os.ReadFile("testdata/forms.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]string
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	for text, forms := range want {
		if got := formsOf(text); !slices.Equal(got, forms) {
			t.Errorf("%q: %q, want %q", text, got, forms)
		}
	}
}
