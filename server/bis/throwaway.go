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

// Authority is a throw-away authority, in memory only: for a lab, whose programs nobody else is to believe.
type Authority struct {
	Certificate *x509.Certificate // what the owner of a machine installs
	key         *rsa.PrivateKey
}

// NewAuthority makes an authority whose certificate is valid from and until the times given.
func NewAuthority(name string, from, until time.Time) (*Authority, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("making a throw-away authority: %w", err)
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name + " authority"}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	certificate, err := certify(ca, ca, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return &Authority{Certificate: certificate, key: key}, nil
}

// Signer makes a signer with a certificate of this authority, valid from and until the times given.
func (a *Authority) Signer(name string, from, until time.Time) (Signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return Signer{}, fmt.Errorf("making a throw-away signer: %w", err)
	}
	certificate, err := certify(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name + " signer"},
		NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}, a.Certificate, &key.PublicKey, a.key)
	return Signer{Certificate: certificate, Key: key, Authority: a.Certificate}, err
}

// Throwaway makes an authority and a signer of one name and one time.
func Throwaway(name string, from, until time.Time) (Signer, error) {
	a, err := NewAuthority(name, from, until)
	if err != nil {
		return Signer{}, err
	}
	return a.Signer(name, from, until)
}

func certify(c, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("certifying %q: %w", c.Subject, err)
	}
	return x509.ParseCertificate(der)
}
