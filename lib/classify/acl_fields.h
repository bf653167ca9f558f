/* SPDX-License-Identifier: MIT */
/*
 * Entries as rules of rte_acl. A trie reads the key byte by byte, so it covers
 * only those four-byte groups of the key that an entry tests.
 */
#ifndef CLASSIFY_ACL_FIELDS_H
#define CLASSIFY_ACL_FIELDS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_acl.h>

#include <fg_classify.h>

enum { ACL_FIELDS = 26 };

RTE_ACL_RULE_DEF(acl_rule, ACL_FIELDS);

/* Can a key of @p family match the entry? False for an entry with an expression. */
bool acl_belongs(const struct fg_match *match, uint8_t family);

/*
 * The groups that the entries of @p family test. Bit i: the group at offset i of
 * the key, a multiple of four below 64.
 */
uint64_t acl_used_groups(const struct fg_match *matches, uint32_t count, uint8_t family);

/* Define the fields of a trie over the groups @p used. */
void acl_define_fields(struct rte_acl_config *config, uint64_t used);

/* Write @p match as a rule of that trie. */
void acl_fill_rule(struct acl_rule *rule, const struct fg_match *match, uint64_t used);

#endif /* CLASSIFY_ACL_FIELDS_H */
