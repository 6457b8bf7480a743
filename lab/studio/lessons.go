package studio

import (
	"net/http"

	"github.com/pxelab/pxelab/lab/event"
	"github.com/pxelab/pxelab/lab/lesson"
	"github.com/pxelab/pxelab/lab/story"
	"github.com/pxelab/pxelab/lessons"
	"github.com/pxelab/pxelab/topologies"
)

// Lessons are those that this program holds.
func Lessons() lesson.Library {
	return lesson.Library{Lessons: lessons.Files, Topologies: topologies.Files}
}

// teach has a lesson taught with the source, before that is told of anything: its checkpoints are reached as the run goes on. A lesson
// that is about other guests or services is an error with its place.
func (s *Source) teach(l *lesson.Lesson) error {
	if l == nil {
		return nil
	}
	if err := l.Fits(s.plan); err != nil {
		return err
	}
	s.lesson, s.follower, s.atHold = l, lesson.New(l, s.plan), map[int]frame{}
	return nil
}

// reached tells which checkpoints are reached by an event that has just been told.
func (s *Source) reached(e event.Event) {
	if s.follower == nil {
		return
	}
	for _, r := range s.follower.Event(e) {
		if r.Held && e.Hold != nil {
			s.atHold[r.Section] = frame{data: e.Hold.Data, guest: e.Guest, fromGuest: e.Hold.FromGuest}
		}
		s.tale.add(s.story.Reached(e.At, story.Reached{Section: r.Section, Frame: r.Frame, Row: s.tale.row(r.Frame)}))
	}
}

// row is the row that a frame is shown by; zero if there is none.
func (t *tale) row(number int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := len(t.items) - 1; i >= 0 && number > 0; i-- {
		if r := t.items[i].Row; r != nil && (r.Frame == number || r.Finished == number) {
			return r.ID
		}
	}
	return 0
}

func (s *Server) getLesson(w http.ResponseWriter, _ *http.Request) {
	if s.source.lesson == nil {
		fail(w, http.StatusNotFound, "no lesson is taught here: `pxelab studio --lesson NAME` teaches one")
		return
	}
	reply(w, http.StatusOK, s.source.lesson)
}

func (s *Server) getLessons(w http.ResponseWriter, _ *http.Request) {
	type listed struct {
		Name    string `json:"name"`
		Title   string `json:"title"`
		About   string `json:"about"`
		Minutes int    `json:"minutes"`
	}
	all, err := Lessons().All()
	if err != nil {
		fail(w, http.StatusInternalServerError, "%v", err)
		return
	}
	out := []listed{}
	for _, l := range all {
		out = append(out, listed{l.Name, l.Title, l.About, l.Minutes})
	}
	reply(w, http.StatusOK, out)
}

// postAnswer tells whether a question was answered right: those who only watch may ask it, too.
func (s *Server) postAnswer(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Question string `json:"question"`
		Answer   string `json:"answer"`
	}
	if !body(w, r, &ask) {
		return
	}
	if s.source.lesson == nil {
		fail(w, http.StatusNotFound, "no lesson is taught here")
		return
	}
	q, section, ok := s.source.lesson.Question(ask.Question)
	if !ok {
		fail(w, http.StatusNotFound, "the lesson has no question %q", ask.Question)
		return
	}
	at, ok := s.source.at(section)
	if !ok {
		fail(w, http.StatusConflict, "the answer has not happened yet")
		return
	}
	evidence, err := s.source.evidence(at)
	if err != nil {
		missing(w, err)
		return
	}
	a, err := q.Check(evidence, ask.Answer)
	if err != nil {
		fail(w, http.StatusConflict, "%v", err)
		return
	}
	reply(w, http.StatusOK, struct {
		Right   bool   `json:"right"`
		Explain string `json:"explain"`
		Frame   int    `json:"frame,omitempty"`
		Field   string `json:"field,omitempty"`
	}{a.Right, a.Explain, at.Frame, a.Field})
}

// answerKeys are the keys to the lesson's questions that this run has come to, by question, with the frames they are about.
func (s *Source) answerKeys() map[string]answerKey {
	keys := map[string]answerKey{}
	for i := range s.lesson.Sections {
		at, ok := s.at(i)
		if !ok {
			continue
		}
		evidence, err := s.evidence(at)
		if err != nil { // its frame is not in the capture any more
			continue
		}
		for k := range s.lesson.Sections[i].Questions {
			q := &s.lesson.Sections[i].Questions[k]
			if key, err := q.Key(evidence); err == nil {
				keys[q.ID] = answerKey{key, at.Frame}
			}
		}
	}
	return keys
}

// answerKey is what an exported page checks the answers to a question by.
type answerKey struct {
	lesson.Key
	Frame int `json:"frame,omitempty"`
}

// at is the checkpoint that a section's questions are about, if it was reached.
func (s *Source) at(section int) (lesson.Reached, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.follower.Reached(section)
}

// evidence is where an answer is looked up: the packet by which a checkpoint was reached. One that was held, and has not travelled since,
// has no number.
func (s *Source) evidence(at lesson.Reached) (lesson.Evidence, error) {
	out := lesson.Evidence{Facts: at.Facts}
	s.mu.Lock()
	f, ok := s.atHold[at.Section]
	s.mu.Unlock()
	if at.Frame > 0 {
		var err error
		if f, err = s.frames.Frame(at.Frame); err != nil {
			return out, err
		}
	} else if !ok {
		return out, nil
	}
	out.Packet = s.opened(f).Frame
	return out, nil
}
