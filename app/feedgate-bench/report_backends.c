/* SPDX-License-Identifier: MIT */
/*
 * Which backend to choose: what `capture` measured, beside what each backend asks of
 * the machine. The figures come from the files, the needs from a table here.
 */
#include <string.h>

#include "report.h"

#define OWN_PREFIX "feedgate:"

enum { SUBJECTS_MAX = 48 };

/* What an operator may have to keep, or to do without. */
enum {
	KEEPS_PORT = 1,   /* The kernel goes on using the port. */
	NEEDS_LITTLE = 2, /* One capability; nothing to load or to install. */
	IS_WHOLE_PORT = 4,
};

struct backend {
	const char *name; /* As in a configuration file; of ethdev with the driver. */
	unsigned int traits;
	const char *copies, *rights, *machine, *multicast;
};

static const struct backend backends[] = {
	{"packet_mmap", KEEPS_PORT | NEEDS_LITTLE,
	 "One, by the kernel into the ring that feedgate reads; none after it.", "CAP_NET_RAW",
	 "Any interface; any kernel since 3.2.",
	 "The kernel joins: a socket on the port sends the IGMP report."},
	{"io_uring", KEEPS_PORT | NEEDS_LITTLE, "One, by the kernel into the packet's own buffer.",
	 "CAP_NET_RAW; io_uring may be forbidden (kernel.io_uring_disabled, containers).",
	 "Any interface; kernel 6.1 or later.", "As packet_mmap."},
	{"pf_ring", KEEPS_PORT, "Two: by the kernel module into its ring, and out of it.",
	 "CAP_NET_RAW; root to load the module.",
	 "ntop's module, built for the running kernel, and libpfring. Its zero-copy drivers are "
	 "licensed by port.",
	 "As packet_mmap."},
	{"af_xdp", KEEPS_PORT,
	 "None with a driver that can do it (i40e, ice, ixgbe, mlx5, ...), else one.",
	 "CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON, or root; locked memory.",
	 "Kernel 5.4 or later; the NIC's queues must be steered to the sockets.",
	 "The kernel joins; what is redirected never reaches its sockets, so queries must be let "
	 "through."},
	{"ethdev-net_af_packet", KEEPS_PORT, "Two: into the ring, and out of it.", "CAP_NET_RAW",
	 "Any interface.", "As packet_mmap."},
	{"ethdev-net_pcap", KEEPS_PORT, "Two or more: libpcap's, and out of it.", "CAP_NET_RAW",
	 "Any interface.", "As packet_mmap."},
	{"ethdev-net_af_xdp", KEEPS_PORT, "As af_xdp, and one more if buffers cannot be shared.",
	 "As af_xdp.", "As af_xdp.", "As af_xdp."},
	{"ethdev", IS_WHOLE_PORT, "None: the NIC writes into feedgate's buffers.",
	 "Root, or a user who may open the vfio group; huge pages.",
	 "A NIC that DPDK has a driver for, bound to vfio-pci, and an IOMMU. "
	 "The kernel loses the port (not with mlx5).",
	 "Nobody joins for it: static groups on the switch, or a join through another port."},
	{"libpcap", KEEPS_PORT | NEEDS_LITTLE, "One or two; the backend of tcpdump.", "CAP_NET_RAW",
	 "Any interface.", "As packet_mmap."},
	{"recvmmsg", KEEPS_PORT | NEEDS_LITTLE,
	 "One, and a socket buffer made and freed for each packet.", "CAP_NET_RAW",
	 "Any interface.", "As packet_mmap."},
};
#define BACKENDS (sizeof(backends) / sizeof(backends[0]))

