package studio

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// An exported page is one file, and a script in it cannot import another: its policy lets in what has a known hash, and an import has
// an address instead. So the page's modules are linked into one script here. They keep to a few forms, which this understands:
//
//	import {a, b as c} from "./x.js";
//	export function f() ... export async function g() ... export class C ... export const d = ...
//
// Each module becomes a function that gives what it exports, called once, after those that it imports.

var (
	importForm = regexp.MustCompile(`(?m)^import\s*\{([^}]*)\}\s*from\s*"(\./[\w/.-]+\.js)";?[ \t]*$`)
	exportForm = regexp.MustCompile(`(?m)^export\s+((?:async\s+)?function\s*\*?|class|const)\s+([A-Za-z_$][\w$]*)`)
	otherForm  = regexp.MustCompile(`(?m)^\s*(?:import|export)\b.*$|\bimport\s*\(|\bimport\.meta\b`)
)

// linker puts modules together.
type linker struct {
	files   fs.FS
	names   map[string]string // of the modules that are linked, by their path
	pending []string          // paths of those that are being linked: each imports the next
	out     strings.Builder
}

// link gives the script that runs the module at that path and all that it imports.
func link(files fs.FS, entry string) (string, error) {
	l := &linker{files: files, names: map[string]string{}}
	l.out.WriteString("\"use strict\";\n(() => {\n")
	if err := l.module(entry); err != nil {
		return "", err
	}
	l.out.WriteString("})();\n")
	return l.out.String(), nil
}

func (l *linker) module(at string) error {
	if l.names[at] != "" {
		return nil
	}
	if slices.Contains(l.pending, at) {
		return fmt.Errorf("link the page: %s imports itself (%s)", at, strings.Join(append(l.pending, at), " imports "))
	}
	data, err := fs.ReadFile(l.files, at)
	if err != nil {
		return fmt.Errorf("link the page: %w", err)
	}
	l.pending = append(l.pending, at)
	defer func() { l.pending = l.pending[:len(l.pending)-1] }()
	text := string(data)
	for _, m := range importForm.FindAllStringSubmatch(text, -1) {
		if err := l.module(path.Join(path.Dir(at), m[2])); err != nil {
			return err
		}
	}
	text = importForm.ReplaceAllStringFunc(text, func(s string) string {
		m := importForm.FindStringSubmatch(s)
		return fmt.Sprintf("const {%s} = %s;", strings.ReplaceAll(m[1], " as ", ": "), l.names[path.Join(path.Dir(at), m[2])])
	})
	var exports []string
	for _, m := range exportForm.FindAllStringSubmatch(text, -1) {
		exports = append(exports, m[2])
	}
	text = exportForm.ReplaceAllString(text, "$1 $2")
	if other := otherForm.FindString(text); other != "" {
		return fmt.Errorf("link the page: %s: %q is none of the forms that link.go understands", at, strings.TrimSpace(other))
	}
	name := fmt.Sprintf("module%d", len(l.names))
	l.names[at] = name
	fmt.Fprintf(&l.out, "// %s\nconst %s = (() => {\n%s\nreturn {%s};\n})();\n", at, name, strings.TrimRight(text, "\n"), strings.Join(exports, ", "))
	return nil
}
