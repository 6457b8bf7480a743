package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/pxelab/pxelab/images"
	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/plan"
)

// Bundle is the folder one run leaves: the plan, everything that happened, and all that was served.
type Bundle string

// The files of a bundle. Guests have a folder each under guests/, TFTP roots are under tftp/, HTTP roots under http/.
func (b Bundle) plan() string               { return filepath.Join(string(b), "plan.json") }
func (b Bundle) events() string             { return filepath.Join(string(b), "events.jsonl") }
func (b Bundle) wire() string               { return filepath.Join(string(b), "wire.pcapng") }
func (b Bundle) log() string                { return filepath.Join(string(b), "lab.log") }
func (b Bundle) guest(name string) string   { return filepath.Join(string(b), "guests", name) }
func (b Bundle) tftp(service string) string { return filepath.Join(string(b), "tftp", service) }
func (b Bundle) http(service string) string { return filepath.Join(string(b), "http", service) }

// Wire is the path of its capture.
func (b Bundle) Wire() string { return b.wire() }

// Cast is the path of the recording of a guest's console (asciinema's form, version 2), as its terminal was written to.
func (b Bundle) Cast(guest string) string { return filepath.Join(b.guest(guest), "console.cast") }

// createBundle makes the folder and everything in it that is known before the run: the plan, the images with
// the nonce patched in, and for each guest a script that boots it by hand. On error nothing is left behind.
func createBundle(dir string, p *plan.Plan, nonce string) (b Bundle, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("make the bundle: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("make the bundle: %w; choose another place with --out", err)
	}
	if err := os.Mkdir(dir, 0o755); errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("make the bundle: %s exists already; choose another place with --out", dir)
	} else if err != nil {
		return "", fmt.Errorf("make the bundle: %w; choose another place with --out", err)
	}
	b = Bundle(dir)
	defer func() {
		if err == nil {
			return
		}
		_ = os.RemoveAll(dir)
		if errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("make the bundle: %w; make room there, or choose another place with --out", err)
		}
	}()
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write the plan: %w", err)
	}
	if err := os.WriteFile(b.plan(), append(text, '\n'), 0o644); err != nil {
		return "", fmt.Errorf("write the plan: %w", err)
	}
	for _, s := range p.Services {
		if err := errors.Join(b.writeRoots(s, nonce), b.writeWork(s)); err != nil {
			return "", err
		}
	}
	for _, g := range p.Guests {
		if err := b.writeGuest(p, g); err != nil {
			return "", err
		}
	}
	return b, nil
}

// writeRoots fills the roots of one service.
func (b Bundle) writeRoots(s plan.Service, nonce string) error {
	if (s.Exec != nil || s.External) && len(s.Files) > 0 || s.Server != nil && s.Server.TFTP != nil {
		if err := b.writeRoot(s, nonce, b.tftp(s.Name), s.Files); err != nil {
			return err
		}
	}
	if s.Server != nil && s.Server.HTTP != nil {
		return b.writeRoot(s, nonce, b.http(s.Name), s.HTTPFiles)
	}
	return nil
}

