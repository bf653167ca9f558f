/* SPDX-License-Identifier: MIT */
/* feedgate-bench report: runs the Python program that makes the page. */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs.h"

/* Names our own path, so that the program can ask for the machine's description. */
#define SELF_VARIABLE "FEEDGATE_BENCH"

int report_main(int argc, char **argv)
{
	char program[PATH_MAX], self[PATH_MAX];
	struct fg_error error = {0};

	(void)argc;
	if (program_report(program, &error) != 0) {
		fprintf(stderr, "feedgate-bench: report: %s\n", error.text);
		return 1;
	}
	if (program_self(self))
		(void)setenv(SELF_VARIABLE, self, 1);
	execv(program, argv + 1);
	/* The file is there: what is missing is its interpreter. */
	fprintf(stderr, "feedgate-bench: report: cannot run %s: %s; it needs python3\n", program,
		strerror(errno));
	return 1;
}
