/* SPDX-License-Identifier: MIT */
/* The descriptor of every built-in protocol: `protocol_NAME` for each row of FG_PROTOCOLS(). */
#ifndef PROTOCOL_TABLES_H
#define PROTOCOL_TABLES_H

#include "table_b3.h"
#include "table_cboe.h"
#include "table_cme.h"
#include "table_deribit.h"
#include "table_eurex.h"
#include "table_ice.h"
#include "table_iex.h"
#include "table_memx.h"
#include "table_miax.h"
#include "table_nasdaq.h"
#include "table_nyse.h"
#include "table_siac.h"

#endif /* PROTOCOL_TABLES_H */
