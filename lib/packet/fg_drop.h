/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Drop reasons.
 *
 * received = delivered + the sum over all reasons. Whoever drops a packet counts it under exactly
 * one reason and frees it.
 */
#ifndef FG_DROP_H
#define FG_DROP_H

/** X(name, help): one row per reason. `show drops` and the summary read the rows. */
#define FG_DROP_REASONS(X)                                                                         \
	X(malformed, "headers contradict themselves: version, header or total length")             \
	X(truncated, "the frame is shorter than its headers or the length they state")             \
	X(fragment, "IP fragment, refused by parse: fragments")                                    \
	X(bad_checksum, "wrong IPv4, UDP or TCP checksum, as parse: checksums finds it")           \
	X(not_ip, "neither IPv4 nor IPv6, no rule matched, and the default is drop")               \
	X(no_rule, "no rule matched, and the default is drop")                                     \
	X(rule_drop, "the rule drops it")                                                          \
	X(duplicate, "another line of the feed brought all of it before")                          \
	X(stale, "older than the feed's window, or of a sequence reset that is not confirmed")     \
	X(no_matching_message, "the rule subscribes to none of its messages")                      \
	X(unmapped, "instruments not mapped yet, and the rule has unmapped: drop")                 \
	X(wrong_protocol,                                                                          \
	  "unreadable by the feed's protocol, and the rule subscribes to messages")                \
	X(malformed_messages, "the messages are not as their header has them; malformed: drop")    \
	X(ring_full, "the ring to the owner of the feed was full")                                 \
	X(sink_full, "no sink of the rule had room")                                               \
	X(write_error, "no sink of the rule could write it: disk full, folder gone, ...")

enum fg_drop {
#define X(name, help) FG_DROP_##name,
	FG_DROP_REASONS(X)
#undef X
		FG_DROP_COUNT
};

/** Name of a reason. @p reason < FG_DROP_COUNT. */
static inline const char *fg_drop_name(enum fg_drop reason)
{
	static const char *const names[] = {
#define X(name, help) #name,
		FG_DROP_REASONS(X)
#undef X
	};
	return names[reason];
}

/** Help text of a reason. @p reason < FG_DROP_COUNT. */
static inline const char *fg_drop_help(enum fg_drop reason)
{
	static const char *const helps[] = {
#define X(name, help) help,
		FG_DROP_REASONS(X)
#undef X
	};
	return helps[reason];
}

#endif /* FG_DROP_H */
