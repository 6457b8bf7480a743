package bis

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// certificateBlock is what a certificate is called in a PEM file (RFC 7468 section 5).
const certificateBlock = "CERTIFICATE"

// ParseCertificates reads the certificates of a PEM file; what else is in it is left out. No certificate is an error.
func ParseCertificates(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		if text = rest; block.Type != certificateBlock {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(all)+1, err)
		}
		all = append(all, c)
	}
	if all == nil {
		return nil, errors.New("there is no certificate in it; it must be a PEM file, which has lines -----BEGIN CERTIFICATE-----")
	}
	return all, nil
}

// EncodeCertificate writes a certificate as a PEM file.
func EncodeCertificate(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: c.Raw})
}
