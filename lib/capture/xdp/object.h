/* SPDX-License-Identifier: MIT */
/* prefilter.bpf.c as clang compiled it: an ELF file. Written out by embed.py. */
#ifndef XDP_OBJECT_H
#define XDP_OBJECT_H

#include <stddef.h>

extern const unsigned char xdp_object[];
extern const size_t xdp_object_bytes;

#endif /* XDP_OBJECT_H */
