package topology

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// Schema gives the JSON Schema (draft 2020-12) of the topology file, for editors. It knows the file's shape and
// words; that the parts fit together only Parse sees.
func Schema(k Known) ([]byte, error) {
	r := jsonschema.Reflector{
		Anonymous:                  true,
		ExpandedStruct:             true,
		RequiredFromJSONSchemaTags: true,
		Mapper:                     k.schemaOf,
		AdditionalFields:           k.restFields,
		Namer:                      func(t reflect.Type) string { return strings.TrimSuffix(t.Name(), "Form") },
	}
	s := r.Reflect(&fileForm{})
	s.Title = "pxelab topology"
	s.Description = "One lab: its networks, the services on them, the guests to boot, and what is expected of each."
	shape(s, s.Definitions)
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the topology schema as JSON: %w", err)
	}
	return append(text, '\n'), nil
}

// schemaOf gives the schema of the types that are one scalar, and of the maps whose keys are certain words.
func (k Known) schemaOf(t reflect.Type) *jsonschema.Schema {
	if noun, allowed := k.words(t); noun != "" {
		s := text("")
		for _, w := range allowed {
			s.Enum = append(s.Enum, w)
		}
		return s
	}
	if low, high := limits(t); high != 0 {
		return &jsonschema.Schema{Type: "integer", Minimum: number(low), Maximum: number(high)}
	}
	switch t {
	case reflect.TypeFor[string]():
		return &jsonschema.Schema{Type: "string", MinLength: count(1)}
	case reflect.TypeFor[labName]():
		return text(labNameRule)
	case reflect.TypeFor[pattern]():
		return &jsonschema.Schema{Type: "string", MinLength: count(1)}
	case reflect.TypeFor[address]():
		return &jsonschema.Schema{Type: "string", AnyOf: []*jsonschema.Schema{{Format: "ipv4"}, {Format: "ipv6"}}}
	case reflect.TypeFor[subnet]():
		return text(`^[0-9a-fA-F.:]+/[0-9]+$`)
	case reflect.TypeFor[span]():
		return text(`^[0-9a-fA-F.:]+ *- *[0-9a-fA-F.:]+$`)
	case reflect.TypeFor[duration]():
		return text(`^\+?([0-9]*\.?[0-9]+(ns|us|µs|ms|s|m|h))+$`)
	case reflect.TypeFor[mac]():
		return text(macRule)
	case reflect.TypeFor[uuid]():
		return text(uuidRule)
	case reflect.TypeFor[raWord]():
		return &jsonschema.Schema{Enum: []any{true, false, string(raManaged)}, Default: true}
	case reflect.TypeFor[fileName]():
		return k.fileSchema()
	case reflect.TypeFor[archFiles]():
		return k.archSchema()
	}
	return nil
}

// fileSchema allows an image of the catalogue, or what isFile calls a file.
func (k Known) fileSchema() *jsonschema.Schema {
	images := &jsonschema.Schema{}
	for _, i := range k.Images {
		images.Enum = append(images.Enum, i)
	}
	return &jsonschema.Schema{Type: "string", AnyOf: []*jsonschema.Schema{images, {Pattern: "[./]"}}}
}

// archSchema allows every architecture as a key.
func (k Known) archSchema() *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema}
	for _, a := range k.Archs {
		s.Properties.Set(a, k.fileSchema())
	}
	return s
}

// restFields gives a form type the keys that its rest field takes: for boot, one for each architecture.
func (k Known) restFields(t reflect.Type) []reflect.StructField {
	if t != reflect.TypeFor[bootForm]() && t != reflect.TypeFor[boot6Form]() && t != reflect.TypeFor[httpBootForm]() {
		return nil
	}
	var fields []reflect.StructField
	for _, a := range k.Archs {
		fields = append(fields, reflect.StructField{Name: "Rest", Type: reflect.TypeFor[fileName](),
			Tag: reflect.StructTag(`json:"` + a + `" jsonschema_description:"What clients of this architecture (option 93, over IPv6 option 61) are told: an image, or a file by its name on the wire."`)})
	}
	return fields
}

// shape adds what tags cannot say: how many keys there must be, and what the file's own keys look like.
func shape(file *jsonschema.Schema, defs jsonschema.Definitions) {
	for _, key := range []string{"networks", "services", "guests", "expect"} {
		p, _ := file.Properties.Get(key)
		p.PropertyNames = &jsonschema.Schema{Pattern: partRule}
		if key == "expect" {
			p.PropertyNames = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Const: everyGuest}, {Pattern: partRule}}}
		}
		if key == "networks" || key == "guests" {
			p.MinProperties = count(1)
		}
	}
	defs["expectation"].MinProperties, defs["expectation"].MaxProperties = count(1), count(1)
	defs["never"].OneOf = append(oneKeyOf("serial", "log"), &jsonschema.Schema{AnyOf: oneKeyOf("packet", "from")})
	defs["network"].AnyOf = oneKeyOf("subnet", "subnet6")
	defs["service"].AnyOf = oneKeyOf("dhcp", "dhcp6", "proxydhcp", "bootserver", "bootp", "relay", "tftp", "mtftp", "http", "echo", "router", "exec", "external")
	defs["reservation"].OneOf = oneKeyOf("guest", "mac", "uuid")
	defs["reservation"].AnyOf = oneKeyOf("address", "file")
}

func oneKeyOf(keys ...string) []*jsonschema.Schema {
	var out []*jsonschema.Schema
	for _, k := range keys {
		out = append(out, &jsonschema.Schema{Required: []string{k}})
	}
	return out
}

func text(pattern string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: pattern}
}

func count(n uint64) *uint64 { return &n }

func number(n int) json.Number { b, _ := json.Marshal(n); return json.Number(b) }
