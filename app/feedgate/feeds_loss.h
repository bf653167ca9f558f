/* SPDX-License-Identifier: MIT */
/*
 * Which part of this machine lost packets around a gap. All counters of losses are sampled a few
 * times a second. What they grew by between a sample before the gap and one after it was lost in
 * its time. Packets may be lost long before the next one comes and shows it: the time in which the
 * feed's sources received nothing belongs to the gap.
 *
 * A gap is blamed on the place before the feed stage that lost most. If none lost anything, the
 * network is to blame, but only if every source of the feed can count its losses: else the blame is
 * unknown. Sinks come after the feed stage: their losses are shown, never blamed.
 */
#ifndef FEEDS_LOSS_H
#define FEEDS_LOSS_H

#include <stdint.h>

#include "feed_events.h"

/* Sample all counters. */
void losses_take(struct app *app);

/* Set event->lost and event->blame. A sample was taken after the event was. */
void losses_attribute(struct app *app, struct feed_event *event);

/* "nic", "ring", ... */
const char *loss_place_name(enum loss_place place);

/* "network", "unknown", a place, or "-" for 0. */
const char *blame_name(uint8_t blame);

#endif /* FEEDS_LOSS_H */
