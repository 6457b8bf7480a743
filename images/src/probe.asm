; The BIOS probe: a PXE network boot program that reports on COM1 what it was
; told and what works, then powers the machine off.
;
; A PXE ROM loads it at 0:7C00 and calls it with ES:BX pointing at PXENV+ and,
; above the return address, a pointer to !PXE (PXE 2.1).
;
; Memory:       7C00            this image; nothing in it is ever written to
;               A000            variables
;               below F000      our stack (below 7C00 may be the firmware's)
;               20000           a copy of one cached packet
;               30000           one block of a download, or a datagram
; The PXE stack itself lives at the top of base memory, well above.
;
; Conventions: DS is 0 everywhere, ES is the segment of the packet or buffer at
; hand. "print" routines preserve every register, calls of the PXE API all but
; the structure; "report" routines, one a line, preserve nothing.

        cpu     386
        bits    16
        org     0x7c00

PACKET_SEGMENT  equ 0x2000
PACKET_ROOM     equ 2048
BUFFER_SEGMENT  equ 0x3000
BUFFER_ROOM     equ 2048
VARIABLES       equ 0xa000
STACK           equ 0xf000

FLAG_RETURN     equ 1                   ; go back to the firmware at the end
FLAG_CHAIN      equ 2                   ; boot the second file in our place

start:  jmp     0:main
        align   8, db 0

; The parameter block, found by its magic and patched in the file; one layout
; for all probes. As it stands here, a probe reports and does nothing else.
        db      'PXELABCF'
nonce:  db      'unpatched-probe-'
NONCE_SIZE      equ $ - nonce
echo_port:      dw 0                    ; 0: send no datagram
flags:          dw 0
                dw 0xffff               ; the discover type: for the EFI probes
                dw 0
second_file:    times 128 db 0          ; empty: fetch nothing

main:   cld
        push    ds
        push    es
        pushad
        mov     bp, sp                  ; +16 BX, +32 ES, +36 CS:IP, +40 !PXE
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     di, VARIABLES
        mov     cx, variables_size
        rep     stosb
        mov     [firmware_stack], sp
        mov     [firmware_stack + 2], ss
        mov     ax, [bp + 16]
        mov     [pxenv_at], ax
        mov     ax, [bp + 32]
        mov     [pxenv_at + 2], ax
        mov     eax, [bp + 40]
        mov     [pxe_at], eax
        xor     ax, ax
        mov     ss, ax
        mov     sp, STACK
        sti

        call    measure_image
        call    open_serial
        call    report_banner
        call    report_image
        call    report_entry_points
        call    report_cached_packets
        call    choose_server
        call    chain_second_file
        call    report_undi
        call    report_nic
        call    report_interface
        call    fetch_second_file
        call    echo_nonce
        jmp     finish

%include "bios/serial.inc"
%include "bios/text.inc"
%include "bios/image.inc"
%include "bios/pxe.inc"
%include "bios/packets.inc"
%include "bios/undi.inc"
%include "bios/tftp.inc"
%include "bios/udp.inc"
%include "bios/finish.inc"

image_size      equ $ - start
%if image_size > VARIABLES - 0x7c00
  %error the image has grown into its variables
%endif

        absolute VARIABLES
call_block:                             ; the structure of the PXE call at hand
status:         resw 1                  ; every one begins with its status
                resb CALL_ROOM - 2
firmware_stack: resd 1
pxenv_at:       resd 1
pxe_at:         resd 1
pxe_entry:      resd 1
crc:            resd 1
image_crc:      resd 1
client:         resd 1                  ; addresses in network byte order
server:         resd 1
fetched:        resd 1
packet_end:     resw 1
block_size:     resw 1
tries:          resb 1
variables_size  equ $ - VARIABLES
