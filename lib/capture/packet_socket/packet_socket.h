/* SPDX-License-Identifier: MIT */
/*
 * AF_PACKET sockets that receive on one network interface, shared by the kinds packet_mmap and
 * io_uring. This module creates, binds and watches the sockets; the kinds read packets from them.
 */
#ifndef CAPTURE_PACKET_SOCKET_H
#define CAPTURE_PACKET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_option.h>
#include <fg_source.h>

#include "packet_filter.h"

struct packet_socket_conf {
	char *interface;
	bool promiscuous;
	char *join;      /* Multicast groups, IPv4 or IPv6, separated by blanks or commas. */
	char *filter;    /* pcap-filter(7); empty: none. */
	bool outgoing;   /* Also receive what this machine sends. */
	uint64_t fanout; /* Index of packet_socket_fanouts[]: how several queues share. */
};

/* Option rows for a kind's configuration struct, which has a struct packet_socket_conf `socket`.
 * PACKET_SOCKET_INTERFACE must be row 0. */
#define PACKET_SOCKET_INTERFACE(owner)                                                             \
	{                                                                                          \
		.name = "interface", .type = FG_OPTION_STRING,                                     \
		.offset = offsetof(owner, socket.interface),                                       \
		.help = "network interface of this namespace"                                      \
	}
#define PACKET_SOCKET_ROWS(owner)                                                                  \
	{.name = "promiscuous",                                                                    \
	 .type = FG_OPTION_BOOL,                                                                   \
	 .offset = offsetof(owner, socket.promiscuous),                                            \
	 .value = "true",                                                                          \
	 .help = "receive frames for other MAC addresses, too"},                                   \
		{.name = "join",                                                                   \
		 .type = FG_OPTION_STRING,                                                         \
		 .offset = offsetof(owner, socket.join),                                           \
		 .value = "",                                                                      \
		 .help = "multicast groups that the kernel joins"},                                \
		{.name = "filter",                                                                 \
		 .type = FG_OPTION_STRING,                                                         \
		 .offset = offsetof(owner, socket.filter),                                         \
		 .value = "",                                                                      \
		 .help = "the kernel drops packets that do not match: pcap-filter(7)"},            \
		{.name = "outgoing",                                                               \
		 .type = FG_OPTION_BOOL,                                                           \
		 .offset = offsetof(owner, socket.outgoing),                                       \
		 .value = "false",                                                                 \
		 .help = "receive packets that this machine sends, too"},                          \
	{                                                                                          \
		.name = "fanout", .type = FG_OPTION_NAME,                                          \
		.offset = offsetof(owner, socket.fanout), .names = packet_socket_fanouts,          \
		.value = "hash",                                                                   \
		.help = "with several queues: how the kernel spreads packets over them"            \
	}

/* Names of the fanout modes: "hash", "lb", "cpu", "rnd", "qm"; NULL-terminated. */
extern const char *const packet_socket_fanouts[];

/* One queue's socket. */
struct packet_socket {
	int fd;
};

/* The sockets of a source. Only control uses it, except for the descriptors: they do not change
 * while the socket is open. */
struct packet_sockets {
	const char *source; /* Name of the source, for messages. */
	const struct packet_socket_conf *conf;
	uint16_t n_queues;
	int ifindex;    /* Of the bound interface; another one after it came back. */
	bool bound;     /* All are bound, and in one fanout group if there are several. */
	bool gate_open; /* Between packet_sockets_bind() and packet_sockets_unbind(). */
	int *members;   /* Datagram sockets that hold the multicast memberships. */
	unsigned int n_members;
	struct packet_filter filter; /* Attached while the gate is open. */
	uint64_t packets;            /* Sum of tp_packets: the kernel resets it on each read. */
	uint64_t drops;              /* Sum of tp_drops, likewise: they are among packets. */
	uint64_t frozen;             /* Sum of tp_freeze_q_cnt, likewise. */
	struct packet_socket socket[FG_SOURCE_QUEUES_MAX];
};

/* Can this process open a packet socket? As fg_source_ops.probe. */
int packet_sockets_probe(struct fg_error *error);

/*
 * Open @n_queues sockets for conf->interface, which must exist and carry Ethernet frames, but
 * may be down. They receive nothing before packet_sockets_bind(); in between the caller sets its
 * own socket options (version, ring, ...).
 * @conf and @source outlive @sockets. 0, or -errno with @error set and nothing left open. Control.
 */
int packet_sockets_open(struct packet_sockets *sockets, const char *source, uint16_t n_queues,
			const struct packet_socket_conf *conf, struct fg_error *error);

/*
 * Start to receive packets that match conf->filter. The first call binds the sockets to the
 * interface, makes them a fanout group if there are several, joins the multicast groups and
 * enables promiscuous mode.
 * 0, or -errno with @error set and nothing received. Control.
 */
int packet_sockets_bind(struct packet_sockets *sockets, struct fg_error *error);

/*
 * Stop receiving. Packets that the sockets hold stay readable. The sockets stay bound, because a
 * member of a fanout group cannot be bound again; their filter drops every packet until the next
 * packet_sockets_bind(). Control.
 */
void packet_sockets_unbind(struct packet_sockets *sockets);

/* Add the kernel's counters to drops and frozen. Control. */
void packet_sockets_count(struct packet_sockets *sockets);

/*
 * Check the interface: as fg_source_ops.watch. Control.
 * When the interface was removed and created again, a single socket is bound to the new one. The
 * kernel does not allow that for members of a fanout group: with several queues the result stays
 * FG_LINK_GONE, and the kind opens new sockets once packet_sockets_returned() is true.
 */
enum fg_link packet_sockets_watch(struct packet_sockets *sockets);

/* The bound interface is gone, but there is a new one with its name. Control. */
bool packet_sockets_returned(const struct packet_sockets *sockets);

/* NUMA node of the interface's device, or SOCKET_ID_ANY. Control. */
int packet_interface_node(const char *interface);

/* Close the sockets and free what they own. Allowed after a failed open. Control. */
void packet_sockets_close(struct packet_sockets *sockets);

#endif /* CAPTURE_PACKET_SOCKET_H */
