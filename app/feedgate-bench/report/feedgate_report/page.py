# SPDX-License-Identifier: MIT
"""The page around the charts: one XHTML document that needs nothing else."""
import itertools
import os

import jinja2
import markupsafe

from . import backends, charts, machine, text
from .metrics import BENCHES


class Section:
    """A chart as the template shows it."""

    def __init__(self, number, chart):
        self.chart, self.id = chart, f"m{number}"
        self.is_owned = any(case.own for case in chart.cases)
        self.is_log = charts.is_log(chart.entries[:charts.ROWS_MAX])
        self.hidden = max(0, len(chart.entries) - charts.ROWS_MAX)
        # What draw() returns is escaped by ElementTree.
        self.plot = markupsafe.Markup(charts.draw(chart, f"{self.id}-")) if number < charts.CHARTS_MAX else None


def finalize(value):
    """Of what the template shows: no character that a page may not hold."""
    return text.clean(value) if isinstance(value, str) and not isinstance(value, markupsafe.Markup) else value


def spread(entry):
    """From min to max, in percent of the median."""
    return f"{(entry.max / entry.value - entry.min / entry.value) * 100:.1f} %" if entry.value > 0 else ""


def environment():
    """Everything is escaped unless it is Markup, which only this module makes."""
    loader = jinja2.FileSystemLoader(os.path.dirname(os.path.abspath(__file__)))
    found = jinja2.Environment(loader=loader, autoescape=True, finalize=finalize, undefined=jinja2.StrictUndefined,
                               trim_blocks=True, lstrip_blocks=True)
    found.filters.update(figure=text.figure, spread=spread)
    found.globals.update(ratio=text.ratio)
    return found


def make_page(results):
    """The whole page as text."""
    found = results.charts()
    sections = [Section(number, chart) for number, chart in enumerate(found)]
    benches = [(name, BENCHES.get(name), list(group)) for name, group in
               itertools.groupby(sections, lambda section: section.chart.bench)]
    return environment().get_template("page.html.j2").render(
        machines=machine.distinct(results.machines), present=None if results.machines else machine.present(),
        replaced=results.replaced, sections=sections, benches=benches, comparison=backends.compare(found))
