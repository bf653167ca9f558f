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

#define SNAPLEN 262144 /* Longer than any packet, so that none is cut. */

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

/* A handle on the interface; closing it frees its small ring, too. 0 or -errno. */
static int open_live(const struct packet_filter_conf *conf, pcap_t **out, struct fg_error *error)
{
	char reason[PCAP_ERRBUF_SIZE] = "";
	pcap_t *handle = pcap_create(conf->interface, reason);
	int rc;

	if (handle == NULL)
		return fg_error_set(error, ENOMEM, "source %s: filter: %s", conf->source, reason);
	pcap_set_snaplen(handle, SNAPLEN);
	pcap_set_timeout(handle, 1);
	pcap_set_buffer_size(handle, 1 << 20);
	rc = pcap_activate(handle);
	if (rc >= 0) {
		*out = handle;
		return 0;
	}
	/* The filter itself is not wrong: EINVAL would say so. */
	rc = fg_error_set(error, rc == PCAP_ERROR_IFACE_NOT_UP ? ENETDOWN : EIO,
			  "source %s: interface %s must be up for a filter with 'vlan': %s",
			  conf->source, conf->interface, pcap_statustostr(rc));
	pcap_close(handle);
	return rc;
}

static int open_handle(const struct packet_filter_conf *conf, pcap_t **out, struct fg_error *error)
{
	if (mentions_vlan(conf->text))
		return open_live(conf, out, error);
	*out = pcap_open_dead(DLT_EN10MB, SNAPLEN);
	return *out != NULL ? 0 : fg_error_set(error, ENOMEM, "source %s: no memory", conf->source);
}

/* Older kernels deliver outgoing packets to a fanout group even so: the filter drops them. */
static const struct sock_filter not_outgoing[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

/* Store libpcap's code, after the prologue that drops outgoing packets if conf asks for it. */
static int assemble(const struct packet_filter_conf *conf, const struct bpf_insn *code,
		    unsigned int length, struct packet_filter *out, struct fg_error *error)
{
	const unsigned int first = conf->drop_outgoing ? RTE_DIM(not_outgoing) : 0;
	struct sock_filter *all;

	if (first + length > BPF_MAXINSNS)
		return fg_error_set(error, E2BIG,
				    "source %s: filter: '%.100s%s' has %u instructions, the kernel "
				    "takes at most %u",
				    conf->source, conf->text, strlen(conf->text) > 100 ? "..." : "",
				    length, BPF_MAXINSNS - first);
	all = calloc(first + length, sizeof(*all));
	if (all == NULL)
		return fg_error_set(error, ENOMEM, "source %s: no memory", conf->source);
	memcpy(all, not_outgoing, first * sizeof(*all));
	for (unsigned int i = 0; i < length; i++)
		all[first + i] = (struct sock_filter){
			.code = code[i].code, .jt = code[i].jt, .jf = code[i].jf, .k = code[i].k};
	*out = (struct packet_filter){.code = all, .length = (uint16_t)(first + length)};
	return 0;
}

int packet_filter_compile(const struct packet_filter_conf *conf, struct packet_filter *out,
			  struct fg_error *error)
{
	/* Returns the number of bytes to accept: the whole packet. */
	const struct bpf_insn everything = {.code = BPF_RET | BPF_K, .k = UINT32_MAX};
	struct bpf_program program;
	pcap_t *handle = NULL;
	int rc;

	if (conf->text[strspn(conf->text, " \t\n")] == '\0')
		return assemble(conf, &everything, 1, out, error);
	rc = open_handle(conf, &handle, error);
	if (rc != 0)
		return rc;
	/* 0: as written. libpcap's optimizer changes the meaning of some expressions. */
	if (pcap_compile(handle, &program, conf->text, 0, PCAP_NETMASK_UNKNOWN) != 0) {
		rc = fg_error_set(error, EINVAL, "source %s: filter: %s", conf->source,
				  pcap_geterr(handle));
	} else {
		rc = assemble(conf, program.bf_insns, program.bf_len, out, error);
		pcap_freecode(&program);
	}
	pcap_close(handle);
	return rc;
}

void packet_filter_free(struct packet_filter *filter)
{
	free(filter->code);
	*filter = (struct packet_filter){0};
}
