package studio

import "github.com/pxelab/pxelab/lab/dissect"

// Dissect opens a frame of the recording into its fields, with changes to it as dissect.Change takes them. There being none of that number is an error
// that wraps fs.ErrNotExist.
func (s *Source) Dissect(number int, changes []string) (Opened, error) {
	f, err := s.frames.Frame(number)
	if err != nil {
		return Opened{}, err
	}
	if f.data, err = dissect.Change(f.data, changes); err != nil {
		return Opened{}, err
	}
	return s.opened(f), nil
}
