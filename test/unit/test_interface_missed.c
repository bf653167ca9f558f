/* SPDX-License-Identifier: MIT */
/* Drops of an interface's NIC. Expected: the arithmetic, and the kernel's own files. */

#include "interface_missed.h"
#include "veth_rig.h"

static void growth_is_counted(void **state)
{
	struct interface_missed missed = {.name = "x", .ifindex = 7, .last = 1000};

	(void)state;
	interface_missed_add(&missed, 7, 1000);
	assert_int_equal(missed.count, 0);
	interface_missed_add(&missed, 7, 1010);
	assert_int_equal(missed.count, 10);
	/* It was removed and created again. */
	interface_missed_add(&missed, 9, 3);
	assert_int_equal(missed.count, 13);
	interface_missed_add(&missed, 9, 2000);
	assert_int_equal(missed.count, 2010);
	/* The driver has reset its counter. */
	interface_missed_add(&missed, 9, 5);
	assert_int_equal(missed.count, 2015);
}

/* A counter of lo in the kernel's file; sysfs shows the namespace of who mounted it. */
static uint64_t in_sysfs(const char *interface)
{
	unsigned long long value = 0;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/rx_missed_errors", interface);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%llu", &value), 1);
	fclose(file);
	return value;
}

static void it_begins_at_the_kernels_value(void **state)
{
	struct if_nameindex *all = if_nameindex();
	struct interface_missed missed;

	(void)state;
	assert_non_null(all);
	for (const struct if_nameindex *i = all; i->if_index != 0; i++) {
		interface_missed_begin(&missed, i->if_name);
		assert_int_equal(missed.ifindex, i->if_index);
		assert_string_equal(missed.name, i->if_name);
		/* It may have grown since. */
		assert_true(missed.last <= in_sysfs(i->if_name));
		assert_true(missed.last + 1000 > in_sysfs(i->if_name));
		assert_true(interface_missed_read(&missed) < 1000);
	}
	if_freenameindex(all);
}

/* No interface, then one, then none: no error. */
static void interfaces_come_and_go(void **state)
{
	struct interface_missed missed;

	(void)state;
	if (!veth_namespace())
		skip();
	interface_missed_begin(&missed, "rx0");
	assert_int_equal(missed.ifindex, 0);
	assert_int_equal(interface_missed_read(&missed), 0);
	/* sysfs still shows the namespace before: an interface of this one is not there. */
	veth_add();
	assert_int_equal(interface_missed_read(&missed), 0);
	assert_int_equal(missed.ifindex, 0);
	missed.count = 5;
	veth_remove();
	assert_int_equal(interface_missed_read(&missed), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growth_is_counted),
		cmocka_unit_test(it_begins_at_the_kernels_value),
		cmocka_unit_test(interfaces_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
