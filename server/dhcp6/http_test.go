package dhcp6

import (
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/iana"
)

// TestHTTPBoot: what clients of UEFI HTTP boot are told, and what others are told beside them.
func TestHTTPBoot(t *testing.T) {
	const x64, ia32 = "http://[2001:db8::1]/x64.efi", "http://[2001:db8::1]:8080/ia32.efi"
	httpX64 := class("HTTPClient:Arch:00016:UNDI:003000")
	for _, c := range []struct {
		name   string
		req    *Request
		url    string
		class  bool // option 16 HTTPClient in the reply
		reason string
	}{
		{"x64", message(solicit, 1, ia(1), httpX64, arch(16)), x64, true, "HTTPClient, and option 61 = 16, so the URI for efi-x64"},
		{"ia32", message(solicit, 1, ia(1), httpX64, arch(15)), ia32, true, "option 61 = 15, so the URI for efi-ia32"},
		{"class when there is no 61", message(solicit, 1, ia(1), httpX64), x64, true, "option 16's Arch = 16"},
		{"none for it", message(solicit, 1, ia(1), httpX64, arch(19)), "", false, "no URI: none is configured for efi-aa64"},
		{"no architecture", message(solicit, 1, ia(1), class("HTTPClient")), "", false, "no URI: it names no architecture"},
		{"a PXE client beside it", message(solicit, 1, ia(1), edk2), "tftp://[2001:db8::1]/x64.efi", false, "option 61 = 7, so efi-x64"},
		{"a list", message(solicit, 1, ia(1), httpX64, arch(iana.EFI_ARM64, 16)), x64, true, "option 61 = 16"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.Boot.HTTP = map[string]string{"efi-x64": x64, "efi-ia32": ia32}
			r, d := Answer(c.req, cfg, NewLeases(), t0)
			if r == nil || d.File != c.url || !strings.Contains(d.Reason, c.reason) {
				t.Fatalf("reply %v, URL %q (%s), want %q (%s)", r != nil, d.File, d.Reason, c.url, c.reason)
			}
			if got := r.Message.Options.BootFileURL(); got != c.url {
				t.Errorf("option 59 = %q", got)
			}
			said := r.Message.Options.VendorClass(343)
			if has := len(said) == 1 && string(said[0]) == "HTTPClient"; has != c.class || !has && len(said) > 0 {
				t.Errorf("option 16 = %q", said)
			}
		})
	}
}
