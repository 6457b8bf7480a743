package main

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func TestParseScript(t *testing.T) {
	variables := map[string]string{"netX/mac:hexhyp": "52-54-00-12-34-56", "ip": "192.0.2.100"}
	for _, c := range []struct {
		name, text string
		want       Script
		err        string
	}{
		{"a kernel alone", "#!ipxe\nkernel vmlinuz\nboot\n", Script{Kernel: "vmlinuz"}, ""},
		{"all there is", "#!ipxe\n# a comment\necho from ${ip}\nkernel linux/vmlinuz console=ttyS0 BOOTIF=01-${netX/mac:hexhyp}\ninitrd a.gz\ninitrd b.gz # more\nboot\nnonsense\n",
			Script{Kernel: "linux/vmlinuz", Args: "console=ttyS0 BOOTIF=01-52-54-00-12-34-56", Initrds: []string{"a.gz", "b.gz"}, Echoes: []string{"from 192.0.2.100"}}, ""},
		{"arguments set later", "#!ipxe\nkernel k old\nimgargs k new args\n", Script{Kernel: "k", Args: "new args"}, ""},
		{"an unknown variable is empty", "#!ipxe\nkernel k a=${platform}b\n", Script{Kernel: "k", Args: "a=b"}, ""},
		{"carriage returns", "#!ipxe\r\nkernel k a\r\nboot\r\n", Script{Kernel: "k", Args: "a"}, ""},
		{"no script", "kernel k\n", Script{}, `does not begin with "#!ipxe"`},
		{"no kernel", "#!ipxe\ninitrd a\nboot\nkernel k\n", Script{}, "names no kernel"},
		{"another command", "#!ipxe\nkernel k\nchain other.ipxe\n", Script{}, `line 3: command "chain" is none that this client knows`},
		{"no argument", "#!ipxe\nkernel\n", Script{}, `line 2: command "kernel" lacks an argument`},
		{"an operator", "#!ipxe\n:retry\n", Script{}, `line 2: command ":retry"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseScript(c.text, variables)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("got %+v, %v; want the error %q", got, err, c.err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

// A script comes from the network: whatever it holds, there is a kernel to fetch or an error.
func FuzzParseScript(f *testing.F) {
	f.Add("#!ipxe\nkernel k ${ip}\ninitrd i\nboot\n")
	f.Add("#!ipxe\nimgargs\n${${ip}}")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseScript(text, map[string]string{"ip": "192.0.2.1"})
		if (err == nil) != (s.Kernel != "") || strings.ContainsAny(s.Args, "\n\x00") && !strings.Contains(text, "\x00") {
			t.Errorf("%+v, %v", s, err)
		}
		if err == nil {
			_, _, _ = resolve(lease{next: netip.MustParseAddr("192.0.2.1")}, s.Kernel)
		}
	})
}

func TestResolve(t *testing.T) {
	l := lease{next: netip.MustParseAddr("192.0.2.1"), file: "/boot/linux.ipxe"}
	for uri, want := range map[string]string{
		"vmlinuz":                     "192.0.2.1 boot/vmlinuz",
		"linux/vmlinuz":               "192.0.2.1 boot/linux/vmlinuz",
		"/linux/vmlinuz":              "192.0.2.1 linux/vmlinuz",
		"tftp://192.0.2.9/a/vmlinuz":  "192.0.2.9 a/vmlinuz",
		"http://192.0.2.9/vmlinuz":    "by TFTP only",
		"tftp://server.example/linux": "must be an address",
		"tftp://%zz/":                 "URI",
	} {
		server, file, err := resolve(l, uri)
		got := server.String() + " " + file
		if err != nil {
			got = err.Error()
		}
		if got != want && (err == nil || !strings.Contains(got, want)) {
			t.Errorf("%s: %s, want %s", uri, got, want)
		}
	}
}
