// Package lessons holds the lessons that are shipped: Markdown, and topologies of their own.
package lessons

import "embed"

// Files are NAME.md and NAME.yaml.
//
//go:embed *.md *.yaml
var Files embed.FS
