package studio

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"strconv"

	"github.com/pxelab/pxelab/lab/bundle"
)

func (s *Server) getExport(w http.ResponseWriter, _ *http.Request) {
	var page bytes.Buffer
	if err := Export(&page, s.source, s.options.Version); err != nil {
		fail(w, http.StatusInternalServerError, "%v", err)
		return
	}
	s.download(w, "text/html; charset=utf-8", ".html")
	_, _ = page.WriteTo(w)
}

// download names a file that the page saves.
func (s *Server) download(w http.ResponseWriter, kind, suffix string) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="`+fileName(s.source.Name()+suffix)+`"`)
}

// fileName is a name that is one everywhere.
func fileName(name string) string {
	out := []byte(name)
	for i, c := range out {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			out[i] = '-'
		}
	}
	return string(out)
}

func (s *Server) getCapture(w http.ResponseWriter, _ *http.Request) {
	s.sendFile(w, s.source.path, "application/x-pcapng", ".pcapng")
}

func (s *Server) getCast(w http.ResponseWriter, r *http.Request) {
	guest := r.PathValue("guest")
	if err := s.source.guest(guest); err != nil || s.source.bundle == "" { // so that no path is made of what is none
		fail(w, http.StatusNotFound, "there is no console of %q here", guest)
		return
	}
	s.sendFile(w, bundle.Folder(s.source.bundle).Cast(guest), "application/x-asciicast", "-"+guest+".cast")
}

// sendFile sends a file as it stands now, to be saved.
func (s *Server) sendFile(w http.ResponseWriter, path, kind, suffix string) {
	file, err := os.Open(path)
	if err != nil {
		missing(w, err)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		missing(w, err)
		return
	}
	s.download(w, kind, suffix)
	w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	_, _ = io.CopyN(w, file, info.Size()) // it may have grown since
}
