package main

import "testing"

func TestFolded(t *testing.T) {
	for _, c := range []struct {
		text        string
		width, hang int
		want        string
	}{
		{"short\nlines\n", 10, 2, "short\nlines\n"},
		{"one two three four", 0, 2, "one two three four"},
		{"one two three four\n", 9, 2, "one two\n  three\n  four\n"},
		{"    one two three", 9, 2, "    one\n    two\n    three"},
		{"name  what it says", 12, 6, "name  what\n      it\n      says"},
		{"gap         here", 12, 2, "gap\n  here"},
		{"see /a/path/longer/than/that now", 10, 2, "see\n  /a/path/longer/than/that\n  now"},
		{"grüße grüße", 11, 2, "grüße grüße"},
		{"/a/path/longer/than/that", 10, 2, "/a/path/longer/than/that"},
	} {
		if got := folded(c.text, c.width, c.hang); got != c.want {
			t.Errorf("folded(%q, %d, %d) = %q, want %q", c.text, c.width, c.hang, got, c.want)
		}
	}
}

func TestFoldedPlan(t *testing.T) {
	text := "guest bios\n  -nodefaults      # nothing else\n  -device virtio   # the card with its ROM\n"
	want := "guest bios\n  -nodefaults      # nothing else\n  -device virtio\n      # the card with its ROM\n"
	if got := foldedPlan(text, 33); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := foldedPlan(text, 0); got != text {
		t.Errorf("without a terminal, got %q", got)
	}
}
