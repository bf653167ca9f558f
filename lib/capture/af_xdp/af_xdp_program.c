/* SPDX-License-Identifier: MIT */
#include "af_xdp_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fg_log.h>

#include "xdp/object.h"

enum map { MAP_GROUPS, MAP_FLAGS, MAP_COUNTS, MAPS };

static const char *const map_names[MAPS] = {"fg_groups", "fg_flags", "fg_counts"};

struct xdp_program {
	const char *source, *interface; /* Names, for messages. */
	int ifindex;
	uint32_t rest; /* XDP_FLAG_REST_KERNEL or 0. */
	int lock;      /* Socket that holds the lock on the interface. */
	int object;    /* Object file in memory. */
	char path[32];
	int maps[MAPS];
	uint32_t id;              /* Of the attached program; 0: not adopted. */
	uint32_t attach;          /* XDP_FLAGS_DRV_MODE or XDP_FLAGS_SKB_MODE. */
	struct xdp_group *groups; /* Sorted. Once adopted: the contents of the map. */
	uint32_t n_groups;
	bool filters; /* The prefilter is on; else everything goes to user space. */
	int other_fd; /* While the driver closes: another attached program, or -1. */
	uint32_t other_mode;
	uint64_t counts[XDP_COUNTS]; /* Values when it was detached. */
	bool detached;
};

/* The program attached to an interface. */
struct attached {
	uint32_t id; /* 0: none. */
	uint32_t attach;
	char name[BPF_OBJ_NAME_LEN]; /* Empty without the right to read it. */
};

/* Query the attached program. 0 or -errno. */
static int query_attached(int ifindex, struct attached *out)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int rc = bpf_xdp_query(ifindex, 0, &query), fd;

	*out = (struct attached){0};
	if (rc != 0)
		return rc;
	out->id = query.drv_prog_id != 0   ? query.drv_prog_id
		  : query.skb_prog_id != 0 ? query.skb_prog_id
					   : query.hw_prog_id;
	out->attach = query.drv_prog_id != 0   ? XDP_FLAGS_DRV_MODE
		      : query.skb_prog_id != 0 ? XDP_FLAGS_SKB_MODE
					       : XDP_FLAGS_HW_MODE;
	if (out->id == 0)
		return 0;
	fd = bpf_prog_get_fd_by_id(out->id);
	if (fd < 0)
		return 0;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
		memcpy(out->name, info.name, sizeof(out->name));
	close(fd);
	return 0;
}

/* An abstract socket address: it belongs to the network namespace and vanishes with the socket. */
static socklen_t lock_address(int ifindex, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   (size_t)snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1,
					    "feedgate-xdp-%d", ifindex));
}

/* Process id of the lock's holder; 0 if unknown. */
static int lock_owner(const struct sockaddr_un *address, socklen_t size)
{
	struct ucred owner = {0};
	socklen_t owner_size = sizeof(owner);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return 0;
	if (connect(fd, (const struct sockaddr *)address, size) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &owner_size) != 0)
		owner.pid = 0;
	close(fd);
	return owner.pid;
}

static int take_lock(struct xdp_program *p, struct fg_error *error)
{
	struct sockaddr_un address;
	const socklen_t size = lock_address(p->ifindex, &address);

	p->lock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->lock >= 0 && bind(p->lock, (struct sockaddr *)&address, size) == 0 &&
	    listen(p->lock, 1) == 0)
		return 0;
	if (errno == EADDRINUSE)
		return fg_error_set(error, EBUSY,
				    "source %s: interface %s: in use by feedgate pid %d", p->source,
				    p->interface, lock_owner(&address, size));
	return fg_error_set(error, errno, "source %s: interface %s: cannot lock it: %s", p->source,
			    p->interface, strerror(errno));
}

static int refuse(const struct xdp_program *p, const struct attached *there, struct fg_error *error)
{
	if (there->name[0] == '\0')
		return fg_error_set(error, EBUSY,
				    "source %s: interface %s: an XDP program is attached, id %u, "
				    "and reading its name needs CAP_SYS_ADMIN",
				    p->source, p->interface, there->id);
	return fg_error_set(error, EBUSY,
			    "source %s: interface %s: another XDP program is attached, id %u (%s)",
			    p->source, p->interface, there->id, there->name);
}

