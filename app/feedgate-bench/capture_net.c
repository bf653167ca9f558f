/* SPDX-License-Identifier: MIT */
/* Network namespaces, and the pair of interfaces between them. */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture.h"

extern char **environ;

/* In a child process, because a process cannot undo it. @return errno. */
static int try_namespace(void)
{
	const pid_t pid = fork();
	int status;

	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(unshare(CLONE_NEWNET) == 0 ? 0 : errno);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

int net_check(struct fg_error *error)
{
	const int code = try_namespace();

	if (code == EPERM)
		return fg_error_set(error, EPERM,
				    "capture makes network namespaces: run it as root (it needs "
				    "CAP_SYS_ADMIN and CAP_NET_ADMIN)");
	if (code != 0)
		return fg_error_set(error, code, "no network namespace: %s", strerror(code));
	return 0;
}

static int write_text(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

int net_enter_own(struct fg_error *error)
{
	static const char *const switches[] = {"/proc/sys/net/ipv6/conf/all/disable_ipv6",
					       "/proc/sys/net/ipv6/conf/default/disable_ipv6"};

	if (unshare(CLONE_NEWNET) != 0)
		return fg_error_set(error, errno, "no network namespace: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		const int rc = write_text(switches[i], "1");

		/* The file is missing if the kernel has no IPv6. */
		if (rc != 0 && rc != -ENOENT)
			return fg_error_set(error, -rc, "%s: %s", switches[i], strerror(-rc));
	}
	return 0;
}

/* Run iproute2's `ip`; its messages go to standard error. */
static int run_ip(char *const *argv, struct fg_error *error)
{
	pid_t pid;
	int status;
	const int code = posix_spawnp(&pid, "ip", NULL, NULL, argv, environ);

	if (code != 0)
		return fg_error_set(error, code, "cannot run ip, of iproute2: %s", strerror(code));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fg_error_set(error, errno, "ip: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return fg_error_set(error, EIO, "ip %s %s failed", argv[1], argv[2]);
}

int net_make_pair(pid_t peer, struct fg_error *error)
{
	char pid[16];
	char *const argv[] = {"ip",
			      "link",
			      "add",
			      INTERFACE_RECEIVE,
			      "numtxqueues",
			      "1",
			      "numrxqueues",
			      "1",
			      "type",
			      "veth",
			      "peer",
			      "name",
			      INTERFACE_SEND,
			      "netns",
			      pid,
			      "numtxqueues",
			      "1",
			      "numrxqueues",
			      "1",
			      NULL};

	snprintf(pid, sizeof(pid), "%ld", (long)peer);
	return run_ip(argv, error);
}

int net_remove_pair(struct fg_error *error)
{
	char *const argv[] = {"ip", "link", "delete", INTERFACE_RECEIVE, NULL};

	return run_ip(argv, error);
}

int net_set_up(const char *interface, struct fg_error *error)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {0};
	int code = 0;

	if (fd < 0)
		return fg_error_set(error, errno, "no socket: %s", strerror(errno));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
		request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
		code = ioctl(fd, SIOCSIFFLAGS, &request) == 0 ? 0 : errno;
	} else {
		code = errno;
	}
	close(fd);
	return code == 0 ? 0
			 : fg_error_set(error, code, "interface %s: %s", interface, strerror(code));
}

int net_read_dropped(const char *interface, uint64_t *dropped, struct fg_error *error)
{
	struct ifaddrs *all;
	int rc = -ENODEV;

	if (getifaddrs(&all) != 0)
		return fg_error_set(error, errno, "interface %s: %s", interface, strerror(errno));
	for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
		const struct rtnl_link_stats *stats = one->ifa_data;

		if (one->ifa_addr == NULL || one->ifa_addr->sa_family != AF_PACKET ||
		    stats == NULL || strcmp(one->ifa_name, interface) != 0)
			continue;
		*dropped = stats->rx_dropped;
		rc = 0;
	}
	freeifaddrs(all);
	return rc == 0 ? 0 : fg_error_set(error, -rc, "interface %s: %s", interface, strerror(-rc));
}

/* The reader gets the last one: interrupts and daemons mostly use the first. */
void net_processors(int *sender, int *reader)
{
	cpu_set_t set;

	*sender = *reader = 0;
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((size_t)cpu, &set))
			*reader = cpu;
	*sender = *reader;
	for (int cpu = *reader - 1; cpu >= 0 && *sender == *reader; cpu--)
		if (CPU_ISSET((size_t)cpu, &set))
			*sender = cpu;
}

int net_pin(int processor, struct fg_error *error)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)processor, &set);
	if (sched_setaffinity(0, sizeof(set), &set) == 0)
		return 0;
	return fg_error_set(error, errno, "cannot run on processor %d: %s", processor,
			    strerror(errno));
}
