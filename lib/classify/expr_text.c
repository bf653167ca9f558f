/* SPDX-License-Identifier: MIT */
#include "expr_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fg_expr.h>

/*
 * The keywords of libpcap 1.9 and later, sorted. (An older libpcap would look up
 * those that it does not know.) Not in the list: keywords that a name follows
 * (gateway, ifname, ...) and those of links other than Ethernet.
 */
static const char *const keywords[] = {
	"aarp",
	"ah",
	"and",
	"arp",
	"atalk",
	"broadcast",
	"byte",
	"carp",
	"clnp",
	"csnp",
	"decnet",
	"dst",
	"es-is",
	"esis",
	"esp",
	"ether",
	"geneve",
	"greater",
	"host",
	"icmp",
	"icmp-echo",
	"icmp-echoreply",
	"icmp-ireq",
	"icmp-ireqreply",
	"icmp-maskreply",
	"icmp-maskreq",
	"icmp-paramprob",
	"icmp-redirect",
	"icmp-routeradvert",
	"icmp-routersolicit",
	"icmp-sourcequench",
	"icmp-timxceed",
	"icmp-tstamp",
	"icmp-tstampreply",
	"icmp-unreach",
	"icmp6",
	"icmp6-echo",
	"icmp6-echoreply",
	"icmp6-multicastlistenerdone",
	"icmp6-multicastlistenerquery",
	"icmp6-multicastlistenerreportv1",
	"icmp6-multicastlistenerreportv2",
	"icmp6-neighboradvert",
	"icmp6-neighborsolicit",
	"icmp6-redirect",
	"icmp6-routeradvert",
	"icmp6-routersolicit",
	"icmp6code",
	"icmp6type",
	"icmpcode",
	"icmptype",
	"igmp",
	"igrp",
	"iih",
	"ip",
	"ip6",
	"ipx",
	"is-is",
	"isis",
	"iso",
	"l1",
	"l2",
	"lat",
	"len",
	"length",
	"less",
	"link",
	"llc",
	"lsp",
	"mask",
	"mopdl",
	"moprc",
	"mpls",
	"multicast",
	"net",
	"netbeui",
	"not",
	"or",
	"pim",
	"port",
	"portrange",
	"pppoed",
	"pppoes",
	"proto",
	"protochain",
	"psnp",
	"rarp",
	"sca",
	"sctp",
	"snp",
	"src",
	"stp",
	"tcp",
	"tcp-ack",
	"tcp-cwr",
	"tcp-ece",
	"tcp-fin",
	"tcp-push",
	"tcp-rst",
	"tcp-syn",
	"tcp-urg",
	"tcpflags",
	"udp",
	"vlan",
	"vrrp",
};

#define WORD_BYTES_MAX 63u /* longer than any keyword, number or address */

static int compare_words(const void *word, const void *keyword)
{
	return strcmp(word, *(const char *const *)keyword);
}

static bool is_keyword(const char *word)
{
	return bsearch(word, keywords, sizeof(keywords) / sizeof(keywords[0]), sizeof(keywords[0]),
		       compare_words) != NULL;
}

static size_t digits(const char *text)
{
	return strspn(text, "0123456789");
}

static size_t hex_digits(const char *text)
{
	return strspn(text, "0123456789abcdefABCDEF");
}

static bool is_number(const char *word)
{
	if (word[0] == '0' && (word[1] == 'x' || word[1] == 'X'))
		return word[2] != '\0' && word[2 + hex_digits(word + 2)] == '\0';
	return word[0] != '\0' && word[digits(word)] == '\0';
}

/* Is it so many @p groups of @p min to @p max digits, with @p separator between them? */
static bool is_grouped(const char *word, size_t (*span)(const char *), unsigned int groups,
		       size_t min, size_t max, char separator)
{
	for (unsigned int group = 0; group < groups; group++) {
		const size_t length = span(word);

		if (length < min || length > max)
			return false;
		word += length;
		if (*word != (group + 1 < groups ? separator : '\0'))
			return false;
		word += group + 1 < groups;
	}
	return true;
}

static bool is_address(const char *word)
{
	uint8_t ipv6[16];

	for (unsigned int groups = 2; groups <= 4; groups++)
		if (is_grouped(word, digits, groups, 1, 10, '.'))
			return true;
	return is_grouped(word, hex_digits, 6, 1, 2, ':') ||
	       is_grouped(word, hex_digits, 6, 1, 2, '-') ||
	       is_grouped(word, hex_digits, 6, 1, 2, '.') ||
	       is_grouped(word, hex_digits, 3, 4, 4, '.') || inet_pton(AF_INET6, word, ipv6) == 1;
}

