/* SPDX-License-Identifier: MIT */
#include "packet_filter.h"

#include <ctype.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#define SNAPLEN 262144 /* What the filter lets through of a packet: more than any has. */

static bool is_part_of_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static bool mentions_vlan(const char *text)
{
	for (const char *at = text; (at = strstr(at, "vlan")) != NULL; at += strlen("vlan"))
		if ((at == text || !is_part_of_word(at[-1])) && !is_part_of_word(at[4]))
			return true;
	return false;
}

/* A handle on the interface itself; its own little ring is gone with it. */
static pcap_t *open_live(const struct packet_sockets *sockets, struct fg_error *error)
{
	char reason[PCAP_ERRBUF_SIZE] = "";
	pcap_t *handle = pcap_create(sockets->conf->interface, reason);
	int rc;

	if (handle == NULL) {
		fg_error_set(error, ENOMEM, "source %s: filter: %s", sockets->source, reason);
		return NULL;
	}
	pcap_set_snaplen(handle, SNAPLEN);
	pcap_set_timeout(handle, 1);
	pcap_set_buffer_size(handle, 1 << 20);
	rc = pcap_activate(handle);
	if (rc >= 0)
		return handle;
	fg_error_set(error, rc == PCAP_ERROR_IFACE_NOT_UP ? ENETDOWN : EINVAL,
		     "source %s: interface %s must be up for a filter with 'vlan': %s",
		     sockets->source, sockets->conf->interface, pcap_statustostr(rc));
	pcap_close(handle);
	return NULL;
}

static pcap_t *open_handle(const struct packet_sockets *sockets, struct fg_error *error)
{
	pcap_t *handle;

	if (mentions_vlan(sockets->conf->filter))
		return open_live(sockets, error);
	handle = pcap_open_dead(DLT_EN10MB, SNAPLEN);
	if (handle == NULL)
		fg_error_set(error, ENOMEM, "source %s: no memory", sockets->source);
	return handle;
}

/*
 * With fanout, older kernels hand over what is sent, whatever
 * the sockets said: their filter has to leave it out.
 */
static const struct sock_filter not_outgoing[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

/* Put the parts together. */
static int keep(struct packet_sockets *sockets, const struct bpf_insn *code, unsigned int length,
		struct fg_error *error)
{
	const bool leave_out = !sockets->conf->outgoing && sockets->n_queues > 1;
	const unsigned int first = leave_out ? RTE_DIM(not_outgoing) : 0;

	if (first + length > BPF_MAXINSNS)
		return fg_error_set(error, E2BIG,
				    "source %s: the filter has %u instructions, the kernel takes "
				    "at most %u",
				    sockets->source, length, BPF_MAXINSNS - first);
	sockets->filter = calloc(first + length, sizeof(*sockets->filter));
	if (sockets->filter == NULL)
		return fg_error_set(error, ENOMEM, "source %s: no memory", sockets->source);
	sockets->filter_length = (uint16_t)(first + length);
	memcpy(sockets->filter, not_outgoing, first * sizeof(*sockets->filter));
	for (unsigned int i = 0; i < length; i++)
		sockets->filter[first + i] = (struct sock_filter){
			.code = code[i].code, .jt = code[i].jt, .jf = code[i].jf, .k = code[i].k};
	return 0;
}

int packet_filter_compile(struct packet_sockets *sockets, struct fg_error *error)
{
	/* Of any length, whole. */
	const struct bpf_insn everything = {.code = BPF_RET | BPF_K, .k = UINT32_MAX};
	const char *text = sockets->conf->filter;
	struct bpf_program program;
	pcap_t *handle;
	int rc;

	if (text[strspn(text, " \t\n")] == '\0')
		return keep(sockets, &everything, 1, error);
	handle = open_handle(sockets, error);
	if (handle == NULL)
		return -EINVAL;
	if (pcap_compile(handle, &program, text, 1, PCAP_NETMASK_UNKNOWN) != 0) {
		rc = fg_error_set(error, EINVAL, "source %s: filter: %s", sockets->source,
				  pcap_geterr(handle));
	} else {
		rc = keep(sockets, program.bf_insns, program.bf_len, error);
		pcap_freecode(&program);
	}
	pcap_close(handle);
	return rc;
}
