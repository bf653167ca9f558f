/* SPDX-License-Identifier: MIT */
/* The order map: orders that are added, end, replace one another, and are evicted. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <errno.h>
#include <stdio.h>

#include <fg_config.h>

#include "filter_rig.h"

static uint64_t counter_of(const struct fg_orders *orders, enum fg_orders_counter counter)
{
	uint64_t counters[FG_ORDERS_COUNTER_COUNT];

	fg_orders_counters(orders, counters);
	return counters[counter];
}

/* A filter of one instrument, or of any. */
static struct fg_msg_filter *filter_of(const struct fg_protocol *protocol, struct fg_orders *orders,
				       const char *instrument, uint8_t unmapped)
{
	const struct fg_msg_filter_conf conf = {.protocol = protocol,
						.orders = orders,
						.instruments = &instrument,
						.n_instruments = 1,
						.any_instrument = instrument == NULL,
						.unmapped = unmapped,
						.socket_id = SOCKET_ID_ANY};

	return rig_filter(&conf);
}

static struct fg_msg_filter_result match(const struct fg_protocol *protocol,
					 struct fg_msg_filter *filter, const uint8_t *payload,
					 uint32_t len)
{
	struct fg_msg_filter_result result;

	assert_true(rig_match(filter, protocol, payload, len, &result));
	return result;
}

/* Match a PITCH packet of one message: it adds an order of @symbol, or names an order alone. */
static struct fg_msg_filter_result pitch(struct fg_msg_filter *filter, uint8_t type, uint64_t order,
					 const char *symbol)
{
	uint8_t p[34] = {34, 0, 1, 1, 1, 0, 0, 0, 26, type};

	for (unsigned int i = 0; i < 8; i++)
		p[8 + 6 + i] = (uint8_t)(order >> 8 * i);
	memset(p + 8 + 17, ' ', 6);
	memcpy(p + 8 + 17, symbol, strlen(symbol));
	return match(fg_protocol_find("cboe_pitch"), filter, p, sizeof(p));
}

#define ADD     0x22
#define EXECUTE 0x23
#define DELETE  0x29
#define TRADE   0x2b

static void test_orders(void **unused)
{
	const struct fg_protocol *protocol = fg_protocol_find("cboe_pitch");
	struct fg_orders *orders = rig_orders(protocol, 64);
	struct fg_msg_filter *drop = filter_of(protocol, orders, "ZVZZT", FG_UNMAPPED_DROP);
	struct fg_msg_filter *pass = filter_of(protocol, orders, "ZVZZT", FG_UNMAPPED_PASS);
	struct fg_msg_filter *learner = filter_of(protocol, orders, NULL, FG_UNMAPPED_PASS);

	(void)unused;
	assert_int_equal(pitch(drop, EXECUTE, 5, "").n_unmapped, 1);
	assert_int_equal(pitch(drop, EXECUTE, 5, "").n_matched, 0);
	assert_int_equal(pitch(pass, EXECUTE, 5, "").n_matched, 1);
	assert_int_equal(counter_of(orders, FG_ORDERS_orders_missed), 3);
	assert_int_equal(pitch(drop, ADD, 5, "ZVZZT").n_matched, 1);
	assert_int_equal(pitch(learner, ADD, 6, "OTHER").n_matched, 1);
	assert_int_equal(counter_of(orders, FG_ORDERS_orders), 2);
	assert_int_equal(pitch(drop, EXECUTE, 5, "").n_matched, 1);
	assert_int_equal(pitch(pass, EXECUTE, 6, "").n_matched, 0);
	assert_int_equal(pitch(pass, EXECUTE, 6, "").n_unmapped, 0);
	/* An order that is added again has its last instrument. */
	assert_int_equal(pitch(drop, ADD, 6, "ZVZZT").n_matched, 1);
	assert_int_equal(pitch(drop, EXECUTE, 6, "").n_matched, 1);
	assert_int_equal(counter_of(orders, FG_ORDERS_orders), 2);
	/* The message that deletes an order still has its instrument; later ones do not. */
	assert_int_equal(pitch(drop, DELETE, 5, "").n_matched, 1);
	assert_int_equal(pitch(drop, EXECUTE, 5, "").n_unmapped, 1);
	assert_int_equal(pitch(learner, DELETE, 6, "").n_matched, 1);
	assert_int_equal(counter_of(orders, FG_ORDERS_orders), 0);
	/* A trade's order does not enter the map, nor does order 0. */
	assert_int_equal(pitch(drop, TRADE, 7, "ZVZZT").n_matched, 1);
	assert_int_equal(pitch(drop, ADD, 0, "ZVZZT").n_matched, 1);
	assert_int_equal(counter_of(orders, FG_ORDERS_orders), 0);
	assert_int_equal(counter_of(orders, FG_ORDERS_orders_evicted), 0);
	fg_msg_filter_free(drop);
	fg_msg_filter_free(pass);
	fg_msg_filter_free(learner);
	fg_orders_free(orders);
}

