/* SPDX-License-Identifier: MIT */
/*
 * From the files of sysfs, which the kernel answers without its lock of all interfaces: control
 * must not wait for who holds that. But sysfs shows the network namespace of whoever mounted it: an
 * interface there counts only if its index and MAC address are those of ours.
 */
#include "interface_missed.h"

#include <inttypes.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The first line of a file of the interface. */
static bool read_file(const char *interface, const char *file, char line[64])
{
	char path[128];
	FILE *in;
	bool got;

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", interface, file);
	in = fopen(path, "re");
	if (in == NULL)
		return false;
	got = fgets(line, 64, in) != NULL;
	fclose(in);
	if (got)
		line[strcspn(line, "\n")] = '\0';
	return got;
}

static bool read_number(const char *interface, const char *file, uint64_t *number)
{
	char line[64];

	return read_file(interface, file, line) && sscanf(line, "%" SCNu64, number) == 1;
}

/* The MAC address in this process's network namespace, as sysfs writes it. */
static bool read_address(const char *interface, char text[64])
{
	struct ifreq request = {0};
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const uint8_t *address = (const uint8_t *)request.ifr_hwaddr.sa_data;
	bool got;

	if (fd < 0)
		return false;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	got = ioctl(fd, SIOCGIFHWADDR, &request) == 0;
	close(fd);
	snprintf(text, 64, "%02x:%02x:%02x:%02x:%02x:%02x", address[0], address[1], address[2],
		 address[3], address[4], address[5]);
	return got;
}

static bool is_ours(const char *interface, unsigned int ifindex)
{
	char address[64], shown[64];
	uint64_t index;

	return read_number(interface, "ifindex", &index) && index == ifindex &&
	       read_file(interface, "address", shown) && read_address(interface, address) &&
	       strcasecmp(shown, address) == 0;
}

static bool ask(const char *interface, unsigned int ifindex, uint64_t *missed)
{
	return is_ours(interface, ifindex) &&
	       read_number(interface, "statistics/rx_missed_errors", missed);
}

void interface_missed_begin(struct interface_missed *missed, const char *name)
{
	const unsigned int ifindex = if_nametoindex(name);
	uint64_t now;

	*missed = (struct interface_missed){.name = name};
	if (ifindex != 0 && ask(name, ifindex, &now)) {
		missed->ifindex = ifindex;
		missed->last = now;
	}
}

void interface_missed_add(struct interface_missed *missed, unsigned int ifindex, uint64_t now)
{
	/* Another interface, or its driver has reset the counter. */
	if (ifindex != missed->ifindex || now < missed->last)
		missed->last = 0;
	missed->count += now - missed->last;
	missed->ifindex = ifindex;
	missed->last = now;
}

uint64_t interface_missed_read(struct interface_missed *missed)
{
	const unsigned int ifindex = missed->name != NULL ? if_nametoindex(missed->name) : 0;
	uint64_t now;

	if (ifindex != 0 && ask(missed->name, ifindex, &now))
		interface_missed_add(missed, ifindex, now);
	return missed->count;
}