/* What the comparison shows, each for the case that it was measured in. */
static const struct column {
	const char *metric, *head, *sentence;
} columns[] = {
	{"drain_ns_per_packet", "Drain, ns/packet", "A packet costs the reading core least"},
	{"lossless_packets_per_s", "Lossless, packets/s", "The highest rate without loss"},
	{"cpu_ns_per_packet", "CPU, ns/packet", "Live, a packet takes least processor time"},
	{"latency_ns_p50", "p50, ns", "The median packet arrives soonest"},
	{"latency_ns_p99", "p99, ns", "Of latencies, the 99th percentile is lowest"},
	{"latency_ns_p999", "p99.9, ns", NULL},
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

/* A case's entries of one metric, best first; n is 0 if there are none. */
struct ranking {
	const struct entry *entries;
	uint32_t n;
};

/* The bench's part of the results, and the rankings in one case. */
struct capture {
	const struct results *results;
	uint32_t first, end, in_case;
	struct ranking rankings[COLUMNS];
};

static const char *subject_name(const struct capture *c, const struct entry *e)
{
	return c->results->subjects.texts[e->subject];
}

/* The row of @p subject: the longest name that it begins with, up to a separator. */
static const struct backend *find_backend(const char *subject)
{
	const size_t prefix = strlen(OWN_PREFIX);
	const struct backend *found = NULL;

	if (strncmp(subject, OWN_PREFIX, prefix) == 0)
		subject += prefix;
	for (size_t i = 0; i < BACKENDS; i++) {
		const size_t length = strlen(backends[i].name);
		/* A driver that is not in the table is virtual: it has no port of its own. */
		const char *ends = (backends[i].traits & IS_WHOLE_PORT) != 0 ? ":, " : ":-, ";

		if (strncmp(subject, backends[i].name, length) == 0 &&
		    strchr(ends, subject[length]) != NULL &&
		    (found == NULL || length > strlen(found->name)))
			found = &backends[i];
	}
	return found;
}

static struct ranking find_ranking(const struct capture *c, const char *metric)
{
	const struct results *r = c->results;

	for (uint32_t at = c->first, n; at < c->end; at += n) {
		const struct entry *e = &r->entries[at];

		n = results_case(r, at, at + results_chart(r, at));
		if (e->in_case == c->in_case && strcmp(r->metrics.texts[e->metric], metric) == 0)
			return (struct ranking){e, n};
	}
	return (struct ranking){NULL, 0};
}

/* 128 bytes is what feeds' packets are like; else what came first. */
static bool find_capture(struct capture *c, const struct results *r)
{
	*c = (struct capture){.results = r};
	while (c->first < r->count &&
	       strcmp(r->benches.texts[r->entries[c->first].bench], "capture") != 0)
		c->first++;
	if (c->first == r->count)
		return false;
	c->in_case = r->entries[c->first].in_case;
	for (c->end = c->first;
	     c->end < r->count && r->entries[c->end].bench == r->entries[c->first].bench; c->end++)
		if (strcmp(r->cases.texts[r->entries[c->end].in_case], "128B") == 0)
			c->in_case = r->entries[c->end].in_case;
	for (size_t i = 0; i < COLUMNS; i++)
		c->rankings[i] = find_ranking(c, columns[i].metric);
	return true;
}

static void put_name(FILE *out, const struct capture *c, const struct entry *e)
{
	fputs("<b>", out);
	put_text(out, subject_name(c, e));
	fputs("</b>", out);
}

/* Could it as well have been the better one? */
static bool overlap(const struct entry *a, const struct entry *b)
{
	return a->min <= b->max && b->min <= a->max;
}

/* "X, at 8.14 ns/packet; Y is within its spread. Next: Z, 1.3 times as much." */
static void put_sentence(FILE *out, const struct capture *c, const struct column *column,
			 const struct ranking *ranking)
{
	const struct entry *best = &ranking->entries[0];
	uint32_t i = 1;

	fprintf(out, "<li>%s: ", column->sentence);
	put_name(out, c, best);
	fputs(", ", out);
	put_figure(out, best->value);
	putc(' ', out);
	put_text(out, c->results->units.texts[best->unit]);
	for (; i < ranking->n && overlap(best, &ranking->entries[i]); i++) {
		fputs(i == 1 ? "; not to be told apart from it: " : ", ", out);
		put_name(out, c, &ranking->entries[i]);
	}
	if (i < ranking->n && best->value > 0) {
		fputs("; next ", out);
		put_name(out, c, &ranking->entries[i]);
		fputs(" at ", out);
		put_ratio(out, ranking->entries[i].value / best->value);
		fputs(" of that", out);
	}
	fputs(".</li>\n", out);
}

static void put_findings(FILE *out, const struct capture *c)
{
	fputs("<p>What the figures say, in case <b>", out);
	put_text(out, c->results->cases.texts[c->in_case]);
	fputs("</b>:</p>\n<ul class=\"backend\">\n", out);
	for (size_t i = 0; i < COLUMNS; i++)
		if (c->rankings[i].n > 0 && columns[i].sentence != NULL)
			put_sentence(out, c, &columns[i], &c->rankings[i]);
	fputs("</ul>\n", out);
}

/* The best of a ranking among feedgate's backends that have @p traits. */
static const struct entry *best_with(const struct capture *c, const struct ranking *ranking,
				     unsigned int traits)
{
	for (uint32_t i = 0; i < ranking->n; i++) {
		const char *name = subject_name(c, &ranking->entries[i]);
		const struct backend *backend = find_backend(name);

		if (strncmp(name, OWN_PREFIX, strlen(OWN_PREFIX)) == 0 && backend != NULL &&
		    (backend->traits & traits) == traits)
			return &ranking->entries[i];
	}
	return NULL;
}

/* What the columns favour among backends with @p traits. */
static void put_favour(FILE *out, const struct capture *c, unsigned int traits)
{
	static const struct {
		unsigned int column;
		const char *words;
	} rows[] = {
		{1, "the rate without loss"}, {0, "the cost of a packet"}, {4, "latency (p99)"}};
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	const struct entry *best[ROWS];
	bool any = false;

	for (size_t i = 0; i < ROWS; i++)
		best[i] = best_with(c, &c->rankings[rows[i].column], traits);
	for (size_t i = 0; i < ROWS; i++) {
		if (best[i] == NULL) /* Not measured, or named already. */
			continue;
		fputs(any ? "; " : " Measured here: ", out);
		put_name(out, c, best[i]);
		fprintf(out, " for %s", rows[i].words);
		for (size_t j = i + 1; j < ROWS; j++)
			if (best[j] != NULL && best[j]->subject == best[i]->subject) {
				fprintf(out, ", %s", rows[j].words);
				best[j] = NULL;
			}
		any = true;
	}
	fputs(any ? "." : " None was measured here.", out);
}

static void put_choices(FILE *out, const struct capture *c)
{
	fputs("<p>How to choose, beginning with what is most demanding:</p>\n<ol "
	      "class=\"backend\">\n"
	      "<li>The port can be given to feedgate alone, and DPDK has a driver for the NIC: "
	      "<b>ethdev</b> on "
	      "vfio-pci. Nothing else avoids the kernel's work for each packet.",
	      out);
	put_favour(out, c, IS_WHOLE_PORT);
	fputs("</li>\n<li>The kernel must keep the port, and feedgate may load programs or "
	      "modules: "
	      "<b>af_xdp</b> if the driver has zero copy, else the best below.",
	      out);
	put_favour(out, c, KEEPS_PORT);
	fputs("</li>\n<li>One capability (CAP_NET_RAW) and any kernel is all there is: "
	      "<b>packet_mmap</b> or "
	      "<b>io_uring</b>.",
	      out);
	put_favour(out, c, KEEPS_PORT | NEEDS_LITTLE);
	fputs("</li>\n</ol>\n<p class=\"note\">On virtual interfaces the kernel's own work for "
	      "each packet is in "
	      "every figure but drain, and zero copy of a NIC's driver in none: a server with the "
	      "NIC in question may rank backends otherwise. The peers <b>libpcap</b> and "
	      "<b>recvmmsg</b> count packets where they lie; what is to be kept, their users "
	      "copy.</p>\n",
	      out);
}

static const struct entry *find_subject(const struct ranking *ranking, uint32_t subject)
{
	for (uint32_t i = 0; i < ranking->n; i++)
		if (ranking->entries[i].subject == subject)
			return &ranking->entries[i];
	return NULL;
}

static void put_figures_row(FILE *out, const struct capture *c, uint32_t subject)
{
	fprintf(out, "<tr><td class=\"name\"><i class=\"c%u\"></i>",
		subject_colour(c->results, subject));
	put_text(out, c->results->subjects.texts[subject]);
	fputs("</td>", out);
	for (size_t i = 0; i < COLUMNS; i++) {
		const struct entry *e = find_subject(&c->rankings[i], subject);

		if (e == NULL) {
			fputs("<td>&#8211;</td>", out);
			continue;
		}
		/* All that cannot be told apart from the best. */
		fputs(overlap(e, &c->rankings[i].entries[0]) ? "<td class=\"good\">" : "<td>", out);
		put_figure(out, e->value);
		fputs("</td>", out);
	}
	fputs("</tr>\n", out);
}

/* Every backend once, in the order of the first ranking that has it. */
static void put_figures(FILE *out, const struct capture *c)
{
	uint32_t shown[SUBJECTS_MAX], n = 0;

	fputs("<div class=\"wide\"><table>\n<thead><tr><th class=\"name\">Backend</th>", out);
	for (size_t i = 0; i < COLUMNS; i++)
		fprintf(out, "<th>%s</th>", columns[i].head);
	fputs("</tr></thead>\n<tbody>\n", out);
	for (size_t i = 0; i < COLUMNS; i++)
		for (uint32_t e = 0; e < c->rankings[i].n && n < SUBJECTS_MAX; e++) {
			const uint32_t subject = c->rankings[i].entries[e].subject;
			uint32_t s = 0;

			while (s < n && shown[s] != subject)
				s++;
			if (s < n)
				continue;
			shown[n++] = subject;
			put_figures_row(out, c, subject);
		}
	fputs("</tbody></table></div>\n<p class=\"note\">Marked: the best, and what cannot be told "
	      "apart from "
	      "it. A dash: not measured here; <code>feedgate --list-sources</code> says what a "
	      "source is "
	      "missing.</p>\n",
	      out);
}

static bool is_measured(const struct capture *c, const struct backend *backend)
{
	for (size_t i = 0; i < COLUMNS; i++)
		for (uint32_t e = 0; e < c->rankings[i].n; e++)
			if (find_backend(subject_name(c, &c->rankings[i].entries[e])) == backend)
				return true;
	return false;
}

static void put_needs(FILE *out, const struct capture *c)
{
	fputs("<p>What each backend asks for:</p>\n<div class=\"wide\"><table "
	      "class=\"words\">\n<thead><tr><th>Backend</th>"
	      "<th>Measured</th><th>Copies of a packet</th><th>Rights</th><th>Kernel, driver, "
	      "hardware</th><th>Multicast</th></tr></thead>\n<tbody>\n",
	      out);
	for (size_t i = 0; i < BACKENDS; i++)
		fprintf(out,
			"<tr><th>%s</th><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td></"
			"tr>\n",
			backends[i].name, is_measured(c, &backends[i]) ? "here" : "no",
			backends[i].copies, backends[i].rights, backends[i].machine,
			backends[i].multicast);
	fputs("</tbody></table></div>\n", out);
}

void put_backends(FILE *out, const struct results *results)
{
	struct capture c;

	if (!find_capture(&c, results))
		return;
	fputs("<h2>Which backend to choose</h2>\n", out);
	put_findings(out, &c);
	put_figures(out, &c);
	put_choices(out, &c);
	put_needs(out, &c);
}
