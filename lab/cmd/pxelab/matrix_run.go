package main

import (
	"context"
	"errors"
)

// runMatrix does what the command line asks for.
func runMatrix(ctx context.Context, args []string, f matrixFlags) error {
	c, err := choose(args, f)
	if err != nil {
		return err
	}
	if f.list {
		return listMatrix(c, f.json)
	}
	return errors.New("matrix: this pxelab lists and plans only")
}
