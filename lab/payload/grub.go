package payload

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// grubModules are what the core image holds besides GRUB's kernel, so that it fetches no module: normal and configfile
// read the configuration, efinet and tftp fetch it, regexp takes the MAC address apart for BOOTIF, linux boots.
const grubModules = "normal configfile efinet tftp net linux echo regexp test boot halt"

// mkimage makes a GRUB core image for the target whose modules are in the second of the given paths. Its prefix has
// no device: GRUB then takes the server it was loaded from, and reads grub/grub.cfg there.
func mkimage(ctx context.Context, from []string) ([]byte, error) {
	return runMkimage(ctx, from[0], from[1], append([]string{"--prefix", "/grub"}, strings.Fields(grubModules)...))
}

// runMkimage runs grub-mkimage for the target whose modules are in a folder, with what else is to be told.
func runMkimage(ctx context.Context, tool, folder string, more []string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "pxelab-grub-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	image := filepath.Join(dir, "core.img")
	args := append([]string{"--format", filepath.Base(folder), "--directory", folder, "--output", image}, more...)
	cmd := exec.CommandContext(ctx, tool, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", tool, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return os.ReadFile(image)
}
