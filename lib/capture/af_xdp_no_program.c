/* SPDX-License-Identifier: MIT */
/* Built without clang or libbpf: net_af_xdp loads a program of its own, which takes everything. */
#include <errno.h>
#include <string.h>

#include "af_xdp_program.h"

const bool xdp_program_built = false;

int xdp_program_open(const char *source, const char *interface, int ifindex, bool rest_to_kernel,
		     struct xdp_program **out, struct fg_error *error)
{
	(void)source;
	(void)interface;
	(void)ifindex;
	(void)rest_to_kernel;
	(void)error;
	*out = NULL;
	return 0;
}

const char *xdp_program_path(const struct xdp_program *program)
{
	(void)program;
	return "";
}

int xdp_program_check(struct xdp_program *program, struct fg_error *error)
{
	(void)program;
	(void)error;
	return 0;
}

void xdp_program_notice(struct xdp_program *program, int fd)
{
	(void)program;
	(void)fd;
}

int xdp_program_adopt(struct xdp_program *program, struct fg_error *error)
{
	(void)program;
	(void)error;
	return 0;
}

bool xdp_program_in_place(const struct xdp_program *program)
{
	(void)program;
	return true;
}

const char *xdp_program_mode(const struct xdp_program *program)
{
	(void)program;
	return "";
}

int xdp_program_set(struct xdp_program *program, const struct fg_source_group *groups,
		    uint32_t count, struct fg_error *error)
{
	(void)program;
	(void)groups;
	(void)count;
	return fg_error_set(error, ENOTSUP, "the XDP program was not built in");
}

uint32_t xdp_program_groups(const struct xdp_program *program)
{
	(void)program;
	return 0;
}

void xdp_program_counts(const struct xdp_program *program, uint64_t counts[XDP_COUNTS])
{
	(void)program;
	memset(counts, 0, XDP_COUNTS * sizeof(*counts));
}

void xdp_program_leave(struct xdp_program *program)
{
	(void)program;
}

void xdp_program_left(struct xdp_program *program)
{
	(void)program;
}

void xdp_program_close(struct xdp_program *program)
{
	(void)program;
}
