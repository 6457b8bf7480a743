/* The nonce to the server's echo port and back, through the firmware's UDP. */
#include "probe.h"

enum { OUR_PORT = 50000 };
enum { PRINTED_DATA = 64 };
#define SECOND 10000000ull /* in 100 ns */
#define PATIENCE (20 * SECOND)

static efi_status send_nonce(efi_pxe *pxe, const efi_ip *server)
{
	char nonce[NONCE_SIZE];
	for (int i = 0; i < NONCE_SIZE; i++)
		nonce[i] = parameters.nonce[i];
	uint16 to = parameters.echo_port, from = OUR_PORT;
	uintn size = sizeof nonce;
	return pxe->udp_write(pxe, 0, server, &to, NULL, NULL, &from, NULL, NULL, &size, nonce);
}

struct answer {
	efi_ip from;
	uintn size;
	uint8 data[1024];
};

static int rang(efi_handle timer)
{
	return firmware->boot->check_event(timer) == EFI_SUCCESS;
}

/* receive waits for an answer until the timer rings. Some firmware waits inside
 * a call, for seconds, other firmware only looks: so it asks at least once. The
 * destination is spelled out: iPXE does not take none for the own address. */
static efi_status receive(efi_pxe *pxe, efi_handle timer, struct answer *answer)
{
	efi_status status;
	do {
		efi_ip own = pxe->mode->station;
		uint16 to = OUR_PORT, from = 0;
		answer->size = sizeof answer->data;
		status = pxe->udp_read(pxe, UDP_ANY_SOURCE_IP | UDP_ANY_SOURCE_PORT, &own, &to,
			&answer->from, &from, NULL, NULL, &answer->size, answer->data);
	} while (status != EFI_SUCCESS && status != EFI_UNSUPPORTED && !rang(timer));
	return status;
}

/* converse sends once a second, because a datagram may be lost; any error may be
 * that of an earlier one (ICMP), so only an answer or the deadline ends it. */
static efi_status converse(efi_pxe *pxe, const efi_ip *server, efi_handle again, struct answer *answer)
{
	efi_handle deadline;
	efi_status status = firmware->boot->create_event(EVT_TIMER, TPL_CALLBACK, NULL, NULL, &deadline);
	if (status != EFI_SUCCESS)
		return status;
	firmware->boot->set_timer(deadline, TIMER_RELATIVE, PATIENCE);
	do {
		firmware->boot->set_timer(again, TIMER_RELATIVE, SECOND);
		efi_status sent = send_nonce(pxe, server);
		status = receive(pxe, again, answer);
		if (status != EFI_SUCCESS && sent != EFI_SUCCESS)
			status = sent;
	} while (status != EFI_SUCCESS && status != EFI_UNSUPPORTED && !rang(deadline));
	firmware->boot->close_event(deadline);
	return status;
}

void report_echo(efi_pxe *pxe, const efi_ip *server)
{
	static struct answer answer;
	efi_handle again;
	efi_status status = firmware->boot->create_event(EVT_TIMER, TPL_CALLBACK, NULL, NULL, &again);
	if (status == EFI_SUCCESS) {
		status = converse(pxe, server, again, &answer);
		firmware->boot->close_event(again);
	}
	if (status != EFI_SUCCESS)
		answer.size = 0;
	print("PXELAB udp");
	print_status(status);
	print(" size=");
	print_number((uint32)answer.size);
	print(" from=");
	print_ip(&answer.from);
	print(" data=");
	print_clean(answer.data, answer.size < PRINTED_DATA ? answer.size : PRINTED_DATA);
	end_line();
}
