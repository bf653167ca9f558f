/* SPDX-License-Identifier: MIT */
/**
 * @file
 * How many packets a stage gets in one call.
 */
#ifndef FG_BURST_H
#define FG_BURST_H

/** Packets in a burst at most. With 64 the data of a burst outgrows a 32 KiB L1 cache. */
#define FG_BURST_MAX 32u

#endif /* FG_BURST_H */
