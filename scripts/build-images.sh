#!/bin/sh
# Builds the probe boot programs into images/bin, reproducibly.
#
#   build-images.sh          build, and write images/SHA256SUMS and images/TOOLCHAIN
#   build-images.sh --check  build elsewhere and compare with what is committed
#
# The check fails when the recorded tools make other bytes. With other tools it
# can only say so, and what the bytes would be.
set -eu

images=$(CDPATH='' cd -- "$(dirname -- "$0")/../images" && pwd)
export LC_ALL=C

require_tools() {
	missing=
	command -v nasm >/dev/null || missing="$missing nasm"
	command -v clang >/dev/null || missing="$missing clang"
	command -v lld-link >/dev/null || missing="$missing lld"
	[ -z "$missing" ] && return
	echo "build-images: these packages are missing:$missing (apt-get install$missing)" >&2
	exit 3
}

toolchain() {
	nasm -v | sed 's/ compiled on.*//'
	clang --version | head -n 1
	lld-link --version
}

build_bios() { # build_bios OUT
	nasm -Wall -Werror -f bin -i src/ -o "$1/probe.0" src/probe.asm
}

# /Brepro puts a hash where the linker would put the time.
build_efi() { # build_efi OUT NAME TARGET FLAG...
	out=$1 name=$2 target=$3
	shift 3
	objects=
	for source in src/probe.c src/efi/*.c; do
		object=$out/$(basename "$source" .c).obj
		clang -target "$target-unknown-windows" -std=gnu11 -Os -Wall -Wextra -Werror \
			-ffreestanding -fno-builtin -fno-stack-protector -fno-asynchronous-unwind-tables \
			-mno-stack-arg-probe "$@" -c "$source" -o "$object"
		objects="$objects $object"
	done
	# shellcheck disable=SC2086 # a list, from mktemp and file names of ours
	lld-link /subsystem:efi_application /entry:efi_main /nodefaultlib /Brepro \
		/safeseh:no /merge:.rdata=.data /out:"$out/$name" $objects
	rm -f "$out"/*.obj
}

build_all() { # build_all OUT
	build_bios "$1"
	build_efi "$1" probe-x64.efi x86_64 -mno-red-zone -mno-sse
	build_efi "$1" probe-ia32.efi i386 -march=i686 -mno-sse
	build_efi "$1" probe-aa64.efi aarch64
}

sums() { # sums FOLDER
	(cd "$1" && sha256sum probe.0 probe-aa64.efi probe-ia32.efi probe-x64.efi) | sed 's|  |  bin/|'
}

check() { # check BUILT
	(cd "$images" && sha256sum --quiet -c SHA256SUMS)
	if sums "$1" | cmp -s - "$images/SHA256SUMS"; then
		echo "build-images: the committed images are what their sources make"
	elif toolchain | cmp -s - "$images/TOOLCHAIN"; then
		echo "build-images: the sources make other images with the recorded tools; run scripts/build-images.sh" >&2
		sums "$1" | diff "$images/SHA256SUMS" - >&2 || true
		exit 1
	else
		echo "build-images: notice: other tools than recorded make other images; not compared further"
		toolchain | diff "$images/TOOLCHAIN" - || true
	fi
}

require_tools
cd "$images"
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
case ${1:-} in
'')
	build_all "$built"
	mkdir -p bin
	cp "$built"/probe* bin/
	sums bin >SHA256SUMS
	toolchain >TOOLCHAIN
	;;
--check)
	build_all "$built"
	check "$built"
	;;
*)
	echo "usage: $0 [--check]" >&2
	exit 2
	;;
esac
