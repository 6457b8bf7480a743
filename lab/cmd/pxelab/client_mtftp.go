package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pxelab/pxelab/server/pxeclient"
)

// mtftpFlags say how a client takes part in multicast transfers.
type mtftpFlags struct {
	off    bool
	listen time.Duration
	miss   string
}

func (m *mtftpFlags) add(fl *pflag.FlagSet) {
	fl.BoolVar(&m.off, "no-mtftp", false, "take tags 1 to 5 of option 43 for nothing, as firmware does")
	fl.DurationVar(&m.listen, "mtftp-listen", 0, "listen so long before opening a multicast transmission (default: what tag 4 says)")
	fl.StringVar(&m.miss, "mtftp-miss", "", "miss these blocks until it opens a transmission itself, such as 1-500: be late, or on a bad line")
}

// set checks the flags and applies them; as is the firmware that the client is to speak as.
func (m *mtftpFlags) set(c *pxeclient.MTFTP, as string) error {
	if m.listen < 0 {
		return fmt.Errorf("--mtftp-listen %s is no time to wait", m.listen)
	}
	if (m.off || as != "") && (m.listen != 0 || m.miss != "") {
		return errors.New("--mtftp-listen and --mtftp-miss are for a client that knows MTFTP; leave out --no-mtftp and --as, as no firmware does")
	}
	blocks, err := parseBlocks(m.miss)
	if err != nil {
		return fmt.Errorf("--mtftp-miss: %w", err)
	}
	c.Off, c.Timeout, c.Miss = c.Off || m.off, m.listen, blocks
	return nil
}

// parseBlocks reads "7" or "1-500"; an empty text is no block.
func parseBlocks(text string) (b pxeclient.Blocks, err error) {
	if text == "" {
		return b, nil
	}
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	low, err1 := strconv.ParseUint(first, 10, 16)
	high, err2 := strconv.ParseUint(last, 10, 16)
	if err1 != nil || err2 != nil || low < 1 || high < low {
		return b, fmt.Errorf("%q is no range of blocks; write one such as 1-500, of 1 to 65535", text)
	}
	return pxeclient.Blocks{First: uint16(low), Last: uint16(high)}, nil
}
