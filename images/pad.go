package images

import (
	"crypto/sha256"
	"math/rand/v2"
	"strings"
)

// Padded makes an EFI image size octets long, by octets behind its end that no two blocks have alike and that follow from
// the nonce. A PE image says itself how much of it is loaded, so it runs as before; the CRC that the probe reports covers
// all of it. Other files stay as they are: BIOS loads a boot program whole below 640 KiB.
func Padded(file string, data []byte, size int, nonce string) []byte {
	if !strings.HasSuffix(file, ".efi") || size <= len(data) {
		return data
	}
	out := make([]byte, size)
	n := copy(out, data)
	rand.NewChaCha8(sha256.Sum256([]byte("padding " + nonce))).Read(out[n:]) // never fails
	return out
}
