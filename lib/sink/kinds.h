/* SPDX-License-Identifier: MIT */
/* The kinds of sinks: one row, one file of this folder, one ops table fg_sink_NAME each. */
#ifndef SINK_KINDS_H
#define SINK_KINDS_H

#include <fg_sink.h>

#define SINK_KINDS(ROW) ROW(count) ROW(pcapng) ROW(port)

#define SINK_KIND_DECLARE(name) extern const struct fg_sink_ops fg_sink_##name;
SINK_KINDS(SINK_KIND_DECLARE)

#endif /* SINK_KINDS_H */
