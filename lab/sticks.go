package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pxelab/pxelab/lab/payload"
	"github.com/pxelab/pxelab/lab/plan"
)

// addSticks makes the USB sticks, each in the folder of its guest.
func (b Bundle) addSticks(ctx context.Context, p *plan.Plan) error {
	for _, g := range p.Guests {
		if g.Stick == nil {
			continue
		}
		image, err := payload.Make(ctx, cacheFolder(), g.Stick.Made, g.Stick.From)
		if err != nil {
			return fmt.Errorf("make the stick of guest %q: %w", g.Name, err)
		}
		err = os.WriteFile(filepath.Join(b.guest(g.Name), g.Stick.File), image, 0o644)
		if errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("%w; make room there, or choose another place with --out", err)
		}
		if err != nil {
			return fmt.Errorf("make the stick of guest %q: %w", g.Name, err)
		}
	}
	return nil
}
