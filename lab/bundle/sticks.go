package bundle

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/pxelab/pxelab/lab/payload"
	"github.com/pxelab/pxelab/lab/plan"
)

// addSticks makes the USB sticks, each in the folder of its guest.
func (b Folder) addSticks(ctx context.Context, p *plan.Plan) error {
	for _, g := range p.Guests {
		if g.Stick == nil {
			continue
		}
		image, err := payload.Make(ctx, cacheFolder(), g.Stick.Made, g.Stick.From)
		if err != nil {
			return fmt.Errorf("make the stick of guest %q: %w", g.Name, err)
		}
		if err := writeFile(filepath.Join(b.Guest(g.Name), g.Stick.File), image); err != nil {
			return fmt.Errorf("make the stick of guest %q: %w", g.Name, err)
		}
	}
	return nil
}