int xdp_program_check(struct xdp_program *p, struct fg_error *error)
{
	struct attached there;
	int rc = query_attached(p->ifindex, &there);

	if (rc == 0 && there.id == 0)
		return 0;
	if (rc == 0 && strcmp(there.name, XDP_PROGRAM_NAME) != 0)
		return refuse(p, &there, error);
	/* Feedgate's program, but this process holds the lock: a crash left it. */
	if (rc == 0)
		rc = bpf_xdp_detach(p->ifindex, there.attach, NULL);
	if (rc != 0)
		return fg_error_set(
			error, -rc,
			"source %s: interface %s: cannot query or detach its XDP program: %s",
			p->source, p->interface, strerror(-rc));
	fg_log(NOTICE,
	       "source %s: interface %s: detached XDP program %u of a feedgate that crashed",
	       p->source, p->interface, there.id);
	return 0;
}

static int make_object(struct xdp_program *p, struct fg_error *error)
{
	size_t done = 0;

	p->object = memfd_create("feedgate-xdp", MFD_CLOEXEC);
	while (p->object >= 0 && done < xdp_object_bytes) {
		const ssize_t n = write(p->object, xdp_object + done, xdp_object_bytes - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done < xdp_object_bytes)
		return fg_error_set(error, errno,
				    "source %s: no memory for a file of %zu bytes: %s", p->source,
				    xdp_object_bytes, strerror(errno));
	snprintf(p->path, sizeof(p->path), "/proc/self/fd/%d", p->object);
	return 0;
}

int xdp_program_open(const char *source, const char *interface, int ifindex, bool rest_to_kernel,
		     struct xdp_program **out, struct fg_error *error)
{
	struct xdp_program *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL)
		return fg_error_set(error, ENOMEM, "source %s: out of memory", source);
	p->source = source;
	p->interface = interface;
	p->ifindex = ifindex;
	p->rest = rest_to_kernel ? XDP_FLAG_REST_KERNEL : 0;
	p->lock = p->object = p->other_fd = -1;
	for (unsigned int i = 0; i < MAPS; i++)
		p->maps[i] = -1;
	rc = take_lock(p, error);
	if (rc == 0)
		rc = xdp_program_check(p, error);
	if (rc == 0)
		rc = make_object(p, error);
	if (rc != 0) {
		xdp_program_close(p);
		return rc;
	}
	*out = p;
	return 0;
}

const char *xdp_program_path(const struct xdp_program *p)
{
	return p->path;
}

void xdp_program_offer_map(struct xdp_program *p, int fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	char link[32], kind[32];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, kind, sizeof(kind) - 1);
	if (length <= 0)
		return;
	kind[length] = '\0';
	if (strcmp(kind, "anon_inode:bpf-map") != 0 ||
	    bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
		return;
	for (unsigned int i = 0; i < MAPS; i++)
		if (strcmp(info.name, map_names[i]) == 0 && p->maps[i] < 0)
			p->maps[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct xdp_group));
}

static bool is_among(const struct xdp_group *key, const struct xdp_group *keys, uint32_t count)
{
	return count > 0 && bsearch(key, keys, count, sizeof(*keys), compare) != NULL;
}

/* The shapes (XDP_FLAG_IP_PORT, ...) of @keys. */
static uint32_t shapes(const struct xdp_group *keys, uint32_t count)
{
	uint32_t all = 0;

	for (uint32_t i = 0; i < count; i++)
		if (keys[i].family != 0)
			all |= keys[i].protocol == 0 ? XDP_FLAG_IP
			       : keys[i].port == 0   ? XDP_FLAG_IP_PROTOCOL
						     : XDP_FLAG_IP_PORT;
		else
			all |= keys[i].port == 0 ? XDP_FLAG_PROTOCOL : XDP_FLAG_PORT;
	return all;
}

static int write_flags(const struct xdp_program *p, uint32_t flags)
{
	const uint32_t zero = 0;

	return bpf_map_update_elem(p->maps[MAP_FLAGS], &zero, &flags, BPF_ANY);
}

