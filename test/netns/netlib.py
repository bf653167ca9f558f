# SPDX-License-Identifier: MIT
"""Two network namespaces joined by veth pairs, senders and listeners, and feedgate on the receiving side.

The expected packets are those that tcpdump saw on the same interface. AF_XDP takes packets before tcpdump sees them: there
the expected packets are those that tcpdump saw leave the sender.
"""
import contextlib
import ctypes
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
import oracle  # noqa: E402

PPS = "2000"
LINES = (0, 1)
# One CPU is left to the kernel, which moves the packets here.
LCORES = {0: ["--lcores", "0@0,1@1"], 1: ["--lcores", "0@0,1@1,2@1"]}
GROUP, PORT = "239.1.2.3", 26477  # of test/tools/sender
PATIENCE_S = 40 if lib.SANITIZED else 20


# --- kinds of sources -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """A capture backend and its properties. A new kind of source gets a row in KINDS: all tests of test_sources*.py use it."""

    name: str
    driver: bool = False  # a DPDK driver used through `ethdev`, not a kind of source
    before_tap: bool = False  # takes packets before tcpdump sees them
    timed: bool = False  # delivers the kernel's timestamps
    outgoing: bool = False  # also delivers packets that this side sends
    defrags: bool = False  # the kernel reassembles IPv4 fragments first
    all_8100: bool = False  # the outermost tag is delivered as 802.1Q whatever it was
    fanout: bool = False  # several queues on one interface
    filter: bool = False  # options `filter` and `join`
    jumbo: bool = True  # works on an interface with MTU 9000
    cuts: bool = False  # delivers the beginning of a packet that is too long: the parser drops it as "truncated" if it is IP
    shallow: bool = False  # buffers a few packets only
    blind: bool = False  # DPDK 22.11's driver does not count all losses
    returns: bool = False  # continues when its interface is removed and created again
    optional: bool = False  # may be unavailable on a machine
    whole: str | None = None  # options with which no oversized packet is lost
    small: str = ""  # options with which a few thousand packets overrun it while it does not read
    room: str = ""  # devargs: buffers for all packets of a test without loss
    capabilities: tuple = ("net_raw",)

    def entry(self, i, options="", interface=None, **keys):
        """A line of `sources`: s0 on r0, s1 on r1."""
        words = {"line": "AB"[i % 2], "mbufs": 8192, **keys}
        more = "".join(f", {key}: {value}" for key, value in words.items())
        where = f"device: {self.name}{i}" if self.driver else f"interface: {interface or f'r{i}'}"
        options = f", {options}" if options else ""
        return f"{{name: s{i}, {'ethdev' if self.driver else self.name}: {{{where}{options}}}{more}}}"

    def vdevs(self, lines=LINES):
        """Vdevs for EAL."""
        return [f"{self.name}{i},iface=r{i}{self.room}" for i in lines] if self.driver else []

    def check(self):
        """Skip the test if this machine has no such source."""
        if self.driver:
            if self.before_tap:
                check_xdp()
            return
        listed = subprocess.run([lib.binary("feedgate"), "--list-sources"], capture_output=True, text=True, check=False).stdout
        found = re.search(rf"^{self.name} +(.*)$", listed, re.M)
        if found is None:
            raise lib.Skip(f"this feedgate has no source {self.name}")
        if "unavailable" in found.group(1):
            assert self.optional, f"{self.name}: {found.group(1)}"
            raise lib.Skip(found.group(1))


def check_xdp():
    """Can this kernel do AF_XDP?"""
    try:
        socket.socket(44, socket.SOCK_RAW, 0).close()
    except OSError as reason:
        raise lib.Skip(f"no AF_XDP in this kernel: {reason}") from None


KINDS = {kind.name: kind for kind in (
    Kind("packet_mmap", timed=True, fanout=True, filter=True, returns=True, whole="", small="block_bytes: 128K, blocks: 4"),
    Kind("io_uring", timed=True, fanout=True, filter=True, returns=True, whole="mtu: 65000", small="socket_bytes: 256K"),
    Kind("af_xdp", before_tap=True, jumbo=False, whole="",
         capabilities=("net_raw", "net_admin", "bpf", "perfmon", "ipc_lock")),
    Kind("pf_ring", timed=True, filter=True, optional=True),
    Kind("net_af_packet", driver=True, defrags=True, all_8100=True, outgoing=True, cuts=True, blind=True,
         room=",framecnt=4096"),
    Kind("net_af_xdp", driver=True, before_tap=True, jumbo=False, blind=True),
    Kind("net_pcap", driver=True, outgoing=True, cuts=True, shallow=True),
)}
ALL = list(KINDS)


# --- namespaces -------------------------------------------------------------------------------------------------


