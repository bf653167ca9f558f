/* SPDX-License-Identifier: MIT */
/* The messages of each protocol built in, in load_messages.c. */
#ifndef PROTOCOL_MESSAGES_H
#define PROTOCOL_MESSAGES_H

#include "fg_protocol.h"

extern const struct fg_messages messages_any, messages_itch50, messages_cme_mdp3, messages_iex,
	messages_nyse, messages_pitch, messages_eobi, messages_opra, messages_cta, messages_ice,
	messages_miax, messages_memx, messages_b3, messages_deribit;

#endif /* PROTOCOL_MESSAGES_H */
