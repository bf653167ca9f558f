/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <fg_classbench.h>
#include <fg_names.h>
#include <fg_option.h>

#define BLANKS     " \t\r"
#define FIRST_ROOM 1024u

/* A line, and how far it is read. */
struct line {
	const char *file;
	uint64_t number;
	const char *at;
	char text[FG_CLASSBENCH_LINE_BYTES_MAX + 1];
	struct fg_error *error;
};

/* The fields of a rule. */
struct tuple {
	uint32_t src, dst; /* host order, no bit beyond the length */
	uint8_t src_length, dst_length;
	uint16_t src_port_min, src_port_max;
	uint16_t dst_port_min, dst_port_max;
	uint8_t protocol, protocol_mask;
};

static int refuse(const struct line *line, const char *what, const char *expected)
{
	if (*line->at == '\0')
		return fg_error_set(line->error, EINVAL,
				    "%s:%" PRIu64 ": %s: expected %s, found the end of the line",
				    line->file, line->number, what, expected);
	return fg_error_set(line->error, EINVAL, "%s:%" PRIu64 ": %s: expected %s, found '%.40s'",
			    line->file, line->number, what, expected, line->at);
}

static void skip_blanks(struct line *line)
{
	line->at += strspn(line->at, BLANKS);
}

/* Read a line, which need not end with a newline. 1, 0 at the end of the file, -errno. */
static int read_line(FILE *in, struct line *line)
{
	size_t length = 0;
	int c;

	line->number++;
	while ((c = getc_unlocked(in)) != EOF && c != '\n') {
		if (c == '\0')
			return fg_error_set(line->error, EINVAL,
					    "%s:%" PRIu64 ": expected text, found a zero byte",
					    line->file, line->number);
		if (length == FG_CLASSBENCH_LINE_BYTES_MAX)
			return fg_error_set(line->error, EINVAL,
					    "%s:%" PRIu64 ": expected at most %u bytes in a line",
					    line->file, line->number, FG_CLASSBENCH_LINE_BYTES_MAX);
		line->text[length++] = (char)c;
	}
	line->text[length] = '\0';
	line->at = line->text;
	if (ferror(in) != 0)
		return fg_error_set(line->error, errno != 0 ? errno : EIO, "%s: cannot read: %s",
				    line->file, strerror(errno != 0 ? errno : EIO));
	return c != EOF || length > 0;
}

/* Read the next line that is neither empty nor a comment. 1, 0 at the end of the file, -errno. */
static int next_line(FILE *in, struct line *line)
{
	int rc;

	errno = 0;
	do {
		rc = read_line(in, line);
		if (rc == 1)
			skip_blanks(line);
	} while (rc == 1 && (*line->at == '\0' || *line->at == '#'));
	return rc;
}

static int read_number(struct line *line, const char *what, const char *expected, uint64_t max,
		       uint64_t *out)
{
	const size_t length = strspn(line->at, "0123456789abcdefABCDEFxX");
	char text[24];

	if (length >= sizeof(text))
		return refuse(line, what, expected);
	memcpy(text, line->at, length);
	text[length] = '\0';
	if (fg_number_read(text, max, out) != 0)
		return refuse(line, what, expected);
	line->at += length;
	return 0;
}

/* The sign between two parts of a field. */
static int read_sign(struct line *line, char sign, const char *what, const char *expected)
{
	if (*line->at != sign)
		return refuse(line, what, expected);
	line->at++;
	return 0;
}

/* A field ends at a blank or at the end of the line. */
static int end_field(struct line *line, const char *what)
{
	if (*line->at != '\0' && strchr(BLANKS, *line->at) == NULL)
		return refuse(line, what, "a blank after it");
	skip_blanks(line);
	return 0;
}

static int read_prefix(struct line *line, const char *what, uint32_t *address, uint8_t *bits)
{
	static const char expected[] = "an IPv4 prefix A.B.C.D/LENGTH";
	const size_t length = strspn(line->at, "0123456789.");
	char text[INET_ADDRSTRLEN];
	struct in_addr in;
	uint64_t number = 0;

	if (length >= sizeof(text))
		return refuse(line, what, expected);
	memcpy(text, line->at, length);
	text[length] = '\0';
	if (inet_pton(AF_INET, text, &in) != 1)
		return refuse(line, what, expected);
	line->at += length;
	if (read_sign(line, '/', what, "/LENGTH after the address") != 0 ||
	    read_number(line, what, "a prefix length from 0 to 32", 32, &number) != 0)
		return -EINVAL;
	*bits = (uint8_t)number;
	*address = number == 0 ? 0 : ntohl(in.s_addr) & (UINT32_MAX << (32 - number));
	return end_field(line, what);
}

