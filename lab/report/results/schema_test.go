package results

import (
	"bytes"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pxelab/pxelab/tests/golden"
)

// The schema that is published is that of the types, and reports keep to it: the empty one, too.
func TestSchema(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "../../../docs/report.schema.json", string(text))
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("report.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	p, runs := fixture(t)
	full := New(p, runs)
	full.Compare(pastOf(full))
	for name, r := range map[string]*Report{"all outcomes": full, "nothing ran": New(p, nil)} {
		text, err := r.JSON()
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name == "all outcomes" {
			golden.Check(t, "testdata/results.json", string(text))
		}
	}
	bad, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(`{"version":1,"name":"m","passed":true,"counts":{},"seconds":"1","cases":[]}`)))
	if err != nil {
		t.Fatal(err)
	}
	if schema.Validate(bad) == nil {
		t.Error("a report without counts, of \"1\" seconds, keeps to the schema")
	}
}
