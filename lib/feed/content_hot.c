/* SPDX-License-Identifier: MIT */
#include "content.h"

match_function *content_hot(struct fg_content *content)
{
	(void)content;
	return NULL;
}
