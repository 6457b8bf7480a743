package lesson_test

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/dissect"
	"github.com/pxelab/pxelab/lab/lesson"
)

// evidence is a packet with fields of each form, and a guest.
var evidence = lesson.Evidence{
	Packet: dissect.Frame{Layers: []dissect.Field{{Path: "dhcp", Fields: []dissect.Field{
		{Path: "dhcp.yiaddr", Value: "192.0.2.100"},
		{Path: "dhcp.option.60", Value: `"PXEClient"`},
		{Path: "dhcp.option.93", Value: "7 (EFI x86-64)"},
		{Path: "dhcp.option.43", Fields: []dissect.Field{{Path: "dhcp.option.43.6", Value: "0x08"}, {Path: "dhcp.option.43.71", Value: "00 80 00 00"}}},
		{Path: "dhcp.chaddr", Value: "52:54:00:70:78:02"},
		{Path: "dhcp.siaddr"},
	}}}},
	Facts: map[string]string{"end": "started"},
}

func asked(t *testing.T, text string) *lesson.Question {
	t.Helper()
	l, err := lesson.Parse("x.md", []byte(front+"\n## One\n\n```question\nask: Which?\n"+text+"\n```\n"))
	if err != nil {
		t.Fatal(err)
	}
	q, section, ok := l.Question("1.1")
	if !ok || section != 0 {
		t.Fatal("the question is not found")
	}
	return q
}

// TestCheck takes right answers in any form, and refuses wrong ones.
func TestCheck(t *testing.T) {
	for _, tt := range []struct{ question, right, wrong string }{
		{"answer: dhcp.yiaddr", "192.0.2.100| 192.0.2.100 .", "192.0.2.1|192.0.2.10 0|100"},
		{"answer: dhcp.option.60", "PXEClient|pxeclient|\"PXEClient\"", "PXE|HTTPClient|PXEClient:Arch"},
		{"answer: dhcp.option.93", "7|07|0x7|0x0007|efi X86-64|7 (EFI x86-64)", "9|EFI|x86-64|0x77"},
		{"answer: dhcp.option.43.6", "8|0x8|08|0X08", "80|0x80"},
		{"answer: dhcp.option.43.71", "00800000|0080 0000|00:80:00:00", "0x8000|0080"},
		{"answer: dhcp.chaddr", "52-54-00-70-78-02|525400707802", "52:54:00:70:78:03"},
		{"answer: guest.end", "started|Started", "download"},
		{"answer: dhcp.option.93\nchoices: ['0', '7', '9']", "7", "0|9|07"},
		{"choices: [boot it, ask 4011]\nright: boot it\nshows: dhcp.option.43.6\nmatches: ^0x08$", "boot it", "ask 4011|boot|Boot it"},
	} {
		q := asked(t, tt.question)
		a, err := q.Solve(evidence)
		if err != nil || a.Value == "" || a.Shows == "" {
			t.Errorf("%s: solved as %+v, %v", tt.question, a, err)
		}
		for _, right := range strings.Split(tt.right, "|") {
			if a, err := q.Check(evidence, right); err != nil || !a.Right || !strings.HasPrefix(a.Explain, "It is ") {
				t.Errorf("%s: %q is refused: %+v, %v", tt.question, right, a, err)
			}
		}
		for _, wrong := range strings.Split(tt.wrong, "|") {
			if a, err := q.Check(evidence, wrong); err != nil || a.Right || a.Value+a.Shows != "" || !strings.HasPrefix(a.Explain, "Look at ") {
				t.Errorf("%s: %q is taken: %+v, %v", tt.question, wrong, a, err)
			}
		}
		if _, err := q.Check(evidence, " "); err == nil {
			t.Errorf("%s: no answer is taken for one", tt.question)
		}
	}
}

// TestUnsolved says why a run has no answer.
func TestUnsolved(t *testing.T) {
	for question, want := range map[string]string{
		"answer: dhcp.option.67":                  "question 1.1: what it is about has no dhcp.option.67 in this run",
		"answer: dhcp.siaddr":                     "question 1.1: what it is about has no dhcp.siaddr in this run",
		"answer: guest.reason":                    "question 1.1: what it is about has no guest.reason in this run",
		"answer: dhcp.option.93\nchoices: [a, b]": `question 1.1: dhcp.option.93 is "7 (EFI x86-64)" in this run, which is none of the choices`,
		"choices: [a, b]\nright: a\nshows: dhcp.option.43.6\nmatches: ^0x03$": `question 1.1: dhcp.option.43.6 is "0x08" in this run, which does not show that the answer is "a"`,
		"choices: [a, b]\nright: a\nshows: dhcp.option.97\nmatches: ^0x03$":   "question 1.1: what it is about has no dhcp.option.97 in this run",
	} {
		q := asked(t, question)
		if a, err := q.Check(evidence, "a"); err == nil || err.Error() != want {
			t.Errorf("%s: %+v, %v; want %s", question, a, err, want)
		}
	}
}
