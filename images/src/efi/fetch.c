/* Files through the firmware's own TFTP client. */
#include "probe.h"

enum { ROOM_WITHOUT_SIZE = 1 << 20 };
enum { ROOM_TO_SPARE = 4096 }; /* shows a file that is longer than its announced size */

static uint32 crc32(const uint8 *data, uintn size)
{
	uint32 crc = ~0u;
	while (size-- > 0) {
		crc ^= *data++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static efi_status read_file(efi_pxe *pxe, const efi_ip *server, const char *name, void *buffer, uint64 *size)
{
	return pxe->mtftp(pxe, MTFTP_READ_FILE, buffer, 0, size, NULL, server, (const uint8 *)name, NULL, 0);
}

/* read_unsized is for firmware that neither tells the size of a file nor how
 * much it wrote (iPXE): of two downloads over two different fillings, the bytes
 * that come out alike, up to the last such, are the file. */
static efi_status read_unsized(efi_pxe *pxe, const efi_ip *server, const char *name, uint8 *buffer, uint64 *size)
{
	uint8 *again = buffer + ROOM_WITHOUT_SIZE;
	for (uintn i = 0; i < ROOM_WITHOUT_SIZE; i++) {
		buffer[i] = 0x00;
		again[i] = 0xff;
	}
	uint64 room = ROOM_WITHOUT_SIZE;
	efi_status status = read_file(pxe, server, name, buffer, &room);
	room = ROOM_WITHOUT_SIZE;
	if (status == EFI_SUCCESS)
		status = read_file(pxe, server, name, again, &room);
	uintn end = ROOM_WITHOUT_SIZE;
	while (end > 0 && buffer[end - 1] != again[end - 1])
		end--;
	*size = end;
	return status;
}

/* fetch gives the file in a buffer for the caller to free, or leaves that NULL. */
static efi_status fetch(efi_pxe *pxe, const efi_ip *server, const char *name, uint8 **buffer, uint64 *size)
{
	efi_status status;
	status = pxe->mtftp(pxe, MTFTP_FILE_SIZE, NULL, 0, size, NULL, server, (const uint8 *)name, NULL, 0);
	int unsized = status == EFI_UNSUPPORTED;
	if (status != EFI_SUCCESS && !unsized)
		return status;
	*size = unsized ? ROOM_WITHOUT_SIZE : *size + ROOM_TO_SPARE;
	uintn room = (uintn)*size * (unsized ? 2 : 1);
	status = firmware->boot->allocate_pool(MEMORY_LOADER_DATA, room, (void **)buffer);
	if (status != EFI_SUCCESS) {
		*buffer = NULL;
		return status;
	}
	return unsized ? read_unsized(pxe, server, name, *buffer, size) : read_file(pxe, server, name, *buffer, size);
}

void report_fetch(efi_pxe *pxe, const char *key, const efi_ip *server, const char *name)
{
	uint8 *buffer = NULL;
	uint64 size = 0;
	efi_status status = fetch(pxe, server, name, &buffer, &size);
	if (status != EFI_SUCCESS)
		size = 0;
	print("PXELAB ");
	print(key);
	print_status(status);
	print(" size=");
	print_number((uint32)size);
	print(" crc=");
	print_hex(status == EFI_SUCCESS ? crc32(buffer, (uintn)size) : 0, 8);
	print(" server=");
	print_ip(server);
	print(" name=");
	print_clean((const uint8 *)name, NAME_ROOM * 2);
	if (buffer)
		firmware->boot->free_pool(buffer);
}
