package bundle

import (
	"bytes"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/server"
	"github.com/pxelab/pxelab/server/bis"
)

// TestCredentials signs what a bundle serves, and holds that a client with the owner's certificate refuses each program for
// the reason of its flaw, and no other.
func TestCredentials(t *testing.T) {
	now := time.Now()
	p := small()
	boot := &p.Services[0]
	for _, flaw := range []bis.Reason{"", bis.Missing, bis.Malformed, bis.TypeUnsupported, bis.ProgramTampered, bis.ManifestTampered,
		bis.SignatureTampered, bis.WrongSigner, bis.Expired, bis.NotYetValid} {
		boot.Signed = append(boot.Signed, plan.Signed{File: "probe-x64.efi", Credentials: "x/" + string(flaw) + ".esw", Flaw: flaw})
	}
	b, err := Create(filepath.Join(t.TempDir(), "bundle"), p, "ABCDEFGHJKLMNPQR")
	if err == nil {
		err = b.AddCredentials(p, now)
	}
	if err != nil {
		t.Fatal(err)
	}
	owner := certificateIn(t, b, plan.OwnerFile)
	program, err := os.ReadFile(filepath.Join(b.TFTP("boot"), "probe-x64.efi"))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range boot.Signed {
		credentials, err := os.ReadFile(filepath.Join(b.TFTP("boot"), x.Credentials))
		if err != nil && x.Flaw != bis.Missing {
			t.Error(err)
		}
		_, err = bis.Verify(program, credentials, []*x509.Certificate{owner}, now)
		if r := (*bis.Refusal)(nil); x.Flaw != "" && (!errors.As(err, &r) || r.Reason != x.Flaw) || x.Flaw == "" && err != nil {
			t.Errorf("flaw %q: %v", x.Flaw, err)
		}
	}
	files := map[string]string{"efi-x64": "x/.esw"}
	c := &server.BootServerConfig{Boots: []server.BootServerItem{{Type: 1}, {Type: 2, CredentialsFile: files}}}
	told, err := b.WithCredentials(c)
	if err != nil || told.Boots[0].Credentials != nil || len(told.Boots[1].Credentials) != 1 ||
		told.Boots[1].Credentials[0] != bis.CredentialType(owner) || c.Boots[1].Credentials != nil {
		t.Errorf("%+v, %v", told, err)
	}
}

// TestCertificatesAlone: a client may be told of certificates where nothing is signed; and where nobody is, there are none.
func TestCertificatesAlone(t *testing.T) {
	p := small()
	b, err := Create(filepath.Join(t.TempDir(), "bundle"), p, "ABCDEFGHJKLMNPQR")
	if err == nil {
		err = b.AddCredentials(p, time.Now())
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(string(b), plan.OwnerFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a certificate that nobody is told of: %v", err)
	}
	p.Certificates = []string{plan.OwnerFile}
	if err := b.AddCredentials(p, time.Now()); err != nil {
		t.Fatal(err)
	}
	if owner, other := certificateIn(t, b, plan.OwnerFile), certificateIn(t, b, plan.StrangerFile); bytes.Equal(owner.Raw, other.Raw) {
		t.Error("the owner is the stranger")
	}
}

func certificateIn(t *testing.T, b Folder, name string) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(string(b), name))
	if err != nil {
		t.Fatal(err)
	}
	list, err := bis.ParseCertificates(text)
	if err != nil {
		t.Fatal(err)
	}
	return list[0]
}
