/* SPDX-License-Identifier: MIT */
/*
 * The XDP program of an af_xdp source (xdp/prefilter.bpf.c): that it is the
 * only one on its interface, that it goes when the source goes, and its maps.
 *
 * net_af_xdp loads and attaches it, from a file in memory, and keeps what it
 * opened for that; here its maps are found among this process's descriptors.
 * Whoever uses an interface holds a lock that the kernel takes back when the
 * process dies: so a program of ours without such a holder was left by a crash.
 */
#ifndef CAPTURE_AF_XDP_PROGRAM_H
#define CAPTURE_AF_XDP_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_source.h>

#include "xdp/prefilter.h"

struct xdp_program;

/* Was it built in? If not, xdp_program_open() gives NULL, which all calls take: they do nothing. */
extern const bool xdp_program_built;

/*
 * Take the interface @ifindex: lock it, and detach what a crash left there.
 * -EBUSY if a living feedgate has it or another XDP program is attached.
 * @rest_to_kernel: where the rest goes.
 */
int xdp_program_open(const char *source, const char *interface, int ifindex, bool rest_to_kernel,
		     struct xdp_program **out, struct fg_error *error);

/* The program as a file, for net_af_xdp. */
const char *xdp_program_path(const struct xdp_program *program);

/* Is nothing attached? As xdp_program_open() has it; right before net_af_xdp attaches. */
int xdp_program_check(struct xdp_program *program, struct fg_error *error);

/* Is @fd one of the program's maps, or the program? Then it is taken note of. */
void xdp_program_notice(struct xdp_program *program, int fd);

/* All were noticed: put the groups in force. -EIO if one was not. */
int xdp_program_adopt(struct xdp_program *program, struct fg_error *error);

/* Is the program still the one attached? */
bool xdp_program_in_place(const struct xdp_program *program);

/* "native" or "generic", once adopted. */
const char *xdp_program_mode(const struct xdp_program *program);

/*
 * As fg_source_ops.prefilter. Before the program is adopted the groups are
 * remembered.
 */
int xdp_program_set(struct xdp_program *program, const struct fg_source_group *groups,
		    uint32_t count, struct fg_error *error);

/* Channels in force. */
uint32_t xdp_program_groups(const struct xdp_program *program);

/* Also after xdp_program_leave(). */
void xdp_program_counts(const struct xdp_program *program, uint64_t counts[XDP_COUNTS]);

/*
 * Around net_af_xdp's close, which detaches whatever is attached, be it
 * somebody else's: that is put back. What is ours is gone after it.
 */
void xdp_program_leave(struct xdp_program *program);
void xdp_program_left(struct xdp_program *program);

/* NULL is allowed. */
void xdp_program_close(struct xdp_program *program);

#endif /* CAPTURE_AF_XDP_PROGRAM_H */
