#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Symbol maps through the whole program: sessions, resets, restarts with a symbols file, unmapped instruments in reports.

Packets are built here from the specifications: MoldUDP64 1.00, TotalView-ITCH 5.0 (stock directory R, add order A, order delete D, with the stock
locate at offset 1 and the stock at 11 and 24), XDP symbol index mapping (type 3) and add order (100). What passes follows from docs/feeds.md.
"""
import os
import re
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
import oracle  # noqa: E402

CONFIG = """sources:
  - {name: wire, replay: {path: DIR/in.pcap}}
sinks:
  - {name: kept, pcapng: DIR/kept.pcapng}
feeds:
  - {name: f, protocol: PROTOCOL, OPTIONS}
rules:
  - {name: a, match: {ipv4: {dst: 239.1.1.1}, udp: {}}, feed: f, line: A, SUBSCRIPTION, to: kept}
  - {name: b, match: {ipv4: {dst: 239.1.1.2}, udp: {}}, feed: f, line: B, SUBSCRIPTION, to: kept}
"""


def stock(symbol):
    return symbol.encode().ljust(8)


def directory(locate, symbol):
    """R: stock, market category, status, round lot size, ... 39 bytes."""
    return struct.pack(">cHH6s8s", b"R", locate, 0, bytes(6), stock(symbol)) + b"QN" + struct.pack(">I", 100) + b"NCZ PNN1N" + struct.pack(">I", 0) + b"N"


def added(locate, symbol, order=1):
    """A: order reference, side, shares, stock, price: 36 bytes."""
    return struct.pack(">cHH6sQcI8sI", b"A", locate, 0, bytes(6), order, b"B", 100, stock(symbol), 1000000)


def deleted(locate, order=1):
    """D: order reference, 19 bytes."""
    return struct.pack(">cHH6sQ", b"D", locate, 0, bytes(6), order)


def mold(session, first, *messages):
    return session.encode().ljust(10) + struct.pack(">QH", first, len(messages)) + b"".join(struct.pack(">H", len(m)) + m for m in messages)


def mapping(index, symbol):
    """NYSE type 3: size, type, symbol index, symbol of 11 bytes, ..."""
    return struct.pack("<HHI11s", 44, 3, index, symbol.encode()) + bytes(25)


def ordered(index):
    """NYSE type 100, AddOrder: size, type, source time ns, symbol index, ..."""
    return struct.pack("<HHII", 39, 100, 0, index) + bytes(27)


def xdp(first, *messages, flag=11):
    """Packet size, delivery flag, number of messages, sequence number, send time."""
    body = b"".join(messages)
    return struct.pack("<HBBIII", 16 + len(body), flag, len(messages), first, 0, 0) + body


XDP_RESET = struct.pack("<HBBIII", 30, 12, 1, 1, 0, 0) + struct.pack("<HHIIBB", 14, 1, 0, 0, 1, 0)


def frame(payload, group=1):
    udp = struct.pack(">HHHH", 40000, 30000, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, bytes([10, 9, 0, 1]), bytes([239, 1, 1, group]))
    total = sum(struct.unpack(">10H", ip))
    total = (total & 0xFFFF) + (total >> 16)
    total = 0xFFFF - ((total & 0xFFFF) + (total >> 16))
    return bytes([1, 0, 0x5E, 1, 1, group, 2, 0, 0, 0, 0, 1, 8, 0]) + ip[:10] + struct.pack(">H", total) + ip[12:] + udp


def check(folder, packets, kept, protocol="itch50", options="arbitrate: true", subscription="messages: [A, D], instruments: [AAPL], unmapped: drop",
          **expected):
    """Run packets, or (group, packet); those of the indexes @kept pass. @return the run."""
    packets = [p if isinstance(p, tuple) else (1, p) for p in packets]
    frames = [frame(payload, group) for group, payload in packets]
    oracle.write_pcap(os.path.join(folder, "in.pcap"), frames)
    text = CONFIG
    for name, value in (("DIR", folder), ("PROTOCOL", protocol), ("OPTIONS", options), ("SUBSCRIPTION", subscription)):
        text = text.replace(name, value)
    result = lib.run(folder, text)
    lib.check_done(result)
    _, out = oracle.read_capture(os.path.join(folder, "kept.pcapng"))
    got = [p.data for p in out]
    assert got == [frames[i] for i in kept], f"{[frames.index(g) for g in got]} passed, expected {kept}\n{result}"
    feed = result.summary["feeds"]["f"]
    for name, value in expected.items():
        assert feed[name] == value, f"{name} is {feed[name]}, expected {value}"
    return result


YESTERDAY = [mold("DAY1", 1, directory(13, "AAPL"), directory(14, "AMZN")), mold("DAY1", 3, added(13, "AAPL")), mold("DAY1", 4, added(14, "AMZN"))]


@lib.each(("pass", [1, 3, 4, 5, 6, 7]), ("drop", [1]))
def test_another_session(folder, unmapped, kept):
    """In the next session, whose directory did not come, locates stand for nothing."""
    today = [mold("DAY2", n, deleted(locate)) for n, locate in enumerate((13, 14, 13, 14, 13), 3)]
    check(folder, YESTERDAY + today, kept, subscription=f"messages: [A, D], instruments: [AAPL], unmapped: {unmapped}",
          symbols=0, symbols_cleared=1, unmapped=5, unmapped_instruments=2)


def test_new_directory(folder):
    """The next session's directory gives a locate to another stock, and late packets of the old session change nothing."""
    today = [mold("DAY2", 1), mold("DAY2", 1), mold("DAY2", 1, directory(13, "MSFT"), directory(15, "AAPL")),
             mold("DAY1", 5, directory(15, "TSLA"), added(13, "AAPL")), mold("DAY2", 3, deleted(13)), mold("DAY2", 4, deleted(15))]
    check(folder, YESTERDAY + today, [1, 8], symbols=2, unmapped_instruments=0)


