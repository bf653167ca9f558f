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

struct sock_filter;

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
	 .help = "receive what is addressed to others"},                                           \
		{.name = "join",                                                                   \
		 .type = FG_OPTION_STRING,                                                         \
		 .offset = offsetof(owner, socket.join),                                           \
		 .value = "",                                                                      \
		 .help = "multicast groups that the kernel is to join, so that they come"},        \
		{.name = "filter",                                                                 \
		 .type = FG_OPTION_STRING,                                                         \
		 .offset = offsetof(owner, socket.filter),                                         \
		 .value = "",                                                                      \
		 .help = "what the kernel lets through, as pcap-filter(7) has it"},                \
		{.name = "outgoing",                                                               \
		 .type = FG_OPTION_BOOL,                                                           \
		 .offset = offsetof(owner, socket.outgoing),                                       \
		 .value = "false",                                                                 \
		 .help = "receive what this machine sends, too"},                                  \
	{                                                                                          \
		.name = "fanout", .type = FG_OPTION_NAME,                                          \
		.offset = offsetof(owner, socket.fanout), .names = packet_socket_fanouts,          \
		.value = "hash",                                                                   \
		.help = "with several queues: how the kernel spreads packets over them"            \
	}

/* "hash", "lb", "cpu", "rnd", "qm"; NULL-terminated. */
extern const char *const packet_socket_fanouts[];

/* One queue's socket. */
struct packet_socket {
	int fd;
};

/* What all queues of a source share. Control's, but fd, which does not change while it is open. */
struct packet_sockets {
	const char *source; /* Its name, for messages. */
	const struct packet_socket_conf *conf;
	uint16_t n_queues;
	int ifindex;     /* Of the interface bound to; changes when it comes back. */
	bool bound;      /* All are bound and share by fanout, if there are several. */
	bool letting_in; /* Between bind and unbind. */
	int *members;    /* Datagram sockets that hold the groups' memberships. */
	unsigned int n_members;
	struct sock_filter *filter; /* What lets in what is wanted. */
	uint16_t filter_length;     /* Instructions. */
	uint64_t drops;             /* tp_drops and ... */
	uint64_t frozen; /* tp_freeze_q_cnt: read and added up, since the kernel clears them. */
	struct packet_socket socket[FG_SOURCE_QUEUES_MAX];
};

/* May this process open one? As fg_source_ops.probe. */
int packet_sockets_probe(struct fg_error *error);

/*
 * Open n_queues sockets for conf->interface, which must exist and carry
 * Ethernet frames but may be down: nothing is received before
 * packet_sockets_bind(). The caller sets its own socket options (version,
 * ring, ...) in between.
 * @conf and @source live as long as @sockets. 0, or -errno with error set and nothing left open.
 */
int packet_sockets_open(struct packet_sockets *sockets, const char *source, uint16_t n_queues,
			const struct packet_socket_conf *conf, struct fg_error *error);

/*
 * Let packets in, such as conf->filter lets through. At first that binds all
 * to the interface, with fanout if there are several, joins the groups and
 * makes the interface promiscuous.
 * 0, or -errno with error set and nothing let in. Control.
 */
int packet_sockets_bind(struct packet_sockets *sockets, struct fg_error *error);

/*
 * Let no more packets in; the sockets stay, and what they hold. They stay bound (a
 * member of a fanout group cannot be bound anew), but their filter refuses everything.
 * packet_sockets_bind() lets in again.
 */
void packet_sockets_unbind(struct packet_sockets *sockets);

/* Read the kernel's counters and add them up. Control. */
void packet_sockets_count(struct packet_sockets *sockets);

/*
 * How the interface is, and what there is to do about it: as fg_source_ops.watch. Control.
 * An interface that was removed and is back under its name is bound again, if there
 * is one queue: the kernel lets no member of a fanout group go. With several it
 * stays FG_LINK_GONE; packet_sockets_returned() says whether opening anew would help.
 */
enum fg_link packet_sockets_watch(struct packet_sockets *sockets);

/* The interface that these sockets were bound to is gone, but there is one of its name. Control. */
bool packet_sockets_returned(const struct packet_sockets *sockets);

/* NUMA node of the interface's device, or SOCKET_ID_ANY. */
int packet_interface_node(const char *interface);

void packet_sockets_close(struct packet_sockets *sockets);

#endif /* CAPTURE_PACKET_SOCKET_H */
