/* SPDX-License-Identifier: MIT */
/* The ops tables, one per file of this folder. */
#ifndef CAPTURE_KINDS_H
#define CAPTURE_KINDS_H

#include <fg_source.h>

extern const struct fg_source_ops fg_source_af_xdp;
extern const struct fg_source_ops fg_source_ethdev;
extern const struct fg_source_ops fg_source_io_uring;
extern const struct fg_source_ops fg_source_packet_mmap;
extern const struct fg_source_ops fg_source_pf_ring;
extern const struct fg_source_ops fg_source_replay;

#endif /* CAPTURE_KINDS_H */
