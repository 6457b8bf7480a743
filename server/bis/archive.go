package bis

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"
)

// Limits of a credentials file: what is larger is none.
const (
	maxArchive = 1 << 20
	maxPart    = 64 << 10
	maxParts   = 16
)

// base is the name of the three files of a signed manifest, without their suffixes: eight characters at most.
const base = "bootobj"

// archive is a credentials file, unpacked: the three parts of a signed manifest (CDSA 2, Signed Manifests, chapter 6).
type archive struct {
	manifest []byte // .mf
	signer   []byte // .sf
	block    []byte // .rsa
	other    string // suffix of a signature block that is not RSA's: .dsa, .pgp
}

// pack makes the credentials file. It is the same for the same parts.
func (a archive) pack() ([]byte, error) {
	kind := ".rsa"
	if a.other != "" {
		kind = a.other
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, part := range []struct {
		suffix string
		data   []byte
	}{{".mf", a.manifest}, {".sf", a.signer}, {kind, a.block}} {
		f, err := w.CreateHeader(&zip.FileHeader{Name: base + part.suffix, Method: zip.Store})
		if err == nil {
			_, err = f.Write(part.data)
		}
		if err != nil {
			return nil, fmt.Errorf("writing the credentials: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("writing the credentials: %w", err)
	}
	return b.Bytes(), nil
}

// unpack reads a credentials file. Suffixes are recognized in upper and lower case; the signer's information and the
// signature block have one base name, the manifest any.
func unpack(b []byte) (archive, error) {
	var a archive
	if len(b) > maxArchive {
		return a, fmt.Errorf("%d octets are more than any credentials have (%d)", len(b), maxArchive)
	}
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return a, err
	}
	if len(r.File) > maxParts {
		return a, fmt.Errorf("%d files are more than a signed manifest has", len(r.File))
	}
	bases := map[string]string{}
	for _, f := range r.File {
		suffix := strings.ToLower(path.Ext(f.Name))
		part := map[string]*[]byte{".mf": &a.manifest, ".sf": &a.signer, ".rsa": &a.block}[suffix]
		switch {
		case suffix == ".dsa" || suffix == ".pgp":
			a.other = suffix
			continue
		case part == nil:
			continue
		case *part != nil:
			return a, fmt.Errorf("there are two %s files", suffix)
		}
		if *part, err = read(f); err != nil {
			return a, err
		}
		bases[suffix] = strings.TrimSuffix(strings.ToLower(path.Base(f.Name)), suffix)
	}
	switch {
	case a.manifest == nil || a.signer == nil:
		return a, fmt.Errorf("there is no manifest (.mf) or no signer's information (.sf)")
	case a.block == nil && a.other == "":
		return a, fmt.Errorf("there is no signature block (.rsa)")
	case a.block != nil && bases[".rsa"] != bases[".sf"]:
		return a, fmt.Errorf("the signature block %s.rsa is not that of %s.sf", bases[".rsa"], bases[".sf"])
	}
	return a, nil
}

// read unpacks one file, within bounds whatever its header says.
func read(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxPart+1))
	if err == nil && len(b) > maxPart {
		err = fmt.Errorf("%q has more than %d octets", f.Name, maxPart)
	}
	return append([]byte{}, b...), err
}
