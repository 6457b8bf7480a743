/* The EFI probe, one source for every architecture: reports on the serial port
 * what the firmware was told and what works, then powers the machine off. */
#include "efi/probe.h"

const volatile struct parameters parameters __attribute__((used)) = {
	.magic = {'P', 'X', 'E', 'L', 'A', 'B', 'C', 'F'},
	.nonce = {'u', 'n', 'p', 'a', 't', 'c', 'h', 'e', 'd', '-', 'p', 'r', 'o', 'b', 'e', '-'},
	.discover_type = NO_DISCOVER,
};
efi_system_table *firmware;
int over_ipv6;

static const efi_guid loaded_image_guid = {
	0x5b1b31a1, 0x9562, 0x11d2, {0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}
};
static const efi_guid pxe_guid = {
	0x03c4e603, 0xac28, 0x11d3, {0x9a, 0x2d, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d}
};
static const efi_guid global_variable_guid = {
	0x8be4df61, 0x93ca, 0x11d2, {0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c}
};

static void print_vendor(void)
{
	uint8 vendor[64];
	uintn n = 0;
	for (const uint16 *c = firmware->vendor; c && *c && n < sizeof vendor; c++)
		vendor[n++] = *c < 0x80 ? (uint8)*c : '?';
	print_clean(vendor, n);
}

static void print_secure_boot(void)
{
	static const uint16 name[] = {'S', 'e', 'c', 'u', 'r', 'e', 'B', 'o', 'o', 't', 0};
	uint8 on = 0;
	uintn size = sizeof on;
	if (firmware->runtime->get_variable(name, &global_variable_guid, NULL, &size, &on) != EFI_SUCCESS)
		print("absent");
	else
		print_number(on);
}

static void report_banner(void)
{
	print("PXELAB-PROBE v1 arch=" ARCH " nonce=");
	for (int i = 0; i < NONCE_SIZE; i++) {
		uint8 c = (uint8)parameters.nonce[i];
		print_clean(&c, 1);
	}
	print(" fw=");
	print_vendor();
	print(" fwrev=");
	print_hex(firmware->firmware_revision, 8);
	print(" uefi=");
	print_hex(firmware->header.revision, 8);
	print(" secureboot=");
	print_secure_boot();
	end_line();
}

/* find_pxe prints the pxebc line and gives the protocol of the card this program
 * came through; NULL if there is none. */
static efi_pxe *find_pxe(efi_handle image)
{
	efi_loaded_image *loaded;
	efi_pxe *pxe = NULL;
	efi_status status = firmware->boot->handle_protocol(image, &loaded_image_guid, (void **)&loaded);
	if (status == EFI_SUCCESS)
		status = loaded->device ? firmware->boot->handle_protocol(loaded->device, &pxe_guid, (void **)&pxe) : EFI_NOT_FOUND;
	if (status == EFI_SUCCESS && (!pxe || !pxe->mode))
		status = EFI_NOT_FOUND;
	print("PXELAB pxebc");
	print_status(status);
	if (status != EFI_SUCCESS) {
		end_line();
		return NULL;
	}
	print(" rev=");
	print_hex(pxe->revision, 8);
	print(" started=");
	print_number(pxe->mode->started);
	print(" v6=");
	print_number(pxe->mode->using_ipv6);
	over_ipv6 = pxe->mode->using_ipv6;
	print(" station=");
	print_ip(&pxe->mode->station);
	print(" mask=");
	print_ip(&pxe->mode->mask);
	end_line();
	return pxe;
}

static void report_packets(const pxe_mode *mode)
{
	void (*report)(const char *, const pxe_packet *, int) = over_ipv6 ? report_packet6 : report_packet;
	report("discover", &mode->discover, mode->discover_valid);
	report("ack", &mode->ack, mode->ack_received);
	report("proxy", &mode->proxy, mode->proxy_received);
	report("bsrequest", &mode->bsrequest, mode->bsrequest_valid);
	report("bsreply", &mode->bsreply, mode->bsreply_received);
}

static void report_downloads(efi_pxe *pxe, const struct source *source)
{
	static char second[NAME_ROOM];
	report_fetch(pxe, "self", &source->server, source->name);
	print(" how=refetch");
	end_line();
	for (int i = 0; i < NAME_ROOM - 1; i++)
		second[i] = parameters.second_file[i];
	if (second[0] == 0)
		return;
	report_fetch(pxe, "fetch", &source->server, second);
	end_line();
}

static void report_discover(efi_pxe *pxe)
{
	uint16 layer = 0;
	efi_status status = pxe->discover(pxe, parameters.discover_type, &layer, 0, NULL);
	print("PXELAB discover");
	print_status(status);
	print(" layer=");
	print_hex(layer, 4);
	end_line();
	report_packet("bsrequest2", &pxe->mode->bsrequest, pxe->mode->bsrequest_valid);
	report_packet("bsreply2", &pxe->mode->bsreply, pxe->mode->bsreply_received);
}

static void report_network(efi_pxe *pxe)
{
	static struct source source;
	report_packets(pxe->mode);
	(over_ipv6 ? find_source6 : find_source)(pxe->mode, &source);
	print("PXELAB via=");
	print(source.via);
	end_line();
	if (over_ipv6 && source.name[0] == 0)
		return; /* no TFTP server is known */
	report_downloads(pxe, &source);
	if (parameters.echo_port != 0)
		report_echo(pxe, &source.server);
	if (parameters.discover_type != NO_DISCOVER && !over_ipv6) /* DHCPv6 has no boot servers */
		report_discover(pxe);
}

efi_status EFIAPI efi_main(efi_handle image, efi_system_table *system)
{
	firmware = system;
	firmware->boot->set_watchdog_timer(0, 0, 0, NULL);
	open_console();
	report_banner();
	efi_pxe *pxe = find_pxe(image);
	if (pxe)
		report_network(pxe);
	print("PXELAB-PROBE END");
	end_line();
	drain_console();
	if (!(parameters.flags & FLAG_RETURN))
		firmware->runtime->reset_system(RESET_SHUTDOWN, EFI_SUCCESS, 0, NULL);
	return EFI_SUCCESS;
}
