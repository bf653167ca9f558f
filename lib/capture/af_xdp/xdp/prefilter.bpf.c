// SPDX-License-Identifier: MIT
/*
 * The XDP program of the af_xdp kind. It redirects packets to user space if their destination is
 * one of the groups, or if it is uncertain. Other packets are dropped or passed to the kernel.
 *
 * lib/parse in user space has the final say: this program must never reject a packet that lib/parse
 * would assign to one of the groups. So it rejects a packet only if all headers up to the ports
 * have their usual form and lie within the lengths that they state.
 */
#include "prefilter.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/bpf.h>
#include <stdbool.h>

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
};

/* net_af_xdp requires this name. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, XDP_QUEUES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, XDP_GROUPS_MAX);
	__type(key, struct xdp_group);
	__type(value, __u8);
} fg_groups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} fg_flags SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, XDP_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} fg_counts SEC(".maps");

enum result {
	UNCERTAIN, /* Unusual headers: let user space decide. */
	NOT_IP,
	FOUND, /* The destination was read. */
};

struct frame {
	const __u8 *at; /* Next byte to read. */
	const __u8 *end;
};

/* The next @size bytes, or NULL if the frame is shorter. */
static __always_inline const __u8 *take(struct frame *frame, __u32 size)
{
	const __u8 *taken = frame->at;

	if (taken + size > frame->end)
		return NULL;
	frame->at += size;
	return taken;
}

static __always_inline __u16 be16(const __u8 *bytes)
{
	return (__u16)(bytes[0] << 8 | bytes[1]);
}

static __always_inline enum result read_port(struct frame *frame, __u8 protocol,
					     struct xdp_group *group)
{
	const __u8 *ports;

	if (protocol != PROTOCOL_UDP && protocol != PROTOCOL_TCP)
		return FOUND;
	ports = take(frame, 4);
	if (ports == NULL)
		return UNCERTAIN;
	group->protocol = protocol;
	group->port = *(const __be16 *)(ports + 2);
	return FOUND;
}

static __always_inline enum result read_ipv4(struct frame *frame, struct xdp_group *group)
{
	const __u8 *ip = take(frame, 20);
	__u32 options;

	if (ip == NULL || ip[0] >> 4 != 4 || (ip[0] & 15) < 5)
		return UNCERTAIN;
	options = ((ip[0] & 15) - 5) * 4;
	if (be16(ip + 2) < 20 + options || (be16(ip + 6) & 0x3fff) != 0)
		return UNCERTAIN;
	group->family = 4;
	__builtin_memcpy(group->ip, ip + 16, 4);
	if (take(frame, options) == NULL)
		return UNCERTAIN;
	return read_port(frame, ip[9], group);
}

static __always_inline bool is_extension(__u8 protocol)
{
	return protocol == 0 || protocol == 43 || protocol == 44 || protocol == 51 ||
	       protocol == 60 || protocol == 135 || protocol == 139 || protocol == 140;
}

static __always_inline enum result read_ipv6(struct frame *frame, struct xdp_group *group)
{
	const __u8 *ip = take(frame, 40);
	__u8 protocol;

	if (ip == NULL || ip[0] >> 4 != 6)
		return UNCERTAIN;
	group->family = 6;
	__builtin_memcpy(group->ip, ip + 24, 16);
	protocol = ip[6];
	/* Multicast listener discovery has this header: the kernel must get it as other traffic. */
	if (protocol == PROTOCOL_HOP_BY_HOP) {
		const __u8 *header = take(frame, 8);

		if (header == NULL || header[1] != 0)
			return UNCERTAIN;
		protocol = header[0];
	}
	return is_extension(protocol) ? UNCERTAIN : read_port(frame, protocol, group);
}

static __always_inline bool is_tag(__u16 ethertype)
{
	return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

static __always_inline enum result read_frame(struct frame *frame, struct xdp_group *group)
{
	const __u8 *at = take(frame, 14);
	__u16 ethertype;

	if (at == NULL)
		return UNCERTAIN;
	ethertype = be16(at + 12);
	for (int i = 0; i < 2; i++) {
		if (!is_tag(ethertype))
			break;
		at = take(frame, 4);
		if (at == NULL)
			return UNCERTAIN;
		ethertype = be16(at + 2);
	}
	if (ethertype == ETHERTYPE_IPV4)
		return read_ipv4(frame, group);
	if (ethertype == ETHERTYPE_IPV6)
		return read_ipv6(frame, group);
	return is_tag(ethertype) ? UNCERTAIN : NOT_IP;
}

static __always_inline bool has(const struct xdp_group *group)
{
	return bpf_map_lookup_elem(&fg_groups, group) != NULL;
}

/* Is there a group that matches? From the narrowest shape to the widest. */
static __always_inline bool matches(struct xdp_group *group, __u32 flags)
{
	const __u8 protocol = group->protocol;
	const __be16 port = group->port;

	if (protocol != 0 && (flags & XDP_FLAG_IP_PORT) != 0 && has(group))
		return true;
	group->port = 0;
	if (protocol != 0 && (flags & XDP_FLAG_IP_PROTOCOL) != 0 && has(group))
		return true;
	group->protocol = 0;
	if ((flags & XDP_FLAG_IP) != 0 && has(group))
		return true;
	if (protocol == 0)
		return false;
	*group = (struct xdp_group){.protocol = protocol, .port = port};
	if ((flags & XDP_FLAG_PORT) != 0 && has(group))
		return true;
	group->port = 0;
	return (flags & XDP_FLAG_PROTOCOL) != 0 && has(group);
}

static __always_inline int count(enum xdp_count what, int action)
{
	const __u32 index = what;
	__u64 *value = bpf_map_lookup_elem(&fg_counts, &index);

	if (value != NULL)
		(*value)++;
	return action;
}

static __always_inline bool keep(struct xdp_md *packet, __u32 flags)
{
	struct frame frame = {
		.at = (const __u8 *)(long)packet->data,
		.end = (const __u8 *)(long)packet->data_end,
	};
	struct xdp_group group = {0};

	switch (read_frame(&frame, &group)) {
	case FOUND:
		return matches(&group, flags);
	case NOT_IP:
		return false;
	default:
		return true;
	}
}

SEC("xdp")
int fg_prefilter(struct xdp_md *packet)
{
	const __u32 zero = 0, queue = packet->rx_queue_index;
	const __u32 *found = bpf_map_lookup_elem(&fg_flags, &zero);
	const __u32 flags = found != NULL ? *found : 0;

	/* No socket, or no longer: leave the packet to the kernel. */
	if (bpf_map_lookup_elem(&xsks_map, &queue) == NULL)
		return count(XDP_COUNT_NO_SOCKET, XDP_PASS);
	if ((flags & XDP_FLAG_ON) == 0 || keep(packet, flags)) {
		count(XDP_COUNT_USER, 0);
		return (int)bpf_redirect_map(&xsks_map, queue, XDP_PASS);
	}
	if ((flags & XDP_FLAG_REST_KERNEL) != 0)
		return count(XDP_COUNT_KERNEL, XDP_PASS);
	return count(XDP_COUNT_DROPPED, XDP_DROP);
}

char program_license[] SEC("license") = "MIT";
