# SPDX-License-Identifier: MIT
"""The command line: from files of JSON lines to a page."""
import os
import signal
import sys

from .results import InputError, Results, printable

DONE, FAILED, USAGE = 0, 1, 2
HELP = """usage: feedgate-bench report FILE... [-o PAGE.html]
One page of plots and tables from what feedgate-bench --json printed; FILE `-` is standard input.

  -o, --output PAGE   where the page goes; without it, or with -, to standard output
  --help              print this

Exit status: 0 done, 1 failed, 2 wrong usage, or a file cannot be read or holds something else."""


class UsageError(Exception):
    """The arguments are wrong."""


def read_arguments(arguments):
    """(files, path of the page or "-")"""
    files, output, rest = [], "-", iter(arguments)
    for argument in rest:
        if argument.startswith("--output="):
            output = argument[len("--output="):]
        elif argument in ("-o", "--output"):
            output = next(rest, None)
            if output is None:
                raise UsageError(f"report: option '{argument}' needs a value")
        elif argument.startswith("-") and argument != "-":
            raise UsageError(f"report: unknown option '{argument}'; --help lists them all")
        else:
            files.append(argument)
    if not files:
        raise UsageError("report: which files? They hold what --json prints")
    return files, output


def read_results(files):
    """What all the files hold."""
    results = Results()
    for file in files:
        results.read(file)
    if results.count == 0:
        raise InputError(f"report: {files[0]} holds no results")
    return results


def write_page(text, output):
    """Write it whole to a file or standard output."""
    data = text.encode("utf-8")
    if output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    with open(output, "wb") as file:
        file.write(data)


def fail(status, text):
    """One line on standard error."""
    print(f"feedgate-bench: {''.join(c if c.isprintable() else '?' for c in text)}", file=sys.stderr)
    return status


def main(arguments):
    """The exit status."""
    # End as other programs do: without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if "--help" in arguments:
        print(HELP)
        return DONE
    try:
        files, output = read_arguments(arguments)
        results = read_results(files)
    except (UsageError, InputError) as error:
        return fail(USAGE, str(error))
    try:
        from .page import make_page  # pylint: disable=import-outside-toplevel
    except ImportError as error:
        return fail(FAILED, f"report: it needs Debian's python3-matplotlib and python3-jinja2: {printable(str(error))}")
    page = make_page(results)
    try:
        write_page(page, output)
    except OSError as error:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # Python would flush the broken one at the end.
        return fail(FAILED, f"{'standard output' if output == '-' else output}: {error.strerror}")
    return DONE
