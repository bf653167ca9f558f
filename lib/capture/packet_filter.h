/* SPDX-License-Identifier: MIT */
/* The in-kernel filter of packet sockets. */
#ifndef CAPTURE_PACKET_FILTER_H
#define CAPTURE_PACKET_FILTER_H

#include "packet_socket.h"

/*
 * Compile conf->filter to @sockets->filter; an empty one lets everything through.
 *
 * The kernel takes the outermost VLAN tag off before a socket's filter sees
 * the frame. Everything but `vlan` looks at what is left: `udp port 53` matches tagged and
 * untagged packets alike. For `vlan` libpcap knows how to ask for the tag that was
 * taken off, but only on an interface it has opened itself.
 */
int packet_filter_compile(struct packet_sockets *sockets, struct fg_error *error);

#endif /* CAPTURE_PACKET_FILTER_H */
