/* DHCP packets as the firmware remembers them. */
#include "probe.h"

enum { /* offsets, RFC 2131 */
	AT_CLIENT = 16, AT_SERVER = 20, AT_RELAY = 24, AT_SNAME = 44, AT_FILE = 108, AT_COOKIE = 236, AT_OPTIONS = 240
};
enum { OPTION_PAD = 0, OPTION_END = 255 };

static const uint8 reported[] = {43, 53, 54, 60, 66, 67, 77, 93, 94, 97, 175};

/* next_option looks from *at on and moves *at behind what it found. Packets that
 * firmware composed itself need not carry an END option: the buffer bounds it. */
static const uint8 *next_option(const pxe_packet *packet, uint8 option, uintn *at, uintn *length)
{
	const uint8 *raw = packet->raw;
	while (*at + 1 < sizeof packet->raw && raw[*at] != OPTION_END) {
		if (raw[*at] == OPTION_PAD) {
			(*at)++;
			continue;
		}
		uintn value = *at + 2, room = sizeof packet->raw - value;
		int found = raw[*at] == option;
		*length = raw[*at + 1] < room ? raw[*at + 1] : room;
		*at = value + *length;
		if (found)
			return raw + value;
	}
	return NULL;
}

static uintn first_option(const pxe_packet *packet)
{
	const uint8 *cookie = packet->raw + AT_COOKIE;
	int dhcp = cookie[0] == 0x63 && cookie[1] == 0x82 && cookie[2] == 0x53 && cookie[3] == 0x63;
	return dhcp ? AT_OPTIONS : sizeof packet->raw;
}

const uint8 *find_option(const pxe_packet *packet, uint8 option, uintn *length)
{
	uintn at = first_option(packet);
	return next_option(packet, option, &at, length);
}

/* print_option prints " oNN=", or nothing. An option in parts is one value (RFC 3396). */
static void print_option(const pxe_packet *packet, uint8 option)
{
	uintn length, at = first_option(packet);
	const uint8 *value = next_option(packet, option, &at, &length);
	if (!value)
		return;
	print(" o");
	print_number(option);
	print("=");
	for (; value; value = next_option(packet, option, &at, &length))
		for (uintn i = 0; i < length; i++)
			print_hex(value[i], 2);
}

static void print_named_address(const char *name, const uint8 *address)
{
	print(name);
	print_address(address);
}

void report_packet(const char *name, const pxe_packet *packet, int valid)
{
	print("PXELAB packet=");
	print(name);
	print(valid ? " valid=1" : " valid=0");
	if (valid) {
		print_named_address(" yiaddr=", packet->raw + AT_CLIENT);
		print_named_address(" siaddr=", packet->raw + AT_SERVER);
		print_named_address(" giaddr=", packet->raw + AT_RELAY);
		print(" sname=");
		print_clean(packet->raw + AT_SNAME, AT_FILE - AT_SNAME);
		print(" file=");
		print_clean(packet->raw + AT_FILE, AT_COOKIE - AT_FILE);
		for (uintn i = 0; i < sizeof reported; i++)
			print_option(packet, reported[i]);
	}
	end_line();
}
