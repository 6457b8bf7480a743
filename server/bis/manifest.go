package bis

import (
	"bytes"
	"crypto"
	_ "crypto/sha256" // digests that manifests may name
	_ "crypto/sha512"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// section is the name of the only section that counts: the boot program has no other name in memory (EFI 1.10 section
// 15.5, VerifyBootObject).
const section = "memory:BootObject"

// signerName is what the signer's information must call itself.
const signerName = "BIS_VerifiableObjectSignerInfoName"

// maxLine is the longest line, without its end; what is longer goes on in a line that begins with a space.
const maxLine = 72

// digests are the algorithms whose digests are taken for proof. BIS 1.0 has SHA-1 and MD5, of which neither is one today.
var digests = []struct {
	name string
	hash crypto.Hash
}{{"SHA-256", crypto.SHA256}, {"SHA-384", crypto.SHA384}, {"SHA-512", crypto.SHA512}}

func digest(h crypto.Hash, data []byte) string {
	w := h.New()
	w.Write(data)
	return base64.StdEncoding.EncodeToString(w.Sum(nil))
}

// manifestText writes a manifest file, or a signer's information file: they differ in the header only.
func manifestText(header [][2]string, described []byte) []byte {
	var b bytes.Buffer
	for _, h := range append(header, [2]string{}, [2]string{"Name", section}, [2]string{"Digest-Algorithms", "SHA-256"},
		[2]string{"SHA-256-Digest", digest(crypto.SHA256, described)}) {
		line := h[0] + ": " + h[1]
		if h[0] == "" {
			line = ""
		}
		for ; len(line) > maxLine; line = " " + line[maxLine:] {
			b.WriteString(line[:maxLine] + "\n")
		}
		b.WriteString(line + "\n")
	}
	return b.Bytes()
}

// entry is the section of a file that describes the boot program, or its manifest section.
type entry struct {
	algorithms []string
	digests    map[string]string // by algorithm
	raw        []byte            // from "Name:" to the next one or to the end of the file: what a digest of it covers
}

// manifest is a file of a signed manifest, taken apart.
type manifest struct {
	header map[string]string
	boot   entry
}

// parseManifest reads a manifest file or a signer's information file.
func parseManifest(text []byte) (manifest, error) {
	m := manifest{header: map[string]string{}}
	lines, err := unfold(text)
	if err != nil {
		return m, err
	}
	starts := slices.DeleteFunc(slices.Clone(lines), func(l line) bool { return l.key != "Name" })
	seen := map[string]bool{}
	for i, start := range starts {
		if seen[start.value] {
			return m, fmt.Errorf("section %q is there twice", start.value)
		}
		seen[start.value] = true
		if start.value != section {
			continue
		}
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1].at
		}
		m.boot.raw = text[start.at:end]
	}
	if m.boot.raw == nil {
		return m, fmt.Errorf("there is no section %q", section)
	}
	current := m.header
	fields := map[string]string{}
	for _, l := range lines {
		if l.key == "Name" {
			current = map[string]string{}
			if l.value == section {
				current = fields
			}
		}
		if _, twice := current[l.key]; twice {
			return m, fmt.Errorf("%q is there twice", l.key)
		}
		current[l.key] = l.value
	}
	return m, m.boot.fill(fields)
}

// fill takes the algorithms and digests from the fields of a section.
func (e *entry) fill(fields map[string]string) error {
	e.algorithms, e.digests = strings.Fields(fields["Digest-Algorithms"]), map[string]string{}
	if len(e.algorithms) == 0 {
		return fmt.Errorf("section %q names no digest algorithm", section)
	}
	for _, a := range e.algorithms {
		d, ok := fields[a+"-Digest"]
		if _, err := base64.StdEncoding.DecodeString(d); err != nil || !ok {
			return fmt.Errorf("section %q has no %s-Digest in base 64", section, a)
		}
		e.digests[a] = d
	}
	return nil
}

// matches tells whether the digests are those of data; known is false if there is none to go by.
func (e *entry) matches(data []byte) (same, known bool) {
	same = true
	for _, d := range digests {
		if want, ok := e.digests[d.name]; ok {
			known = true
			same = same && want == digest(d.hash, data)
		}
	}
	return same && known, known
}

// line is one field, with where it begins.
type line struct {
	key, value string
	at         int
}

// unfold splits a file into fields. Lines end with CR LF, LF or CR; empty ones separate sections.
func unfold(text []byte) ([]line, error) {
	var out []line
	for at := 0; at < len(text); {
		rest := text[at:]
		n := bytes.IndexAny(rest, "\r\n")
		next := n + 1
		if n < 0 {
			n, next = len(rest), len(rest)
		} else if bytes.HasPrefix(rest[n:], []byte("\r\n")) {
			next++
		}
		s := string(rest[:n])
		switch key, value, ok := strings.Cut(s, ": "); {
		case s == "" || s == "\x1a": // an EOF character counts as white space
		case n > maxLine:
			return nil, fmt.Errorf("a line has %d octets, and %d are allowed", n, maxLine)
		case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }):
			return nil, fmt.Errorf("line %q is not printable ASCII", s)
		case s[0] == ' ' && len(out) > 0:
			out[len(out)-1].value += s[1:]
		case !ok || key == "" || strings.Contains(key, " "):
			return nil, fmt.Errorf("line %q is no field", s)
		default:
			out = append(out, line{key, value, at})
		}
		at += next
	}
	return out, nil
}
