#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every kind of source on a kernel interface: privileges, kernel filters, multicast memberships, wrong options."""
import os
import re
import shutil
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402
from netlib import (ALL, KINDS, LINES, Gate, Net, check_all, check_refused, check_sources, counted, enter, inside,  # noqa: E402
                    sendable, sent, sh)

OWN = [name for name in ALL if not KINDS[name].driver]
NOBODY = 65534

# --- privileges -------------------------------------------------------------------------------------------------


def as_nobody(folder, capabilities):
    """Words before a command that runs it as an ordinary user with @capabilities. Copies what that user reads to @folder."""
    if shutil.which("setpriv") is None:
        raise lib.Skip("setpriv is not installed")
    os.chmod(folder, 0o777)
    shutil.copy(lib.binary("feedgate"), folder)
    shutil.copy(os.path.join(lib.ROOT, "test", "lsan.supp"), folder)
    sanitizer = ["env", f"LSAN_OPTIONS=suppressions={folder}/lsan.supp:print_suppressions=0"]
    names = ",".join(f"+{name}" for name in capabilities)
    words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if capabilities:
        return [*words, f"--bounding-set=-all,{names}", f"--inh-caps=-all,{names}", f"--ambient-caps=-all,{names}", *sanitizer]
    return [*words, "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", *sanitizer]


@lib.once
@lib.each(*OWN)
def test_without_root(folder, name):
    """An ordinary user with only the capabilities that the kind needs."""
    kind = KINDS[name]
    kind.check()
    with Net() as net:
        with Gate(net, folder, counted([kind.entry(0)]), before=as_nobody(folder, kind.capabilities), program=folder) as gate:
            total = sent(net.sender(0, "-n", 1000, "-r", 10000))["sent"]
            gate.wait_accounted(kind, total, "s0")
            result = gate.quit()
    check_sources(kind, result, s0=total)


@lib.once
@lib.each(*ALL)
def test_without_capability(folder, name):
    """A user without capabilities gets one line of error message."""
    kind = KINDS[name]
    kind.check()
    with Net() as net:
        path = lib.write(folder, "rules.yaml", counted([kind.entry(0)]))
        line = lib.command(path, None, vdevs=kind.vdevs((0,)))
        before = as_nobody(folder, ())
        line[0] = os.path.join(folder, "feedgate")
        result = lib.finish(lib.start([*enter(net.recv), *before, *line], cwd=folder))
        check_refused(result, "" if kind.driver else r"CAP_NET_RAW")


@lib.once
@lib.each(*[name for name in ALL if len(KINDS[name].capabilities) > 1])
def test_without_one_capability(folder, name):
    """When one of several capabilities is missing, the message names it."""
    kind = KINDS[name]
    kind.check()
    with Net() as net:
        path = lib.write(folder, "rules.yaml", counted([kind.entry(0)]))
        line = lib.command(path, None)
        line[0] = os.path.join(folder, "feedgate")
        for missing in kind.capabilities:
            before = as_nobody(folder, [other for other in kind.capabilities if other != missing])
            result = lib.finish(lib.start([*enter(net.recv), "prlimit", "--memlock=65536:65536", *before, *line], cwd=folder))
            check_refused(result, rf"s0: .*CAP_{missing.upper()}")


# --- kernel filters and memberships -----------------------------------------------------------------------------


FILTERS = ("udp dst portrange 26400-26500 or tcp", "vlan 100 and ip")


