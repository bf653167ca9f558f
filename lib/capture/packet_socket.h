/* SPDX-License-Identifier: MIT */
/*
 * An AF_PACKET socket for receiving on one network interface: what the kinds
 * that stand on one (packet_mmap, io_uring) have in common. It sets up and
 * looks after the socket; how packets are read from it is the kind's affair.
 */
#ifndef CAPTURE_PACKET_SOCKET_H
#define CAPTURE_PACKET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_option.h>
#include <fg_source.h>

struct packet_socket_conf {
	char *interface;
	bool promiscuous;
	char *join;   /* Multicast groups for the kernel to join: IPv4 or IPv6, by blanks or commas.
		       */
	char *filter; /* pcap-filter(7); empty: none. */
	bool outgoing;   /* Take what this machine itself sends, too. */
	uint64_t fanout; /* Index of packet_socket_fanouts[]: how several queues share. */
};

/* Option rows for a kind's struct that has a packet_socket_conf called `socket`. Row 0 must be
 * interface. */
#define PACKET_SOCKET_INTERFACE(type)                                                              \
	{                                                                                          \
		.name = "interface", .type = FG_OPTION_STRING,                                     \
		.offset = offsetof(type, socket.interface),                                        \
		.help = "network interface of this namespace"                                      \
	}
#define PACKET_SOCKET_ROWS(type)                                                                   \
	{.name = "promiscuous",                                                                    \
	 .type = FG_OPTION_BOOL,                                                                   \
	 .offset = offsetof(type, socket.promiscuous),                                             \
	 .value = "true",                                                                          \
	 .help = "receive what is addressed to others"},                                           \
		{.name = "join",                                                                   \
		 .type = FG_OPTION_STRING,                                                         \
		 .offset = offsetof(type, socket.join),                                            \
		 .value = "",                                                                      \
		 .help = "multicast groups that the kernel is to join, so that they come"},        \
		{.name = "filter",                                                                 \
		 .type = FG_OPTION_STRING,                                                         \
		 .offset = offsetof(type, socket.filter),                                          \
		 .value = "",                                                                      \
		 .help = "what the kernel lets through, as pcap-filter(7) has it"},                \
		{.name = "outgoing",                                                               \
		 .type = FG_OPTION_BOOL,                                                           \
		 .offset = offsetof(type, socket.outgoing),                                        \
		 .value = "false",                                                                 \
		 .help = "receive what this machine sends, too"},                                  \
	{                                                                                          \
		.name = "fanout", .type = FG_OPTION_NAME, .offset = offsetof(type, socket.fanout), \
		.names = packet_socket_fanouts, .value = "hash",                                   \
		.help = "with several queues: how the kernel spreads packets over them"            \
	}

/* "hash", "lb", "cpu", "rnd", "qm"; NULL-terminated. */
extern const char *const packet_socket_fanouts[];

/* One queue's socket. */
struct packet_socket {
	int fd;
	int ifindex;
};

/* What all queues of a source share. */
struct packet_sockets {
	const char *source; /* Its name, for messages. */
	const struct packet_socket_conf *conf;
	uint16_t n_queues;
	int member; /* Datagram socket(s) that hold the groups' memberships; -1: none. */
	int member6;
	uint64_t drops;  /* tp_drops and ... */
	uint64_t frozen; /* tp_freeze_q_cnt: read and added up, since the kernel clears them. */
	struct packet_socket socket[FG_SOURCE_QUEUES_MAX];
};

/* May this process open one? As fg_source_ops.probe. */
int packet_sockets_probe(struct fg_error *error);

/*
 * Open n_queues sockets for conf->interface: with filter, promiscuity and memberships in force,
 * but not yet bound: nothing is received before packet_sockets_bind(). The caller
 * sets its own socket options (version, ring, ...) in between.
 * @conf and @source live as long as @sockets. 0, or -errno with error set and nothing left open.
 */
int packet_sockets_open(struct packet_sockets *sockets, const char *source, uint16_t n_queues,
			const struct packet_socket_conf *conf, struct fg_error *error);

/* Bind all to the interface, with fanout if there are several: packets come. */
int packet_sockets_bind(struct packet_sockets *sockets, struct fg_error *error);

/*
 * Let no more packets in (the sockets stay, and what they hold). Binding again is allowed.
 */
void packet_sockets_unbind(struct packet_sockets *sockets);

/* Read the kernel's counters and add them up. Control. */
void packet_sockets_count(struct packet_sockets *sockets);

/*
 * How the interface is, and what there is to do about it: an interface that was removed and is
 * back under its name is bound again. As fg_source_ops.watch. Control.
 */
enum fg_link packet_sockets_watch(struct packet_sockets *sockets);

/* NUMA node of the interface's device, or SOCKET_ID_ANY. */
int packet_sockets_node(const struct packet_sockets *sockets);

void packet_sockets_close(struct packet_sockets *sockets);

#endif /* CAPTURE_PACKET_SOCKET_H */
