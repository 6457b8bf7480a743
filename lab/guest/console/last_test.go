package console

import (
	"strings"
	"testing"
)

func TestLastLines(t *testing.T) {
	got := LastLines("a\x1b[1m\n" + strings.Repeat("line\n", 50) + "e\x1b[1mnd\n")
	if strings.Count(got, "\n") != lastLines-1 || !strings.HasSuffix(got, "\ne[1mnd") {
		t.Errorf("%q", got)
	}
}
