/* SPDX-License-Identifier: MIT */
/*
 * The first line of the input is an expression, the rest a frame. The expression is
 * refused with a reason, or libpcap accepts it, too, and both give the same result for
 * the frame and for its prefixes. No name is looked up.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/ether.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fg_expr.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* libpcap calls these instead of the C library's. It also passes IPv6 addresses. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **found)
{
	static struct sockaddr_in6 address;
	static struct addrinfo info;

	(void)hints;
	check(service == NULL && node != NULL);
	address.sin6_family = AF_INET6;
	if (inet_pton(AF_INET6, node, &address.sin6_addr) != 1) {
		check(strchr(node, ':') != NULL);
		return EAI_NONAME;
	}
	info = (struct addrinfo){
		.ai_family = AF_INET6,
		.ai_addr = (struct sockaddr *)&address,
		.ai_addrlen = sizeof(address),
	};
	*found = &info;
	return 0;
}

void freeaddrinfo(struct addrinfo *info)
{
	(void)info;
}

int getnetbyname_r(const char *name, struct netent *result, char *room, size_t bytes,
		   struct netent **found, int *reason)
{
	(void)name, (void)result, (void)room, (void)bytes, (void)found, (void)reason;
	abort();
}

int getprotobyname_r(const char *name, struct protoent *result, char *room, size_t bytes,
		     struct protoent **found)
{
	(void)name, (void)result, (void)room, (void)bytes, (void)found;
	abort();
}

int ether_hostton(const char *name, struct ether_addr *address)
{
	(void)name, (void)address;
	abort();
}

static void compare(const struct fg_expr *expr, const uint8_t *frame, uint32_t length)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
	struct bpf_program program;

	check(pcap_compile(pcap, &program, fg_expr_text(expr), 0, PCAP_NETMASK_UNKNOWN) == 0);
	check(program.bf_len <= FG_EXPR_STEPS_MAX);
	for (uint32_t end = length, turns = 0; turns < 32; end -= end / 8 + 1, turns++) {
		check(fg_expr_test(expr, frame, end, length) ==
		      (bpf_filter(program.bf_insns, frame, length, end) != 0));
		if (end == 0)
			break;
	}
	pcap_freecode(&program);
	pcap_close(pcap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line_end = size > 0 ? memchr(data, '\n', size) : NULL;
	const size_t length = line_end != NULL ? (size_t)(line_end - data) : size;
	const size_t rest = line_end != NULL ? size - length - 1 : 0;
	char *text = strndup((const char *)data, length);
	uint8_t *frame = malloc(rest + 1);
	struct fg_expr *expr = NULL;
	struct fg_error error = {0};

	check(text != NULL && frame != NULL);
	if (rest > 0)
		memcpy(frame, line_end + 1, rest);
	if (fg_expr_compile(text, &expr, &error) == 0) {
		check(error.text[0] == '\0' && strcmp(fg_expr_text(expr), text) == 0);
		compare(expr, frame, (uint32_t)rest);
	} else {
		check(expr == NULL && error.text[0] != '\0');
	}
	fg_expr_free(expr);
	free(frame);
	free(text);
	return 0;
}
