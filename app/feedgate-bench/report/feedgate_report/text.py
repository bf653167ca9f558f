# SPDX-License-Identifier: MIT
"""Text and numbers as they stand in the page."""
import itertools
import math
import re
import unicodedata

REPLACEMENT = "\ufffd"
# What XML cannot hold, and what changes the direction of writing to make one text look like another.
NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff" +
                      "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xfffe, 0xffff)) + "]")
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def clean(text):
    """The text with each character that no page may hold replaced."""
    return NOT_TEXT.sub(REPLACEMENT, text)


def width(character):
    """Columns of a character: 2 of the wide ones of East Asia and of emoji."""
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(text, columns):
    """The clean text, cut to so many columns."""
    text = clean(text)
    if sum(map(width, text)) <= columns:
        return text
    kept = itertools.takewhile(lambda end: end <= columns - 1, itertools.accumulate(map(width, text)))
    return text[:len(list(kept))] + "…"


def figure(value):
    """A measured value: three significant digits, or a whole number in groups of three."""
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-3:
        return f"{value:.3g}"
    if size >= 999.5:
        return f"{value:,.0f}"
    if size == 0:
        return "0"
    decimals = 0 if size >= 99.95 else 1 if size >= 9.995 else 2 if size >= 0.9995 else 3
    return f"{value:.{decimals}f}"


def number(value):
    """An exact value."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.6g}"


def ratio(value, to):
    """How many times @p to the value is: "1.25×"; a dash if @p to is not positive."""
    if to <= 0:
        return "–"
    times = value / to
    if times >= 1e9 or not math.isfinite(times):
        return f"{times:.3g}×"
    if times >= 99.95:
        return f"{times:,.0f}×"
    return f"{times:.{1 if times >= 9.995 else 2}f}×"


def power_of_ten(exponent):
    """A power of ten as an axis shows it: 0.01, 1,000, 10⁶."""
    if -3 <= exponent <= 4:
        return number(10.0 ** exponent)
    return "10" + str(exponent).translate(SUPERSCRIPTS)


def any_value(value):
    """A JSON value: yes or no, a number, a text; a dash for anything else."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return number(value)
    return value if isinstance(value, str) else "–"
