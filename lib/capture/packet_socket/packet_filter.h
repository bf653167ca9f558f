/* SPDX-License-Identifier: MIT */
/* Compiles a pcap-filter(7) expression to a filter that the kernel runs on a packet socket. */
#ifndef CAPTURE_PACKET_FILTER_H
#define CAPTURE_PACKET_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>

struct sock_filter;

struct packet_filter_conf {
	const char *source; /* Name of the source, for messages. */
	const char *interface;
	const char *text;   /* Expression; blank: every packet passes. */
	bool drop_outgoing; /* Drop packets that this machine sends. */
};

/* A program of the kernel's classic BPF machine. */
struct packet_filter {
	struct sock_filter *code;
	uint16_t length; /* Instructions. */
};

/*
 * Compile conf->text to @out, which the caller frees.
 *
 * The kernel removes the outermost VLAN tag before a socket's filter sees the frame, so
 * `udp port 53` matches tagged and untagged packets alike. For `vlan` libpcap generates code
 * that asks the kernel for the removed tag, but only on an interface that it has opened itself:
 * such a filter needs an interface that is up.
 *
 * 0, or -errno with @error set and @out unchanged. Control.
 */
int packet_filter_compile(const struct packet_filter_conf *conf, struct packet_filter *out,
			  struct fg_error *error);

/* Free the code. Allowed on a zeroed or freed filter. */
void packet_filter_free(struct packet_filter *filter);

#endif /* CAPTURE_PACKET_FILTER_H */