/* Twice as many orders as there is room for: each stays in the map or is counted as evicted. */
static void test_eviction(void **unused)
{
	const struct fg_protocol *protocol = fg_protocol_find("cboe_pitch");
	struct fg_orders *orders = rig_orders(protocol, 1024);
	struct fg_msg_filter *filter = filter_of(protocol, orders, "ZVZZT", FG_UNMAPPED_DROP);
	uint32_t still = 0, young = 0;

	(void)unused;
	for (uint64_t i = 1; i <= 700; i++)
		(void)pitch(filter, ADD, i, "ZVZZT");
	assert_int_equal(counter_of(orders, FG_ORDERS_orders_evicted), 0);
	for (uint64_t i = 701; i <= 2048; i++)
		(void)pitch(filter, ADD, i, "ZVZZT");
	for (uint64_t i = 1; i <= 2048; i++) {
		const uint32_t matched = pitch(filter, EXECUTE, i, "").n_matched;

		still += matched;
		young += i > 1800 ? matched : 0;
	}
	assert_int_equal(still, counter_of(orders, FG_ORDERS_orders));
	assert_int_equal(still + counter_of(orders, FG_ORDERS_orders_evicted), 2048);
	assert_int_equal(2048 - still, counter_of(orders, FG_ORDERS_orders_missed));
	assert_true(still <= 1024 && still > 900);
	/* Mostly the oldest are evicted. */
	assert_true(young > 200);
	fg_msg_filter_free(filter);
	fg_orders_free(orders);
}

/* A new session: no order of before is found, however the map is used while it is emptied. */
static void test_clear(void **unused)
{
	const struct fg_protocol *protocol = fg_protocol_find("cboe_pitch");
	struct fg_orders *orders = rig_orders(protocol, 65536);
	struct fg_msg_filter *filter = filter_of(protocol, orders, "ZVZZT", FG_UNMAPPED_DROP);
	const uint64_t count = 30000;

	(void)unused;
	for (uint64_t i = 1; i <= count; i++)
		(void)pitch(filter, ADD, i, "ZVZZT");
	assert_int_equal(counter_of(orders, FG_ORDERS_orders), count);
	/* The second time, the map is still being emptied. */
	for (unsigned int round = 0; round < 2; round++) {
		fg_orders_clear(orders);
		assert_int_equal(counter_of(orders, FG_ORDERS_orders), 0);
		for (uint64_t i = 1; i <= 40; i++)
			(void)pitch(filter, ADD, 7 * i, "OTHER");
	}
	assert_int_equal(counter_of(orders, FG_ORDERS_orders_cleared), count + 40);
	for (uint64_t i = count; i >= 1; i--) {
		const struct fg_msg_filter_result result = pitch(filter, EXECUTE, i, "");

		assert_int_equal(result.n_matched, 0);
		assert_int_equal(result.n_unmapped, i % 7 == 0 && i <= 280 ? 0 : 1);
	}
	assert_int_equal(counter_of(orders, FG_ORDERS_orders), 40);
	for (uint64_t i = 1; i <= count; i++)
		(void)pitch(filter, ADD, i, "ZVZZT");
	assert_int_equal(counter_of(orders, FG_ORDERS_orders), count);
	assert_int_equal(counter_of(orders, FG_ORDERS_orders_evicted), 0);
	for (uint64_t i = 1; i <= count; i++)
		assert_int_equal(pitch(filter, EXECUTE, i, "").n_matched, 1);
	fg_msg_filter_free(filter);
	fg_orders_free(orders);
	/* A map without room. */
	orders = rig_orders(protocol, 0);
	fg_orders_clear(orders);
	fg_orders_free(orders);
}

