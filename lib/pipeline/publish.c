/* SPDX-License-Identifier: MIT */
/*
 * Publish a rule set, and free the one that it replaces.
 *
 * The set itself is free when every lcore has finished the turn in which it read the pointer. Its
 * message filters live longer: packets refer to them, in rings and in feeds that hold packets. They
 * are retired, and freed on evidence: the packets that were in the rings are taken, the lcores that
 * took them have finished their turns, no feed holds a packet of that version, and the lcores that
 * released the last of these have finished their turns. Each is a comparison of counters, made when
 * control comes by; control waits for it only if RETIRED_MAX sets are retired.
 */
#include <string.h>
#include <unistd.h>

#include "pipeline.h"

#define WAIT_US 50u /* between looks at the counters, where control must wait */

/*
 * These inline functions and not rte_rcu_qsbr_synchronize(), because ThreadSanitizer cannot see
 * into the library.
 */
void wait_quiescent(const struct fg_pipeline *p)
{
	const uint64_t token = rte_rcu_qsbr_start(p->qsbr);

	(void)rte_rcu_qsbr_check(p->qsbr, token, true);
}

static bool rings_passed(const struct fg_pipeline *p, const uint64_t *marks)
{
	for (uint16_t rx = 0; rx < p->n_rx; rx++)
		for (uint16_t lane = 0; lane < p->n_lanes; lane++)
			if (p->lcores[rx]->handoff != NULL &&
			    !fg_handoff_passed(p->lcores[rx]->handoff, lane,
					       marks[rx * p->n_lanes + lane]))
				return false;
	return true;
}

/* Whether all lcores have finished the turn that they were in when @p token was taken. */
static bool turns_finished(const struct fg_pipeline *p, uint64_t token)
{
	return rte_rcu_qsbr_check(p->qsbr, token, false) == 1;
}

/* Take the evidence that there is now. @return whether nobody uses the filters. */
static bool is_unused(const struct fg_pipeline *p, struct filters *f)
{
	if (f->state == FILTERS_IN_RINGS && rings_passed(p, f->marks)) {
		f->token = rte_rcu_qsbr_start(p->qsbr);
		f->state = FILTERS_IN_TURNS;
	}
	if (f->state == FILTERS_IN_TURNS && turns_finished(p, f->token))
		f->state = FILTERS_HELD;
	if (f->state == FILTERS_HELD && !feeds_hold(p, f->rules_version)) {
		f->token = rte_rcu_qsbr_start(p->qsbr);
		f->state = FILTERS_RELEASED;
	}
	if (f->state == FILTERS_RELEASED && turns_finished(p, f->token))
		f->state = FILTERS_UNUSED;
	return f->state == FILTERS_UNUSED;
}

static void free_oldest(struct fg_pipeline *p)
{
	filters_free(p->retired[0]);
	p->n_retired--;
	memmove(&p->retired[0], &p->retired[1], p->n_retired * sizeof(p->retired[0]));
}

uint32_t fg_pipeline_reclaim(struct fg_pipeline *p)
{
	for (uint32_t i = 0; i < p->n_retired; i++)
		(void)is_unused(p, p->retired[i]);
	while (p->n_retired > 0 && p->retired[0]->state == FILTERS_UNUSED)
		free_oldest(p);
	return p->n_retired;
}

void retired_free(struct fg_pipeline *p)
{
	while (p->n_retired > 0)
		free_oldest(p);
}

/* Every lcore has finished the turn in which it used @p set: only its filters are still in use. */
static void retire(struct fg_pipeline *p, struct ruleset *set)
{
	struct filters *filters = set->filters;

	for (uint16_t rx = 0; filters != NULL && rx < p->n_rx; rx++)
		for (uint16_t lane = 0; lane < p->n_lanes; lane++)
			if (p->lcores[rx]->handoff != NULL)
				filters->marks[rx * p->n_lanes + lane] =
					fg_handoff_mark(p->lcores[rx]->handoff, lane);
	if (filters != NULL)
		p->retired[p->n_retired++] = filters;
	set->filters = NULL;
	ruleset_free(set);
}

int fg_pipeline_publish(struct fg_pipeline *p, struct fg_rules *rules, struct fg_error *error)
{
	struct ruleset *set, *old;
	int rc = ruleset_build(p, rules, &set, error);

	if (rc != 0)
		return rc;
	while (fg_pipeline_reclaim(p) == RETIRED_MAX)
		usleep(WAIT_US);
	p->rules_version++;
	old = atomic_exchange_explicit(&p->ruleset, set, memory_order_acq_rel);
	wait_quiescent(p);
	if (old != NULL)
		retire(p, old);
	(void)fg_pipeline_reclaim(p);
	return 0;
}
