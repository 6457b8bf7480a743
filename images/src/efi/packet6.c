/* DHCPv6 packets as the firmware remembers them. */
#include "probe.h"

enum { /* offsets, RFC 8415 */
	AT_TYPE = 0, AT_XID = 1, AT_OPTIONS = 4, IA_HEADER = 12, ADDRESS_SIZE = 16
};
enum { OPTION_IA = 3, OPTION_ADDRESS = 5, OPTION_URL = 59 };

static const uint8 reported[] = {1, 2, 3, 13, 16, 60, 61, 62};

static uint16 word(const uint8 *at)
{
	return (uint16)(at[0] << 8 | at[1]);
}

/* find looks through options in an area. The packets have no END: what follows
 * the last option in the buffer is zero, and there is no option 0. */
static const uint8 *find(const uint8 *area, uintn room, uint16 option, uintn *length)
{
	uintn at = 0;
	while (at + 4 <= room && word(area + at) != 0) {
		uintn left = room - at - 4, size = word(area + at + 2);
		if (size > left)
			size = left;
		if (word(area + at) == option) {
			*length = size;
			return area + at + 4;
		}
		at += 4 + size;
	}
	return NULL;
}

const uint8 *find_option6(const pxe_packet *packet, uint16 option, uintn *length)
{
	return find(packet->raw + AT_OPTIONS, sizeof packet->raw - AT_OPTIONS, option, length);
}

/* print_leased prints the first address of the first association. */
static void print_leased(const pxe_packet *packet)
{
	uintn length;
	const uint8 *ia = find_option6(packet, OPTION_IA, &length);
	const uint8 *address = NULL;
	if (ia && length > IA_HEADER)
		address = find(ia + IA_HEADER, length - IA_HEADER, OPTION_ADDRESS, &length);
	print(" address=");
	if (address && length >= ADDRESS_SIZE)
		print_address6(address);
}

static void print_url(const pxe_packet *packet)
{
	uintn length;
	const uint8 *url = find_option6(packet, OPTION_URL, &length);
	print(" url=");
	if (url)
		print_clean(url, length);
}

static void print_option6(const pxe_packet *packet, uint8 option)
{
	uintn length;
	const uint8 *value = find_option6(packet, option, &length);
	if (!value)
		return;
	print(" o");
	print_number(option);
	print("=");
	for (uintn i = 0; i < length; i++)
		print_hex(value[i], 2);
}

void report_packet6(const char *name, const pxe_packet *packet, int valid)
{
	print("PXELAB packet=");
	print(name);
	print(valid ? " valid=1" : " valid=0");
	if (valid) {
		print(" type=");
		print_number(packet->raw[AT_TYPE]);
		print(" xid=");
		for (int i = 0; i < 3; i++)
			print_hex(packet->raw[AT_XID + i], 2);
		print_leased(packet);
		print_url(packet);
		for (uintn i = 0; i < sizeof reported; i++)
			print_option6(packet, reported[i]);
	}
	end_line();
}