/* A protocol from a file, whose orders have instrument numbers and replace one another. */
static void test_replaced(void **unused)
{
	static const char yaml[] =
		"protocol:\n"
		"  header: {bytes: 8}\n"
		"  sequence: {at: 0, bytes: 4}\n"
		"  walk: {at: 0, bytes: 1}\n"
		"  type: {at: 1, bytes: 1, text: true}\n"
		"  messages:\n"
		"    - {type: A, instrument: number, at: 2, bytes: 4, order_at: 6, order_bytes: "
		"4,\n"
		"       adds_order: true, null_value: 99}\n"
		"    - {type: U, instrument: order, order_at: 2, order_bytes: 4, ends_order: "
		"true,\n"
		"       new_order_at: 6, new_order_bytes: 4}\n"
		"    - {type: E, instrument: order, order_at: 2, order_bytes: 4}\n";
	struct fg_config *config = NULL;
	struct fg_protocol *protocol = NULL;
	struct fg_error error = {0};
	struct fg_orders *orders;
	struct fg_msg_filter *filter;
	/* A 7 is order 1; U 1 becomes 2; E 2; E 1; A 8 is order 3; E 3; A none is order 4; E 4. */
	static const uint8_t p[] = {0, 0, 0, 0,  0,   0,   0,   0,   10, 'A', 7,  0,   0,   0,  1,
				    0, 0, 0, 10, 'U', 1,   0,   0,   0,  2,   0,  0,   0,   6,  'E',
				    2, 0, 0, 0,  6,   'E', 1,   0,   0,  0,   10, 'A', 8,   0,  0,
				    0, 3, 0, 0,  0,   6,   'E', 3,   0,  0,   0,  10,  'A', 99, 0,
				    0, 0, 4, 0,  0,   0,   6,   'E', 4,  0,   0,  0};
	struct fg_msg_filter_result result;

	(void)unused;
	assert_int_equal(fg_config_load_text("test", yaml, strlen(yaml), &config, &error), 0);
	if (fg_protocol_load(fg_node_get(fg_config_root(config), "protocol"), &protocol, &error) !=
	    0)
		fail_msg("%s", error.text);
	fg_config_free(config);
	orders = rig_orders(protocol, 64);
	filter = filter_of(protocol, orders, "7", FG_UNMAPPED_DROP);
	result = match(protocol, filter, p, sizeof(p));
	assert_int_equal(result.n_messages, 8);
	assert_int_equal(result.mask, 0xc7);
	assert_int_equal(result.n_unmapped, 1);
	assert_int_equal(counter_of(orders, FG_ORDERS_orders), 3);
	fg_msg_filter_free(filter);
	fg_orders_free(orders);
	fg_protocol_free(protocol);
}

static void test_refused(void **unused)
{
	static const struct {
		uint32_t orders_max;
		const char *reason;
	} cases[] = {
		{4, "orders: 4 is not a power of two from 8"},
		{100, "orders: 100 is not a power of two"},
		{1u << 31, "orders: 2147483648 is not a power of two"},
	};

	(void)unused;
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		const struct fg_orders_conf conf = {.protocol = fg_protocol_find("cboe_pitch"),
						    .orders_max = cases[i].orders_max,
						    .socket_id = SOCKET_ID_ANY};
		struct fg_error error = {0};
		struct fg_orders *orders;

		assert_int_equal(fg_orders_create(&conf, &orders, &error), -EINVAL);
		if (strstr(error.text, cases[i].reason) == NULL)
			fail_msg("'%s' lacks '%s'", error.text, cases[i].reason);
	}
	fg_orders_free(NULL);
	for (unsigned int i = 0; i < FG_ORDERS_COUNTER_COUNT; i++)
		assert_true(fg_orders_counter_name(i)[0] != '\0' &&
			    fg_orders_counter_help(i)[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),  cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_clear),   cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_refused),
	};
	struct fg_error error = {0};

	if (fg_eal_start_private("test_orders", &error) != 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
