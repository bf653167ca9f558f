/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include <fg_eal.h>

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
	if (rte_eal_init((int)RTE_DIM(argv) - 1, argv) >= 0)
		return 0;
	return fg_error_set(error, rte_errno, "EAL does not start: %s (its own messages are above)",
			    rte_strerror(rte_errno));
}
