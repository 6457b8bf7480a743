package studio

import (
	"context"
	"fmt"
	"io/fs"
	"sync"

	"github.com/pxelab/pxelab/lab/control"
	"github.com/pxelab/pxelab/lab/dissect"
	"github.com/pxelab/pxelab/lab/lesson"
	"github.com/pxelab/pxelab/lab/plan"
	"github.com/pxelab/pxelab/lab/story"
)

// The kinds of sources.
const (
	ofLab     = "lab"
	ofBundle  = "bundle"
	ofCapture = "capture"
)

// Source is what a studio shows: a lab that runs, the bundle of one that did, or a capture from elsewhere. Close it in the end.
type Source struct {
	kind   string
	plan   *plan.Plan // of a capture: the machines in it, made up from what they said
	bundle string     // the folder; empty: there is none
	path   string     // of the file with all frames
	notes  []string   // what is to be known of the recording as a whole
	frames frames
	lab    *control.Client // nil: it does not run

	mu       sync.Mutex // held while the story is added to
	story    *story.Story
	consoles *consoles       // nil: there are none
	printed  []story.Printed // and not told yet
	tale     *tale
	follower *lesson.Follower // nil: no lesson is taught
	lesson   *lesson.Lesson
	atHold   map[int]frame // the packets by which checkpoints were reached when the lab was held at them, by section

	typing *typing
	stop   context.CancelFunc
	done   sync.WaitGroup // what follows the lab
}

// frames are the frames of a source by their numbers.
type frames interface {
	// Frame gives a frame; there being none of that number is an error that wraps fs.ErrNotExist.
	Frame(number int) (frame, error)
	Close() error
}

// frame is an Ethernet frame as it was seen.
type frame struct {
	data      []byte
	guest     string // on whose cable; empty: not known
	fromGuest bool
}

// Name is the name of what is shown.
func (s *Source) Name() string { return s.plan.Name }

// Bundle is the folder of the run; empty for a capture.
func (s *Source) Bundle() string { return s.bundle }

// Close ends what follows the lab. The lab itself goes on.
func (s *Source) Close() error {
	if s.stop != nil {
		s.stop()
	}
	if s.typing != nil {
		s.typing.close()
	}
	s.done.Wait()
	s.tale.end()
	if s.consoles != nil {
		s.consoles.close()
	}
	return s.frames.Close()
}

// open opens a frame of the recording into its fields.
func (s *Source) open(number int) (Opened, error) {
	f, err := s.frames.Frame(number)
	if err != nil {
		return Opened{}, err
	}
	return s.opened(f), nil
}

// opened opens a frame.
func (s *Source) opened(f frame) Opened {
	client := dissect.Client{FromGuest: f.fromGuest}
	for _, g := range s.plan.Guests {
		if g.Name == f.guest {
			client.Firmware, client.MAC = g.Firmware, g.MAC
		}
	}
	return Opened{Frame: dissect.Dissect(f.data, client), Hex: fmt.Sprintf("%x", f.data), Guest: f.guest, FromGuest: f.fromGuest}
}

// Opened is a frame with its fields and its octets.
type Opened struct {
	dissect.Frame
	Hex       string `json:"hex"`             // two digits an octet
	Guest     string `json:"guest,omitempty"` // on whose cable it was seen
	FromGuest bool   `json:"tx,omitempty"`    // that guest sent it
}

// guest tells whether there is a guest of that name, without which no file or call is named by it.
func (s *Source) guest(name string) error {
	for _, g := range s.plan.Guests {
		if g.Name == name {
			return nil
		}
	}
	return fmt.Errorf("%s has no guest %q: %w", s.plan.Name, name, fs.ErrNotExist)
}
