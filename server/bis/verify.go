package bis

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"github.com/smallstep/pkcs7"
)

// Verify checks a boot program against its credentials, as a client with BIS does before it starts it, and gives who
// signed it. Trusted are the client's Boot Object Authorization Certificates: the signer must have the key of one of them,
// as BIS has it, or a certificate issued under one. The error is a *Refusal that says what is wrong first, from the outside
// in: the file, its signature, its signer, the manifest, the program.
func Verify(program, credentials []byte, trusted []*x509.Certificate, now time.Time) (*x509.Certificate, error) {
	if len(credentials) == 0 {
		return nil, refuse(Missing, "there are no credentials")
	}
	a, err := unpack(credentials)
	if err != nil {
		return nil, refuse(Malformed, "%v", err)
	}
	if a.block == nil {
		return nil, refuse(TypeUnsupported, "the signature block is a %s file, and only RSA's can be checked", a.other)
	}
	signer, err := parseManifest(a.signer)
	if err != nil {
		return nil, refuse(Malformed, "signer's information: %v", err)
	}
	m, err := parseManifest(a.manifest)
	if err != nil {
		return nil, refuse(Malformed, "manifest: %v", err)
	}
	if err := checkHeaders(m, signer); err != nil {
		return nil, err
	}
	by, err := checkSignature(a, trusted, now)
	if err != nil {
		return nil, err
	}
	return by, checkDigests(program, m, signer)
}

// checkDigests checks that the signer's information describes the manifest, and that the program.
func checkDigests(program []byte, m, signer manifest) error {
	switch same, known := signer.boot.matches(m.boot.raw); {
	case !known:
		return refuse(TypeUnsupported, "no digest can be checked but %q", signer.boot.algorithms)
	case !same:
		return refuse(ManifestTampered, "its digest is not the one signed for")
	}
	if same, _ := m.boot.matches(program); !same {
		return refuse(ProgramTampered, "the digest of its %d octets is not the manifest's", len(program))
	}
	return nil
}

// checkHeaders holds both files to the versions and names that BIS prescribes.
func checkHeaders(m, signer manifest) error {
	switch {
	case m.header["Manifest-Version"] != "2.0":
		return refuse(Malformed, "manifest version %q is not 2.0", m.header["Manifest-Version"])
	case signer.header["Signature-Version"] != "2.0":
		return refuse(Malformed, "signature version %q is not 2.0", signer.header["Signature-Version"])
	case signer.header["SignerInformationName"] != signerName:
		return refuse(Malformed, "the signer's information is called %q, not %s", signer.header["SignerInformationName"], signerName)
	case !slices.Equal(m.boot.algorithms, signer.boot.algorithms):
		return refuse(Malformed, "the signer's information names the digests %q, the manifest %q", signer.boot.algorithms, m.boot.algorithms)
	}
	return nil
}

// checkSignature checks that somebody trusted signed the signer's information, and gives who.
func checkSignature(a archive, trusted []*x509.Certificate, now time.Time) (*x509.Certificate, error) {
	p7, err := pkcs7.Parse(a.block)
	if err != nil {
		return nil, refuse(Malformed, "signature block: %v", err)
	}
	if len(p7.Content) > 0 {
		return nil, refuse(Malformed, "the signature block carries what it signs, which must be the signer's information file")
	}
	by := p7.GetOnlySigner()
	if by == nil {
		return nil, refuse(Malformed, "the signature block does not have exactly one signer with its certificate")
	}
	if n := longestKey(p7.Certificates); n > maxKey {
		return nil, refuse(TypeUnsupported, "a certificate has an RSA key of %d bits, and keys of up to %d are checked", n, maxKey)
	}
	p7.Content = a.signer
	late := &pkcs7.SigningTimeNotValidError{}
	switch err := p7.VerifyWithChainAtTime(nil, now); {
	case errors.As(err, &late):
		return nil, refuse(Expired, "signed at %s, when the signer's certificate was not valid", late.SigningTime.UTC().Format(time.DateOnly))
	case isUnsupported(err):
		return nil, refuse(TypeUnsupported, "signature: %v", err)
	case err != nil:
		return nil, refuse(SignatureTampered, "%v", err)
	}
	return by, checkSigner(by, p7.Certificates, trusted, now)
}

// maxKey is the longest RSA key with which anything is checked, in bits: a stranger's key must not cost a client minutes.
const maxKey = 8192

// longestKey gives the length of the longest RSA key of some certificates, in bits.
func longestKey(certs []*x509.Certificate) (bits int) {
	for _, c := range certs {
		if key, ok := c.PublicKey.(*rsa.PublicKey); ok {
			bits = max(bits, key.N.BitLen())
		}
	}
	return bits
}

// isUnsupported tells an algorithm that cannot be checked from a signature that is wrong.
func isUnsupported(err error) bool {
	var insecure x509.InsecureAlgorithmError
	return errors.As(err, &insecure) || errors.Is(err, x509.ErrUnsupportedAlgorithm) || errors.Is(err, pkcs7.ErrUnsupportedAlgorithm)
}

// checkSigner checks who signed.
func checkSigner(by *x509.Certificate, others, trusted []*x509.Certificate, now time.Time) error {
	name := by.Subject.String()
	if !trusts(by, others, trusted, by.NotBefore) { // at a time when by itself is valid: its own time is checked below
		return refuse(WrongSigner, "%q is none of the %d that are trusted, nor issued by one", name, len(trusted))
	}
	switch {
	case now.Before(by.NotBefore):
		return refuse(NotYetValid, "the certificate of %q is valid from %s", name, by.NotBefore.UTC().Format(time.DateOnly))
	case now.After(by.NotAfter):
		return refuse(Expired, "the certificate of %q was valid until %s", name, by.NotAfter.UTC().Format(time.DateOnly))
	case !trusts(by, others, trusted, now):
		return refuse(Expired, "a certificate above that of %q is not valid now", name)
	}
	return nil
}

// trusts tells whether a certificate has the key of a trusted one, or leads up to one at a time.
func trusts(by *x509.Certificate, others, trusted []*x509.Certificate, at time.Time) bool {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, t := range trusted {
		key, ok := t.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
		if ok && key.Equal(by.PublicKey) {
			return true
		}
		roots.AddCert(t)
	}
	for _, o := range others {
		between.AddCert(o)
	}
	_, err := by.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil
}
