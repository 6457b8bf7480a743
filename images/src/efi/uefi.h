/* The part of the UEFI 2.10 and PXE_BASE_CODE interfaces that the probe uses,
 * declared from the specification. Members the probe never touches are only
 * kept in place: a pointer each. */
#ifndef UEFI_H
#define UEFI_H

typedef unsigned char uint8;
typedef unsigned short uint16;
typedef unsigned int uint32;
typedef unsigned long long uint64;
typedef __UINTPTR_TYPE__ uintn;
typedef uintn efi_status;
typedef void *efi_handle;
typedef void *unused;

#define NULL ((void *)0)

#if defined(__x86_64__)
#define ARCH "efi-x64"
#define EFIAPI __attribute__((ms_abi))
#elif defined(__i386__)
#define ARCH "efi-ia32"
#define EFIAPI
#elif defined(__aarch64__)
#define ARCH "efi-aa64"
#define EFIAPI
#else
#error "no UEFI architecture the probe knows"
#endif

#define EFI_ERROR_BIT ((efi_status)1 << (sizeof(efi_status) * 8 - 1))
#define EFI_SUCCESS ((efi_status)0)
#define EFI_UNSUPPORTED (EFI_ERROR_BIT | 3)
#define EFI_NOT_FOUND (EFI_ERROR_BIT | 14)
#define EFI_TIMEOUT (EFI_ERROR_BIT | 18)

typedef struct { uint32 a; uint16 b, c; uint8 d[8]; } efi_guid;
typedef struct { uint64 signature; uint32 revision, size, crc, reserved; } efi_table;
typedef union { uint8 v4[4]; uint8 v6[16]; uint32 align[4]; } efi_ip;

typedef struct efi_text {
	unused reset;
	efi_status (EFIAPI *output)(struct efi_text *, const uint16 *);
} efi_text;

#define SERIAL_OUTPUT_EMPTY 0x200 /* EFI_SERIAL_OUTPUT_BUFFER_EMPTY */

typedef struct efi_serial {
	uint32 revision;
	unused reset, set_attributes, set_control;
	efi_status (EFIAPI *get_control)(struct efi_serial *, uint32 *);
	efi_status (EFIAPI *write)(struct efi_serial *, uintn *, const void *);
} efi_serial;

#define EVT_TIMER 0x80000000u
#define TPL_CALLBACK 8
enum { TIMER_CANCEL, TIMER_PERIODIC, TIMER_RELATIVE };
#define MEMORY_LOADER_DATA 2

typedef struct {
	efi_table header;
	unused raise_tpl, restore_tpl, allocate_pages, free_pages, get_memory_map;
	efi_status (EFIAPI *allocate_pool)(uint32 type, uintn size, void **);
	efi_status (EFIAPI *free_pool)(void *);
	efi_status (EFIAPI *create_event)(uint32 type, uintn tpl, unused notify, unused context, efi_handle *);
	efi_status (EFIAPI *set_timer)(efi_handle, uint32 kind, uint64 in_100ns);
	unused wait_for_event, signal_event;
	efi_status (EFIAPI *close_event)(efi_handle);
	efi_status (EFIAPI *check_event)(efi_handle);
	unused install_protocol, reinstall_protocol, uninstall_protocol;
	efi_status (EFIAPI *handle_protocol)(efi_handle, const efi_guid *, void **);
	unused reserved, register_notify, locate_handle, locate_device_path, install_table;
	unused load_image, start_image, exit, unload_image, exit_boot_services, get_monotonic_count;
	efi_status (EFIAPI *stall)(uintn microseconds);
	efi_status (EFIAPI *set_watchdog_timer)(uintn seconds, uint64 code, uintn size, const uint16 *);
	unused connect_controller, disconnect_controller, open_protocol, close_protocol;
	unused open_protocol_information, protocols_per_handle, locate_handle_buffer;
	efi_status (EFIAPI *locate_protocol)(const efi_guid *, unused registration, void **);
} efi_boot_services;

#define RESET_SHUTDOWN 2

typedef struct {
	efi_table header;
	unused get_time, set_time, get_wakeup_time, set_wakeup_time, set_address_map, convert_pointer;
	efi_status (EFIAPI *get_variable)(const uint16 *, const efi_guid *, uint32 *, uintn *, void *);
	unused get_next_variable, set_variable, get_high_count;
	void (EFIAPI *reset_system)(uint32 kind, efi_status, uintn, void *);
} efi_runtime_services;

typedef struct {
	efi_table header;
	const uint16 *vendor;
	uint32 firmware_revision;
	efi_handle input_handle;
	unused input;
	efi_handle output_handle;
	efi_text *output;
	efi_handle error_handle;
	efi_text *error;
	efi_runtime_services *runtime;
	efi_boot_services *boot;
} efi_system_table;

typedef struct {
	uint32 revision;
	efi_handle parent;
	efi_system_table *system;
	efi_handle device;
} efi_loaded_image;

/* EFI_PXE_BASE_CODE_PACKET: its buffer may be followed by nothing, and a DHCP
 * packet in it need not fill it. */
typedef struct { uint8 raw[1472]; } pxe_packet;

typedef struct {
	uint8 started, ipv6_available, ipv6_supported, using_ipv6, bis_supported, bis_detected, auto_arp, send_guid;
	uint8 discover_valid, ack_received, proxy_received, bsrequest_valid, bsreply_received, bis_received;
	uint8 icmp_error, tftp_error, make_callbacks, ttl, tos;
	efi_ip station, mask;
	pxe_packet discover, ack, proxy, bsrequest, bsreply, bis;
} pxe_mode;

enum { MTFTP_FILE_SIZE = 1, MTFTP_READ_FILE = 2 };
#define UDP_ANY_SOURCE_IP 1
#define UDP_ANY_SOURCE_PORT 2

typedef struct efi_pxe {
	uint64 revision;
	unused start, stop, dhcp;
	efi_status (EFIAPI *discover)(struct efi_pxe *, uint16 type, uint16 *layer, uint8 use_bis, unused info);
	efi_status (EFIAPI *mtftp)(struct efi_pxe *, uint32 operation, void *buffer, uint8 overwrite, uint64 *size,
		uintn *block, const efi_ip *server, const uint8 *name, unused info, uint8 no_buffer);
	efi_status (EFIAPI *udp_write)(struct efi_pxe *, uint16 flags, const efi_ip *to, const uint16 *to_port,
		unused gateway, unused from, uint16 *from_port, uintn *header_size, void *header, uintn *size, const void *data);
	efi_status (EFIAPI *udp_read)(struct efi_pxe *, uint16 flags, efi_ip *to, const uint16 *to_port,
		efi_ip *from, uint16 *from_port, uintn *header_size, void *header, uintn *size, void *data);
	unused set_filter, arp, set_parameters, set_station, set_packets;
	pxe_mode *mode;
} efi_pxe;

#endif
