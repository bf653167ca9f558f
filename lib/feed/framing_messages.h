/* SPDX-License-Identifier: MIT */
/* The messages of each framing built in, in framing_messages.c. */
#ifndef FRAMING_MESSAGES_H
#define FRAMING_MESSAGES_H

#include "fg_framing.h"

extern const struct fg_messages messages_any, messages_itch50, messages_cme_mdp3, messages_iex,
	messages_nyse, messages_pitch, messages_eobi, messages_opra, messages_cta, messages_ice,
	messages_miax, messages_memx, messages_b3, messages_deribit;

#endif /* FRAMING_MESSAGES_H */
