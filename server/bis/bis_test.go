package bis

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	day     = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	program = bytes.Repeat([]byte("boot program "), 1000)
)

// lab and stranger are two signers; to make their keys takes a while.
var lab, stranger = sync.OnceValue(signerNamed("lab")), sync.OnceValue(signerNamed("stranger"))

func signerNamed(name string) func() Signer {
	return func() Signer {
		s, err := Throwaway(name, day, day.AddDate(1, 0, 0))
		if err != nil {
			panic(err)
		}
		return s
	}
}

func sign(t testing.TB, s Signer) archive {
	t.Helper()
	b, err := Sign(program, s)
	if err != nil {
		t.Fatal(err)
	}
	a, err := unpack(b)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func pack(t testing.TB, a archive) []byte {
	t.Helper()
	b, err := a.pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// zipped packs any files.
func zipped(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i+1 < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err == nil {
			_, err = f.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// resign signs an altered signer's information anew, so that what follows the signature is looked at.
func resign(t testing.TB, a archive, s Signer) archive {
	t.Helper()
	var err error
	if a.block, err = signatureBlock(a.signer, s); err != nil {
		t.Fatal(err)
	}
	return a
}

func replace(b []byte, old, with string) []byte {
	return bytes.Replace(b, []byte(old), []byte(with), 1)
}

// describe writes a signer's information that fits a manifest.
func describe(t testing.TB, a archive, s Signer) archive {
	t.Helper()
	m, err := parseManifest(a.manifest)
	if err != nil {
		t.Fatal(err)
	}
	a.signer = manifestText([][2]string{{"Signature-Version", "2.0"}, {"SignerInformationName", signerName}}, m.boot.raw)
	return resign(t, a, s)
}

// TestVerify holds that good credentials pass, and that each thing that can be wrong is refused for its own reason.
func TestVerify(t *testing.T) {
	l, good := lab(), sign(t, lab())
	now := day.AddDate(0, 6, 0)
	trusted := []*x509.Certificate{stranger().Certificate, l.Authority}
	change := func(f func(a *archive)) []byte {
		a := archive{bytes.Clone(good.manifest), bytes.Clone(good.signer), bytes.Clone(good.block), ""}
		f(&a)
		return pack(t, a)
	}
	sf := func(old, with string) []byte {
		return change(func(a *archive) { a.signer = replace(a.signer, old, with); *a = resign(t, *a, l) })
	}
	mf := func(old, with string) []byte {
		return change(func(a *archive) { a.manifest = replace(a.manifest, old, with) })
	}
	tampered := bytes.Clone(program)
	tampered[5000] ^= 1
	for _, c := range []struct {
		name        string
		program     []byte
		credentials []byte
		trusted     []*x509.Certificate
		now         time.Time
		reason      Reason
		detail      string
	}{
		{"good", program, pack(t, good), trusted, now, "", ""},
		{"the signer itself is trusted, as BIS has it", program, pack(t, good), []*x509.Certificate{l.Certificate}, now, "", ""},
		{"no credentials", program, nil, trusted, now, Missing, "there are no"},
		{"no archive", program, []byte("hello"), trusted, now, Malformed, "zip: not a valid"},
		{"too large", program, make([]byte, maxArchive+1), trusted, now, Malformed, "are more than"},
		{"a part too large", program, zipped(t, "x.mf", strings.Repeat(" ", maxPart+1)), trusted, now, Malformed, "has more than 65536 octets"},
		{"too many files", program, zipped(t, strings.Split(strings.Repeat("a,b,", 20), ",")...), trusted, now, Malformed, "20 files"},
		{"no signer's information", program, zipped(t, "x.mf", ""), trusted, now, Malformed, "no signer's"},
		{"no signature block", program, zipped(t, "x.mf", "", "x.sf", ""), trusted, now, Malformed, "no signature block"},
		{"another's signature block", program, zipped(t, "x.mf", "", "x.sf", "", "y.rsa", ""), trusted, now, Malformed, "not that of x.sf"},
		{"two manifests", program, zipped(t, "x.mf", "", "y.MF", ""), trusted, now, Malformed, "two .mf"},
		{"DSA", program, zipped(t, "x.mf", "", "x.sf", "", "x.DSA", ""), trusted, now, TypeUnsupported, ".dsa file"},
		{"tampered program", tampered, pack(t, good), trusted, now, ProgramTampered, "13000 octets"},
		{"truncated program", program[:100], pack(t, good), trusted, now, ProgramTampered, "100 octets"},
		{"tampered digest", program, mf("SHA-256-Digest: ", "SHA-256-Digest: AAAA"), trusted, now, ManifestTampered, ""},
		{"tampered section", program, mf("Name: memory:BootObject\n", "Name: memory:BootObject\nX: y\n"), trusted, now, ManifestTampered, ""},
		{"tampered signer's information", program, change(func(a *archive) { a.signer = append(a.signer, '\n') }), trusted, now, SignatureTampered, ""},
		{"another's signature", program, change(func(a *archive) { a.block = resign(t, archive{signer: []byte("x")}, l).block }), trusted, now, SignatureTampered, ""},
		{"stranger", program, pack(t, sign(t, stranger())), []*x509.Certificate{l.Authority}, now, WrongSigner, `"CN=stranger signer" is none of the 1 that are trusted`},
		{"nobody is trusted", program, pack(t, good), nil, now, WrongSigner, "none of the 0"},
		{"too early", program, pack(t, good), trusted, day.AddDate(0, 0, -1), NotYetValid, "valid from 2030-01-01"},
		{"too late", program, pack(t, good), trusted, day.AddDate(2, 0, 0), Expired, "valid until 2031-01-01"},
		{"no signature", program, change(func(a *archive) { a.block = []byte{0x30, 0} }), trusted, now, Malformed, "signature block:"},
		{"another manifest version", program, mf("Manifest-Version: 2.0", "Manifest-Version: 1.0"), trusted, now, Malformed, `version "1.0"`},
		{"another signature version", program, sf("Signature-Version: 2.0", "Signature-Version: 3"), trusted, now, Malformed, `version "3"`},
		{"an update manifest", program, sf(signerName, "BIS_UpdateManifestSignerInfoName"), trusted, now, Malformed, "is called"},
		{"another section", program, mf("memory:BootObject", "memory:Other"), trusted, now, Malformed, `no section "memory:BootObject"`},
		{"other digests", program, sf("Digest-Algorithms: SHA-256", "Digest-Algorithms: SHA-256 SHA-1\nSHA-1-Digest: AAAA"), trusted, now, Malformed, "names the digests"},
		{"no digest", program, mf("SHA-256-Digest", "SHA-512-Digest"), trusted, now, Malformed, "no SHA-256-Digest"},
		{"no algorithm", program, mf("Digest-Algorithms: SHA-256\n", ""), trusted, now, Malformed, "names no digest algorithm"},
		{"a field twice", program, mf("Digest-Algorithms: SHA-256\n", "Digest-Algorithms: SHA-256\nDigest-Algorithms: SHA-256\n"), trusted, now, Malformed, "is there twice"},
		{"a section twice", program, change(func(a *archive) { a.manifest = append(a.manifest, "Name: memory:BootObject\n"...) }), trusted, now, Malformed, "is there twice"},
		{"a long line", program, mf("Manifest-Version: 2.0", "Manifest-Version: 2.0"+strings.Repeat("x", 60)), trusted, now, Malformed, "81 octets"},
		{"no field", program, mf("Manifest-Version: 2.0", "hello"), trusted, now, Malformed, "no field"},
		{"no text", program, mf("Manifest-Version: 2.0", "X: \x00"), trusted, now, Malformed, "printable"},
	} {
		_, err := Verify(c.program, c.credentials, c.trusted, c.now)
		var r *Refusal
		switch {
		case c.reason == "" && err != nil, c.reason != "" && (!errors.As(err, &r) || r.Reason != c.reason || !strings.Contains(r.Detail, c.detail)):
			t.Errorf("%s: %v, want %s %s", c.name, err, c.reason, c.detail)
		}
	}
}

// TestOldDigests: what BIS 1.0 itself prescribes proves nothing today.
func TestOldDigests(t *testing.T) {
	a := sign(t, lab())
	a.manifest = bytes.ReplaceAll(a.manifest, []byte("SHA-256"), []byte("SHA-1"))
	a = describe(t, a, lab())
	a.signer = bytes.ReplaceAll(a.signer, []byte("SHA-256"), []byte("SHA-1"))
	_, err := Verify(program, pack(t, resign(t, a, lab())), []*x509.Certificate{lab().Authority}, day.AddDate(0, 1, 0))
	if r := (*Refusal)(nil); !errors.As(err, &r) || r.Reason != TypeUnsupported {
		t.Error(err)
	}
}

// TestHugeKey: a certificate's key is measured before anything is checked with it.
func TestHugeKey(t *testing.T) {
	a, err := NewAuthority("huge", day, day.AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	huge := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), maxKey, 1), E: 65537}
	s := lab()
	s.Certificate, err = certify(&x509.Certificate{SerialNumber: big.NewInt(3), NotBefore: day, NotAfter: day.AddDate(1, 0, 0)}, a.Certificate, huge, a.key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Verify(program, pack(t, resign(t, sign(t, lab()), s)), []*x509.Certificate{a.Certificate}, day.AddDate(0, 1, 0))
	if r := (*Refusal)(nil); !errors.As(err, &r) || r.Reason != TypeUnsupported || !strings.Contains(r.Detail, "8193 bits") {
		t.Error(err)
	}
}

// TestManifestForms: line ends, continuation lines, further sections, and an EOF character.
func TestManifestForms(t *testing.T) {
	for _, end := range []string{"\n", "\r\n", "\r"} {
		text := strings.ReplaceAll("Manifest-Version: 2.0\nLong: a\n b\n\nName: memory:Other\nX: y\n\nName: memory:BootObject\n"+
			"Digest-Algorithms: SHA-256\n  MD5\nSHA-256-Digest: AAAA\nMD5-Digest: BBBB\n\n\nName: memory:Third\n\n\x1a", "\n", end)
		m, err := parseManifest([]byte(text))
		raw := text[strings.Index(text, "Name: memory:Boot"):strings.Index(text, "Name: memory:Third")]
		if err != nil || m.header["Long"] != "ab" || strings.Join(m.boot.algorithms, " ") != "SHA-256 MD5" ||
			m.boot.digests["MD5"] != "BBBB" || string(m.boot.raw) != raw {
			t.Errorf("%q: %+v, %v", end, m, err)
		}
	}
	text := manifestText([][2]string{{"A", strings.Repeat("x", 200)}}, nil)
	if m, err := parseManifest(text); err != nil || m.header["A"] != strings.Repeat("x", 200) {
		t.Errorf("%+v, %v\n%s", m, err, text)
	}
}

func TestSign(t *testing.T) {
	a, err := Sign(program, lab())
	b, err2 := Sign(program, lab())
	if err != nil || err2 != nil || !bytes.Equal(a, b) {
		t.Error("the same program and signer give different credentials", err, err2)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Sign(program, Signer{Certificate: lab().Certificate, Key: key}); err == nil || !strings.Contains(err.Error(), "RSA key is needed") {
		t.Error(err)
	}
}

func TestCredentialTypes(t *testing.T) {
	mine, other := CredentialType(lab().Authority), CredentialType(stranger().Authority)
	if mine == other || mine&^certIDMask != 0 || mine != CredentialType(lab().Authority) {
		t.Errorf("%#x and %#x", mine, other)
	}
	if got, err := Agree([]uint32{other, mine}, []uint32{1, mine}); got != mine || err != nil {
		t.Errorf("%#x, %v", got, err)
	}
	for _, client := range [][]uint32{nil, {other}} {
		var r *Refusal
		if _, err := Agree(client, []uint32{mine}); !errors.As(err, &r) || r.Reason != TypeUnsupported {
			t.Error(err)
		}
	}
	if n := CredentialsName("boot/probe.0"); n != "boot/probe.0.esw" {
		t.Error(n)
	}
}

// FuzzVerify holds that nothing but the credentials of a program lets it pass, and that no credentials crash the client.
func FuzzVerify(f *testing.F) {
	good := sign(f, lab())
	trusted, now := []*x509.Certificate{lab().Authority}, day.AddDate(0, 1, 0)
	f.Add(good.manifest, good.signer, good.block)
	f.Add([]byte{}, []byte{}, []byte{0x30, 0x80})
	f.Fuzz(func(t *testing.T, mf, sf, block []byte) {
		if len(mf)+len(sf)+len(block) > maxPart {
			t.Skip("no credentials are as large")
		}
		if _, err := Verify(append([]byte("x"), program...), pack(t, archive{manifest: mf, signer: sf, block: block}), trusted, now); err == nil {
			t.Error("another program passes")
		}
	})
}

// FuzzUnpack reads any file as an archive.
func FuzzUnpack(f *testing.F) {
	f.Add(pack(f, sign(f, lab())))
	f.Fuzz(func(_ *testing.T, b []byte) {
		if a, err := unpack(b); err == nil {
			_, _ = parseManifest(a.manifest)
		}
	})
}
