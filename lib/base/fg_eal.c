/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include <fg_eal.h>

/* The process that has EAL's configuration file locked; 0: none, or it is not known. */
static int find_other(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	const char *folder = rte_eal_get_runtime_dir();
	char path[PATH_MAX];
	int fd, pid = 0;

	if (folder == NULL || folder[0] == '\0')
		return 0;
	snprintf(path, sizeof(path), "%s/config", folder);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		pid = lock.l_pid;
	close(fd);
	return pid;
}

int fg_eal_start(int argc, char **argv, const char *advice, struct fg_error *error)
{
	int code, pid;

	if (rte_eal_init(argc, argv) >= 0)
		return 0;
	/* EAL does not always set it. */
	code = rte_errno > 0 ? rte_errno : EAGAIN;
	pid = find_other();
	if (pid > 0)
		return fg_error_set(
			error, EBUSY,
			"EAL does not start: process %d runs with the same file prefix; "
			"give this one another, --file-prefix NAME",
			pid);
	return fg_error_set(error, code, "EAL does not start: %s (its own messages are above%s)",
			    rte_errno > 0 ? rte_strerror(rte_errno) : "no reason given", advice);
}

int fg_eal_start_private(const char *program, struct fg_error *error)
{
	char name[32];
	char *argv[] = {name,
			(char[]){"--no-huge"},
			(char[]){"-m"},
			(char[]){"2048"}, /* MB at most: pages are taken when they are touched. */
			(char[]){"--no-pci"},
			(char[]){"--no-telemetry"},
			(char[]){"--no-shconf"},
			(char[]){"--log-level=*:error"},
			NULL};

	snprintf(name, sizeof(name), "%s", program);
	return fg_eal_start((int)RTE_DIM(argv) - 1, argv, "", error);
}
