/* SPDX-License-Identifier: MIT */
/* The header of MoldUDP64, for all protocols in it. */
#ifndef MOLDUDP64_H
#define MOLDUDP64_H

#include "packet.h"

#define MOLDUDP64_HEADER_BYTES 20u

/* The seal of struct protocol. */
void moldudp64_seal(struct packet *p, uint64_t now_ns);

#endif /* MOLDUDP64_H */
