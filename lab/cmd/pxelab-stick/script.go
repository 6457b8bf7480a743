package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Script is a boot file that names what to boot, in the part of iPXE's language that loads a Linux kernel: kernel
// URI [ARGUMENT...], initrd URI, imgargs NAME ARGUMENT..., echo TEXT, boot; and the comments and variables of it.
// Whatever else there is, is refused: to skip a command is to boot something else than was written.
type Script struct {
	Kernel  string   // URI, as written
	Initrds []string // URIs, in order
	Args    string   // the kernel's command line
	Echoes  []string // what it says
}

// scriptMagic is how an iPXE script begins.
const scriptMagic = "#!ipxe"

// isScript tells a script from a kernel.
func isScript(file []byte) bool {
	return len(file) >= len(scriptMagic) && string(file[:len(scriptMagic)]) == scriptMagic
}

var variable = regexp.MustCompile(`\$\{([^{}]*)\}`)

// ParseScript reads a script, with the variables that the client knows; one it does not know is empty, as in iPXE.
func ParseScript(text string, variables map[string]string) (Script, error) {
	var s Script
	if !isScript([]byte(text)) {
		return s, fmt.Errorf("the script does not begin with %q", scriptMagic)
	}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		line = variable.ReplaceAllStringFunc(line, func(v string) string { return variables[v[2:len(v)-1]] })
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		end, err := s.command(words)
		if err != nil {
			return Script{}, fmt.Errorf("line %d: %w", i+1, err)
		}
		if end {
			break
		}
	}
	if s.Kernel == "" {
		return Script{}, errors.New("the script names no kernel")
	}
	return s, nil
}

// command does one line; end tells that it is the script's last.
func (s *Script) command(words []string) (end bool, err error) {
	name, args := words[0], slices.DeleteFunc(slices.Clone(words[1:]), func(w string) bool { return w == "--" })
	need := func(n int) error {
		if len(args) < n {
			return fmt.Errorf("command %q lacks an argument", name)
		}
		return nil
	}
	switch name {
	case "echo":
		s.Echoes = append(s.Echoes, strings.Join(args, " "))
	case "kernel":
		if err := need(1); err != nil {
			return false, err
		}
		s.Kernel, s.Args = args[0], strings.Join(args[1:], " ")
	case "imgargs":
		if err := need(1); err != nil {
			return false, err
		}
		s.Args = strings.Join(args[1:], " ")
	case "initrd":
		if err := need(1); err != nil {
			return false, err
		}
		s.Initrds = append(s.Initrds, args[0])
	case "boot":
		return true, nil
	default:
		return false, fmt.Errorf("command %q is none that this client knows (kernel, initrd, imgargs, echo, boot)", name)
	}
	return false, nil
}
