#!/bin/sh
# Puts two of the distribution's Linux kernels into pxelab's cache; nothing is installed. One is the small one made for
# virtual machines, for guests to boot; the other has drivers for USB network cards, for guests that have only those.
# One that is there is left alone. With --optional a failure is told and is none: only labs that boot Linux need them.
# Exit status: 0 they are there, 1 one could not be fetched, 3 this distribution has no such package to fetch.
set -eu

optional=
case "${1-}" in
'') ;;
--optional) optional=yes ;;
*) echo "usage: $0 [--optional]" >&2; exit 2 ;;
esac

give_up() { # status, what to do
	printf 'fetch-kernel: %s\n' "$2" >&2
	[ -n "$optional" ] && exit 0
	exit "$1"
}

cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/pxelab
[ -n "${PXELAB_KERNEL-}" ] && exit 0 # the user has one
if ! command -v apt-get >/dev/null 2>&1; then
	for there in /boot/vmlinuz-*; do
		[ -r "$there" ] && exit 0 # pxelab takes the host's own
	done
	give_up 3 'no apt-get here, and no kernel in /boot that can be read: let PXELAB_KERNEL name a folder with boot/vmlinuz-RELEASE and lib/modules/RELEASE'
fi

there() { # file pattern below a kernel's folder
	# shellcheck disable=SC2231 # the pattern is to be expanded
	for file in "$cache"/kernel-*/$1; do
		[ -e "$file" ] && return 0
	done
	return 1
}

known() { apt-cache show "$1" >/dev/null 2>&1; }

# Debian has a kernel in one package, Ubuntu in several.
fetch() { # meta package
	image=$(apt-cache depends --important "$1" 2>/dev/null | sed -n 's/^ *Depends: //p' | grep -E -x 'linux-image-[0-9].*' | head -n 1)
	[ -n "$image" ] || give_up 3 "apt knows no kernel package ($1): run apt-get update, or let PXELAB_KERNEL name a folder with boot/vmlinuz-RELEASE and lib/modules/RELEASE"
	release=${image#linux-image-}
	packages=$image
	for more in "linux-modules-$release" "linux-modules-extra-$release"; do
		if known "$more"; then packages="$packages $more"; fi
	done
	rm -rf "$work/packages"
	mkdir "$work/packages"
	cd "$work/packages"
	# shellcheck disable=SC2086 # words on purpose
	apt-get -o APT::Sandbox::User="$(id -un)" download -q $packages || give_up 1 "cannot download $packages: is there a network?"
	root=$work/$release
	mkdir "$root"
	for package in *.deb; do
		# Only what an initrd may need: the whole is 200 MB with some kernels.
		dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root" --wildcards --no-anchored \
			'vmlinuz-*' 'virtio*' 'failover.ko*' 'net_failover.ko*' 'vmxnet3.ko*' 'e1000.ko*' \
			'usb-common.ko*' 'usbcore.ko*' 'xhci-*.ko*' 'mii.ko*' 'usbnet.ko*' 'cdc_ether.ko*' 2>/dev/null || true
	done
	[ -e "$root/boot/vmlinuz-$release" ] || give_up 1 "$image holds no boot/vmlinuz-$release"
	chmod 0644 "$root/boot/vmlinuz-$release"
	mv "$root" "$cache/kernel-$release" 2>/dev/null || [ -e "$cache/kernel-$release" ] || give_up 1 "cannot write $cache/kernel-$release"
	printf 'fetch-kernel: Linux %s is in %s\n' "$release" "$cache/kernel-$release"
}

mkdir -p "$cache"
work=$(mktemp -d "$cache/fetching-XXXXXX")
trap 'rm -rf "$work"' EXIT
if ! there 'boot/vmlinuz-*'; then
	if known linux-image-cloud-amd64; then fetch linux-image-cloud-amd64; else fetch linux-image-virtual; fi
fi
if ! there 'lib/modules/*/kernel/drivers/net/usb/cdc_ether.ko*'; then
	if known linux-image-amd64; then fetch linux-image-amd64; else fetch linux-image-generic; fi
fi
