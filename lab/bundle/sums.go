package bundle

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pxelab/pxelab/lab/plan"
)

// sumsFile is in each TFTP root, and holds the checksum of every other file there in the form that sha256sum reads: for
// the clients that are not ours, and cannot know what this run made.
const sumsFile = "SHA256SUMS"

// WriteSums writes the checksums of all TFTP roots, as they stand in the bundle.
func (b Folder) WriteSums(p *plan.Plan) error {
	for _, s := range p.Services {
		if s.Server == nil || s.Server.TFTP == nil {
			continue
		}
		var text strings.Builder
		names := slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(s.Alias)), s.Files...)))
		for _, name := range slices.Compact(names) {
			data, err := os.ReadFile(filepath.Join(b.TFTP(s.Name), name))
			if err != nil {
				return fmt.Errorf("read back a served file: %w", err)
			}
			fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(data), name)
		}
		if err := os.WriteFile(filepath.Join(b.TFTP(s.Name), sumsFile), []byte(text.String()), 0o644); err != nil {
			return fmt.Errorf("write the checksums of %s: %w", s.Name, err)
		}
	}
	return nil
}
