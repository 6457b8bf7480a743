package main

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// noInitramfs is KEXEC_FILE_NO_INITRAMFS of <linux/kexec.h>.
const noInitramfs = 4

// kexec loads a kernel into memory and starts it in this one's place. It returns only if that failed.
func kexec(kernel, initrd []byte, args string) error {
	k, err := inMemory("kernel", kernel)
	if err != nil {
		return err
	}
	defer k.Close()
	i, flags := ^uintptr(0), uintptr(noInitramfs)
	if len(initrd) > 0 {
		f, err := inMemory("initrd", initrd)
		if err != nil {
			return err
		}
		defer f.Close()
		i, flags = f.Fd(), 0
	}
	line, err := unix.ByteSliceFromString(args)
	if err != nil {
		return fmt.Errorf("the kernel's command line %q: %w", args, err)
	}
	_, _, errno := unix.Syscall6(unix.SYS_KEXEC_FILE_LOAD, k.Fd(), i, uintptr(len(line)), uintptr(unsafe.Pointer(&line[0])), flags, 0)
	if errno != 0 {
		return fmt.Errorf("kexec_file_load: %w", errno)
	}
	return os.NewSyscallError("reboot", unix.Reboot(unix.LINUX_REBOOT_CMD_KEXEC))
}

// inMemory makes a file of bytes, as the kernel takes both by descriptor.
func inMemory(name string, data []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.Write(data); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
