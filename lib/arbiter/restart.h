/* SPDX-License-Identifier: MIT */
/* Senders that start their numbers anew, announced or not. Hot. */
#ifndef RESTART_H
#define RESTART_H

#include "arbiter.h"

/* The packet announces a reset. */
void restart_announce(struct arrival *a);
/* The line announced a reset: the packet may be the first after it, or contradict it. */
void restart_check_announced(struct arrival *a);
/*
 * All numbers of the packet came, and are below those that its line sent before. @return whether
 * this is a restart: then a->tracker is a new one, to which the packet belongs.
 */
bool restart_repeated(struct arrival *a);
/* The same for a heartbeat that names a number below those that its line sent before. */
bool restart_heartbeat(struct arrival *a);
/* The line is where it was. */
void restart_clear(struct arrival *a);

#endif /* RESTART_H */