@lib.each((None,), ("hold",))
def test_two_lines(folder, reorder):
    """Line B is still in the old session when line A begins the new one."""
    both = [(g, p) for p in YESTERDAY for g in (1, 2)]
    today = [(1, mold("DAY2", 1)), (1, mold("DAY2", 1, directory(14, "AAPL"))), (2, mold("DAY1", 5, deleted(13))), (1, mold("DAY2", 2, deleted(14))),
             (2, mold("DAY2", 1, directory(14, "AAPL"))), (2, mold("DAY2", 2, deleted(14))), (2, mold("DAY2", 3, deleted(13))), (1, mold("DAY2", 3, deleted(13)))]
    check(folder, both + today, [2, 9], options="arbitrate: true" + (f", reorder: {reorder}" if reorder else ""), symbols_cleared=1)


def test_spoofed_session(folder):
    """One packet of a session that nobody else knows does not clear the map."""
    check(folder, YESTERDAY + [mold("EVIL", 1, directory(14, "AAPL"))] + [mold("DAY1", n, deleted(locate)) for n, locate in ((5, 13), (6, 14), (7, 13))],
          [1, 4, 6], symbols=2, symbols_cleared=0)


def test_untracked(folder):
    """Without an arbiter, a session begins with 16 packets in a row."""
    today = [mold("DAY2", n, deleted(13)) for n in range(1, 16)] + [mold("DAY1", 5, deleted(13)), mold("DAY2", 16, deleted(13))]
    check(folder, YESTERDAY + today, [1, 18], options="track: false", symbols_cleared=0)
    check(folder, YESTERDAY + today[:15] + [mold("DAY2", 16, directory(14, "AAPL")), mold("DAY2", 17, deleted(14)), mold("DAY2", 18, deleted(13))],
          [1, 19], options="track: false", symbols_cleared=1)


def test_beside(folder):
    """Joined after the directory: an added order has the stock, which later messages do not have."""
    packets = [mold("DAY1", 5, deleted(13)), mold("DAY1", 6, added(13, "AAPL"), added(14, "AMZN")), mold("DAY1", 8, deleted(13)), mold("DAY1", 9, deleted(14))]
    check(folder, packets, [1, 2], symbols=2, unmapped=1, unmapped_instruments=0)


def test_many_changes(folder):
    """A locate that changes its stock 70,000 times, and one that is given its stock after that."""
    swaps = [mold("DAY1", 1 + 35 * i, *[directory(13, ("AAPL", "AMZN")[(i * 35 + k) % 2]) for k in range(35)]) for i in range(2000)]
    packets = swaps + [mold("DAY1", 70001, deleted(13)), mold("DAY1", 70002, directory(13, "AAPL"), directory(14, "AMZN")),
                       mold("DAY1", 70004, deleted(13)), mold("DAY1", 70005, deleted(14))]
    check(folder, packets, [2002], symbols=2, symbols_changed=70000, symbols_full=0)


def test_reset(folder):
    """NYSE's sequence reset (which passes) starts anew; the symbol index of before it stands for nothing."""
    packets = [xdp(1, mapping(70001, "IBM"), mapping(70002, "GE")), xdp(3, ordered(70001)), xdp(4, ordered(70002)), XDP_RESET, XDP_RESET,
               xdp(2, ordered(70001)), xdp(3, mapping(70002, "IBM")), xdp(4, ordered(70002)), xdp(5, ordered(70001))]
    check(folder, [(1, p) for p in packets], [1, 3, 4, 7], protocol="nyse_pillar",
          subscription="messages: [AddOrder], instruments: [IBM], unmapped: drop", symbols=1, symbols_cleared=1)