// writeRoot fills one root.
func (b Bundle) writeRoot(s plan.Service, nonce, root string, files []string) error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return fmt.Errorf("make a root of %s: %w", s.Name, err)
	}
	for _, file := range files {
		if hostMade(file) {
			continue // addPayloads does
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

// put writes a file, and makes the folder that it is in.
func put(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, mode)
}

// writeGuest makes a guest's folder with the script that boots it by hand.
func (b Bundle) writeGuest(p *plan.Plan, g plan.Guest) error {
	if err := os.MkdirAll(b.guest(g.Name), 0o755); err != nil {
		return fmt.Errorf("make the folder of guest %s: %w", g.Name, err)
	}
	script := filepath.Join(b.guest(g.Name), "qemu.sh")
	if err := os.WriteFile(script, []byte(byHand(p, g)), 0o755); err != nil {
		return fmt.Errorf("write the script of guest %s: %w", g.Name, err)
	}
	return nil
}

// byHand is a shell script that boots the guest outside the lab, with QEMU's built-in network in place of
// the cable. Its working directory must be the guest's folder.
func byHand(p *plan.Plan, g plan.Guest) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/sh\n# Boots guest %s of %s by hand: QEMU's built-in DHCP and TFTP stand in for the lab's network.\n", g.Name, p.Name)
	b.WriteString("set -eu\ncd \"$(dirname \"$0\")\"\nRUN=.\n")
	for _, c := range g.Copies {
		fmt.Fprintf(&b, "cp %s %s\n", quote(c.From), quote(c.To))
	}
	for i, a := range g.Argv {
		value := a.Value
		switch {
		case strings.HasPrefix(value, "dgram,"):
			value = "user,id=n0,net=192.0.2.0/24" + userBoot(p, g)
		case strings.Contains(value, fmt.Sprintf("fd=%d", plan.FDMonitor)), a.Flag == "-mon":
			continue
		case strings.Contains(value, "IPv4PXESupport"): // QEMU's stand-in has no DHCPv6: by hand it boots over IPv4
			continue
		}
		if i > 0 {
			b.WriteString(" \\\n  ")
		} else {
			b.WriteString("exec ")
		}
		b.WriteString(quote(a.Flag))
		if value != "" {
			b.WriteString(" " + strings.ReplaceAll(quote(value), "${RUN}", "."))
		}
	}
	b.WriteString(" \"$@\"\n")
	return b.String()
}

// userBoot gives QEMU's built-in servers the guest's boot file, if the lab serves one.
func userBoot(p *plan.Plan, g plan.Guest) string {
	for _, file := range bootFiles(p, g) {
		for _, s := range p.Services {
			if slices.Contains(s.Files, file) {
				return fmt.Sprintf(",tftp=../../tftp/%s,bootfile=%s", s.Name, file)
			}
		}
	}
	return ""
}

// bootFiles lists what the guest may be told to boot when it has just been powered on, the likeliest first.
func bootFiles(p *plan.Plan, g plan.Guest) []string {
	var out []string
	for _, s := range p.Services {
		if s.Server == nil || s.Server.DHCP == nil || s.Server.DHCP.Boot == nil {
			continue
		}
		if g.Client == "ipxe" {
			out = append(out, s.Server.DHCP.Boot.IPXE[g.Arch])
		}
		out = append(out, s.Server.DHCP.Boot.Files[g.Arch])
	}
	for _, img := range p.Images {
		if img.Arch == g.Arch {
			out = append(out, img.File)
		}
	}
	return out
}

// quote makes one word of s for the shell.
func quote(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\n'\"\\$`*?[]{}()<>|&;#~!") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// ReadBundle reads back what a run recorded: its plan and its events.
func ReadBundle(dir string) (*plan.Plan, []event.Event, error) {
	p, err := ReadPlan(dir)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(Bundle(dir).events())
	if err != nil {
		return nil, nil, fmt.Errorf("read bundle %s: %w; a bundle is a folder with plan.json and events.jsonl", dir, err)
	}
	defer f.Close()
	events, err := event.Read(f)
	if err != nil {
		return nil, nil, fmt.Errorf("read bundle %s: %w", dir, err)
	}
	return p, events, nil
}

// ReadPlan reads the plan of a bundle.
func ReadPlan(dir string) (*plan.Plan, error) {
	text, err := os.ReadFile(Bundle(dir).plan())
	if err != nil {
		return nil, fmt.Errorf("read bundle %s: %w; a bundle is a folder with plan.json and events.jsonl", dir, err)
	}
	var p plan.Plan
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("read bundle %s: plan.json: %w", dir, err)
	}
	if p.Version != plan.Version {
		return nil, fmt.Errorf("read bundle %s: plan.json has version %d, this pxelab reads %d", dir, p.Version, plan.Version)
	}
	return &p, nil
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

// servedImages describes the files of all roots as they stand in the bundle.
func (b Bundle) servedImages(p *plan.Plan) ([]event.Image, error) {
	var out []event.Image
	for _, img := range p.Images {
		i := slices.IndexFunc(p.Services, func(s plan.Service) bool {
			return slices.Contains(s.Files, img.File) || s.Alias[img.File] != "" || slices.Contains(s.HTTPFiles, img.File)
		})
		root := b.tftp(p.Services[i].Name)
		if !slices.Contains(p.Services[i].Files, img.File) && p.Services[i].Alias[img.File] == "" {
			root = b.http(p.Services[i].Name)
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
