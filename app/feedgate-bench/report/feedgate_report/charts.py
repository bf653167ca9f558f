# SPDX-License-Identifier: MIT
"""Plots of one chart: bars from zero, or points on a logarithmic axis, each with its range from min to max."""
import math

from . import svg, text

WIDTH, AXIS_LEFT, AXIS_WIDTH, VALUE_RIGHT, RATIO_RIGHT = 860, 244, 440, 778, 850
ROW, CASE_ROW, BAR, TOP, TOP_TICKS, BOTTOM = 24, 34, 14, 6, 24, 46
TALL_ROWS = 16  # More have tick labels at the top, too.
LABEL_COLUMNS, CASE_COLUMNS, UNIT_COLUMNS = 32, 90, 60
ROWS_MAX, CHARTS_MAX = 200, 200  # Beyond, only the tables show results: drawing takes time.
LOG_SPREAD = 50  # Max to min from which an axis is logarithmic.
TICKS = 8


class LinearAxis:
    """An axis from zero, or from a negative value, to a tick beyond the greatest value."""

    words = ""

    def __init__(self, low, high):
        low, high = min(low, 0), max(high, 0)
        rough = max(high / 5 - low / 5, 1e-300) or 1e-300
        power = 10.0 ** math.floor(math.log10(rough))
        step = power * next((n for n in (1, 2, 5) if rough / power <= n), 10)
        first, last = math.floor(low / step), math.ceil(high / step)
        last = max(last, first + 1)
        self.ticks = [(step * i, text.number(step * i)) for i in range(first, last + 1)]
        self.from_value, self.to_value = (max(min(step * i, 1.7e308), -1.7e308) for i in (first, last))
        self.minor = []

    def place(self, value):
        """Where the value is, from 0 to 1."""
        span = self.to_value / 2 - self.from_value / 2
        return min(max((value / 2 - self.from_value / 2) / span, 0), 1)


class LogAxis:
    """An axis over whole powers of ten; values that are not positive are at its beginning."""

    words = ", logarithmic scale"

    def __init__(self, low, high):
        self.from_power, self.to_power = math.floor(math.log10(low) - 0.05), math.log10(high) + 0.05
        step = max(1, math.ceil((self.to_power - self.from_power) / TICKS))
        powers = range(self.from_power, math.floor(self.to_power) + 1, step)
        self.ticks = [(power, text.power_of_ten(power)) for power in powers]
        self.minor = [power + math.log10(n) for power in powers for n in range(2, 10)] if step == 1 else []
        self.minor = [power for power in self.minor if power <= self.to_power]
        self.ticks = [(self._part(power), label) for power, label in self.ticks]
        self.minor = [self._part(power) for power in self.minor]

    def _part(self, power):
        return (power - self.from_power) / (self.to_power - self.from_power)

    def place(self, value):
        """Where the value is, from 0 to 1."""
        return min(max(self._part(math.log10(value)), 0), 1) if value > 0 else 0


def extremes(entries):
    """The least positive value that is drawn, and the greatest one."""
    low = min((e.min if e.min > 0 else e.value for e in entries if e.value > 0), default=math.inf)
    return low, max(0, *(e.max for e in entries), 0)


def is_log(entries):
    """Is the axis of these entries logarithmic?"""
    low, high = extremes(entries)
    return high > low * LOG_SPREAD


def make_axis(entries):
    """The axis that shows all of them."""
    if is_log(entries):
        return LogAxis(*extremes(entries))
    return LinearAxis(min(e.min for e in entries), max(e.max for e in entries))


