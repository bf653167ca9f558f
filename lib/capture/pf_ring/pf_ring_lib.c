/* SPDX-License-Identifier: MIT */
#include "pf_ring_lib.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MODULE_INFO       "/proc/net/pf_ring/info"
#define MODULE_PARAMETERS "/sys/module/pf_ring/parameters/"

static const char *const usual_names[] = {"libpfring.so.8", "libpfring.so", NULL};

/*
 * PF_RING's shared library uses these libraries without listing them as dependencies, so they must
 * be loaded first. Which ones it needs depends on how it was built: missing ones are ignored here,
 * and dlopen() of PF_RING's library fails if it needs one.
 */
static const char *const companion_names[PF_RING_COMPANIONS] = {"libpcap.so.0.8", "libnl-3.so.200",
								"libnl-genl-3.so.200"};

struct symbol {
	const char *name;
	size_t offset;
	bool optional;
};

#define ROW(symbol)       {"pfring_" #symbol, offsetof(struct pf_ring_functions, symbol), false},
#define MAYBE_ROW(symbol) {"pfring_" #symbol, offsetof(struct pf_ring_functions, symbol), true},

static const struct symbol symbols[] = {PF_RING_NEEDED(ROW) PF_RING_OPTIONAL(MAYBE_ROW){0}};

static void open_companions(struct pf_ring_lib *lib)
{
	for (unsigned int i = 0; i < PF_RING_COMPANIONS; i++)
		lib->companions[i] = dlopen(companion_names[i], RTLD_NOW | RTLD_GLOBAL);
}

static int open_library(struct pf_ring_lib *lib, const char *path, struct fg_error *error)
{
	const char *const given[] = {path, NULL};
	const char *const *names = path[0] != '\0' ? given : usual_names;
	const char *reason = NULL;

	for (; *names != NULL; names++) {
		lib->handle = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
		if (lib->handle != NULL)
			return 0;
		reason = dlerror();
		/* The reason why an existing library does not load is the more useful message. */
		if (reason != NULL && strstr(reason, "No such file") == NULL)
			break;
	}
	return fg_error_set(error, ENOENT, "PF_RING's library cannot be opened: %s%s",
			    reason != NULL ? reason : "no reason given",
			    path[0] == '\0' ? " (also tried libpfring.so.8)" : "");
}

static int find_symbols(struct pf_ring_lib *lib, struct fg_error *error)
{
	for (const struct symbol *symbol = symbols; symbol->name != NULL; symbol++) {
		void *address = dlsym(lib->handle, symbol->name);

		if (address == NULL && !symbol->optional)
			return fg_error_set(error, ENOTSUP,
					    "the library has no %s: it is not PF_RING's, or of an "
					    "unsupported version",
					    symbol->name);
		memcpy((char *)&lib->call + symbol->offset, &address, sizeof(address));
	}
	return 0;
}

int pf_ring_lib_open(struct pf_ring_lib *lib, const char *path, struct fg_error *error)
{
	int rc;

	memset(lib, 0, sizeof(*lib));
	open_companions(lib);
	rc = open_library(lib, path, error);
	if (rc == 0)
		rc = find_symbols(lib, error);
	if (rc == 0) {
		lib->call.version_noring(&lib->version);
		if (lib->version >> 16 != PF_RING_MAJOR)
			rc = fg_error_set(error, ENOTSUP,
					  "the library is PF_RING %u.%u.%u, expected version %u",
					  lib->version >> 16, lib->version >> 8 & 0xff,
					  lib->version & 0xff, PF_RING_MAJOR);
	}
	if (rc != 0)
		pf_ring_lib_close(lib);
	return rc;
}

void pf_ring_lib_close(struct pf_ring_lib *lib)
{
	if (lib->handle != NULL)
		dlclose(lib->handle);
	for (unsigned int i = 0; i < PF_RING_COMPANIONS; i++)
		if (lib->companions[i] != NULL)
			dlclose(lib->companions[i]);
	memset(lib, 0, sizeof(*lib));
}

/* The module needs the same capability as packet sockets. */
static bool may_open_raw(void)
{
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno != EPERM;
	close(fd);
	return true;
}

static bool is_set(const char *parameter)
{
	FILE *file = fopen(parameter, "re");
	int value = 0;

	if (file == NULL)
		return false;
	if (fscanf(file, "%d", &value) != 1)
		value = 0;
	fclose(file);
	return value != 0;
}

bool pf_ring_kernel_locks(void)
{
	return is_set(MODULE_PARAMETERS "force_ring_lock");
}

bool pf_ring_kernel_drops_tags(void)
{
	return is_set(MODULE_PARAMETERS "keep_vlan_offload");
}

int pf_ring_kernel_probe(struct fg_error *error)
{
	const bool loaded = access(MODULE_INFO, F_OK) == 0, may = may_open_raw();
	const char *const no_right = "CAP_NET_RAW is missing";

	if (!loaded)
		return fg_error_set(error, ENODEV,
				    "kernel module pf_ring is not loaded (no " MODULE_INFO ")%s%s",
				    may ? "" : "; ", may ? "" : no_right);
	if (!may)
		return fg_error_set(error, EPERM, "%s", no_right);
	/* quick_mode omits VLAN tags and the interface index. */
	if (is_set(MODULE_PARAMETERS "quick_mode"))
		return fg_error_set(error, ENOTSUP,
				    "kernel module pf_ring was loaded with quick_mode=1, which "
				    "loses VLAN tags; expected quick_mode=0");
	return 0;
}
