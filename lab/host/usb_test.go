package host

import (
	"slices"
	"testing"
)

// The kernel for USB cards is the best of those that have a driver for them, not the best of all.
func TestUSBKernel(t *testing.T) {
	const cache = "home/me/.cache/pxelab"
	drivers := "lib/modules/6.1.0-25-amd64/kernel/drivers/"
	files := map[string]string{
		cache + "/kernel-6.1.0-25-cloud-amd64/boot/vmlinuz-6.1.0-25-cloud-amd64": bzImage("6.1.0-25-cloud-amd64"),
		cache + "/kernel-6.1.0-25-amd64/boot/vmlinuz-6.1.0-25-amd64":             bzImage("6.1.0-25-amd64"),
	}
	kernels := func() (string, Part, bool) {
		m := layout(files)
		m.cache = "/" + cache
		all, _ := m.kernel()
		usb, ok := m.usbKernel()
		return all.Version, usb, ok
	}
	if version, k, ok := kernels(); version != "6.1.0-25-cloud-amd64" || ok {
		t.Errorf("without a driver: %s, and for USB %+v", version, k)
	}
	for _, file := range []string{"usb/core/usbcore.ko", "net/usb/cdc_ether.ko.xz", "net/virtio_net.ko"} {
		files[cache+"/kernel-6.1.0-25-amd64/"+drivers+file] = "module"
	}
	version, k, ok := kernels()
	folder := "/" + cache + "/kernel-6.1.0-25-amd64/"
	want := []string{folder + drivers + "net/virtio_net.ko", folder + drivers + "usb/core/usbcore.ko", folder + drivers + "net/usb/cdc_ether.ko.xz"}
	if version != "6.1.0-25-cloud-amd64" || !ok || k.Name != "usb-kernel" || k.Version != "6.1.0-25-amd64" || !slices.Equal(k.Modules, want) {
		t.Errorf("got %s, and for USB %+v", version, k)
	}
}
