// Package topologies holds the topologies that are shipped.
package topologies

import "embed"

// Files are NAME.yaml.
//
//go:embed *.yaml
var Files embed.FS