static int read_ports(struct line *line, const char *what, uint16_t *min, uint16_t *max)
{
	const char *expected = "a port from 0 to 65535";
	const char *begin = line->at;
	uint64_t low = 0, high = 0;

	if (read_number(line, what, expected, UINT16_MAX, &low) != 0)
		return -EINVAL;
	skip_blanks(line);
	if (read_sign(line, ':', what, "a colon, as in LO : HI") != 0)
		return -EINVAL;
	skip_blanks(line);
	if (read_number(line, what, expected, UINT16_MAX, &high) != 0)
		return -EINVAL;
	if (low > high) {
		line->at = begin;
		return refuse(line, what, "a range that ends no earlier than it begins");
	}
	*min = (uint16_t)low;
	*max = (uint16_t)high;
	return end_field(line, what);
}

static int read_protocol(struct line *line, uint8_t *protocol, uint8_t *mask)
{
	static const char what[] = "protocol", expected[] = "mask 0x00 or 0xFF";
	uint64_t number = 0, bits = 0;
	const char *begin;

	if (read_number(line, what, "a number from 0 to 255", UINT8_MAX, &number) != 0 ||
	    read_sign(line, '/', what, "/MASK after the number") != 0)
		return -EINVAL;
	begin = line->at;
	if (read_number(line, what, expected, UINT8_MAX, &bits) != 0)
		return -EINVAL;
	if (bits != 0 && bits != UINT8_MAX) {
		line->at = begin;
		return refuse(line, what, expected);
	}
	*mask = (uint8_t)bits;
	*protocol = (uint8_t)(number & bits);
	return end_field(line, what);
}

static int read_tuple(struct line *line, struct tuple *t)
{
	if (read_sign(line, '@', "a rule", "'@' before the source prefix") != 0 ||
	    read_prefix(line, "source", &t->src, &t->src_length) != 0 ||
	    read_prefix(line, "destination", &t->dst, &t->dst_length) != 0 ||
	    read_ports(line, "source ports", &t->src_port_min, &t->src_port_max) != 0 ||
	    read_ports(line, "destination ports", &t->dst_port_min, &t->dst_port_max) != 0 ||
	    read_protocol(line, &t->protocol, &t->protocol_mask) != 0)
		return -EINVAL;
	return 0;
}

static void set_prefix(uint8_t value[16], uint8_t mask[16], uint32_t address, uint8_t bits)
{
	const uint32_t address_be = htonl(address);
	const uint32_t mask_be = bits == 0 ? 0 : htonl(UINT32_MAX << (32 - bits));

	memcpy(value, &address_be, sizeof(address_be));
	memcpy(mask, &mask_be, sizeof(mask_be));
}

static void fill_match(struct fg_match *match, const struct tuple *t, uint32_t rule)
{
	*match = (struct fg_match){
		.src_port_min = t->src_port_min,
		.src_port_max = t->src_port_max,
		.dst_port_min = t->dst_port_min,
		.dst_port_max = t->dst_port_max,
		.rule = rule,
	};
	match->value.family = FG_FAMILY_IPV4;
	match->mask.family = UINT8_MAX;
	match->value.protocol = t->protocol;
	match->mask.protocol = t->protocol_mask;
	set_prefix(match->value.src_ip, match->mask.src_ip, t->src, t->src_length);
	set_prefix(match->value.dst_ip, match->mask.dst_ip, t->dst, t->dst_length);
}

static void print_prefix(FILE *out, const char *key, uint32_t address, uint8_t bits)
{
	fprintf(out, "%s: %u.%u.%u.%u/%u", key, address >> 24, address >> 16 & 255,
		address >> 8 & 255, address & 255, bits);
}

/* Close to the language of rules, in which ports need a protocol. */
static char *tuple_text(const struct tuple *t)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	print_prefix(out, "{ipv4: {src", t->src, t->src_length);
	print_prefix(out, ", dst", t->dst, t->dst_length);
	fputs("}", out);
	if (t->protocol_mask != 0)
		fprintf(out, ", protocol: %u", t->protocol);
	fprintf(out, ", ports: {src: %u-%u, dst: %u-%u}}", t->src_port_min, t->src_port_max,
		t->dst_port_min, t->dst_port_max);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* Room for one more rule, and for the default. */
static int make_room(struct fg_rules *set, uint32_t *room)
{
	const uint32_t more = *room == 0 ? FIRST_ROOM : 2 * *room;
	struct fg_rule *rules;
	struct fg_match *matches;

	if (set->count + 1 < *room)
		return 0;
	rules = realloc(set->rules, more * sizeof(*rules));
	if (rules == NULL)
		return -ENOMEM;
	memset(rules + *room, 0, (more - *room) * sizeof(*rules));
	set->rules = rules;
	matches = realloc(set->matches, more * sizeof(*matches));
	if (matches == NULL)
		return -ENOMEM;
	set->matches = matches;
	*room = more;
	return 0;
}

