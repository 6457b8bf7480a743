package studio

import (
	"flag"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

// picture is where TestPicture writes the picture of the README: see scripts/studio-picture.sh.
var picture = flag.String("picture", "", "write the picture of the README to this `file`")

// TestPicture holds a lab at the proxy's offer, opens what the proxy says to PXE clients, and takes a picture of the page.
func TestPicture(t *testing.T) {
	if *picture == "" {
		t.Skip("makes the picture of the README, if -picture says where")
	}
	needs(t)
	open, _ := studio(t, "--hold", "--clock", "real", "../../topologies/proxy-beside-dhcp.yaml")
	b := openTab(t, open, 1440, 860)
	b.until(held("DISCOVER"))
	b.do(chromedp.SetValue(chromedp.CSS("#matching [name='sent by']"), "proxy"))
	b.goOnTo("offer")
	b.until(held("OFFER"))
	field := `document.querySelector('[data-path="dhcp.option.43"]')`
	b.until(field + ` !== null`)
	value[bool](b, `studio.inspector.tree.select("dhcp.option.43") || true`)
	b.settle()
	shot, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*picture, shot, 0o666); err != nil {
		t.Fatal(err)
	}
}