static int insert(const struct xdp_program *p, const struct xdp_group *keys, uint32_t count)
{
	const uint8_t value = 1;
	int rc = 0;

	for (uint32_t i = 0; i < count && rc == 0; i++)
		rc = bpf_map_update_elem(p->maps[MAP_GROUPS], &keys[i], &value, BPF_ANY);
	return rc;
}

/* Delete those of @keys from the map that are not among @stay. */
static void remove_others(const struct xdp_program *p, const struct xdp_group *keys, uint32_t count,
			  const struct xdp_group *stay, uint32_t n_stay)
{
	for (uint32_t i = 0; i < count; i++)
		if (!is_among(&keys[i], stay, n_stay))
			(void)bpf_map_delete_elem(p->maps[MAP_GROUPS], &keys[i]);
}

/*
 * Replace the map's keys by @keys while packets flow: insert the new ones, then delete the others.
 * If the map has no room for both, everything goes to user space meanwhile. On failure everything
 * goes to user space, and the map is empty.
 */
static int change(struct xdp_program *p, const struct xdp_group *keys, uint32_t count, bool filter)
{
	const uint32_t on = XDP_FLAG_ON | p->rest;
	const uint32_t old_shapes = shapes(p->groups, p->n_groups);
	const uint32_t new_shapes = shapes(keys, count);
	int rc = 0;

	if (!filter || !p->filters)
		rc = write_flags(p, 0);
	if (rc == 0 && insert(p, keys, count) != 0) {
		rc = write_flags(p, 0);
		remove_others(p, p->groups, p->n_groups, keys, count);
		if (rc == 0)
			rc = insert(p, keys, count);
	}
	if (rc == 0 && filter)
		rc = write_flags(p, on | old_shapes | new_shapes);
	if (rc != 0) {
		(void)write_flags(p, 0);
		remove_others(p, keys, count, NULL, 0);
	}
	remove_others(p, p->groups, p->n_groups, keys, rc == 0 ? count : 0);
	if (rc == 0 && filter)
		rc = write_flags(p, on | new_shapes);
	return rc;
}

/* Sort @keys and remove duplicates. @return how many remain. */
static uint32_t sort(struct xdp_group *keys, uint32_t count)
{
	uint32_t n = 0;

	if (count > 0)
		qsort(keys, count, sizeof(*keys), compare);
	for (uint32_t i = 0; i < count; i++)
		if (i == 0 || compare(&keys[i], &keys[n - 1]) != 0)
			keys[n++] = keys[i];
	return n;
}

/*
 * Convert @groups to keys, sorted, and set @count. Sets @everything if a group matches any packet.
 * @return keys for the caller to free; NULL if there is no memory.
 */
static struct xdp_group *make_keys(const struct fg_source_group *groups, uint32_t *count,
				   bool *everything)
{
	struct xdp_group *keys = calloc((size_t)*count + 1, sizeof(*keys));

	for (uint32_t i = 0; i < *count && keys != NULL; i++) {
		const struct fg_source_group *c = &groups[i];

		keys[i].family = c->family;
		keys[i].protocol = c->protocol;
		if (c->protocol != 0)
			keys[i].port = c->port_be;
		if (c->family != 0)
			memcpy(keys[i].ip, c->ip, c->family == 4 ? 4 : sizeof(keys[i].ip));
		*everything = *everything || (c->family == 0 && c->protocol == 0);
	}
	if (keys != NULL)
		*count = sort(keys, *count);
	return keys;
}

int xdp_program_set_groups(struct xdp_program *p, const struct fg_source_group *groups,
			   uint32_t count, struct fg_error *error)
{
	struct xdp_group *keys;
	bool everything = groups == NULL;
	int rc = 0;

	if (everything)
		count = 0;
	keys = make_keys(groups, &count, &everything);
	if (keys == NULL)
		rc = -ENOMEM;
	else if (count > XDP_GROUPS_MAX)
		rc = -E2BIG;
	else if (p->id != 0 && !p->detached)
		rc = change(p, keys, everything ? 0 : count, !everything);
	if (rc != 0) {
		free(keys);
		keys = NULL;
		everything = true;
		if (p->id != 0 && !p->detached)
			(void)write_flags(p, 0);
		(void)fg_error_set(error, -rc,
				   "source %s: %u groups cannot be given to the kernel: %s",
				   p->source, count, strerror(-rc));
	}
	free(p->groups);
	p->groups = keys;
	p->n_groups = everything ? 0 : count;
	p->filters = !everything;
	return rc;
}

