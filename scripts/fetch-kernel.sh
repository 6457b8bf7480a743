#!/bin/sh
# Puts the distribution's small Linux kernel, for guests to boot, into pxelab's cache; nothing is installed. One that
# is there is left alone. With --optional a failure is told and is none: only labs that boot Linux need the kernel.
# Exit status: 0 it is there, 1 it could not be fetched, 3 this distribution has no such package to fetch.
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
for there in "$cache"/kernel-*/boot/vmlinuz-*; do
	[ -e "$there" ] && exit 0
done
if ! command -v apt-get >/dev/null 2>&1; then
	for there in /boot/vmlinuz-*; do
		[ -r "$there" ] && exit 0 # pxelab takes the host's own
	done
	give_up 3 'no apt-get here, and no kernel in /boot that can be read: let PXELAB_KERNEL name a folder with boot/vmlinuz-RELEASE and lib/modules/RELEASE'
fi

# The packages that hold a kernel made for virtual machines: Debian's in one, Ubuntu's in two.
meta=linux-image-virtual
packages='linux-image-[0-9].*|linux-modules-[0-9].*'
if apt-cache show linux-image-cloud-amd64 >/dev/null 2>&1; then
	meta=linux-image-cloud-amd64
fi
image=$(apt-cache depends --important "$meta" 2>/dev/null | sed -n 's/^ *Depends: //p' | grep -E -x "$packages" | head -n 1)
[ -n "$image" ] || give_up 3 "apt knows no kernel package ($meta): run apt-get update, or let PXELAB_KERNEL name a folder with boot/vmlinuz-RELEASE and lib/modules/RELEASE"
release=${image#linux-image-}

mkdir -p "$cache"
work=$(mktemp -d "$cache/fetching-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -q "$image" || give_up 1 "cannot download $image: is there a network?"
case "$meta" in *-virtual)
	apt-get download -q "linux-modules-$release" || give_up 1 "cannot download linux-modules-$release"
	;;
esac
mkdir root
for package in *.deb; do
	# Only what an initrd may need: the whole is 200 MB with some kernels.
	dpkg-deb --fsys-tarfile "$package" | tar -x -C root --wildcards --no-anchored \
		'vmlinuz-*' 'virtio*' 'failover.ko*' 'net_failover.ko*' 'vmxnet3.ko*' 'e1000.ko*' 2>/dev/null || true
done
[ -e "root/boot/vmlinuz-$release" ] || give_up 1 "$image holds no boot/vmlinuz-$release"
chmod 0644 "root/boot/vmlinuz-$release"
mv root "$cache/kernel-$release" 2>/dev/null || [ -e "$cache/kernel-$release" ] || give_up 1 "cannot write $cache/kernel-$release"
printf 'fetch-kernel: Linux %s is in %s\n' "$release" "$cache/kernel-$release"
