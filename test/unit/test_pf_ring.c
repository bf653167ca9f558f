/* SPDX-License-Identifier: MIT */
/*
 * The pf_ring source's options, and its errors when PF_RING's module or library is missing or
 * wrong. test/guest tests capturing, with ntop's module and library. test_pf_ring LIBRARY   a
 * library that reports version 9.0.0
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_eal.h>

#include "source_rig.h"

static char folder[] = "/tmp/fg_test_pf_ring_XXXXXX";
static const char *of_tomorrow;

static int open_with(struct rig *rig, const char *library)
{
	return rig_open(rig, "pf_ring", 1, 4096,
			(const char *[]){"interface", "lo", "library", library, NULL});
}

static void assert_says(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("'%s' does not say '%s'", text, part);
}

static void test_no_library(void **state)
{
	char path[64];
	struct rig rig;
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/libpfring.so", folder);
	assert_int_equal(open_with(&rig, path), -ENOENT);
	assert_says(rig.error.text, "source test: PF_RING's library cannot be opened: ");
	assert_says(rig.error.text, path);
	assert_says(rig.error.text, "No such file");

	file = fopen(path, "w");
	assert_non_null(file);
	fputs("This is a text of more bytes than the header of a library has: 64 and then some.",
	      file);
	fclose(file);
	assert_int_equal(open_with(&rig, path), -ENOENT);
	assert_says(rig.error.text, "invalid ELF header");
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(open_with(&rig, path), -ENOENT);
	assert_says(rig.error.text, "file too short");
	assert_int_equal(open_with(&rig, folder), -ENOENT);
}

static void test_other_library(void **state)
{
	struct rig rig;

	(void)state;
	assert_int_equal(open_with(&rig, "libm.so.6"), -ENOTSUP);
	assert_says(rig.error.text, "the library has no pfring_open: it is not PF_RING's");
	assert_int_equal(open_with(&rig, of_tomorrow), -ENOTSUP);
	assert_says(rig.error.text, "the library is PF_RING 9.0.0, expected version 8");
}

static bool module_is_there(void)
{
	return access("/proc/net/pf_ring/info", F_OK) == 0;
}

static void test_no_module(void **state)
{
	const char *where = getenv("FG_PFRING_DIR");
	char path[512];
	struct rig rig;

	(void)state;
	snprintf(path, sizeof(path), "%s/libpfring.so", where != NULL ? where : "");
	if (where == NULL || access(path, R_OK) != 0 || module_is_there()) {
		print_message("FG_PFRING_DIR has no libpfring.so, or the module is loaded\n");
		skip();
	}
	assert_int_equal(open_with(&rig, path), -ENODEV);
	assert_says(rig.error.text, "source test: kernel module pf_ring is not loaded");
}

static void test_probe(void **state)
{
	struct fg_error error = {0};
	const int rc = fg_source_probe(fg_source_kind("pf_ring"), &error);

	(void)state;
	if (rc == 0) {
		assert_true(module_is_there());
		assert_string_equal(error.text, "");
	} else if (!module_is_there()) {
		assert_says(error.text, "kernel module pf_ring is not loaded");
	} else {
		assert_true(error.text[0] != '\0');
	}
}

/* Runs in a child process. @return 0 if the error is reported. */
static int probe_as_nobody(void)
{
	struct fg_error error = {0};

	if (setresuid(65534, 65534, 65534) != 0 ||
	    fg_source_probe(fg_source_kind("pf_ring"), &error) >= 0)
		return 1;
	return strstr(error.text, "CAP_NET_RAW is missing") == NULL;
}

static void test_probe_without_right(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (geteuid() != 0) {
		print_message("only root can become nobody\n");
		skip();
	}
	child = fork();
	if (child == 0)
		_exit(probe_as_nobody());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static const struct fg_option *option(const char *name)
{
	const struct fg_option *row = fg_source_kind("pf_ring")->options;

	while (strcmp(row->name, name) != 0)
		row++;
	return row;
}

static void test_options(void **state)
{
	static const char *const good[][2] = {
		{"caplen", "0"},
		{"caplen", "65407"},
		{"cluster_id", "65535"},
		{"cluster_mode", "flow"},
		{"cluster_mode", "2-tuple"},
		{"cluster_mode", "tcp-5-tuple"},
		{"promiscuous", "no"},
		{"filter", "udp and vlan 5"},
	};
	static const char *const bad[][2] = {
		{"caplen", "65408"},   {"caplen", "-1"},         {"cluster_id", "65536"},
		{"cluster_mode", "0"}, {"cluster_mode", "hash"}, {"promiscuous", "perhaps"},
	};
	void *conf = calloc(1, fg_source_kind("pf_ring")->conf_bytes);

	(void)state;
	assert_string_equal(fg_source_kind("pf_ring")->options[0].name, "interface");
	assert_null(fg_source_kind("pf_ring")->options[0].value);
	for (size_t i = 0; i < RTE_DIM(good); i++) {
		struct fg_error error = {0};

		assert_int_equal(fg_option_set(option(good[i][0]), conf, good[i][1], NULL, &error),
				 0);
	}
	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		struct fg_error error = {0};

		assert_true(fg_option_set(option(bad[i][0]), conf, bad[i][1], NULL, &error) < 0);
		assert_true(error.text[0] != '\0');
	}
	fg_option_free(fg_source_kind("pf_ring")->options, conf);
	free(conf);
}

int main(int argc, char **argv)
{
	static char *eal_args[] = {"test_pf_ring",   "--no-huge",   "-m", "512", "--no-pci",
				   "--no-telemetry", "--no-shconf", "-l", "0",   NULL};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_library),          cmocka_unit_test(test_other_library),
		cmocka_unit_test(test_no_module),           cmocka_unit_test(test_probe),
		cmocka_unit_test(test_probe_without_right), cmocka_unit_test(test_options),
	};
	char command[64];
	int failed;

	if (argc != 2 || mkdtemp(folder) == NULL)
		return 1;
	of_tomorrow = argv[1];
	if (rte_eal_init((int)RTE_DIM(eal_args) - 1, eal_args) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rte_eal_cleanup();
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) != 0 ? 1 : failed;
}
