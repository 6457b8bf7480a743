package capture

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// Frame is one frame of a capture.
type Frame struct {
	Number    int       // in the file, from 1
	Interface string    // name of the interface that saw it; empty if it has none
	At        time.Time // when
	FromGuest bool      // marked outbound: the guest sent it
	Comments  []string
	Data      []byte // the caller's to keep
}

// Read gives the Ethernet frames of a pcapng file, in file order. An error is the last thing it gives; a
// file that was cut short gives io.ErrUnexpectedEOF after its whole frames. An empty file has no frames.
func Read(r io.Reader) iter.Seq2[Frame, error] {
	return func(yield func(Frame, error) bool) {
		reader, err := pcapgo.NewNgReader(r, pcapgo.NgReaderOptions{ErrorOnMismatchingLinkType: true})
		for number := 1; err == nil; number++ {
			var f Frame
			if f, err = readFrame(reader); err == nil {
				f.Number = number
				if !yield(f, nil) {
					return
				}
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(Frame{}, fmt.Errorf("read capture: %w", err))
		}
	}
}

func readFrame(reader *pcapgo.NgReader) (Frame, error) {
	data, info, options, err := reader.ReadPacketDataWithOptions()
	if err != nil {
		return Frame{}, err
	}
	f := Frame{At: info.Timestamp, Comments: options.Comments, Data: data}
	if options.Flags != nil {
		f.FromGuest = options.Flags.Direction == pcapgo.NgEpbFlagDirectionOutbound
	}
	i, err := reader.Interface(info.InterfaceIndex)
	if err != nil {
		return Frame{}, err
	}
	if i.LinkType != layers.LinkTypeEthernet {
		return Frame{}, fmt.Errorf("interface %q has link type %v: only Ethernet is understood", i.Name, i.LinkType)
	}
	f.Interface = i.Name
	return f, nil
}
