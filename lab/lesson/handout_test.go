package lesson_test

import (
	"strings"
	"testing"

	"github.com/pxelab/pxelab/lab/lesson"
)

// paper is a lesson with all that a hand-out has.
const paper = front + `
## One & only

Students read this.

> **For the trainer.** Only the trainer reads this.

` + "```question\nask: Which <address>?\nanswer: dhcp.yiaddr\nhint: The field yiaddr.\nexplain: It is lent.\n```\n\n```question\nask: Why?\nchoices: [first, second]\nright: second\nshows: dhcp.yiaddr\n```\n"

// TestHandout holds what students get on paper, and what the trainer gets.
func TestHandout(t *testing.T) {
	l, err := lesson.Parse("x.md", []byte(paper))
	if err != nil {
		t.Fatal(err)
	}
	students, err := l.Handout(lesson.Handout{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<h2>One &amp; only</h2>", "Students read this.", "Which &lt;address&gt;?", "Hint: The field yiaddr.", `<div class="room">`, "<li>first</li><li>second</li>"} {
		if !strings.Contains(string(students), want) {
			t.Errorf("lacks %q:\n%s", want, students)
		}
	}
	for _, secret := range []string{"Only the trainer", "It is lent", "192.0.2.100", "For the trainer", "<script", "http-equiv=\"refresh"} {
		if strings.Contains(string(students), secret) {
			t.Errorf("students are given %q", secret)
		}
	}
	answers := map[string]lesson.Answer{"1.1": {Value: "192.0.2.100", Field: "dhcp.yiaddr", Explain: "It is lent."}}
	if _, err := l.Handout(lesson.Handout{Answers: answers}); err == nil || err.Error() != `hand-out of lesson "x": question 1.2 has no answer` {
		t.Errorf("an answer is missing: %v", err)
	}
	answers["1.2"] = lesson.Answer{Value: "second", Field: "dhcp.yiaddr"}
	trainer, err := l.Handout(lesson.Handout{Answers: answers, Diagram: []byte("<svg><text>rows</text></svg>"), Of: "pc"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<h2>The boot of pc</h2>\n<svg><text>rows</text></svg>", "<td>1.1</td><td>192.0.2.100</td><td><code>dhcp.yiaddr</code></td><td>It is lent.</td>", "Only the trainer reads this."} {
		if !strings.Contains(string(trainer), want) {
			t.Errorf("lacks %q:\n%s", want, trainer)
		}
	}
}
