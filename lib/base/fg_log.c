/* SPDX-License-Identifier: MIT */
#define RTE_LOG_DEFAULT_LOGTYPE feedgate

#include <rte_log.h>

#include <fg_log.h>

RTE_LOG_REGISTER_DEFAULT(fg_logtype, INFO);