/* "12:2" or "len:2", as in ip[12:2]: three words to libpcap. */
static bool is_slice(char *word)
{
	char *colon = strchr(word, ':');
	bool fits;

	if (colon == NULL || strchr(colon + 1, ':') != NULL)
		return false;
	*colon = '\0';
	fits = (is_number(word) || is_keyword(word)) && (colon[1] == '\0' || is_number(colon + 1));
	*colon = ':';
	return fits;
}

/*
 * libpcap's scanner takes the longest match, and of several rules that match the
 * same length, the rule for names comes last. So a run of word characters is not
 * a name if all of it is something else. Two ports with a dash are a name to the
 * scanner, but libpcap does not look up the name after "portrange".
 */
static bool word_is_known(char *word, bool after_portrange)
{
	return is_keyword(word) || is_number(word) || is_address(word) || is_slice(word) ||
	       (after_portrange && is_grouped(word, digits, 2, 1, 5, '-'));
}

/* isalnum() would depend on the locale. */
static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool in_word(char c)
{
	return is_alphanumeric(c) || c == '-' || c == '.' || c == ':' || c == '_';
}

/* Does a word begin here? A dash or a single colon begins none: it is a sign. */
static bool begins_word(const char *at)
{
	return is_alphanumeric(at[0]) || (at[0] == ':' && at[1] == ':');
}

/* Length of the word at @p at, or -EINVAL. */
static int check_word(const char *at, bool *after_portrange, struct fg_error *error)
{
	char word[WORD_BYTES_MAX + 1];
	size_t length = 0;

	while (in_word(at[length]))
		length++;
	if (length <= WORD_BYTES_MAX) {
		memcpy(word, at, length);
		word[length] = '\0';
		if (word_is_known(word, *after_portrange)) {
			*after_portrange = strcmp(word, "portrange") == 0;
			return (int)length;
		}
	}
	return fg_error_set(
		error, EINVAL,
		"'%.*s': names are not looked up; expected a keyword of pcap-filter(7), "
		"a number or an address%s",
		(int)(length < WORD_BYTES_MAX ? length : WORD_BYTES_MAX), at,
		memchr(at, '-', length) != NULL ? " (minus has blanks around it)" : "");
}

static int check_sign(const char *at, struct fg_error *error)
{
	if (strchr("()[]<>=!&|+-*/%^:", at[0]) != NULL)
		return 1;
	return fg_error_set(error, EINVAL, "'%c' has no meaning in an expression%s", at[0],
			    at[0] == '\\' ? ": names are not looked up" : "");
}

int expr_text_check(const char *text, struct fg_error *error)
{
	bool after_portrange = false;
	uint32_t count = 0;

	for (const char *at = text; *at != '\0';) {
		int length = 1;

		if (*at < ' ' || *at > '~')
			return fg_error_set(error, EINVAL,
					    "byte %zu of an expression is no printable ASCII",
					    (size_t)(at - text) + 1);
		if (begins_word(at)) {
			length = check_word(at, &after_portrange, error);
			count++;
		} else if (*at != ' ') {
			length = check_sign(at, error);
			after_portrange = false;
			count++;
		}
		if (length < 0)
			return length;
		at += length;
	}
	if (count == 0)
		return fg_error_set(error, EINVAL, "an empty expression");
	if (count > FG_EXPR_WORDS_MAX)
		return fg_error_set(error, EINVAL,
				    "an expression of %u words and signs: at most %u", count,
				    FG_EXPR_WORDS_MAX);
	return 0;
}

const char *expr_text_ipv4_only(const char *text)
{
	static const char *const words[] = {"udp", "tcp", "sctp"};

	for (const char *at = strchr(text, '['); at != NULL; at = strchr(at + 1, '[')) {
		const char *end = at, *begin;

		while (end > text && end[-1] == ' ')
			end--;
		for (begin = end; begin > text && in_word(begin[-1]);)
			begin--;
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if ((size_t)(end - begin) == strlen(words[i]) &&
			    memcmp(begin, words[i], (size_t)(end - begin)) == 0)
				return words[i];
	}
	return NULL;
}