def enter(ns):
    """Words before a command that runs it in a namespace. Not `ip netns exec`: its mounts wait long while lcores poll."""
    return ["nsenter", f"--net=/run/netns/{ns}"]


def sh(*words, ns=None, check=True):
    """Run a command, in namespace @ns if given."""
    line = enter(ns) + list(words) if ns else list(words)
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{line}: {done.stderr}"
    return done


@contextlib.contextmanager
def inside(ns):
    """Sockets and files of /proc/net opened within belong to that namespace, also afterwards."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{ns}", "rb") as there:
        if libc.setns(there.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            if libc.setns(home.fileno(), 0) != 0:
                os._exit(1)  # nothing may run in the wrong namespace


class Net:
    """Namespaces `send` and `recv`, joined by veth pairs t0-r0 and t1-r1; t0 and t1 are 10.99.0.1 and 10.99.1.1."""

    def __init__(self, mtu=1500):
        self.send, self.recv = f"feedgate-t{os.getpid()}", f"feedgate-r{os.getpid()}"
        self.mtu = mtu
        self.taps = []

    def __enter__(self):
        if os.geteuid() != 0:
            raise lib.Skip("needs root for network namespaces")
        for tool in ("ip", "nsenter", "tcpdump", "tcpreplay"):
            if shutil.which(tool) is None:
                raise lib.Skip(f"{tool} is not installed")
        if sh("ip", "netns", "add", self.send, check=False).returncode:
            raise lib.Skip("network namespaces are not allowed here")
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _build(self):
        sh("ip", "netns", "add", self.recv)
        for ns in (self.send, self.recv):
            # Otherwise neighbour discovery would add packets.
            for kind in ("all", "default"):
                sh("sysctl", "-qw", f"net.ipv6.conf.{kind}.disable_ipv6=1", ns=ns)
        for i in LINES:
            self.join(i)

    def join(self, i):
        """Make the veth pair of a line."""
        sh("ip", "-n", self.send, "link", "add", f"t{i}", "mtu", str(self.mtu), "numtxqueues", "1", "numrxqueues", "1", "type",
           "veth", "peer", "name", f"r{i}", "mtu", str(self.mtu), "netns", self.recv, "numtxqueues", "1", "numrxqueues", "1")
        sh("ip", "-n", self.send, "addr", "add", f"10.99.{i}.1/24", "dev", f"t{i}")
        sh("ip", "-n", self.send, "link", "set", f"t{i}", "up")
        sh("ip", "-n", self.recv, "link", "set", f"r{i}", "up")

    def answer(self, i):
        """Give r0 or r1 an address, 10.99.LINE.2, so that its kernel answers. Neighbour entries are static."""
        sh("ip", "-n", self.recv, "addr", "add", f"10.99.{i}.2/24", "dev", f"r{i}")
        for ns, name, there, peer, host in ((self.send, f"t{i}", self.recv, f"r{i}", 2), (self.recv, f"r{i}", self.send, f"t{i}", 1)):
            mac = json.loads(sh("ip", "-j", "-n", there, "link", "show", peer).stdout)[0]["address"]
            sh("ip", "-n", ns, "neigh", "add", f"10.99.{i}.{host}", "lladdr", mac, "nud", "permanent", "dev", name)

    def __exit__(self, *_):
        for tap in self.taps:
            if tap.poll() is None:
                tap.kill()
            tap.communicate()
        for ns in (self.send, self.recv):
            sh("ip", "netns", "del", ns, check=False)

    def listen(self, ns, interface, path, *words):
        """tcpdump into a file; returns when it listens."""
        tap = subprocess.Popen([*enter(ns), "tcpdump", "-i", interface, "-w", path, "-U", "-B", "16384",
                                "--time-stamp-precision=nano", "--immediate-mode", *words], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.taps.append(tap)
        for line in tap.stderr:
            if "listening on" in line:
                return
        raise AssertionError("tcpdump does not listen")

    def listen_as(self, kind, i, path, *words):
        """tcpdump at the place where it sees the same packets as a source of that kind on r0 or r1."""
        if kind.before_tap:
            self.listen(self.send, f"t{i}", path, "-Q", "out", *words)
        else:
            self.listen(self.recv, f"r{i}", path, *([] if kind.outgoing else ["-Q", "in"]), *words)

    def hear(self, counts, paths):
        """Wait until the taps have so many packets, then stop them."""
        deadline = time.monotonic() + PATIENCE_S
        for count, path in zip(counts, paths):
            while len(_so_far(path)) < count and time.monotonic() < deadline:
                time.sleep(0.1)
        for tap in self.taps:
            tap.terminate()
            tap.communicate()
        self.taps = []
        return [oracle.read_capture(path)[1] for path in paths]

    def replay(self, i, path):
        """tcpreplay a capture to line i."""
        sh("tcpreplay", "-q", "-i", f"t{i}", "--pps", PPS, path, ns=self.send)

    def inject(self, i, frames):
        """Send frames to line i, slowly enough for every source."""
        with inside(self.send):
            sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sender.bind((f"t{i}", 0))
        for frame in frames:
            sender.send(frame)
            time.sleep(0.0003)
        sender.close()

    def arrived(self, i):
        """Packets received on r0 or r1 by the kernel's counter."""
        shown = sh("ip", "-j", "-s", "-n", self.recv, "link", "show", f"r{i}").stdout
        return json.loads(shown)[0]["stats64"]["rx"]["packets"]

    def sender(self, i, *words):
        """Start test/tools/sender on a line; the caller waits for it."""
        program = os.path.join(lib.BUILD, "test", "tools", "sender")
        if not os.path.exists(program):
            raise lib.Skip(f"{program} is not built")
        return subprocess.Popen([*enter(self.send), program, f"t{i}", *map(str, words)], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def sent(process, stop=False):
    """The report that a sender prints at its end."""
    if stop:
        process.terminate()
    out, err = process.communicate(timeout=lib.TIMEOUT_S)
    assert process.returncode == 0, f"sender: {err}"
    return json.loads(out)


def _so_far(path):
    with contextlib.suppress(oracle.CaptureError):
        return oracle.read_capture(path)[1]
    return []


def ordinary_multicast(net, i, count, group=(GROUP, PORT)):
    """Send UDP by an ordinary socket, with checksum offload to hardware that does not exist."""
    with inside(net.send):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(f"10.99.{i}.1"))
    for n in range(count):
        sender.sendto(b"%06d" % n * (1 + n % 200), group)
        time.sleep(0.0005)
    sender.close()


