/* SPDX-License-Identifier: MIT */
/*
 * An entry in rte_acl's terms. A trie walks the key byte by byte, so it is
 * built over those four-byte groups of the key only that some entry looks at.
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

/* May a key of this family match the entry? */
bool acl_belongs(const struct fg_match *match, uint8_t family);

/* Bit i: the group at offset i of the key, of those that the entries of @p family look at. */
uint64_t acl_used_groups(const struct fg_match *matches, uint32_t count, uint8_t family);

/* The fields of a trie over @p used groups. */
void acl_define_fields(struct rte_acl_config *config, uint64_t used);

/* @p match as a rule of that trie. */
void acl_fill_rule(struct acl_rule *rule, const struct fg_match *match, uint64_t used);

#endif /* CLASSIFY_ACL_FIELDS_H */
