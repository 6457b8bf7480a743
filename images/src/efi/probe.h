/* The parts of the EFI probe. */
#ifndef PROBE_H
#define PROBE_H

#include "uefi.h"

enum { FLAG_RETURN = 1 };
enum { NO_DISCOVER = 0xffff };
enum { NONCE_SIZE = 16, NAME_ROOM = 128 };

/* The parameter block, found by its magic and patched in the file: volatile
 * keeps the compiler from believing the values it was built with. */
struct parameters {
	char magic[8];
	char nonce[NONCE_SIZE];
	uint16 echo_port; /* 0: send no datagram */
	uint16 flags;
	uint16 discover_type;
	uint16 reserved;
	char second_file[NAME_ROOM]; /* empty: fetch nothing */
};
extern const volatile struct parameters parameters;
extern efi_system_table *firmware;
extern int over_ipv6; /* this program came over IPv6 */

/* console.c: one line at a time, sent by end_line. */
void open_console(void);
void end_line(void);
void drain_console(void);
void print(const char *text);
void print_clean(const uint8 *text, uintn room); /* up to a NUL; no blanks, nothing unprintable */
void print_number(uint32 n);
void print_hex(uint64 n, int digits);
void print_address(const uint8 *address);
void print_address6(const uint8 *address);
void print_ip(const efi_ip *address); /* of the family this program came over */
void print_status(efi_status status); /* " st=" and the status at its full width */

/* packet.c */
const uint8 *find_option(const pxe_packet *packet, uint8 option, uintn *length);
void report_packet(const char *name, const pxe_packet *packet, int valid);

/* packet6.c */
const uint8 *find_option6(const pxe_packet *packet, uint16 option, uintn *length);
void report_packet6(const char *name, const pxe_packet *packet, int valid);

/* source.c, source6.c: where this program came from. */
struct source {
	const char *via;
	efi_ip server;
	char name[256];
};
void find_source(const pxe_mode *mode, struct source *source);
void find_source6(const pxe_mode *mode, struct source *source); /* the name is empty if it was no TFTP URL */

/* fetch.c, echo.c */
void report_fetch(efi_pxe *pxe, const char *key, const efi_ip *server, const char *name);
void report_echo(efi_pxe *pxe, const efi_ip *server);

#endif
