package results

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/matrix"
	"github.com/pxelab/pxelab/tests/golden"
)

func pageOf(t testing.TB, r *Report) string {
	t.Helper()
	text, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPage(t *testing.T) {
	p, runs := fixture(t)
	few := *p
	few.Cases = nil
	for _, i := range []int{1, 4, 6} {
		few.Cases = append(few.Cases, p.Cases[i])
	}
	r := New(&few, runs)
	r.Notes = nil // of the cases that are left out
	golden.Check(t, "testdata/report.html", pageOf(t, r))
}

// The policy names the style and the script as they stand in the page: a browser lets no other one through.
func TestPolicyFits(t *testing.T) {
	text := pageOf(t, New(fixture(t)))
	for _, part := range []string{"style", "script"} {
		found := regexp.MustCompile("(?s)<"+part+">(.*?)</"+part+">").FindAllStringSubmatch(text, -1)
		if len(found) != 1 {
			t.Fatalf("%d elements %s", len(found), part)
		}
		if want := fmt.Sprintf("%s-src '%s'", part, hash(found[0][1])); !strings.Contains(html.UnescapeString(text), want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
	if outside := regexp.MustCompile(`(?i) (src|action|style|on[a-z]+)=|href="[^#]|url\(|@import`).FindString(text); outside != "" {
		t.Errorf("the page holds %q: something that its policy forbids, or that is not in it", outside)
	}
}

// The reason of a failing case is on the page, and what guests say is text there.
func TestPageShowsReasonsAsText(t *testing.T) {
	r := New(fixture(t))
	text := pageOf(t, r)
	if reason := r.Cases[1].Reason; !strings.Contains(html.UnescapeString(text), `<span class="reason">`+reason+"</span>") {
		t.Errorf("the page does not say %q", reason)
	}
	for _, bad := range []string{"<script>alert", "\x1b", "\u202e"} {
		if strings.Contains(text, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if n := strings.Count(text, "<script>"); n != 1 {
		t.Errorf("%d scripts", n)
	}
}

// Two hundred cases make a page that a browser opens at once, failures whole.
func TestPageIsBounded(t *testing.T) {
	p, runs := fixture(t)
	big := &matrix.Plan{Name: "big"}
	var all []Run
	for i := range 200 {
		c := p.Cases[0]
		c.Index = i
		c.ID = fmt.Sprintf("firmware-trio/all/%d", i)
		big.Cases = append(big.Cases, c)
		x := runs[0]
		x.Index, x.ID = i, c.ID
		all = append(all, x)
	}
	text, err := New(big, all).HTML()
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 8<<20 {
		t.Errorf("%d octets", len(text))
	}
	t.Logf("%d octets for 200 cases of three guests each", len(text))
	if !bytes.Contains(text, []byte("are left out here")) {
		t.Error("the page does not say that it leaves anything out")
	}
}
