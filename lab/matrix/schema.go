package matrix

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pxelab/pxelab/lab/topology"
)

// object is a part of a JSON Schema.
type object = map[string]any

// Schema gives the JSON Schema (draft 2020-12) of matrix files, for editors. It knows their shape and words; that topologies are
// there and every case can be made only Load sees.
func Schema(k topology.Known) ([]byte, error) {
	text := object{"type": "string", "minLength": 1}
	names := object{"type": "array", "items": text, "minItems": 1}
	glob := object{"type": []string{"string", "number"}}
	match := object{"type": "object", "minProperties": 1, "description": "By axis: a pattern, or a list of patterns of which any matches. A leading ! stands for all others.",
		"additionalProperties": object{"oneOf": []object{glob, {"type": "array", "items": glob, "minItems": 1}}}}
	rules := object{"type": "array", "items": match, "minItems": 1}
	s := object{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "pxelab matrix",
		"description": "Topologies, and what to vary in them. Every combination is a case.",
		"type":        "object", "additionalProperties": false, "required": []string{"name"},
		"properties": object{
			"name":       object{"type": "string", "pattern": nameRule, "description": "Short name, unique among yours."},
			"about":      object{"type": "string", "minLength": 1, "description": "What this matrix is for, in one sentence."},
			"topologies": described(names, "Topology files: names or globs, from this file's folder. A leading ! takes away."),
			"axes": object{"type": "object", "description": "What to vary, the first axis slowest. An axis of your own is a mapping of names to what is merged over the topology.",
				"properties": axesSchema(k, names), "additionalProperties": named(object{"type": "object"})},
			"include": described(rules, "Only combinations that one of these matches."),
			"exclude": described(rules, "Not the combinations that one of these matches."),
			"expect-fail": object{"type": "array", "minItems": 1, "description": "Cases that fail for a known reason. One that passes all the same fails the matrix.",
				"items": object{"type": "object", "additionalProperties": false, "required": []string{"match", "reason"}, "properties": object{"match": match, "reason": text}}},
		},
	}
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the matrix schema as JSON: %w", err)
	}
	return append(out, '\n'), nil
}

// axesSchema describes the axes that mean something by themselves.
func axesSchema(k topology.Known, names object) object {
	file := object{"type": "object", "additionalProperties": false, "required": []string{"name", "firmware", "code"}, "properties": object{
		"name": object{"type": "string", "pattern": nameRule}, "firmware": object{"enum": k.Firmwares},
		"code": object{"type": "string", "description": "Flash image, from this file's folder."}, "vars": object{"type": "string", "description": "Template of its variable store."},
		"sha256": object{"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "Of code."}}}
	words := func(about string, list ...string) object {
		return object{"type": "array", "minItems": 1, "uniqueItems": true, "description": about, "items": object{"enum": list}}
	}
	orOwn := func(list []string) []string { return append(slices.Clone(list), own) }
	return object{
		topologyAxis: described(names, "In place of topologies, to have this axis in another place."),
		firmwareAxis: object{"type": "array", "minItems": 1, "description": "Keeps the guests that have it; a lone guest is given it. A build of your own is named by its files.",
			"items": object{"oneOf": []object{{"enum": orOwn(k.Firmwares)}, file}}},
		nicAxis:     words("The card of every guest.", orOwn(k.NICs)...),
		memoryAxis:  object{"type": "array", "minItems": 1, "description": "Of every guest, in MiB.", "items": object{"oneOf": []object{{"type": "integer", "minimum": 16}, {"const": own}}}},
		clockAxis:   words("How time passes for guests.", "auto", "real", "warp"),
		startAxis:   words("Whether guests are powered on, or go on from a snapshot of their firmware.", "auto", "cold", "warm"),
		imageAxis:   words("The boot program in place of the probe.", orOwn(k.Images)...),
		faultsAxis:  described(named(object{"type": "array", "items": object{"type": "object"}}), "Faults that every guest has besides its own."),
		serversAxis: described(named(object{"type": "object"}), "Services in place of those of the same names; one without a value is taken away."),
	}
}

// named is a mapping of names of values.
func named(of object) object {
	return object{"type": "object", "minProperties": 1, "propertyNames": object{"pattern": nameRule}, "additionalProperties": of}
}

// described gives a part a description.
func described(part object, text string) object {
	out := object{"description": text}
	for k, v := range part {
		out[k] = v
	}
	return out
}