# --- frames -----------------------------------------------------------------------------------------------------


def sendable(frames, kind, mtu=1500):
    """Frames that a veth accepts; the kernel drops tagged frames that end within their tags."""
    whole = [frame for frame in frames if 20 <= len(frame) <= mtu + 14]
    return whole if not kind.defrags else [frame for frame in whole if not kernel_fragment(frame)]


def kernel_fragment(frame):
    """Is it an IPv4 fragment to the kernel, which has removed the outer tag?"""
    at = 18 if frame[12:14] in (b"\x81\x00", b"\x88\xa8") else 14
    if frame[at - 2:at] != b"\x08\x00" or len(frame) < at + 20:
        return False
    return frame[at] >> 4 == 4 and frame[at] & 15 >= 5 and int.from_bytes(frame[at + 6:at + 8], "big") & 0x3FFF != 0


def as_shown(kind, packets):
    """Packets of tcpdump as a source of that kind delivers them."""
    if not kind.all_8100:
        return packets
    return [p._replace(data=p.data[:12] + b"\x81\x00" + p.data[14:]) if p.data[12:14] == b"\x88\xa8" else p
            for p in packets]


def captured(path, source):
    """A pcapng sink's packets of one source."""
    return [p for p in oracle.read_capture(path)[1] if p.interface == source]


def number(packet):
    """The serial number that test/tools/sender wrote into a frame."""
    return struct.unpack_from(">Q", packet, 42)[0]


# --- what came out ----------------------------------------------------------------------------------------------


def lost(kind, source):
    """Packets that a source of the summary lost, as far as they are counted. A blind kind's `lost` is null: nobody knows."""
    assert source["lost"] == (None if kind.blind else source["lost_counted"]), source
    return source["lost_counted"]


def check_all(folder, rules, result, wire, workers=0):
    """Counters and files against the oracle, and against tcpdump's filter where it can express the rule."""
    for name, source in result.summary["sources"].items():
        assert source["lost_counted"] == 0, f"{name} lost {source['lost_counted']}\n{result}"
    expected = oracle.Expected(rules, wire)
    lib.check_counters(result, expected)
    for sink in {name for name, _ in expected.frames}:
        path = os.path.join(folder, sink + ".pcapng")
        if not os.path.exists(path):
            continue
        lib.check_file(path, sink, expected, times=False, ordered=workers < 2)
        check_tcpdump(folder, rules, sink, path, wire)


def check_tcpdump(folder, rules, sink, path, wire):
    """The same frames as tcpdump's filter selects, except those that tcpdump reads differently."""
    for source, packets in wire.items():
        plain = [p for p in packets if expressible(p.data, rules)]
        offered = os.path.join(folder, "offered.pcap")
        oracle.write_pcap(offered, plain)
        expected = lib.tcpdump(offered, oracle.pcap_filter(rules, sink, source), folder)
        got = [p for p in oracle.read_capture(path)[1] if p.interface == source and expressible(p.data, rules)]
        lib.compare(f"{sink} from {source}: tcpdump", sorted(p.data for p in got), sorted(p.data for p in expected))


