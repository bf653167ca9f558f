/* SPDX-License-Identifier: MIT */
/* The page around the charts: one XHTML document that needs nothing else. */
#include <inttypes.h>
#include <string.h>

#include "report.h"

static const char style[] =
	":root{color-scheme:light "
	"dark;--ink:#1c2430;--soft:#5b6675;--line:#d9dee5;--paper:#fff;--box:#f4f6f9;"
	"--mark:#0b6e4f}\n"
	"@media(prefers-color-scheme:dark){:root{--ink:#e4e8ee;--soft:#98a4b3;--line:#38424f;--"
	"paper:#14181e;"
	"--box:#1d232b;--mark:#5fd3a6}}\n"
	"@media "
	"print{:root{color-scheme:light;--ink:#000;--soft:#444;--line:#ccc;--paper:#fff;--box:#fff;"
	"--mark:#064}"
	"body{max-width:none;padding:0}section.chart,figure,tr{break-inside:avoid}h2,h3{break-"
	"after:avoid}nav{display:none}"
	"*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n"
	"body{font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu "
	"Sans',sans-serif;color:var(--ink);"
	"background:var(--paper);max-width:60rem;margin:0 auto;padding:2rem 1.25rem 4rem}\n"
	"h1{font-size:1.9rem;line-height:1.2;margin:0 0 .25rem}h2{font-size:1.45rem;margin:3rem 0 "
	".5rem;padding-top:1rem;"
	"border-top:2px solid var(--line)}h3{font-size:1.12rem;margin:2rem 0 .25rem}p{margin:.4rem "
	"0 .8rem}\n"
	".soft,.sub{color:var(--soft)}.sub{margin-top:0}.note{font-size:.9rem;color:var(--soft)}\n"
	".box{background:var(--box);border:1px solid var(--line);border-radius:.5rem;padding:.8rem "
	"1.1rem;margin:1rem 0}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem "
	"1.2rem;margin:0}dt{color:var(--soft)}"
	"dd{margin:0;overflow-wrap:anywhere}nav "
	"ul{columns:2;column-gap:2rem;padding-left:1.2rem}a{color:inherit}\n"
	"figure{margin:.8rem 0 "
	"1rem;overflow-x:auto}svg{display:block;width:100%;min-width:36rem;height:auto;"
	"font:13px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}\n"
	"svg text{fill:var(--ink)}svg .case{font-weight:700}svg .tick,svg "
	".ratio{fill:var(--soft);font-size:12px}"
	"svg .best{font-weight:700}svg .value{font-variant-numeric:tabular-nums}\n"
	".grid{stroke:var(--line)}.whisker{stroke:var(--ink);stroke-width:1.5;fill:none}\n"
	".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.86rem;margin:."
	"5rem 0 1rem;"
	"font-variant-numeric:tabular-nums}\n"
	"th,td{padding:.28rem .55rem;text-align:right;vertical-align:top}.name,.words td,.words "
	"th{text-align:left}"
	".name{overflow-wrap:anywhere}\n"
	"thead th{color:var(--soft);font-weight:600;border-bottom:1px solid "
	"var(--line)}tr.first>*,.words tr>*{"
	"border-top:1px solid "
	"var(--line)}td.best,.best{font-weight:700}td.good{font-weight:700;color:var(--mark)}\n"
	".words{min-width:44rem}.words th:nth-child(1){width:13%}.words th:nth-child(2){width:8%}"
	".words th:nth-child(3){width:20%}.words th:nth-child(4){width:17%}.words "
	"th:nth-child(5){width:23%}\n"
	"td i{display:inline-block;width:.7em;height:.7em;border-radius:2px;margin-right:.45em}\n"
	"ol.backend li,ul.backend li{margin:.4rem 0}\n"
	".c0{fill:#3b82c4;background:#3b82c4}.c1{fill:#e08a2c;background:#e08a2c}.c2{fill:#4aa564;"
	"background:#4aa564}\n"
	".c3{fill:#c9504f;background:#c9504f}.c4{fill:#8d6cc0;background:#8d6cc0}.c5{fill:#3aa6a6;"
	"background:#3aa6a6}\n"
	".c6{fill:#d275a8;background:#d275a8}.c7{fill:#a0794f;background:#a0794f}.c8{fill:#8a9099;"
	"background:#8a9099}\n"
	".c9{fill:#b0a53a;background:#b0a53a}\n";

const struct entry *case_best(const struct results *r, uint32_t first, uint32_t count)
{
	const struct metric_info info = metric_info(r->metrics.texts[r->entries[first].metric],
						    r->units.texts[r->entries[first].unit]);

	for (uint32_t i = first; info.better != BETTER_NEITHER && i < first + count; i++)
		if (!subject_is_floor(r->subjects.texts[r->entries[i].subject]))
			return &r->entries[i];
	return NULL;
}

uint32_t subject_colour(const struct results *r, uint32_t subject)
{
	(void)r; /* Subjects are numbered as they came in, whatever chart they are in. */
	return subject % COLOURS;
}

