# SPDX-License-Identifier: MIT
"""Reads JSON lines: results and descriptions of machines."""
import itertools
import json
import math
import re
import sys
from dataclasses import dataclass

from .metrics import HIGHER, NEITHER, is_floor, metric_of
from .text import any_value

LINE_MAX_BYTES = 65535
RESULTS_MAX = 100000
NAMES = ("bench", "metric", "unit", "case", "subject")
COLOURS = 10


class InputError(Exception):
    """A file cannot be read, or a line of it is no result."""


@dataclass(frozen=True)
class Entry:
    """One result; sequence is its place in the input, colour that of its subject."""

    bench: str
    metric: str
    unit: str
    case: str
    subject: str
    value: float
    min: float
    max: float
    repeats: int
    sequence: int
    colour: int

    def overlaps(self, other):
        """Do the ranges from min to max meet?"""
        return self.min <= other.max and other.min <= self.max


@dataclass(frozen=True)
class Machine:
    """A machine as a file describes it: texts by key."""

    file: str
    values: dict


def describe(file, values):
    """The machine of a JSON object."""
    return Machine(file, {key: any_value(value) for key, value in values.items()})


class Case:
    """The entries of one case of a chart, best first."""

    def __init__(self, entries, metric):
        self.name, self.entries = entries[0].case, entries
        self.best = None if metric.better == NEITHER else next((e for e in entries if not is_floor(e.subject)), None)
        self.own = next((e for e in entries if e.subject == "feedgate"), None)


class Chart:
    """The results that share bench, metric and unit, by case."""

    def __init__(self, entries):
        first = entries[0]
        self.bench, self.name, self.unit = first.bench, first.metric, first.unit
        self.metric = metric_of(self.name, self.unit)
        self.cases = [Case(list(group), self.metric) for _, group in itertools.groupby(entries, lambda e: e.case)]

    @property
    def entries(self):
        """All of them."""
        return [entry for case in self.cases for entry in case.entries]


class Results:
    """All that the files hold."""

    def __init__(self):
        self.machines = []
        self.count = 0
        self._numbers = {name: {} for name in NAMES}  # Each text's number, in order of first appearance.
        self._entries = {}

    @property
    def replaced(self):
        """How many results were given again later."""
        return self.count - len(self._entries)

    def read(self, path):
        """Add the lines of a file; "-" is standard input. InputError: FILE:LINE: why."""
        name = "standard input" if path == "-" else path
        try:
            if path == "-":
                self._read_lines(sys.stdin.buffer, name)
                return
            with open(path, "rb") as file:
                self._read_lines(file, name)
        except OSError as error:
            raise InputError(f"{name}: {error.strerror}") from error

    def charts(self):
        """In order of first appearance; within a case the best entry first. Of results given again the last counts."""
        def key(entry):
            metric = metric_of(entry.metric, entry.unit)
            names = [self._numbers[name][getattr(entry, name)] for name in NAMES[:-1]]
            return (*names, -entry.value if metric.better == HIGHER else entry.value, entry.sequence)

        ordered = sorted(self._entries.values(), key=key)
        return [Chart(list(group)) for _, group in itertools.groupby(ordered, lambda e: (e.bench, e.metric, e.unit))]

    def _read_lines(self, file, name):
        for number in itertools.count(1):
            line = file.readline(LINE_MAX_BYTES)
            if not line:
                return
            try:
                if b"\0" in line or (len(line) == LINE_MAX_BYTES and not line.endswith(b"\n")):
                    raise ValueError("expected a line of text, at most 65,535 bytes")
                if line.strip(b" \t\r\n"):
                    self._add_line(line, name)
            except ValueError as error:
                raise InputError(f"{name}:{number}: {printable(str(error))}") from error

    def _add_line(self, line, file):
        found = parse(line)
        if not isinstance(found, dict):
            raise ValueError("expected a JSON object")
        if "machine" not in found:
            self._add_result(found)
        elif isinstance(found["machine"], dict):
            self.machines.append(describe(file, found["machine"]))
        else:
            raise ValueError("machine: expected a JSON object")

    def _add_result(self, found):
        names = [member(found, name, str, "text") for name in NAMES]
        value, low, high = (float(member(found, name, (int, float), "a number")) for name in ("value", "min", "max"))
        repeats = member(found, "repeats", int, "a whole number")
        if not low <= value <= high:
            raise ValueError("expected min <= value <= max")
        if repeats < 1:
            raise ValueError("repeats: expected at least 1")
        if self.count == RESULTS_MAX:
            raise ValueError("more than 100,000 results")
        numbers = [self._numbers[name].setdefault(text, len(self._numbers[name])) for name, text in zip(NAMES, names)]
        self._entries[tuple(names)] = Entry(*names, value, low, high, repeats, self.count, numbers[-1] % COLOURS)
        self.count += 1


def member(found, name, kind, words):
    """A member of the object that must be there and of that type."""
    if name not in found:
        raise ValueError(f"{name} is missing")
    if not isinstance(found[name], kind) or isinstance(found[name], bool):
        raise ValueError(f"{name}: expected {words}")
    return found[name]


def printable(text):
    """A message that may quote the file, fit for a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)[:160]


def parse(line):
    """The JSON value of a line, under the rules of the format: UTF-8, no member twice, finite 64-bit numbers."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start + 1}") from error
    try:
        found = json.loads(text, object_pairs_hook=unique, parse_float=finite, parse_int=whole,
                           parse_constant=no_constant)
        if re.search(r"\\u[dD][89a-fA-F]", text) and has_surrogates(found):
            raise ValueError("half of a surrogate pair")
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg}, column {error.colno}") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return found


def has_surrogates(found):
    """Does a text in it have a character that UTF-8 cannot write?"""
    try:
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def unique(pairs):
    """The object of these members; no name may occur twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member occurs twice")
    return found


def finite(text):
    """A real number."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def whole(text):
    """A whole number of 64 bits."""
    value = int(text) if len(text) <= 20 else 2 ** 63
    if not -2 ** 63 <= value < 2 ** 63:
        raise ValueError("a number is too large")
    return value


def no_constant(text):
    """JSON has no NaN and no infinity."""
    raise ValueError(f"{text} is no JSON number")