class Plot:
    """The plot while it is drawn. Rows count from the top, in units of SVG."""

    def __init__(self, chart):
        self.entries = chart.entries[:ROWS_MAX]
        self.titles = {}
        shown = set(self.entries)
        self.cases = [(case, [entry for entry in case.entries if entry in shown])
                      for case in chart.cases if case.entries[0] in shown]
        self.axis = make_axis(self.entries)
        rows = CASE_ROW * len(self.cases) + ROW * len(self.entries)
        self.is_tall = len(self.entries) > TALL_ROWS
        height = (TOP_TICKS if self.is_tall else TOP) + rows + BOTTOM
        self.figure = svg.new_figure(WIDTH, height)
        self.axes = self.figure.add_axes([AXIS_LEFT / WIDTH, BOTTOM / height, AXIS_WIDTH / WIDTH, rows / height])
        self.axes.set(xlim=(0, 1), ylim=(rows, 0))
        self._draw_axis(f"{text.shorten(chart.unit, UNIT_COLUMNS)}{self.axis.words}")
        row = 0
        for case, entries in self.cases:
            self._draw_heading(row, text.shorten(case.name, CASE_COLUMNS))
            row += CASE_ROW
            for entry in entries:
                self._draw_entry(row + ROW / 2, entry, case.best)
                row += ROW

    def _draw_axis(self, label):
        ink, soft, line, faint = (svg.COLOURS[name] for name in ("ink", "soft", "line", "faint"))
        axes = self.axes
        positions = [part for part, _ in self.axis.ticks]
        if isinstance(self.axis, LinearAxis):
            positions = [self.axis.place(value) for value in positions]
        axes.set_xticks(positions, [label for _, label in self.axis.ticks], color=soft)
        axes.set_xticks(self.axis.minor, minor=True)
        axes.set_yticks([])
        axes.tick_params(which="both", length=0, labeltop=self.is_tall)
        axes.grid(True, axis="x", color=line, linewidth=1)
        axes.grid(True, axis="x", which="minor", color=faint, linewidth=1)
        axes.set_axisbelow(True)
        axes.set_xlabel(label, color=ink, parse_math=False)
        axes.patch.set_visible(False)
        for side, spine in axes.spines.items():
            spine.set_visible(side == "bottom")
            spine.set_color(soft)

    def _write(self, x, y, words, name="ink", **options):
        """A text at x of the whole plot."""
        return self.axes.text((x - AXIS_LEFT) / AXIS_WIDTH, y, words, color=svg.COLOURS[name], va="center_baseline",
                              parse_math=False, **options)

    def _draw_heading(self, row, words):
        if row > 0:
            self.axes.plot([-AXIS_LEFT / AXIS_WIDTH, (WIDTH - AXIS_LEFT) / AXIS_WIDTH], [row + 4, row + 4],
                           color=svg.COLOURS["line"], linewidth=1, clip_on=False)
        self._write(4, row + CASE_ROW - 13, words, weight="bold")

    def _draw_entry(self, y, entry, best):
        weight = "bold" if entry is best else "normal"
        gid = f"label{len(self.titles)}"
        self.titles[gid] = text.clean(entry.subject)
        self._write(AXIS_LEFT - 12, y, text.shorten(entry.subject, LABEL_COLUMNS), ha="right", weight=weight, gid=gid)
        self._write(VALUE_RIGHT, y, text.figure(entry.value), ha="right", weight=weight)
        if best is not None:
            words = "best" if entry is best else text.ratio(entry.value, best.value)
            self._write(RATIO_RIGHT, y, "" if words == "–" else words, "soft", ha="right")
        self._draw_value(y, entry)
        if entry.max > entry.min:
            self._draw_spread(y, entry)

    def _draw_value(self, y, entry):
        colour, place = svg.COLOURS[f"c{entry.colour}"], self.axis.place(entry.value)
        if isinstance(self.axis, LinearAxis):
            zero = self.axis.place(0)
            self.axes.barh(y, place - zero, BAR, left=zero, color=colour, linewidth=0, clip_on=False)
        elif entry.value > 0:  # A bar would have no length of its own on a logarithmic axis.
            self.axes.plot([0, place], [y, y], color=svg.COLOURS["line"], linewidth=1, clip_on=False)
            self.axes.plot([place], [y], marker="o", markersize=9, color=colour, markeredgewidth=0, clip_on=False)

    def _draw_spread(self, y, entry):
        low, high = self.axis.place(entry.min), self.axis.place(entry.max)
        for places, rows in (([low, high], [y, y]), ([low, low], [y - 5, y + 5]), ([high, high], [y - 5, y + 5])):
            self.axes.plot(places, rows, color=svg.COLOURS["ink"], linewidth=1.5, clip_on=False, solid_capstyle="butt")


def draw(chart, prefix):
    """The plot of a chart as an svg element; @p prefix makes its ids unique within the page."""
    plot = Plot(chart)
    return svg.render(plot.figure, prefix, "Plot of the table below.", plot.titles)
