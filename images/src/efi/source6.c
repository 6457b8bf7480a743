/* Where this program was loaded from, over IPv6: the URL of option 59. */
#include "probe.h"

enum { OPTION_URL = 59 };

static int digit(uint8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return (c | 32) - 'a' + 10;
	return -1;
}

/* parse_address reads hexadecimal groups with at most one "::" up to anything
 * else, and gives how many characters it read; 0 if they are no address. */
static uintn parse_address(const uint8 *text, uintn room, uint8 *address)
{
	uint8 groups[8][2];
	int n = 0, gap = -1;
	uintn at = 0;
	while (at < room && n < 8) {
		if (at + 1 < room && text[at] == ':' && text[at + 1] == ':') {
			if (gap >= 0)
				return 0;
			gap = n;
			at += 2;
		} else if (n > 0 && gap != n) {
			if (text[at] != ':')
				break;
			at++;
		}
		uint32 group = 0;
		uintn begin = at;
		for (; at < room && digit(text[at]) >= 0; at++)
			group = group << 4 | (uint32)digit(text[at]);
		if (at == begin)
			break;
		groups[n][0] = (uint8)(group >> 8);
		groups[n++][1] = (uint8)group;
	}
	if (n < 8 && gap < 0)
		return 0;
	for (int i = 0; i < 16; i++)
		address[i] = 0;
	for (int i = 0; i < n; i++) {
		int to = gap >= 0 && i >= gap ? 8 - n + i : i;
		address[2 * to] = groups[i][0];
		address[2 * to + 1] = groups[i][1];
	}
	return at;
}

/* choose prefers what came last in the dialogue, as over IPv4. */
static const pxe_packet *choose(const pxe_mode *mode, const char **via)
{
	uintn length;
	if (mode->bsreply_received && find_option6(&mode->bsreply, OPTION_URL, &length)) {
		*via = "bs";
		return &mode->bsreply;
	}
	if (mode->proxy_received && find_option6(&mode->proxy, OPTION_URL, &length)) {
		*via = "proxy";
		return &mode->proxy;
	}
	*via = "dhcp";
	return &mode->ack;
}

void find_source6(const pxe_mode *mode, struct source *source)
{
	static const char scheme[] = "tftp://[";
	enum { SCHEME = sizeof scheme - 1 };
	uintn length;
	const uint8 *url = find_option6(choose(mode, &source->via), OPTION_URL, &length);
	for (uintn i = 0; i < SCHEME; i++)
		if (!url || i >= length || url[i] != (uint8)scheme[i])
			return;
	uintn at = SCHEME;
	at += parse_address(url + at, length - at, source->server.v6);
	if (at == SCHEME || at + 2 > length || url[at] != ']' || url[at + 1] != '/')
		return;
	at += 2;
	for (uintn i = 0; i < sizeof source->name - 1 && at + i < length; i++)
		source->name[i] = (char)url[at + i];
}
