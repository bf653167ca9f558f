/* SPDX-License-Identifier: MIT */
/* The ops tables, one per file of this folder. */
#ifndef SINK_KINDS_H
#define SINK_KINDS_H

#include <fg_sink.h>

extern const struct fg_sink_ops fg_sink_count;
extern const struct fg_sink_ops fg_sink_pcapng;
extern const struct fg_sink_ops fg_sink_port;
extern const struct fg_sink_ops fg_sink_records;

#endif /* SINK_KINDS_H */