static int add_rule(struct fg_rules *set, const struct line *line, const struct tuple *t,
		    uint64_t sinks)
{
	struct fg_rule *rule = &set->rules[set->count + 1];
	char name[16];
	int rc;

	if (set->count == FG_RULES_MAX)
		return fg_error_set(line->error, E2BIG, "%s:%" PRIu64 ": at most %u rules",
				    line->file, line->number, FG_RULES_MAX);
	set->count++;
	snprintf(name, sizeof(name), "%u", set->count);
	*rule = (struct fg_rule){
		.name = strdup(name),
		.line = (uint32_t)line->number,
		.sinks = sinks,
		.feed = FG_FEED_NONE,
		.n_matches = 1,
		.first_match = set->n_matches,
		.text = tuple_text(t),
	};
	rc = rule->name != NULL && rule->text != NULL ? fg_names_id(name, &rule->id) : -ENOMEM;
	if (rc != 0)
		return fg_error_set(line->error, -rc, "%s:%" PRIu64 ": rule '%s': %s", line->file,
				    line->number, name,
				    rc == -ENOSPC ? "too many rule names since the start"
						  : "out of memory");
	fill_match(&set->matches[set->n_matches++], t, set->count);
	return 0;
}

/* rules[0]: packets that match no rule are dropped. */
static int add_default(struct fg_rules *set)
{
	set->rules[0] =
		(struct fg_rule){.name = strdup("-"), .text = strdup("{}"), .feed = FG_FEED_NONE};
	return set->rules[0].name != NULL && set->rules[0].text != NULL ? 0 : -ENOMEM;
}

static int load(FILE *in, struct line *line, uint64_t sinks, struct fg_rules *set)
{
	uint32_t room = 0;
	int rc;

	if (make_room(set, &room) != 0 || add_default(set) != 0)
		return fg_error_set(line->error, ENOMEM, "%s: no memory for rules", line->file);
	while ((rc = next_line(in, line)) == 1) {
		struct tuple tuple;

		rc = read_tuple(line, &tuple);
		if (rc == 0 && make_room(set, &room) != 0)
			rc = fg_error_set(line->error, ENOMEM, "%s:%" PRIu64 ": out of memory",
					  line->file, line->number);
		if (rc == 0)
			rc = add_rule(set, line, &tuple, sinks);
		if (rc != 0)
			break;
	}
	return rc;
}

int fg_classbench_load(FILE *in, const char *name, uint64_t sinks, struct fg_rules **out,
		       struct fg_error *error)
{
	struct line line = {.file = name, .error = error};
	struct fg_rules *set = calloc(1, sizeof(*set));
	int rc;

	if (set == NULL)
		return fg_error_set(error, ENOMEM, "%s: no memory for rules", name);
	rc = load(in, &line, sinks, set);
	if (rc == 0)
		*out = set;
	else
		fg_rules_free(set);
	return rc;
}

int fg_classbench_read_key(FILE *in, const char *name, uint64_t *lines, struct fg_key *key,
			   struct fg_error *error)
{
	static const struct {
		const char *what, *expected;
		uint64_t max;
	} columns[] = {
		{"source", "a number from 0 to 4294967295", UINT32_MAX},
		{"destination", "a number from 0 to 4294967295", UINT32_MAX},
		{"source port", "a number from 0 to 65535", UINT16_MAX},
		{"destination port", "a number from 0 to 65535", UINT16_MAX},
		{"protocol", "a number from 0 to 255", UINT8_MAX},
	};
	struct line line;
	uint64_t values[5] = {0};
	int rc;

	line.file = name;
	line.number = *lines;
	line.error = error;
	rc = next_line(in, &line);
	*lines = line.number;
	if (rc != 1)
		return rc;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if (read_number(&line, columns[i].what, columns[i].expected, columns[i].max,
				&values[i]) != 0 ||
		    end_field(&line, columns[i].what) != 0)
			return -EINVAL;
	*key = (struct fg_key){
		.l4 = values[4] == IPPROTO_TCP || values[4] == IPPROTO_UDP ? (uint8_t)values[4] : 0,
		.protocol = (uint8_t)values[4],
		.family = FG_FAMILY_IPV4,
		.src_port_be = htons((uint16_t)values[2]),
		.dst_port_be = htons((uint16_t)values[3]),
		.vlan_be = {FG_VLAN_NONE_BE, FG_VLAN_NONE_BE},
	};
	memcpy(key->src_ip, &(uint32_t){htonl((uint32_t)values[0])}, sizeof(uint32_t));
	memcpy(key->dst_ip, &(uint32_t){htonl((uint32_t)values[1])}, sizeof(uint32_t));
	return 1;
}
