/* SPDX-License-Identifier: MIT */
/* Configuration keys of earlier versions and what replaced them. */
#ifndef BASE_RETIRED_KEYS_H
#define BASE_RETIRED_KEYS_H

#include <stdbool.h>

struct retired_key {
	const char *old;
	const char *new;  /* The row applies where this key is expected. */
	const char *note; /* Ends the message; NULL: nothing does. */
	bool anywhere;    /* The row applies whatever is expected. */
};

/* Ends with a row whose `old` is NULL. */
extern const struct retired_key retired_keys[];

#endif /* BASE_RETIRED_KEYS_H */
