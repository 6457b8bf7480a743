package bis

import "fmt"

// SignFlawed makes credentials for which a client refuses the boot program for the reason given: what a lab is to show. No
// reason is no flaw. Missing makes none. WrongSigner, Expired and NotYetValid are a matter of the signer, whose choice is the caller's;
// Unanswered is one of the boot server, and an error here.
func SignFlawed(program []byte, s Signer, why Reason) ([]byte, error) {
	if why == ProgramTampered { // one octet was changed since
		program = append([]byte{}, program...)
		if len(program) == 0 {
			return nil, fmt.Errorf("signing an empty boot program: it has no octet to change")
		}
		program[len(program)/2] ^= 1
	}
	b, err := Sign(program, s)
	if err != nil {
		return nil, err
	}
	switch why {
	case "", ProgramTampered, WrongSigner, Expired, NotYetValid:
		return b, nil
	case Missing:
		return nil, nil
	case Malformed: // as a transfer that broke off would leave it
		return b[:len(b)/2], nil
	}
	a, err := unpack(b)
	if err != nil {
		return nil, err
	}
	switch why {
	case ManifestTampered:
		a.manifest = append(a.manifest, '\n')
	case SignatureTampered:
		a.signer = append(a.signer, '\n')
	case TypeUnsupported:
		a.other = ".dsa" // as BIS 1.0 has for its credential type 41
	default:
		return nil, fmt.Errorf("signing a boot program to be refused for %q: credentials have no such flaw", why)
	}
	return a.pack()
}
