/* SPDX-License-Identifier: MIT */
/* The ops tables, one per file of this folder. */
#ifndef DISPATCH_KINDS_H
#define DISPATCH_KINDS_H

#include <fg_sink.h>

extern const struct fg_sink_ops fg_sink_count;
extern const struct fg_sink_ops fg_sink_pcapng;
extern const struct fg_sink_ops fg_sink_port;
extern const struct fg_sink_ops fg_sink_records;

#endif /* DISPATCH_KINDS_H */
