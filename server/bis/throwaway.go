package bis

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"
)

// keyBits is the size of throw-away keys.
const keyBits = 2048

// Throwaway makes a signer with an authority of its own, in memory only: for a lab, whose programs nobody else is to
// believe. Both certificates are valid from and until the times given.
func Throwaway(name string, from, until time.Time) (Signer, error) {
	caKey, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return Signer{}, fmt.Errorf("making a throw-away authority: %w", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return Signer{}, fmt.Errorf("making a throw-away signer: %w", err)
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name + " authority"}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	authority, err := certify(ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return Signer{}, err
	}
	certificate, err := certify(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name + " signer"},
		NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}, authority, &key.PublicKey, caKey)
	return Signer{Certificate: certificate, Key: key, Authority: authority}, err
}

func certify(c, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("certifying %q: %w", c.Subject, err)
	}
	return x509.ParseCertificate(der)
}