def expressible(frame, rules):
    """Can a pcap filter express it?"""
    try:
        return not oracle.decode(frame, rules.fragments).extended
    except oracle.Broken:
        return False


def check_sources(kind, result, **totals):
    """All packets were received, or counted as lost."""
    for name, total in totals.items():
        source = result.summary["sources"][name]
        found = source["received"] + lost(kind, source)
        assert found == total or (kind.blind and found < total), f"{name}: {total} sent, {source}"


def check_refused(result, pattern):
    """One line on standard error, and exit status 1 or 2."""
    assert result.code in (1, 2), str(result)
    lines = [text for text in result.err.splitlines() if text.startswith("feedgate: ") and "rxvlan" not in text]
    assert len(lines) == 1 and re.search(pattern, lines[0]), f"expected {pattern}\n{result}"


# --- feedgate ---------------------------------------------------------------------------------------------------


COUNTED = """sources: SOURCES
sinks:
  - {name: seen, count: {}}
default: {to: seen}
"""


def counted(sources):
    """A configuration that counts all packets."""
    return COUNTED.replace("SOURCES", "\n" + "".join(f"  - {source}\n" for source in sources))


class Gate:
    """feedgate with its console on pipes, in the receiving namespace."""

    def __init__(self, net, folder, text, workers=0, vdevs=(), eal=None, before=(), program=None):
        self.summary = os.path.join(folder, "summary.json")
        path = lib.write(folder, "rules.yaml", text)
        lib.clear_captures(text)
        line = lib.command(path, self.summary, workers=workers, vdevs=vdevs, args=["-i", "-a"], eal=eal or LCORES[workers])
        if program is not None:  # a folder with a copy
            line[0] = os.path.join(program, "feedgate")
        self.process = lib.start([*enter(net.recv), *before, *line], stdin=subprocess.PIPE)
        self.result = None

    def __enter__(self):
        if not self.ask("").endswith("; running\n"):
            self.process.kill()
            raise AssertionError(f"feedgate did not start: {self.process.communicate()[1][-3000:]}")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def ask(self, command):
        """Its answer."""
        self.process.stdin.write(f"{command}\nshow stats\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if re.search(r"; (running|stopped)$", line):
                return "".join(lines)
        raise AssertionError(f"feedgate ended: {self.process.stderr.read()[-3000:]}")

    def row(self, name):
        """A source's row of `show sources`: {kind, line, queues, link, packets, ...}."""
        lines = [line.split() for line in re.sub("NIC/kernel|no mbuf", lambda m: m.group().replace(" ", "-"), self.ask(
            "show sources")).splitlines()]
        titles = next(words for words in lines if words[:2] == ["source", "kind"])
        found = next(words for words in lines if words[:1] == [name])
        return dict(zip(titles, found))

    def received(self, name):
        """Packets so far."""
        return int(self.row(name)["packets"].replace(",", ""))

    def wait(self, what, holds):
        """Wait until it holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_S} s\n{self.ask('show sources')}"
            time.sleep(0.05)

    def wait_received(self, count, name):
        """Wait until it has received so many."""
        self.wait(f"{count} packets", lambda: self.received(name) >= count)

    def accounted(self, *names):
        """Packets that these sources have received, or have counted as lost or prefiltered."""
        rows = [self.row(name) for name in names]
        return sum(int(re.sub("[,>=]|unknown", "", row[title]) or 0) for row in rows
                   for title in ("packets", "NIC/kernel", "no-mbuf", "errors", "prefiltered"))

    def wait_accounted(self, kind, count, *names):
        """Wait until these sources account for so many packets; for a blind kind, half of them."""
        expected = count // 2 if kind.blind else count
        self.wait(f"{expected} packets received or lost", lambda: self.accounted(*names) >= expected)

    def settle(self, net, kind, *lines, waiting=False):
        """Wait until all packets that arrived on these lines are accounted for, or, where that cannot be known, until no more come."""
        names = [f"s{i}" for i in lines]
        if not (waiting or kind.blind or kind.outgoing):
            self.wait("all packets are accounted for", lambda: self.accounted(*names) >= sum(map(net.arrived, lines)))
            return
        seen = []

        def still():
            time.sleep(0.1)
            seen.append([self.received(name) for name in names])
            return len(seen) > 4 and seen[-5:] == seen[-1:] * 5
        self.wait("no more packets come", still)

    def quit(self):
        """Quit feedgate and check its exit."""
        self.process.stdin.write("quit\n")
        self.process.stdin.flush()
        self.result = lib.finish(self.process, self.summary)
        lib.check_done(self.result)
        return self.result
