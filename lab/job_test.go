package lab

import (
	"testing"

	"github.com/pxelab/pxelab/images"
)

func TestNonce(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		n := NewNonce()
		if len(n) != images.NonceLength || seen[n] {
			t.Fatalf("nonce %q is seen again, or is not %d characters", n, images.NonceLength)
		}
		seen[n] = true
	}
}
