// Package bis signs boot programs, and checks them, as Boot Integrity Services has it (Intel's BIS API 1.0; EFI 1.10 section 15.5).
package bis

import (
	"crypto/sha1" //nolint:gosec // BIS names certificates by it; nothing is trusted for it
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"slices"
)

// Reason is why a boot program is refused.
type Reason string

// The reasons, one for each thing that can be wrong.
const (
	Missing           Reason = "credentials-missing"    // there is no credentials file, or nothing in it
	Malformed         Reason = "credentials-malformed"  // it is no signed manifest
	TypeUnsupported   Reason = "type-unsupported"       // its kind of signature or digest is none that can be checked, or is trusted
	ProgramTampered   Reason = "program-tampered"       // the program is not the one that the manifest describes
	ManifestTampered  Reason = "manifest-tampered"      // the manifest is not the one that was signed for
	SignatureTampered Reason = "signature-tampered"     // the signature is not one of what is signed
	WrongSigner       Reason = "wrong-signer"           // whoever signed is not trusted
	Expired           Reason = "signer-expired"         // the signer's certificate is no longer valid
	NotYetValid       Reason = "signer-not-yet-valid"   // or will be
	Unanswered        Reason = "credentials-unanswered" // no boot server gives credentials of a type that the client can check
)

// Refusal is the error of a program that must not be started.
type Refusal struct {
	Reason Reason
	Detail string
}

// Error gives the reason and what was seen.
func (r *Refusal) Error() string {
	return fmt.Sprintf("boot program refused: %s: %s", r.Reason, r.Detail)
}

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{reason, fmt.Sprintf(format, args...)}
}

// Suffix ends the name of a credentials file: an "electronic shrink wrap" archive (CDSA 2, Signed Manifests, chapter 6).
const Suffix = ".esw"

// CredentialsName gives the name of the credentials file of a boot file, beside it: probe.0 has probe.0.esw.
func CredentialsName(file string) string { return file + Suffix }

// certIDMask are the bits that a certificate's ID may have (BIS_CERT_ID_MASK).
const certIDMask = 0xff7f7fff

// CredentialType gives the 32-bit type of the credentials that a holder of this certificate can check, which a client
// lists in option 43 tag 12 and a boot server compares: BIS_CERT_ID of the platform's Boot Object Authorization
// Certificate, that is the first four octets of its SHA-1 hash in little-endian order without two reserved bits. The
// types 41 and 42 of platforms without such a certificate, DSA with SHA-1 and RSA with MD5, prove nothing today and are
// not used.
func CredentialType(authority *x509.Certificate) uint32 {
	h := sha1.Sum(authority.Raw) //nolint:gosec // a name, not a proof
	return binary.LittleEndian.Uint32(h[:]) & certIDMask
}

// Agree gives the first type of the client's that the server has, or a Refusal with TypeUnsupported.
func Agree(client, server []uint32) (uint32, error) {
	for _, t := range client {
		if slices.Contains(server, t) {
			return t, nil
		}
	}
	return 0, refuse(TypeUnsupported, "the client can check the types %#x, and the credentials are of %#x", client, server)
}
