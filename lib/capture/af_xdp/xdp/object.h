/* SPDX-License-Identifier: MIT */
/* The ELF file that clang compiled from prefilter.bpf.c; embed.py writes it as an array. */
#ifndef XDP_OBJECT_H
#define XDP_OBJECT_H

#include <stddef.h>

extern const unsigned char xdp_object[];
extern const size_t xdp_object_bytes;

#endif /* XDP_OBJECT_H */