# Messages whose type is a letter: A adds an order of a symbol, E names the order.
ORDERS = """{like: moldudp64, type: {at: 0, bytes: 1, text: true}, messages: [
      {type: A, instrument: text, at: 5, bytes: 8, order_at: 1, order_bytes: 4, adds_order: true},
      {type: E, instrument: order, order_at: 1, order_bytes: 4}]}"""


def test_orders(folder):
    """Order ids start anew with the session, as stock locates do."""
    def add(order, symbol):
        return struct.pack(">cI8s", b"A", order, stock(symbol))

    def executed(order):
        return struct.pack(">cI", b"E", order)

    yesterday = [mold("DAY1", 1, add(1, "AAPL"), add(2, "AMZN")), mold("DAY1", 3, executed(1)), mold("DAY1", 4, executed(2))]
    today = [mold("DAY2", 1), mold("DAY2", 1), mold("DAY2", 1, executed(1)), mold("DAY2", 2, add(2, "AAPL")), mold("DAY1", 5, executed(1)),
             mold("DAY1", 6, executed(2)), mold("DAY2", 3, executed(2)), mold("DAY2", 4, executed(1))]
    check(folder, yesterday + today, [0, 1, 6, 9], protocol=ORDERS, subscription="instruments: [AAPL], unmapped: drop", orders=1, orders_cleared=2)


FILE = "arbitrate: true, symbols: {file: DIR/map, max: 1000}"


def test_restart(folder):
    """The map goes on after a restart in the session, and not in another one."""
    options = FILE.replace("DIR", folder)
    check(folder, YESTERDAY, [1], options=options)
    text = open(os.path.join(folder, "map"), encoding="ascii").read()
    assert text.split("\n")[1:] == ["session " + b"DAY1".ljust(10).ljust(16, b"\0").hex(), "13 AAPL", "14 AMZN", ""], text
    check(folder, [mold("DAY1", 5, deleted(13)), mold("DAY1", 6, deleted(14))], [0], options=options, symbols=2, unmapped_instruments=0)
    today = [mold("DAY2", 5, deleted(13)), mold("DAY2", 6, deleted(14)), mold("DAY2", 7, directory(14, "AAPL")), mold("DAY2", 8, deleted(14))]
    check(folder, [(line, packet) for packet in today for line in (1, 2)], [6], options=options, symbols=1, symbols_cleared=1)
    assert not os.path.exists(os.path.join(folder, "map.new"))
    check(folder, [mold("DAY2", 9, deleted(14)), mold("DAY2", 10, deleted(13))], [0], options=options, symbols=1)


def test_by_hand(folder):
    """A file without a session is taken for the first one, and never written."""
    text = "# mine\n14 AAPL\n"
    lib.write(folder, "map", text)
    packets = [mold("DAY9", 1, deleted(14), deleted(13)), mold("DAY9", 3, added(15, "TSLA"))]
    check(folder, packets, [0], options=FILE.replace("DIR", folder), symbols=2, unmapped_instruments=0)
    assert open(os.path.join(folder, "map"), encoding="ascii").read() == text
    lib.write(folder, "map", "14 AAPL\n15\n")
    result = lib.run(folder, open(os.path.join(folder, "rules.yaml"), encoding="ascii").read())
    assert result.code != 0 and re.search(r"feed f: \S+/map:2: '': expected a symbol of 1 to 32 bytes after 15\n", result.err), str(result)


def test_no_write(folder):
    """A file that cannot be written is logged, and nothing else happens."""
    result = check(folder, YESTERDAY, [1], options="symbols: /nonexistent/map")
    assert re.search(r"feed f: the symbol map cannot be written: /nonexistent/map: No such file", result.err), str(result)


def test_reports(folder):
    """Instruments that no number has: in the log, in `show feed`, in the summary."""
    subscription = "instruments: [AAPL, MSFT, NVDA, AMZN]"
    result = check(folder, YESTERDAY, [0, 1, 2], subscription=subscription, unmapped_instruments=4)
    assert result.summary["rules"]["a"]["unmapped_instruments"] == 2 and result.summary["rules"]["-"]["unmapped_instruments"] == 0, result.summary
    assert re.search(r"rule a: 2 of 4 instruments are unmapped in feed f: MSFT, NVDA\n", result.err), str(result)
    commands = lib.write(folder, "c.cmd", "show feed f\nquit\n")
    path = os.path.join(folder, "rules.yaml")
    result = lib.finish(lib.start(lib.command(path, None, args=["--cmdline-file", commands])))
    assert re.search(r"unmapped instruments: .*\n  rule a: 4 of 4: AAPL, AMZN, MSFT, NVDA\n  rule b: 4 of 4", result.out), str(result)
    result = check(folder, YESTERDAY, [1], unmapped_instruments=0)
    assert "unmapped" not in result.err, str(result)


if __name__ == "__main__":
    lib.main()
