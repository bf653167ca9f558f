/* SPDX-License-Identifier: MIT */
/* The kinds of sinks. Each has a row, a file in this folder, and an ops table fg_sink_NAME. */
#ifndef SINK_KINDS_H
#define SINK_KINDS_H

#include <fg_sink.h>

#define SINK_KINDS(ROW) ROW(count) ROW(pcapng) ROW(port)

#define SINK_KIND_DECLARE(name) extern const struct fg_sink_ops fg_sink_##name;
SINK_KINDS(SINK_KIND_DECLARE)

#endif /* SINK_KINDS_H */