static void put_head(FILE *out)
{
	fputs("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n"
	      "<meta charset=\"utf-8\"/>\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'\"/>\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	      "<title>feedgate: measurements</title>\n<style>\n",
	      out);
	fputs(style, out);
	fputs("</style>\n</head>\n<body>\n<h1>feedgate: measurements</h1>\n", out);
}

static void put_machine(FILE *out, json_t *machine)
{
	const char *key;
	json_t *value;

	fputs("<dl>\n", out);
	json_object_foreach(machine, key, value)
	{
		fputs("<dt>", out);
		put_text(out, key);
		fputs("</dt><dd>", out);
		if (json_is_string(value))
			put_text(out, json_string_value(value));
		else if (json_is_number(value))
			put_number(out, json_number_value(value));
		else if (json_is_boolean(value))
			fputs(json_is_true(value) ? "yes" : "no", out);
		else
			fputs("&#8211;", out);
		fputs("</dd>\n", out);
	}
	fputs("</dl>\n", out);
}

static void put_machines(FILE *out, const struct results *r, json_t *present)
{
	for (uint32_t i = 0; i < r->n_machines; i++) {
		if (i > 0 && json_equal(r->machines[i].machine, r->machines[i - 1].machine))
			continue;
		fputs("<div class=\"box\">\n<p class=\"sub\">Measured on, by ", out);
		put_text(out, r->machines[i].file);
		fputs(":</p>\n", out);
		put_machine(out, r->machines[i].machine);
		fputs("</div>\n", out);
	}
	if (r->n_machines > 0)
		return;
	fputs("<div class=\"box\">\n<p class=\"sub\">No file says what machine it was measured on. "
	      "This is the one that made the page:</p>\n",
	      out);
	put_machine(out, present);
	fputs("</div>\n", out);
}

static void put_reading(FILE *out, const struct results *r)
{
	fputs("<p>Bars and figures are medians over repeated measurements; whiskers reach from the "
	      "least "
	      "to the greatest one. Within a case the best stands first, and the others say how "
	      "many "
	      "times its figure theirs is. Differences smaller than the whiskers mean "
	      "nothing.</p>\n",
	      out);
	if (r->replaced > 0)
		fprintf(out,
			"<p class=\"note\">%" PRIu32
			" results were given more than once; of each, the last one is shown.</p>\n",
			r->replaced);
}

static void put_title(FILE *out, const struct results *r, const struct entry *e)
{
	const char *name = r->metrics.texts[e->metric];
	const struct metric_info info = metric_info(name, r->units.texts[e->unit]);

	put_text(out, info.title != NULL ? info.title : name);
}

static void put_filters(FILE *out, const struct results *r)
{
	fputs("<nav class=\"box\"><ul>\n", out);
	for (uint32_t at = 0; at < r->count; at += results_chart(r, at)) {
		fprintf(out, "<li><a href=\"#m%" PRIu32 "\">", at);
		put_text(out, r->benches.texts[r->entries[at].bench]);
		fputs(": ", out);
		put_title(out, r, &r->entries[at]);
		fputs("</a></li>\n", out);
	}
	fputs("</ul></nav>\n", out);
}

static void put_bench(FILE *out, const char *bench)
{
	const char *meaning = bench_meaning(bench);

	fputs("<h2>", out);
	put_text(out, bench);
	fputs("</h2>\n", out);
	if (meaning != NULL)
		fprintf(out, "<p>%s</p>\n", meaning);
}

static void put_chart(FILE *out, const struct results *r, uint32_t first, uint32_t count)
{
	static const char *const directions[] = {
		[BETTER_NEITHER] = "neither more nor less is better",
		[BETTER_LOWER] = "lower is better",
		[BETTER_HIGHER] = "higher is better",
	};
	const struct entry *e = &r->entries[first];
	const char *name = r->metrics.texts[e->metric], *unit = r->units.texts[e->unit];
	const struct metric_info info = metric_info(name, unit);

	fprintf(out, "<section class=\"chart\" id=\"m%" PRIu32 "\">\n<h3>", first);
	put_title(out, r, e);
	fputs("</h3>\n<p class=\"sub\">", out);
	put_text(out, name);
	fputs(", in ", out);
	put_text(out, unit);
	fprintf(out, "; <b>%s</b>%s</p>\n", directions[info.better],
		plot_is_log(r, first, count) ? "; logarithmic scale: lines are powers of ten" : "");
	if (info.meaning[0] != '\0')
		fprintf(out, "<p>%s</p>\n", info.meaning);
	fputs("<figure>\n", out);
	put_plot(out, r, first, count);
	fputs("</figure>\n</section>\n<div class=\"wide\">\n", out);
	put_table(out, r, first, count);
	fputs("</div>\n", out);
}

void put_page(FILE *out, const struct results *r, json_t *present)
{
	put_head(out);
	put_machines(out, r, present);
	put_reading(out, r);
	put_filters(out, r);
	put_backends(out, r);
	for (uint32_t at = 0, n; at < r->count; at += n) {
		const struct entry *e = &r->entries[at];

		n = results_chart(r, at);
		if (at == 0 || e[-1].bench != e->bench)
			put_bench(out, r->benches.texts[e->bench]);
		put_chart(out, r, at, n);
	}
	fputs("</body>\n</html>\n", out);
}
