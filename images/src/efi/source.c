/* Which of the remembered packets this program was loaded by. */
#include "probe.h"

enum { AT_SERVER = 20, AT_FILE = 108, FILE_ROOM = 128 };
enum { OPTION_SERVER = 54, OPTION_FILE = 67 };

static int names_file(const pxe_packet *packet)
{
	uintn length;
	return packet->raw[AT_FILE] || find_option(packet, OPTION_FILE, &length);
}

static int same(const pxe_packet *a, const pxe_packet *b)
{
	for (uintn i = 0; i < sizeof a->raw; i++)
		if (a->raw[i] != b->raw[i])
			return 0;
	return 1;
}

/* choose prefers what came last in the dialogue. iPXE always has a boot server
 * reply: without a boot server it is a copy of the ACK, and so proves none. */
static const pxe_packet *choose(const pxe_mode *mode, const char **via)
{
	if (mode->bsreply_received && names_file(&mode->bsreply) && !same(&mode->bsreply, &mode->ack)) {
		*via = "bs";
		return &mode->bsreply;
	}
	if (mode->proxy_received && names_file(&mode->proxy)) {
		*via = "proxy";
		return &mode->proxy;
	}
	*via = "dhcp";
	return &mode->ack;
}

static void copy(void *to, const uint8 *from, uintn size)
{
	for (uintn i = 0; i < size; i++)
		((uint8 *)to)[i] = from[i];
}

/* find_source reads a packet as EDK2 does: siaddr before the server identifier,
 * option 67 before the file field. */
void find_source(const pxe_mode *mode, struct source *source)
{
	const pxe_packet *packet = choose(mode, &source->via);
	uintn length;
	copy(&source->server, packet->raw + AT_SERVER, 4);
	const uint8 *id = find_option(packet, OPTION_SERVER, &length);
	if (source->server.align[0] == 0 && id && length == 4)
		copy(&source->server, id, 4);
	const uint8 *file = find_option(packet, OPTION_FILE, &length);
	if (file)
		copy(source->name, file, length);
	else
		copy(source->name, packet->raw + AT_FILE, FILE_ROOM);
}
