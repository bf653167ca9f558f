/* SPDX-License-Identifier: MIT */
/* Output files: a file that could not be written whole is removed. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* May an incomplete file be removed? Not if it is a device. */
static inline bool output_removable(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Close the file. 0; or -errno of a write that failed, and then the file is removed. */
static inline int output_finish(FILE *out, const char *path)
{
	bool removable = output_removable(fileno(out));
	int rc = 0;

	if (fflush(out) != 0)
		rc = -errno;
	else if (ferror(out))
		rc = -EIO;
	if (fclose(out) != 0 && rc == 0)
		rc = -errno;
	if (rc < 0 && removable)
		unlink(path);
	return rc;
}

#endif /* OUTPUT_H */
