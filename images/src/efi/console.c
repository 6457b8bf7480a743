/* The report's way out: the serial port's own protocol, because the text console
 * on the same port wraps at 80 columns and adds escape sequences. */
#include "probe.h"

enum { LINE_ROOM = 4096 }; /* a packet whose options fill its buffer takes 3300 */
enum { PATIENCE = 5000 }; /* milliseconds without progress */

static const efi_guid serial_guid = {
	0xbb25cf6f, 0xf1d4, 0x11d2, {0x9a, 0x0c, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0xfd}
};
static efi_serial *serial;
static char line[LINE_ROOM];
static uintn length;

void open_console(void)
{
	if (firmware->boot->locate_protocol(&serial_guid, NULL, (void **)&serial) != EFI_SUCCESS)
		serial = NULL;
	end_line();
}

static void add(char c)
{
	if (length < LINE_ROOM - 2) /* end_line always finds its room */
		line[length++] = c;
}

static void send_serial(void)
{
	const char *rest = line;
	int patience = PATIENCE;
	while (length > 0 && patience > 0) {
		uintn sent = length;
		efi_status status = serial->write(serial, &sent, rest);
		if (status != EFI_SUCCESS && status != EFI_TIMEOUT)
			return;
		if (sent == 0) {
			firmware->boot->stall(1000);
			patience--;
		}
		rest += sent;
		length -= sent;
	}
}

static void send_text(void)
{
	for (uintn i = 0; i < length; i++) {
		uint16 one[2] = {(uint8)line[i], 0};
		firmware->output->output(firmware->output, one);
	}
}

void end_line(void)
{
	line[length++] = '\r';
	line[length++] = '\n';
	if (serial)
		send_serial();
	else if (firmware->output)
		send_text();
	length = 0;
}

/* drain_console waits until the port says it has sent everything. */
void drain_console(void)
{
	uint32 control = 0;
	for (int i = 0; serial && i < PATIENCE; i++) {
		if (serial->get_control(serial, &control) != EFI_SUCCESS || control & SERIAL_OUTPUT_EMPTY)
			return;
		firmware->boot->stall(1000);
	}
}

void print(const char *text)
{
	while (*text)
		add(*text++);
}

void print_clean(const uint8 *text, uintn room)
{
	for (; room > 0 && *text; room--, text++)
		add(*text == ' ' ? '_' : *text < ' ' || *text > '~' ? '.' : (char)*text);
}

void print_number(uint32 n)
{
	char digits[11];
	int at = sizeof digits - 1;
	digits[at] = 0;
	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	print(digits + at);
}

void print_hex(uint64 n, int digits)
{
	while (digits-- > 0)
		add("0123456789abcdef"[(n >> (4 * digits)) & 15]);
}

void print_address(const uint8 *address)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			add('.');
		print_number(address[i]);
	}
}

/* print_address6 writes an address as RFC 5952 has it: the longest run of zero
 * groups, the first of several, as "::". */
void print_address6(const uint8 *address)
{
	int best = 0, longest = 1; /* a single group is not shortened */
	for (int i = 0; i < 8; i++) {
		int n = 0;
		while (i + n < 8 && address[2 * (i + n)] == 0 && address[2 * (i + n) + 1] == 0)
			n++;
		if (n > longest) {
			best = i;
			longest = n;
		}
	}
	for (int i = 0; i < 8; i++) {
		if (longest > 1 && i == best) {
			print("::");
			i += longest - 1;
			continue;
		}
		if (i && !(longest > 1 && i == best + longest))
			print(":");
		uint32 group = (uint32)address[2 * i] << 8 | address[2 * i + 1];
		int digits = 1;
		while (digits < 4 && group >> (4 * digits))
			digits++;
		print_hex(group, digits);
	}
}

void print_ip(const efi_ip *address)
{
	if (over_ipv6)
		print_address6(address->v6);
	else
		print_address(address->v4);
}

void print_status(efi_status status)
{
	print(" st=");
	print_hex(status, sizeof status * 2);
}
