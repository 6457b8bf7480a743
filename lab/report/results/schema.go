package results

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/invopop/jsonschema"

	"github.com/pxelab/pxelab/lab/matrix"
)

// Schema gives the JSON Schema (draft 2020-12) of results.json, for the programs that read it. Fields that it does not know may be
// there: a later pxelab adds some, and removes none.
func Schema() ([]byte, error) {
	r := jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, AllowAdditionalProperties: true, Mapper: schemaOf}
	s := r.Reflect(&Report{})
	s.Title = "pxelab report"
	s.Description = "What came of a matrix: pxelab report --format json. Times are in seconds."
	if v, ok := s.Properties.Get("version"); ok {
		v.Const = Version
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema of reports as JSON: %w", err)
	}
	return append(text, '\n'), nil
}

// schemaOf gives the schema of the types that are one scalar.
func schemaOf(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[Seconds]():
		return &jsonschema.Schema{Type: "number"}
	case reflect.TypeFor[matrix.Outcome]():
		s := &jsonschema.Schema{Type: "string"}
		for _, o := range shown {
			s.Enum = append(s.Enum, string(o))
		}
		return s
	}
	return nil
}
