package studio

import (
	"errors"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/pxelab/pxelab/lab/control"
)

// Display tells whether this user has a screen on which a browser can be opened.
func Display() bool {
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return false
	}
	_, err := exec.LookPath("xdg-open")
	return err == nil
}

// Browse opens an address in the user's browser. It goes there by way of a file that is the user's alone, as others can see what a
// program was started with, and the address holds a token. The file is to be removed once the page is loaded, or in the end.
func Browse(url string) (remove func(), err error) {
	dir, err := control.RuntimeDir()
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(dir, "studio-*.html") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("open the browser: %w", err)
	}
	remove = func() { _ = os.Remove(file.Name()) }
	_, err = fmt.Fprintf(file, "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>pxelab studio</title>\n<meta http-equiv=\"refresh\" content=\"0;url=%s\">\n", html.EscapeString(url))
	err = errors.Join(err, file.Close())
	opener := exec.Command("xdg-open", "file://"+filepath.ToSlash(file.Name()))
	if err == nil {
		err = opener.Start()
	}
	if err != nil {
		remove()
		return nil, fmt.Errorf("open the browser: %w", err)
	}
	go func() { _ = opener.Wait() }() // how it ends is the browser's affair
	return remove, nil
}
