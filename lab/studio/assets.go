package studio

import (
	"crypto/rand"
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// The page: our own files, and below page/vendor the terminal, if scripts/fetch-web.sh fetched it before this was built.
//
//go:embed all:page
var assets embed.FS

// Vendored tells whether the terminal was there when this program was built. The page then finds it as globalThis.Terminal.
func Vendored() bool {
	st, err := fs.Stat(assets, "page/vendor/xterm.js")
	return err == nil && st.Mode().IsRegular()
}

// terminalTags load the terminal, and what lets its styles in, before the page's own style and script.
const terminalTags = `<link rel="stylesheet" href="/page/vendor/xterm.css">
<script src="/page/nonce.js" defer></script>
<script src="/page/vendor/xterm.js" defer></script>
<script src="/page/vendor/addon-fit.js" defer></script>
`

// index is the page, with what the terminal needs if there is one.
func index(files fs.FS, terminal bool, nonce string) (string, error) {
	text, err := fs.ReadFile(files, "page/index.html")
	if err != nil || !terminal {
		return string(text), err
	}
	before, after, ok := strings.Cut(string(text), `<link rel="stylesheet"`)
	if !ok {
		return string(text), nil
	}
	return before + `<meta name="style-nonce" content="` + nonce + "\">\n" + terminalTags + `<link rel="stylesheet"` + after, nil
}

// types are those of all files that are served. What has none of these is not served, such as a lock file.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png", ".woff2": "font/woff2",
}

// getIndex serves the page, with a nonce of its own each time.
func (s *Server) getIndex(w http.ResponseWriter, _ *http.Request) {
	nonce := rand.Text()
	text, err := index(assets, Vendored(), nonce)
	if err != nil {
		fail(w, http.StatusNotFound, "this pxelab was built without its page")
		return
	}
	harden(w.Header(), nonce)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(text))
	if s.options.Loaded != nil {
		s.loaded.Do(s.options.Loaded)
	}
}

// getAsset serves a file of the page. The page itself has another address.
func (s *Server) getAsset(w http.ResponseWriter, r *http.Request) {
	name := "page/" + r.PathValue("file")
	kind, ok := types[path.Ext(name)]
	text, err := assets.ReadFile(name)
	if !ok || err != nil {
		fail(w, http.StatusNotFound, "the page has no file %q", r.PathValue("file"))
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(text)
}
