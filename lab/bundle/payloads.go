package bundle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/payload"
	"github.com/pxelab/pxelab/lab/plan"
)

// AddPayloads makes the files that come from the host, and puts each into the TFTP roots that serve it.
func (b Folder) AddPayloads(ctx context.Context, p *plan.Plan, nonce string) error {
	for _, m := range p.Images {
		if m.Made == "" {
			continue
		}
		data, err := makeFile(ctx, m, nonce)
		if err != nil {
			return fmt.Errorf("make %s of image %q: %w", m.File, m.Name, err)
		}
		for _, s := range p.Services {
			if !slices.Contains(s.Files, m.File) {
				continue
			}
			if err := b.addFile(s.Name, m.File, data); err != nil {
				return fmt.Errorf("write the TFTP root of %s: %w", s.Name, err)
			}
		}
	}
	return b.addSticks(ctx, p)
}

func makeFile(ctx context.Context, m plan.Image, nonce string) ([]byte, error) {
	if m.Made != plan.MadeConfig {
		return payload.Make(ctx, cacheFolder(), m.Made, m.From)
	}
	data, ok := images.ConfigFile(m.File, nonce)
	if !ok {
		return nil, errors.New("nobody knows what such a configuration says")
	}
	return data, nil
}

func (b Folder) addFile(service, file string, data []byte) error {
	return writeFile(filepath.Join(b.TFTP(service), filepath.FromSlash(file)), data)
}

// cacheFolder is where the host's facts are kept too; empty if the user has none.
func cacheFolder() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "pxelab")
}

// hostMade tells whether a file is made from the host rather than held by this binary.
func hostMade(file string) bool {
	m, ok := images.ByFile(file)
	return ok && m.HostMade()
}
