#!/bin/sh
# Installs what a lab needs from the distribution's packages. What is there is left alone, and nothing else of
# the host is changed. With --studio also what builds the page of the studio whole, with --test what `make test` needs. Of that
# munge starts its daemon where there is an init system that does so (`systemctl disable --now munge` ends that; tests start their
# own); Slurm's daemons wait for a /etc/slurm/slurm.conf.
# Exit status: 0 all is there, 1 the installation failed, 3 this host needs a hand (the last line says which).
set -eu

wanted='
qemu-system-x86 command qemu-system-x86_64                        the emulator
seabios         file    /usr/share/seabios/bios-256k.bin          firmware of BIOS guests
ipxe-qemu       file    /usr/lib/ipxe/qemu/efi-virtio.rom         PXE option ROMs of the NICs
ovmf            file    /usr/share/OVMF/OVMF_CODE_4M.fd           firmware of x86-64 UEFI guests
ovmf-ia32       file    /usr/share/OVMF/OVMF32_VARS_4M.fd         firmware of IA-32 UEFI guests
pxelinux        file    /usr/lib/PXELINUX/pxelinux.0              boots Linux in BIOS guests
syslinux-common file    /usr/lib/syslinux/modules/bios/ldlinux.c32 what PXELINUX loads first
grub-common     command grub-mkimage                              makes boot programs of GRUB
grub-efi-amd64-bin file /usr/lib/grub/x86_64-efi/moddep.lst       boots Linux in x86-64 UEFI guests
grub-pc-bin     file    /usr/lib/grub/i386-pc/boot.img            boots the USB stick on BIOS
grub-efi-ia32-bin file  /usr/lib/grub/i386-efi/moddep.lst         boots Linux in IA-32 UEFI guests
ipxe            file    /usr/lib/ipxe/snponly.efi                 the iPXE that other clients chain-load'
wanted_by_tests='
gcc             command gcc                                       the race detector
libc6-dev       file    /usr/include/stdlib.h                     the race detector
tshark          command tshark                                    a second opinion on captures
libxml2-utils   command xmllint                                   holds reports to their schema
python3-junitparser file /usr/lib/python3/dist-packages/junitparser/__init__.py a reader of reports that is not ours
nasm            command nasm                                      builds the BIOS probe again
clang           command clang                                     builds the UEFI probes again
lld             command lld-link                                  builds the UEFI probes again
dosfstools      file    /usr/sbin/fsck.fat                        checks the file system of a USB stick
shellcheck      command shellcheck                                lint of these scripts
curl            command curl                                      a TFTP client that is not ours
tftp-hpa        command tftp                                      a TFTP client that is not ours
atftp           command atftp                                     a TFTP client that is not ours
atftpd          command atftpd                                    an MTFTP server that is not ours
openssl         command openssl                                   checks the signatures of boot programs, and makes some
busybox         command busybox                                   TFTP and DHCP clients that are not ours
isc-dhcp-client file    /usr/sbin/dhclient                        a DHCP client that is not ours
isc-dhcp-relay  file    /usr/sbin/dhcrelay                        a DHCP relay agent that is not ours
dnsmasq-base    command dnsmasq                                   a PXE server that is not ours
kea-dhcp4-server file   /usr/sbin/kea-dhcp4                       a DHCP server that is not ours
isc-dhcp-server file    /usr/sbin/dhcpd                           a DHCP server that is not ours
nmap            command nmap                                      scripts that question DHCP servers
munge           file    /usr/sbin/munged                          how the parts of a Slurm cluster know each other
slurmctld       file    /usr/sbin/slurmctld                       a Slurm cluster that the tests start
slurmd          file    /usr/sbin/slurmd                          its nodes
slurm-client    command sbatch                                    its commands
rsync           command rsync                                     runs a GitLab pipeline without GitLab, with gitlab-ci-local
libvirt-daemon  command libvirtd                                  a hypervisor beside the lab itself
libvirt-daemon-driver-qemu file /usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so QEMU under libvirt
libvirt-clients command virsh                                     a client of libvirt that is not ours
openssh-client  command ssh                                       reaches a libvirt daemon on another host
chromium        command chromium                                  a browser for the page of the studio'
wanted_by_studio='
npm             command npm                                       fetches the terminal of the studio, when pxelab is built'

case "${1-}" in
'') ;;
--studio) wanted="$wanted$wanted_by_studio" ;;
--test) wanted="$wanted$wanted_by_studio$wanted_by_tests" ;;
*) echo "usage: $0 [--studio|--test]" >&2; exit 2 ;;
esac

needs_a_hand() { # what to do
	printf 'install-deps: %s\n' "$1" >&2
	exit 3
}

check_go() {
	command -v go >/dev/null 2>&1 || needs_a_hand 'Go 1.26 or newer is missing from PATH: get it from https://go.dev/dl/'
	version=$(cd / && GOTOOLCHAIN=local go env GOVERSION) # "go1.26.8"
	minor=${version#go1.}
	minor=${minor%%[!0-9]*}
	case "$version" in devel*) return ;; esac
	[ "${minor:-0}" -ge 26 ] && return
	if [ "${minor:-0}" -lt 21 ]; then
		needs_a_hand "$version is too old: get Go 1.26 or newer from https://go.dev/dl/"
	fi
	case "$(cd / && go env GOTOOLCHAIN)" in # from 1.21 on, go fetches the toolchain that go.mod asks for
	*auto* | *path*) ;;
	*) needs_a_hand "$version is too old and may not fetch a newer one: set GOTOOLCHAIN=auto, or get Go 1.26 from https://go.dev/dl/" ;;
	esac
}

missing_packages() {
	printf '%s\n' "$wanted" | while read -r package kind what why; do
		case "$kind" in
		command) command -v "$what" >/dev/null 2>&1 && continue ;;
		file) [ -e "$what" ] && continue ;;
		*) continue ;;
		esac
		printf 'missing: %-16s %s\n' "$package" "$why" >&2
		printf '%s ' "$package"
	done
}

# Without apt the files are elsewhere, so nothing is looked for: the doctor does that once the lab is built.
other_distribution() {
	command -v qemu-system-x86_64 >/dev/null 2>&1 && return
	ID=unknown
	# shellcheck source=/dev/null
	[ -r /etc/os-release ] && . /etc/os-release
	case "$ID" in
	fedora) needs_a_hand 'run: sudo dnf install qemu-system-x86 seabios-bin ipxe-roms-qemu edk2-ovmf edk2-ovmf-ia32' ;;
	arch) needs_a_hand 'run: sudo pacman -S qemu-system-x86 edk2-ovmf' ;;
	*) needs_a_hand "no apt-get here (ID=$ID): install QEMU 7.2 or newer, SeaBIOS, QEMU's iPXE option ROMs, OVMF for x86-64 and for IA-32" ;;
	esac
}

install_packages() { # package...
	command="env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $*"
	if [ "$(id -u)" -eq 0 ]; then
		as_root=
	elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
		as_root=sudo
	else
		needs_a_hand "as root, run: apt-get update && $command"
	fi
	$as_root apt-get update -q || echo 'install-deps: apt-get update failed; trying with the package lists that are here' >&2
	# shellcheck disable=SC2086 # words on purpose
	$as_root $command || exit 1
}

check_go
if ! command -v apt-get >/dev/null 2>&1; then
	other_distribution
	exit 0
fi
missing=$(missing_packages)
if [ -n "$missing" ]; then
	# shellcheck disable=SC2086 # words on purpose
	install_packages $missing
fi
