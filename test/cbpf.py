# SPDX-License-Identifier: MIT
"""An independent implementation of packet expressions: tcpdump compiles them, this interprets the program."""
import functools
import subprocess

BITS32 = 0xFFFFFFFF
SIZES = {0x00: 4, 0x08: 2, 0x10: 1}


class Reject(Exception):
    """The program read beyond the packet, or divided by zero."""


@functools.lru_cache(maxsize=None)
def compile_expression(text):
    """[(code, jt, jf, k)] of tcpdump -ddd; -O: without the optimizer, which changes meanings."""
    line = ["tcpdump", "-O", "-ddd", "-y", "EN10MB", text]
    printed = subprocess.run(line, capture_output=True, text=True, check=True).stdout.split("\n")
    program = [tuple(int(number) for number in row.split()) for row in printed[1:] if row]
    assert len(program) == int(printed[0])
    return program


def _read(frame, offset, size):
    if offset + size > len(frame):
        raise Reject
    return int.from_bytes(frame[offset:offset + size], "big")


def _load(code, k, frame, x, memory):
    mode = code & 0xE0
    if mode == 0x00:
        return k
    if mode == 0x20:
        return _read(frame, k, SIZES[code & 0x18])
    if mode == 0x40:
        return _read(frame, x + k, SIZES[code & 0x18])
    if mode == 0x60:
        return memory[k]
    if mode == 0x80:
        return len(frame)
    assert mode == 0xA0
    return 4 * (_read(frame, k, 1) & 15)


def _calculate(operation, a, b):
    if operation in (0x30, 0x90) and b == 0:
        raise Reject
    return {
        0x00: lambda: a + b, 0x10: lambda: a - b, 0x20: lambda: a * b, 0x30: lambda: a // b, 0x40: lambda: a | b,
        0x50: lambda: a & b, 0x60: lambda: a << b if b < 32 else 0, 0x70: lambda: a >> b if b < 32 else 0,
        0x80: lambda: -a, 0x90: lambda: a % b, 0xA0: lambda: a ^ b,
    }[operation]() & BITS32


def _holds(operation, a, b):
    return {0x10: a == b, 0x20: a > b, 0x30: a >= b, 0x40: a & b != 0}[operation]


def _run(program, frame):
    a, x, memory, at = 0, 0, {}, 0
    while True:
        code, jump_true, jump_false, k = program[at]
        kind, operand = code & 7, x if code & 8 else k
        at += 1
        if kind == 0:
            a = _load(code, k, frame, x, memory)
        elif kind == 1:
            x = _load(code, k, frame, x, memory)
        elif kind in (2, 3):
            memory[k] = a if kind == 2 else x
        elif kind == 4:
            a = _calculate(code & 0xF0, a, operand)
        elif kind == 5:
            at += k if code & 0xF0 == 0 else jump_true if _holds(code & 0xF0, a, operand) else jump_false
        elif kind == 6:
            return (a if code & 0x18 == 0x10 else k) != 0
        elif code & 0xF8 == 0:
            x = a
        else:
            a = x


def matches(text, frame):
    """Does expression @p text accept the frame?"""
    try:
        return _run(compile_expression(text), frame)
    except Reject:
        return False
