package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pxelab/pxelab/lab/whole"
)

// prepareStores gives every firmware with flash a variable store that one boot has set up. The distribution's
// template is that of a machine fresh from the factory: OVMF writes some 17 000 octets into it at its first
// boot, each a command to the flash chip, which under TCG costs a fifth of the whole boot. Guests get a copy
// of the store after that, as a machine has it that was powered on before.
//
// The boot has neither card nor disk, so the store names none. It is made once and kept; where that fails, the
// template does. Unless missing ones are to be made, those that are there are found.
func (m machine) prepareStores(ctx context.Context, h *Host, makeMissing bool) {
	q, ok := h.Find("x86_64")
	if !ok || m.cache == "" {
		return
	}
	for i := range h.Firmware {
		f := &h.Firmware[i]
		if f.Vars == "" {
			continue
		}
		kept := filepath.Join(m.cache, "vars-"+f.Name+"-"+m.storeKey(q, *f)+".fd")
		if sameSize(kept, f.Vars) || makeMissing && m.prepareStore(ctx, q, *f, kept) == nil {
			f.Prepared = kept
		}
	}
}

// storeKey names everything a prepared store depends on.
func (m machine) storeKey(q QEMU, f Firmware) string {
	h := sha256.New()
	fmt.Fprintln(h, q.Version)
	for _, file := range []string{q.Path, f.Code, f.Vars} {
		if st, err := fs.Stat(m.root, rel(file)); err == nil {
			fmt.Fprintln(h, file, st.Size(), st.ModTime().UTC().Format(time.RFC3339Nano))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// sameSize tells whether a kept store is whole.
func sameSize(kept, template string) bool {
	k, err := os.Stat(kept)
	if err != nil {
		return false
	}
	t, err := os.Stat(template)
	return err == nil && k.Size() == t.Size()
}

// storeLimit bounds the boot that prepares a store; it takes 3 s on a calm host.
const storeLimit = 60 * time.Second

// prepareStore boots the firmware until it starts its shell, for want of anything else, and keeps its store.
func (m machine) prepareStore(ctx context.Context, q QEMU, f Firmware, kept string) error {
	p := proof{binary: q.Path, accel: "tcg", firmware: f, args: append(flashArgs(f), "-icount", "shift=7,sleep=off"),
		want: "BdsDxe: starting", limit: storeLimit}
	dir, err := p.prepare()
	defer os.RemoveAll(dir)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.limit, errLimit)
	defer cancel()
	if err := p.boot(ctx, dir); err != nil {
		return err
	}
	store, err := os.ReadFile(filepath.Join(dir, varsCopy))
	if err != nil {
		return err
	}
	return whole.WriteFile(kept, store, 0o600)
}
