package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// writeRoots fills the roots of one service.
func (b Folder) writeRoots(s plan.Service, nonce string) error {
	if (s.Exec != nil || s.External) && len(s.Files) > 0 || s.Server != nil && s.Server.TFTP != nil {
		if err := b.writeRoot(s, nonce, b.TFTP(s.Name), s.Files); err != nil {
			return err
		}
	}
	if s.Server != nil && s.Server.HTTP != nil {
		return b.writeRoot(s, nonce, b.HTTP(s.Name), s.HTTPFiles)
	}
	return nil
}

// writeRoot fills one root.
func (b Folder) writeRoot(s plan.Service, nonce, root string, files []string) error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return fmt.Errorf("make a root of %s: %w", s.Name, err)
	}
	for _, file := range files {
		if hostMade(file) {
			continue // AddPayloads does
		}
		if err := writeServed(s, root, file, file, nonce); err != nil {
			return err
		}
	}
	for name, file := range s.Alias {
		if err := writeServed(s, root, name, file, nonce); err != nil {
			return err
		}
	}
	return nil
}

// writeServed puts the contents of an image's file into a root of a service under a name.
func writeServed(s plan.Service, root, name, file, nonce string) error {
	data, err := content(s, file, nonce)
	if err != nil {
		return fmt.Errorf("make %s for %s: %w", file, s.Name, err)
	}
	data = images.Padded(file, data, s.Pad<<20, nonce)
	if err := put(filepath.Join(root, name), data, 0o644); err != nil {
		return fmt.Errorf("write a root of %s: %w", s.Name, err)
	}
	return nil
}

// content is a file as it is served: an image with the nonce patched in, or the file probes fetch second.
func content(s plan.Service, file, nonce string) ([]byte, error) {
	if file == images.SecondFile {
		return images.Second(nonce), nil
	}
	i := slices.IndexFunc(images.Catalogue(), func(i images.Image) bool { return i.File == file })
	if i < 0 {
		return nil, fmt.Errorf("no image has the file name %q", file)
	}
	params := images.Params{Nonce: nonce, EchoPort: plan.EchoPort, Second: images.SecondFile}
	if s.Server != nil && s.Server.Echo != nil {
		params.EchoPort = s.Server.Echo.Port
	}
	if s.Discover != nil && images.Catalogue()[i].Arch != "bios" { // PXENV has no call for it
		t := uint16(*s.Discover)
		params.Discover = &t
	}
	return images.Catalogue()[i].Patch(params)
}

// ServedImages describes the files of all roots as they stand in the bundle.
func (b Folder) ServedImages(p *plan.Plan) ([]event.Image, error) {
	var out []event.Image
	for _, img := range p.Images {
		i := slices.IndexFunc(p.Services, func(s plan.Service) bool {
			return slices.Contains(s.Files, img.File) || s.Alias[img.File] != "" || slices.Contains(s.HTTPFiles, img.File)
		})
		root := b.TFTP(p.Services[i].Name)
		if !slices.Contains(p.Services[i].Files, img.File) && p.Services[i].Alias[img.File] == "" {
			root = b.HTTP(p.Services[i].Name)
		}
		data, err := os.ReadFile(filepath.Join(root, img.File))
		if err != nil {
			return nil, fmt.Errorf("read back a served image: %w", err)
		}
		sum := sha256.Sum256(data)
		out = append(out, event.Image{Name: img.Name, File: img.File, Arch: img.Arch, Size: len(data),
			CRC32: images.CRC32(data), SHA256: hex.EncodeToString(sum[:])})
	}
	return out, nil
}
