/* SPDX-License-Identifier: MIT */
/*
 * LD_PRELOAD: one allocation fails, the Nth that feedgate, libyaml or libjansson makes. The file
 * $FAIL_CONTROL is mapped: a test sets `countdown` to N, and reads in `seen` how many there were.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RANGES_MAX 8u
#define SITES_MAX  16384u

struct control {
	_Atomic int64_t countdown;
	_Atomic uint64_t seen;
	uintptr_t sites[SITES_MAX]; /* who made each of them */
};

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static struct control *control;
static struct {
	uintptr_t begin, end;
} ranges[RANGES_MAX];
static unsigned int n_ranges;

static int add_range(struct dl_phdr_info *info, size_t size, void *first)
{
	(void)size;
	if (!*(bool *)first && strstr(info->dlpi_name, "libyaml") == NULL &&
	    strstr(info->dlpi_name, "libjansson") == NULL)
		return 0;
	*(bool *)first = false;
	for (unsigned int i = 0; i < info->dlpi_phnum && n_ranges < RANGES_MAX; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD &&
		    (info->dlpi_phdr[i].p_flags & PF_X) != 0) {
			ranges[n_ranges].begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
			ranges[n_ranges].end = ranges[n_ranges].begin + info->dlpi_phdr[i].p_memsz;
			n_ranges++;
		}
	return 0;
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAIL_CONTROL");
	const int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	bool first = true;
	void *map;

	if (fd < 0)
		return;
	dl_iterate_phdr(add_range, &first);
	map = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		control = map;
}

static bool fails(const void *caller)
{
	const uintptr_t at = (uintptr_t)caller;
	bool ours = false;
	uint64_t number;

	if (control == NULL)
		return false;
	for (unsigned int i = 0; i < n_ranges; i++)
		ours = ours || (at >= ranges[i].begin && at < ranges[i].end);
	if (!ours)
		return false;
	number = atomic_fetch_add(&control->seen, 1);
	if (number < SITES_MAX)
		control->sites[number] = at;
	if (atomic_load(&control->countdown) <= 0 || atomic_fetch_sub(&control->countdown, 1) != 1)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t bytes)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *block, size_t bytes)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(block, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	return fails(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
	if (fails(__builtin_return_address(0)))
		return ENOMEM;
	*block = __libc_memalign(alignment, bytes);
	return *block != NULL ? 0 : ENOMEM;
}

char *strdup(const char *text)
{
	const size_t bytes = strlen(text) + 1;
	char *copy = fails(__builtin_return_address(0)) ? NULL : __libc_malloc(bytes);

	return copy != NULL ? memcpy(copy, text, bytes) : NULL;
}

char *strndup(const char *text, size_t most)
{
	const size_t length = strnlen(text, most);
	char *copy = fails(__builtin_return_address(0)) ? NULL : __libc_calloc(length + 1, 1);

	return copy != NULL ? memcpy(copy, text, length) : NULL;
}

FILE *open_memstream(char **text, size_t *bytes)
{
	FILE *(*real)(char **, size_t *) =
		(FILE * (*)(char **, size_t *)) dlsym(RTLD_NEXT, "open_memstream");

	return fails(__builtin_return_address(0)) ? NULL : real(text, bytes);
}

FILE *fopen(const char *path, const char *mode)
{
	FILE *(*real)(const char *, const char *) =
		(FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen");

	return fails(__builtin_return_address(0)) ? NULL : real(path, mode);
}

FILE *fdopen(int fd, const char *mode)
{
	FILE *(*real)(int, const char *) =
		(FILE * (*)(int, const char *)) dlsym(RTLD_NEXT, "fdopen");

	return fails(__builtin_return_address(0)) ? NULL : real(fd, mode);
}

FILE *fopencookie(void *cookie, const char *mode, cookie_io_functions_t functions)
{
	FILE *(*real)(void *, const char *, cookie_io_functions_t) =
		(FILE * (*)(void *, const char *, cookie_io_functions_t))
			dlsym(RTLD_NEXT, "fopencookie");

	return fails(__builtin_return_address(0)) ? NULL : real(cookie, mode, functions);
}
