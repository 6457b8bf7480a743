package bis

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/pxelab/pxelab/tests/netns"
)

// TestOpenSSL is a second opinion on the signature block: OpenSSL accepts ours and refuses it for another text, and we
// accept OpenSSL's.
func TestOpenSSL(t *testing.T) {
	openssl := netns.Program(t, "openssl")
	now := time.Now()
	s, err := Throwaway("lab", now.Add(-time.Hour), now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(s.Key)
	if err != nil {
		t.Fatal(err)
	}
	a := sign(t, s)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	for name, data := range map[string][]byte{"sf": a.signer, "other": append([]byte("x"), a.signer...), "block": a.block,
		"ca.pem": EncodeCertificate(s.Authority), "cert.pem": EncodeCertificate(s.Certificate), "key.pem": pemOf("PRIVATE KEY", key)} {
		if err := os.WriteFile(file(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range []string{"smime", "cms"} {
		run := func(args ...string) ([]byte, error) {
			out, err := exec.Command(openssl, append([]string{command}, args...)...).CombinedOutput()
			return out, err
		}
		verify := []string{"-verify", "-binary", "-inform", "DER", "-in", file("block"), "-CAfile", file("ca.pem"), "-purpose", "any", "-out", file("out"), "-content"}
		if out, err := run(append(verify, file("sf"))...); err != nil {
			t.Errorf("openssl %s -verify: %v\n%s", command, err, out)
		}
		if _, err := run(append(verify, file("other"))...); err == nil {
			t.Errorf("openssl %s -verify accepts another text", command)
		}
		out, err := run("-sign", "-binary", "-outform", "DER", "-md", "sha256", "-in", file("sf"), "-signer", file("cert.pem"), "-inkey", file("key.pem"), "-out", file("theirs"))
		if err != nil {
			t.Fatalf("openssl %s -sign: %v\n%s", command, err, out)
		}
		theirs := a
		if theirs.block, err = os.ReadFile(file("theirs")); err != nil || bytes.Equal(theirs.block, a.block) {
			t.Fatal("no signature of OpenSSL's", err)
		}
		if _, err := Verify(program, pack(t, theirs), []*x509.Certificate{s.Authority}, now); err != nil {
			t.Errorf("what openssl %s signed: %v", command, err)
		}
	}
	// The digest of the program, as one would make it by hand.
	want, err := exec.Command("sh", "-c", fmt.Sprintf("printf %%s \"$0\" | %s dgst -sha256 -binary | %s base64", openssl, openssl), string(program)).Output()
	if err != nil || !bytes.Contains(a.manifest, append([]byte("SHA-256-Digest: "), bytes.TrimSpace(want)...)) {
		t.Errorf("openssl's digest of the program is %s, the manifest has\n%s", want, a.manifest)
	}
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