@lib.once
@lib.each(*[name for name in ALL if KINDS[name].filter])
def test_filter(folder, name):
    """`filter` passes the same packets as tcpdump with that expression on the same interface; `join` joins the groups."""
    kind = KINDS[name]
    kind.check()
    frames = sendable(shapes.whole() + shapes.noisy(200), kind)
    with Net() as net:
        taps = [os.path.join(folder, f"wire{i}.pcap") for i in LINES]
        for i in LINES:
            net.listen_as(kind, i, taps[i], FILTERS[i])
        for interface in ("r0", "r1"):
            sh("sysctl", "-qw", f"net.ipv6.conf.{interface}.disable_ipv6=0", ns=net.recv)
        joins = ("239.1.2.3 224.0.31.11", '"ff15::26:1, 233.54.12.111"')
        text = lib.fill("everything", folder, [kind.entry(i, f'filter: "{FILTERS[i]}", join: {joins[i]}') for i in LINES])
        with Gate(net, folder, text) as gate:
            assert joined(net, "igmp", "r0") >= {"EF010203", "E0001F0B"}, joined(net, "igmp", "r0")
            assert joined(net, "igmp", "r1") >= {"E9360C6F"}, joined(net, "igmp", "r1")
            assert "ff150000000000000000000000260001" in joined(net, "igmp6", "r1"), joined(net, "igmp6", "r1")
            for i in LINES:
                net.inject(i, frames)
            gate.settle(net, kind, *LINES, waiting=True)
            result = gate.quit()
        heard = net.hear([result.summary["sources"][f"s{i}"]["received"] for i in LINES], taps)
        assert not joined(net, "igmp", "r0") & {"EF010203", "E0001F0B"}, "still joined"
    assert all(10 < len(packets) < len(frames) for packets in heard), [len(packets) for packets in heard]
    check_all(folder, oracle.Rules(text), result, {f"s{i}": heard[i] for i in LINES})


def joined(net, table, interface):
    """Groups that the kernel has joined on an interface."""
    with inside(net.recv), open(f"/proc/thread-self/net/{table}", encoding="ascii") as file:
        text = file.read()
    if table == "igmp6":
        return {words[2] for words in map(str.split, text.splitlines()) if words[1] == interface}
    groups, here = set(), False
    for line in text.splitlines()[1:]:
        if not line.startswith("\t"):
            here = line.split()[1] == interface
        elif here:
            group = line.split()[0]
            groups.add("".join(reversed([group[n:n + 2] for n in range(0, 8, 2)])))
    return groups


# --- wrong options ----------------------------------------------------------------------------------------------


# Refused with their place in the file: (options, part of the message).
OPTIONS = [("colour: red", "colour"), ("interface: r1", "interface")]
SOCKET_OPTIONS = [("promiscuous: perhaps", "perhaps"), ("fanout: sideways", "sideways"), ("filter: [a, b]", "filter")]
# Refused at start: (options, interface, part of the message).
OPENED = [("", "nowhere", "nowhere"), ("", "interfaceNameThatIsTooLong", "interfaceNameThatIsTooLong")]
SOCKET_OPENED = [('filter: "udp portt 5"', None, "filter"), ("join: 10.0.0.1", None, r"10\.0\.0\.1"),
                 ("join: 239.1.2", None, r"239\.1\.2")]


@lib.once
@lib.each(*OWN)
def test_options(folder, name):
    """A wrong option is refused with its place in the file, or in one line at start."""
    kind = KINDS[name]
    kind.check()
    path = os.path.join(folder, "rules.yaml")
    for options, pattern in OPTIONS + (SOCKET_OPTIONS if kind.fanout else []):
        lib.write(folder, "rules.yaml", counted([kind.entry(0, options)]))
        result = lib.finish(lib.start(lib.command(path, None, args=["--check"])))
        check_refused(result, rf"^feedgate: {re.escape(path)}:2:\d+: .*({pattern})")
        assert result.code == 2 and len(result.err.splitlines()) == 1, str(result)
    with Net() as net:
        for options, interface, pattern in OPENED + (SOCKET_OPENED if kind.filter else []):
            lib.write(folder, "rules.yaml", counted([kind.entry(0, options, interface=interface)]))
            process = lib.start([*enter(net.recv), *lib.command(path, None)])
            watch = threading.Timer(lib.TIMEOUT_S / 5, process.kill)
            watch.start()
            result = lib.finish(process)
            watch.cancel()
            check_refused(result, rf"s0.*({pattern})")


if __name__ == "__main__":
    lib.main()
