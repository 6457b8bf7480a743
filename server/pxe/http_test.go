package pxe

import "testing"

func TestMachine(t *testing.T) {
	for code, want := range map[Arch]string{15: "efi-ia32", 16: "efi-x64", 19: "efi-aa64", 20: "bios", 7: "efi-x64", 0: "bios", 0x1c: "efi-riscv64", 54321: "arch-54321"} {
		if got := code.Machine().String(); got != want {
			t.Errorf("code %d is %s, want %s", code, got, want)
		}
	}
}
