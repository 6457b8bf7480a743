package bis

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"

	"github.com/smallstep/pkcs7"
)

// Signer is who signs boot programs.
type Signer struct {
	Certificate *x509.Certificate
	Key         crypto.Signer     // RSA: the signature block of a signed manifest names the algorithm by its suffix
	Authority   *x509.Certificate // that issued Certificate, or is it; what a client is given to trust
}

// Sign makes the credentials of a boot program: a signed manifest in its archive. The same program and signer give the
// same credentials.
func Sign(program []byte, s Signer) ([]byte, error) {
	if _, ok := s.Key.(*rsa.PrivateKey); !ok {
		return nil, fmt.Errorf("signing a boot program: the key is a %T; an RSA key is needed", s.Key)
	}
	a := archive{manifest: manifestText([][2]string{{"Manifest-Version", "2.0"},
		{"ManifestPersistentId", persistentID("manifest", program, s.Certificate.Raw)}}, program)}
	m, err := parseManifest(a.manifest)
	if err != nil {
		return nil, fmt.Errorf("signing a boot program: %w", err)
	}
	a.signer = manifestText([][2]string{{"Signature-Version", "2.0"},
		{"SignerInformationPersistentId", persistentID("signer", program, s.Certificate.Raw)},
		{"SignerInformationName", signerName}}, m.boot.raw)
	if a.block, err = signatureBlock(a.signer, s); err != nil {
		return nil, fmt.Errorf("signing a boot program: %w", err)
	}
	return a.pack()
}

// signatureBlock makes the detached PKCS#7 signature of the signer's information.
func signatureBlock(signed []byte, s Signer) ([]byte, error) {
	sd, err := pkcs7.NewSignedData(signed)
	if err != nil {
		return nil, err
	}
	sd.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	// Without attributes: a time of signing would be the signer's word only, and need a clock.
	if err := sd.SignWithoutAttr(s.Certificate, s.Key, pkcs7.SignerInfoConfig{}); err != nil {
		return nil, err
	}
	sd.Detach()
	return sd.Finish()
}

// persistentID is a GUID, unique to a program and its signer, as manifests write it.
func persistentID(kind string, program, certificate []byte) string {
	h := sha256.New()
	for _, b := range [][]byte{[]byte(kind), program, certificate} {
		sum := sha256.Sum256(b)
		h.Write(sum[:])
	}
	id := h.Sum(nil)[:16]
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // version 8, made by a rule of one's own (RFC 9562 section 5.8)
	return base64.StdEncoding.EncodeToString(id)
}
