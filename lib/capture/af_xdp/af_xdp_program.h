/* SPDX-License-Identifier: MIT */
/*
 * The XDP program of an af_xdp source (xdp/prefilter.bpf.c) and its maps. Control only.
 *
 * net_af_xdp loads the program from a file in memory and attaches it. The driver keeps the maps
 * open but has no function for them: this module finds them among the process's descriptors.
 *
 * Each user of an interface holds a lock, which the kernel releases when the process dies. So an
 * attached feedgate program without a lock was left by a crash, and may be detached.
 */
#ifndef CAPTURE_AF_XDP_PROGRAM_H
#define CAPTURE_AF_XDP_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>
#include <fg_source.h>

#include "xdp/prefilter.h"

struct xdp_program;

/*
 * Lock interface @ifindex and detach the program of a crashed feedgate.
 * @rest_to_kernel: packets that the prefilter rejects go to the kernel; else they are dropped.
 * @source and @interface (names, for messages) outlive the program.
 * 0; -EBUSY: another process uses the interface, or another XDP program is attached; or -errno.
 * With @error set and *out unchanged on failure.
 */
int xdp_program_open(const char *source, const char *interface, int ifindex, bool rest_to_kernel,
		     struct xdp_program **out, struct fg_error *error);

/* Path of the program's object file, for net_af_xdp. Valid until xdp_program_close(). */
const char *xdp_program_path(const struct xdp_program *program);

/*
 * Check that no other XDP program is attached; to be called right before net_af_xdp attaches. As
 * xdp_program_open(), it detaches the program of a crashed feedgate.
 */
int xdp_program_check(struct xdp_program *program, struct fg_error *error);

/* If descriptor @fd is one of the program's maps, keep a duplicate of it. */
void xdp_program_offer_map(struct xdp_program *program, int fd);

/* After all descriptors were offered: activate the groups. -EIO if a map is missing. */
int xdp_program_adopt(struct xdp_program *program, struct fg_error *error);

/* Is the program still the attached one? True before it was adopted. */
bool xdp_program_in_place(const struct xdp_program *program);

/* Mode of attachment, "native" or "generic"; after xdp_program_adopt(). */
const char *xdp_program_mode(const struct xdp_program *program);

/* As fg_source_ops.prefilter. Before the program was adopted the groups are stored only. */
int xdp_program_set_groups(struct xdp_program *program, const struct fg_source_group *groups,
			   uint32_t count, struct fg_error *error);

/* Number of active groups; 0: everything passes. */
uint32_t xdp_program_groups(const struct xdp_program *program);

/* The program's counters; after xdp_program_after_detach() the last values. */
void xdp_program_counts(const struct xdp_program *program, uint64_t counts[XDP_COUNTS]);

/*
 * To be called before and after net_af_xdp closes. The driver detaches any program that is
 * attached: another one than ours is attached again. Ours is detached for certain.
 */
void xdp_program_before_detach(struct xdp_program *program);
void xdp_program_after_detach(struct xdp_program *program);

/* Close the maps, release the lock and free the memory. */
void xdp_program_close(struct xdp_program *program);

#endif /* CAPTURE_AF_XDP_PROGRAM_H */
