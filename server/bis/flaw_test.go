package bis

import (
	"bytes"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestSignFlawed holds that each flaw is refused for its own reason, and none is found where there is none.
func TestSignFlawed(t *testing.T) {
	now := day.AddDate(0, 6, 0)
	for _, why := range []Reason{Missing, Malformed, TypeUnsupported, ProgramTampered, ManifestTampered, SignatureTampered, WrongSigner, Expired, NotYetValid} {
		signer, at := lab(), now
		switch why {
		case WrongSigner:
			signer = stranger()
		case Expired:
			at = day.AddDate(2, 0, 0)
		case NotYetValid:
			at = day.Add(-time.Hour)
		}
		credentials, err := SignFlawed(program, signer, why)
		if err != nil {
			t.Errorf("%s: %v", why, err)
		}
		by, err := Verify(program, credentials, []*x509.Certificate{lab().Authority}, at)
		if r := (*Refusal)(nil); !errors.As(err, &r) || r.Reason != why {
			t.Errorf("flaw %s: %v %v", why, by, err)
		}
	}
	for _, c := range []struct {
		program []byte
		why     Reason
		want    string
	}{{program, Unanswered, "no such flaw"}, {nil, ProgramTampered, "no octet to change"}} {
		if _, err := SignFlawed(c.program, lab(), c.why); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.why, err)
		}
	}
	by, err := Verify(program, pack(t, sign(t, lab())), []*x509.Certificate{lab().Authority}, now)
	if err != nil || !by.Equal(lab().Certificate) {
		t.Errorf("signed by %v, %v", by, err)
	}
}

func TestParseCertificates(t *testing.T) {
	both := append(EncodeCertificate(lab().Authority), pemOf("PRIVATE KEY", []byte("x"))...)
	both = append(both, EncodeCertificate(stranger().Authority)...)
	list, err := ParseCertificates(both)
	if err != nil || len(list) != 2 || !list[0].Equal(lab().Authority) || !list[1].Equal(stranger().Authority) {
		t.Errorf("%v, %v", list, err)
	}
	for text, want := range map[string]string{"": "there is no certificate in it", string(pemOf("CERTIFICATE", []byte("x"))): "certificate 1: "} {
		if _, err := ParseCertificates([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzParseCertificates holds that what is read is what is there, and that no file crashes whoever installs it.
func FuzzParseCertificates(f *testing.F) {
	f.Add(EncodeCertificate(lab().Authority))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := ParseCertificates(text)
		if (err == nil) == (len(list) == 0) {
			t.Errorf("%d certificates, %v", len(list), err)
		}
		for _, c := range list {
			if again, err := ParseCertificates(EncodeCertificate(c)); err != nil || !bytes.Equal(again[0].Raw, c.Raw) {
				t.Errorf("written and read again: %v", err)
			}
		}
	})
}
