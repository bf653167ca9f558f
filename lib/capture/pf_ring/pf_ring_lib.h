/* SPDX-License-Identifier: MIT */
/*
 * PF_RING's library, opened at run time: feedgate builds and starts without it. Control only,
 * except for the functions in `call`.
 */
#ifndef CAPTURE_PF_RING_LIB_H
#define CAPTURE_PF_RING_LIB_H

#include <stdbool.h>
#include <stdint.h>

#include <fg_error.h>

#include "pf_ring_abi.h"

#define PF_RING_COMPANIONS 3

struct pf_ring_lib {
	void *handle;
	void *companions[PF_RING_COMPANIONS]; /* Libraries that it needs loaded first. */
	uint32_t version;                     /* 0x080900: 8.9.0 */
	struct pf_ring_functions call;
};

/*
 * Open the library and check its version.
 * @path  As for dlopen(); empty: the usual names.
 * 0, or -errno with @error set and nothing open: -ENOENT: cannot be loaded; -ENOTSUP: not
 * PF_RING's, or an unsupported version.
 */
int pf_ring_lib_open(struct pf_ring_lib *lib, const char *path, struct fg_error *error);

/* Close the library. Allowed on a zeroed struct. */
void pf_ring_lib_close(struct pf_ring_lib *lib);

/* Is the kernel module loaded, and may this process open a ring? 0, or -errno with @error set. */
int pf_ring_kernel_probe(struct fg_error *error);

/* Does the module let only one CPU at a time write to a ring (force_ring_lock)? */
bool pf_ring_kernel_locks(void);

/* Does the module omit VLAN tags that the kernel or the NIC removed (keep_vlan_offload)? */
bool pf_ring_kernel_drops_tags(void);

#endif /* CAPTURE_PF_RING_LIB_H */