int xdp_program_adopt(struct xdp_program *p, struct fg_error *error)
{
	struct attached there;
	bool whole = true;
	int rc = query_attached(p->ifindex, &there);

	for (unsigned int i = 0; i < MAPS; i++)
		whole = whole && p->maps[i] >= 0;
	if (rc != 0 || there.id == 0 || !whole)
		return fg_error_set(error, EIO,
				    "source %s: interface %s: cannot find the XDP program's maps",
				    p->source, p->interface);
	p->id = there.id;
	p->attach = there.attach;
	if (!p->filters)
		return 0;
	p->filters = false;
	rc = change(p, p->groups, p->n_groups, true);
	if (rc != 0)
		return fg_error_set(error, -rc,
				    "source %s: %u groups cannot be given to the kernel: %s",
				    p->source, p->n_groups, strerror(-rc));
	p->filters = true;
	return 0;
}

bool xdp_program_in_place(const struct xdp_program *p)
{
	struct attached there;

	return p->id == 0 || p->detached || query_attached(p->ifindex, &there) != 0 ||
	       there.id == p->id;
}

const char *xdp_program_mode(const struct xdp_program *p)
{
	return p->attach == XDP_FLAGS_SKB_MODE ? "generic" : "native";
}

uint32_t xdp_program_groups(const struct xdp_program *p)
{
	return p->n_groups;
}

void xdp_program_counts(const struct xdp_program *p, uint64_t counts[XDP_COUNTS])
{
	const int n_cpus = libbpf_num_possible_cpus();
	uint64_t *values;

	memset(counts, 0, XDP_COUNTS * sizeof(*counts));
	if (p->id == 0)
		return;
	if (p->detached || n_cpus <= 0) {
		memcpy(counts, p->counts, sizeof(p->counts));
		return;
	}
	values = calloc((size_t)n_cpus, sizeof(*values));
	for (uint32_t i = 0; i < XDP_COUNTS && values != NULL; i++) {
		if (bpf_map_lookup_elem(p->maps[MAP_COUNTS], &i, values) != 0)
			continue;
		for (int cpu = 0; cpu < n_cpus; cpu++)
			counts[i] += values[cpu];
	}
	free(values);
}

void xdp_program_before_detach(struct xdp_program *p)
{
	struct attached there;

	if (query_attached(p->ifindex, &there) != 0 || there.id == 0 || there.id == p->id)
		return;
	p->other_fd = bpf_prog_get_fd_by_id(there.id);
	p->other_mode = there.attach;
}

void xdp_program_after_detach(struct xdp_program *p)
{
	struct attached there;

	if (!p->detached)
		xdp_program_counts(p, p->counts);
	p->detached = true;
	if (query_attached(p->ifindex, &there) != 0)
		there.id = 0;
	if (there.id != 0 && there.id == p->id)
		(void)bpf_xdp_detach(p->ifindex, there.attach, NULL);
	if (p->other_fd < 0)
		return;
	if (there.id == 0 && bpf_xdp_attach(p->ifindex, p->other_fd,
					    p->other_mode | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL) != 0)
		fg_log(WARNING,
		       "source %s: interface %s: another XDP program was detached together with "
		       "feedgate's",
		       p->source, p->interface);
	close(p->other_fd);
	p->other_fd = -1;
}

void xdp_program_close(struct xdp_program *p)
{
	for (unsigned int i = 0; i < MAPS; i++)
		if (p->maps[i] >= 0)
			close(p->maps[i]);
	if (p->object >= 0)
		close(p->object);
	if (p->lock >= 0)
		close(p->lock);
	free(p->groups);
	free(p);
}
