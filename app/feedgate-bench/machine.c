/* SPDX-License-Identifier: MIT */
/* Describes this machine, as far as it influences measurements. */
#include "machine.h"

#include <dirent.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <rte_version.h>

/* Read the first line of a file; "" if there is none. */
static void read_line(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");

	if (file == NULL || fgets(text, (int)size, file) == NULL)
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (file != NULL)
		fclose(file);
}

/* Read the value of the line "KEY : VALUE" of a file; "" if there is none. */
static void read_value(const char *path, const char *key, char *text, size_t size)
{
	const size_t length = strlen(key);
	FILE *file = fopen(path, "r");
	char line[4096];

	text[0] = '\0';
	while (file != NULL && text[0] == '\0' && fgets(line, sizeof(line), file) != NULL) {
		const char *value = line + length;

		if (strncmp(line, key, length) != 0)
			continue;
		value += strspn(value, " \t");
		if (*value != ':')
			continue;
		value += 1 + strspn(value + 1, " \t");
		snprintf(text, size, "%.*s", (int)strcspn(value, "\n"), value);
	}
	if (file != NULL)
		fclose(file);
}

static long read_long(const char *folder, const char *name, const char *file)
{
	char path[512], text[64];

	snprintf(path, sizeof(path), "%s/%s/%s", folder, name, file);
	read_line(path, text, sizeof(text));
	return strtol(text, NULL, 10);
}

/* "512 of 2048 kB, 3 of 1048576 kB", or "none". */
static void read_hugepages(char *text, size_t size)
{
	static const char folder[] = "/sys/kernel/mm/hugepages";
	DIR *sizes = opendir(folder);
	const struct dirent *entry;
	size_t used = 0;

	text[0] = '\0';
	while (sizes != NULL && (entry = readdir(sizes)) != NULL) {
		long kib = 0, count;

		if (sscanf(entry->d_name, "hugepages-%ldkB", &kib) != 1)
			continue;
		count = read_long(folder, entry->d_name, "nr_hugepages");
		if (count > 0 && used < size)
			used += (size_t)snprintf(text + used, size - used, "%s%ld of %ld %s",
						 used > 0 ? ", " : "", count,
						 kib >= 1048576 ? kib / 1048576 : kib / 1024,
						 kib >= 1048576 ? "GiB" : "MiB");
	}
	if (sizes != NULL)
		closedir(sizes);
	if (text[0] == '\0')
		snprintf(text, size, "none");
}

/* NULL: no memory. */
static json_t *describe(void)
{
	const time_t now = time(NULL);
	char cpu[256], governor[64], hugepages[128], memory[64], flags[4096], date[32];
	struct utsname system = {0};
	struct tm utc;

	(void)uname(&system);
	read_value("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
	read_value("/proc/cpuinfo", "flags", flags, sizeof(flags));
	read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", governor,
		  sizeof(governor));
	read_value("/proc/meminfo", "MemTotal", memory, sizeof(memory));
	snprintf(memory, sizeof(memory), "%.1f GiB", strtod(memory, NULL) / 1048576); /* From kB. */
	read_hugepages(hugepages, sizeof(hugepages));
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "cpu",
			 cpu[0] != '\0' ? cpu : system.machine, "cores",
			 (int)sysconf(_SC_NPROCESSORS_ONLN), "kernel", system.release, "memory",
			 memory, "hugepages", hugepages, "governor",
			 governor[0] != '\0' ? governor : "none", "dpdk", rte_version(), "feedgate",
			 FG_VERSION, "date", date, "virtual", strstr(flags, " hypervisor") != NULL);
}

int machine_main(int argc, char **argv)
{
	const bool json = argc == 3 && strcmp(argv[2], "--json") == 0;
	json_t *machine;
	const char *key;
	json_t *value;

	if (argc > 3 || (argc == 3 && !json)) {
		fprintf(stderr, "feedgate-bench: machine: unknown option '%s'; it takes --json\n",
			argv[json ? 3 : 2]);
		return 2;
	}
	machine = describe();
	if (machine == NULL) {
		fputs("feedgate-bench: machine: out of memory\n", stderr);
		return 1;
	}
	if (json) {
		json_t *line = json_pack("{s:O}", "machine", machine);

		if (line != NULL)
			json_dumpf(line, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(line);
	} else {
		json_object_foreach(machine, key, value)
		{
			char *text = json_dumps(value, JSON_ENCODE_ANY);

			printf("%-10s %s\n", key,
			       json_is_string(value) ? json_string_value(value) : text);
			free(text);
		}
	}
	json_decref(machine);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
