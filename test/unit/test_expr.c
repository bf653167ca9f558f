/* SPDX-License-Identifier: MIT */
/* The text of expressions: what is accepted, what is refused, and that no name is looked up. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/ether.h>
#include <pcap/pcap.h>
#include <stdlib.h>

#include "expr_cases.h"
#include "expr_frames.h"

/* --- traps for lookups: the linker prefers these functions to those of the C library --- */

static unsigned int lookups;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **found)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	struct addrinfo numeric = hints != NULL ? *hints : (struct addrinfo){0};

	/* Converting a number is no lookup. */
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	numeric.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	if (real(node, service, &numeric, found) == 0)
		return 0;
	lookups++;
	return EAI_NONAME;
}

int getnetbyname_r(const char *name, struct netent *result, char *room, size_t bytes,
		   struct netent **found, int *reason)
{
	(void)name, (void)result, (void)room, (void)bytes;
	lookups++;
	*found = NULL;
	*reason = HOST_NOT_FOUND;
	return 0;
}

int getprotobyname_r(const char *name, struct protoent *result, char *room, size_t bytes,
		     struct protoent **found)
{
	(void)name, (void)result, (void)room, (void)bytes;
	lookups++;
	*found = NULL;
	return 0;
}

int ether_hostton(const char *name, struct ether_addr *address)
{
	(void)name, (void)address;
	lookups++;
	return -1;
}

static void refused(const char *text, const char *reason)
{
	struct fg_expr *expr = NULL;
	struct fg_error error = {0};
	const int rc = fg_expr_compile(text, &expr, &error);

	if (rc != -EINVAL || expr != NULL || strstr(error.text, reason) == NULL)
		fail_msg("%d '%s' instead of '%s' for '%s'", rc, error.text, reason, text);
}

static void mistakes_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(refused_texts); i++)
		refused(refused_texts[i].text, refused_texts[i].reason);
	fg_expr_free(NULL);
}

static void nothing_is_looked_up(void **state)
{
	static const char *const names[] = {"host x",     "net x",        "port x",
					    "ip proto x", "ether host x", "portrange x-y"};
	struct bpf_program program;

	(void)state;
	/* The traps work: libpcap alone triggers each of them. */
	for (size_t i = 0; i < RTE_DIM(names); i++) {
		lookups = 0;
		if (compile(names[i], &program))
			fail_msg("'%s' has a meaning here", names[i]);
		if (lookups == 0)
			fail_msg("'%s' was not looked up here", names[i]);
	}
	lookups = 0;
	for (size_t i = 0; i < RTE_DIM(refused_texts); i++)
		refused(refused_texts[i].text, refused_texts[i].reason);
	for (size_t i = 0; i < RTE_DIM(accepted); i++)
		fg_expr_free(expr_of(accepted[i]));
	assert_int_equal(lookups, 0);
}

/* Any text where a name can stand: accepted or not, it is never looked up. */
static void odd_words_are_not_looked_up(void **state)
{
	static const char alphabet[] = "0123456789abcdefx:::...--_ gz";
	static const char *const heads[] = {"host ", "net ",       "port ",  "ether host ",
					    "",      "portrange ", "proto ", "ip6 host "};

	(void)state;
	random_state = 7;
	lookups = 0;
	for (unsigned int i = 0; i < 60000; i++) {
		const char *head = heads[random_below(RTE_DIM(heads))];
		struct fg_expr *expr = NULL;
		struct fg_error error = {0};
		char text[64];
		size_t at = strlen(head);

		memcpy(text, head, at);
		for (uint32_t n = 1 + random_below(24); n > 0; n--)
			text[at++] = alphabet[random_below(sizeof(alphabet) - 1)];
		text[at] = '\0';
		if (fg_expr_compile(text, &expr, &error) == 0)
			fg_expr_free(expr);
		if (lookups != 0)
			fail_msg("'%s' was looked up", text);
	}
}

/* Every way to write an IPv6 address, and one group too many or too few. */
static void ipv6_addresses_are_no_names(void **state)
{
	(void)state;
	lookups = 0;
	for (unsigned int before = 0; before <= 9; before++)
		for (unsigned int after = 0; before + after <= 9; after++)
			for (unsigned int form = 0; form < 4; form++) {
				struct text text = {0};
				struct fg_expr *expr = NULL;
				struct fg_error error = {0};
				uint8_t address[16];
				bool valid;

				for (unsigned int i = 0; i < before; i++)
					add_text(&text, i > 0 ? ":abcd" : "1234");
				add_text(&text, form & 1 ? "::" : ":");
				for (unsigned int i = 0; i < after; i++)
					add_text(&text, i > 0 ? ":e" : "fe");
				if (form & 2)
					add_text(&text, after > 0 ? ":10.0.0.1" : "10.0.0.1");
				valid = inet_pton(AF_INET6, text.at, address) == 1;
				memmove(text.at + 5, text.at, text.length + 1);
				memcpy(text.at, "host ", 5);
				if ((fg_expr_compile(text.at, &expr, &error) == 0) != valid)
					fail_msg("'%s': %s", text.at, error.text);
				fg_expr_free(expr);
				if (lookups != 0)
					fail_msg("'%s' was looked up", text.at);
			}
}

static void limits(void **state)
{
	static char text[FG_EXPR_TEXT_BYTES_MAX + 2];
	struct text many = {0};

	(void)state;
	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, "udp", 3);
	refused(text, "an expression of over 8192 characters");
	text[FG_EXPR_TEXT_BYTES_MAX] = '\0';
	fg_expr_free(expr_of(text));
	/* "ip" and 85 times three more, then one more. */
	add_text(&many, "ip");
	for (unsigned int i = 0; i < 85; i++)
		add_text(&many, i % 2 == 0 ? "||!ip6" : " or not (udp)");
	refused(many.at, "words and signs: at most 256");
	memset(many.at, '(', 300);
	refused(many.at, "words and signs: at most 256");
	memset(many.at, 'a', 300);
	refused(many.at, "names are not looked up");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_refused),
		cmocka_unit_test(nothing_is_looked_up),
		cmocka_unit_test(odd_words_are_not_looked_up),
		cmocka_unit_test(ipv6_addresses_are_no_names),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests_name("expr", tests, NULL, NULL);
}
