# SPDX-License-Identifier: MIT
"""Two network namespaces joined by veth pairs, what sends and listens there, and feedgate on the receiving side.

What tcpdump saw on the same interface is the truth. AF_XDP takes packets before tcpdump can see them: there the truth
is what tcpdump saw leave the sender.
"""
import contextlib
import ctypes
import json
import os
import re
import shutil
import socket
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
PATIENCE_S = 40 if lib.SANITIZED else 20


# --- kinds of sources -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """A road off the wire, and what is peculiar to it."""

    name: str
    driver: bool = False  # a DPDK driver under `ethdev`, not a kind of its own
    before_tap: bool = False  # takes packets before tcpdump sees them
    timed: bool = False  # the kernel's own time of each packet
    outgoing: bool = False  # shows what this side sends, too
    defrags: bool = False  # the kernel puts IPv4 fragments together first
    all_8100: bool = False  # the outermost tag comes back as 802.1Q whatever it was
    fanout: bool = False  # several queues on one interface
    filter: bool = False  # options `filter` and `join`
    jumbo: bool = True  # can stand on an interface with MTU 9000
    cuts: bool = False  # hands over the beginning of what is too long: parse says "truncated" if it is IP
    shallow: bool = False  # has room for a few packets only
    blind: bool = False  # DPDK 22.11's driver does not know all that was lost
    returns: bool = False  # goes on when its interface was removed and is made again
    optional: bool = False  # may be missing on a machine
    room: str = ""  # devargs: more than a test without loss sends, however late its lcore is
    capabilities: tuple = ("net_raw",)

    def entry(self, i, options="", interface=None, **keys):
        """A line of `sources`: s0 on r0, s1 on r1."""
        words = {"line": "AB"[i % 2], "mbufs": 8192, **keys}
        more = "".join(f", {key}: {value}" for key, value in words.items())
        where = f"device: {self.name}{i}" if self.driver else f"interface: {interface or f'r{i}'}"
        options = f", {options}" if options else ""
        return f"{{name: s{i}, {'ethdev' if self.driver else self.name}: {{{where}{options}}}{more}}}"

    def vdevs(self, lines=LINES):
        """What EAL must be given."""
        return [f"{self.name}{i},iface=r{i}{self.room}" for i in lines] if self.driver else []

    def check(self):
        """Skip, if there is no such source here."""
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
    Kind("packet_mmap", timed=True, fanout=True, filter=True, returns=True),
    Kind("io_uring", timed=True, fanout=True, filter=True, returns=True),
    Kind("af_xdp", before_tap=True, jumbo=False, capabilities=("net_raw", "net_admin", "bpf", "perfmon", "ipc_lock")),
    Kind("pf_ring", timed=True, filter=True, optional=True),
    Kind("net_af_packet", driver=True, defrags=True, all_8100=True, outgoing=True, cuts=True, blind=True,
         room=",framecnt=4096"),
    Kind("net_af_xdp", driver=True, before_tap=True, jumbo=False, blind=True),
    Kind("net_pcap", driver=True, outgoing=True, cuts=True, shallow=True),
)}


# --- namespaces -------------------------------------------------------------------------------------------------


def enter(ns):
    """What to put before a command. Not `ip netns exec`, which mounts: that waits long while lcores spin."""
    return ["nsenter", f"--net=/run/netns/{ns}"]


def sh(*words, ns=None, check=True):
    """Run a command, in a namespace if wanted."""
    line = enter(ns) + list(words) if ns else list(words)
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{line}: {done.stderr}"
    return done


@contextlib.contextmanager
def inside(ns):
    """What is opened within stands in that namespace for good: sockets, files of /proc/net."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{ns}", "rb") as there:
        if libc.setns(there.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            if libc.setns(home.fileno(), 0) != 0:
                os._exit(1)  # nothing may run on in the wrong place


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
            # The kernel's own neighbour discovery would be heard.
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
        """Give r0 or r1 an address, 10.99.LINE.2, so that its kernel answers. Nobody has to ask for anybody."""
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
        """tcpdump where it sees what a source of that kind on r0 or r1 must see."""
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
        """Send frames to line i, at a pace that everybody can follow."""
        with inside(self.send):
            sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sender.bind((f"t{i}", 0))
        for frame in frames:
            sender.send(frame)
            time.sleep(0.0003)
        sender.close()

    def arrived(self, i):
        """Packets that the kernel has counted in on r0 or r1."""
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
    """What a sender says at its end."""
    if stop:
        process.terminate()
    out, err = process.communicate(timeout=lib.TIMEOUT_S)
    assert process.returncode == 0, f"sender: {err}"
    return json.loads(out)


def _so_far(path):
    with contextlib.suppress(oracle.CaptureError):
        return oracle.read_capture(path)[1]
    return []


# --- frames -----------------------------------------------------------------------------------------------------


def sendable(frames, kind, mtu=1500):
    """What a veth takes; the kernel drops tagged frames that end within their tags."""
    whole = [frame for frame in frames if 20 <= len(frame) <= mtu + 14]
    return whole if not kind.defrags else [frame for frame in whole if not kernel_fragment(frame)]


def kernel_fragment(frame):
    """An IPv4 fragment as the kernel sees it, when it has taken off the outer tag."""
    at = 18 if frame[12:14] in (b"\x81\x00", b"\x88\xa8") else 14
    if frame[at - 2:at] != b"\x08\x00" or len(frame) < at + 20:
        return False
    return frame[at] >> 4 == 4 and frame[at] & 15 >= 5 and int.from_bytes(frame[at + 6:at + 8], "big") & 0x3FFF != 0


def as_shown(kind, packets):
    """Packets as tcpdump has them, as a source of that kind shows them."""
    if not kind.all_8100:
        return packets
    return [p._replace(data=p.data[:12] + b"\x81\x00" + p.data[14:]) if p.data[12:14] == b"\x88\xa8" else p
            for p in packets]


# --- what came out ----------------------------------------------------------------------------------------------


def check_all(folder, rules, result, wire, workers=0):
    """Counters and files against the oracle, and against tcpdump's filter where it can say the same."""
    for name, source in result.summary["sources"].items():
        assert source["lost"] == 0, f"{name} lost {source['lost']}\n{result}"
    expected = oracle.Expected(rules, wire)
    lib.check_counters(result, expected)
    for sink in {name for name, _ in expected.frames}:
        path = os.path.join(folder, sink + ".pcapng")
        if not os.path.exists(path):
            continue
        lib.check_file(path, sink, expected, times=False, ordered=workers < 2)
        check_tcpdump(folder, rules, sink, path, wire)


def check_tcpdump(folder, rules, sink, path, wire):
    """Frame for frame what tcpdump keeps, those set aside that it reads otherwise."""
    for source, packets in wire.items():
        plain = [p for p in packets if expressible(p.data, rules)]
        offered = os.path.join(folder, "offered.pcap")
        oracle.write_pcap(offered, plain)
        want = lib.tcpdump(offered, oracle.pcap_filter(rules, sink, source), folder)
        got = [p for p in oracle.read_capture(path)[1] if p.interface == source and expressible(p.data, rules)]
        lib.compare(f"{sink} from {source}: tcpdump", sorted(p.data for p in got), sorted(p.data for p in want))


def expressible(frame, rules):
    """A pcap filter can speak of it."""
    try:
        return not oracle.decode(frame, rules.fragments).extended
    except oracle.Broken:
        return False


# --- feedgate ---------------------------------------------------------------------------------------------------


class Gate:
    """feedgate with its console on pipes, in the receiving namespace."""

    def __init__(self, net, folder, text, workers=0, vdevs=(), eal=None, before=(), program=None):
        self.summary = os.path.join(folder, "summary.json")
        path = lib.write(folder, "rules.yaml", text)
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
        """What it answers."""
        self.process.stdin.write(f"{command}\nshow stats\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if re.search(r"; (running|stopped)$", line):
                return "".join(lines)
        raise AssertionError(f"feedgate ended: {self.process.stderr.read()[-3000:]}")

    def row(self, name):
        """What `show sources` says of one: {kind, line, queues, link, packets, ...}."""
        lines = [line.split() for line in re.sub("NIC/kernel|no mbuf", lambda m: m.group().replace(" ", "-"), self.ask(
            "show sources")).splitlines()]
        titles = next(words for words in lines if words[:2] == ["source", "kind"])
        found = next(words for words in lines if words[:1] == [name])
        return dict(zip(titles, found))

    def received(self, name):
        """Packets so far."""
        return int(self.row(name)["packets"].replace(",", ""))

    def wait(self, what, holds):
        """Until it holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_S} s\n{self.ask('show sources')}"
            time.sleep(0.05)

    def wait_received(self, count, name):
        """Until it has received so many."""
        self.wait(f"{count} packets", lambda: self.received(name) >= count)

    def accounted(self, *names):
        """What these sources have received, or know that they have lost or left out."""
        rows = [self.row(name) for name in names]
        return sum(int(row[title].replace(",", "")) for row in rows
                   for title in ("packets", "NIC/kernel", "no-mbuf", "errors", "filtered"))

    def wait_accounted(self, kind, count, *names):
        """Until these sources account for so many packets; a kind that does not know what it loses may miss half."""
        wanted = count // 2 if kind.blind else count
        self.wait(f"{wanted} packets received or lost", lambda: self.accounted(*names) >= wanted)

    def settle(self, net, kind, *lines, waiting=False):
        """Until all that arrived on these lines is accounted for. Who sees more or less, or waits: until nothing moves."""
        names = [f"s{i}" for i in lines]
        if not (waiting or kind.blind or kind.outgoing):
            self.wait("all is accounted for", lambda: self.accounted(*names) >= sum(map(net.arrived, lines)))
            return
        seen = []

        def still():
            time.sleep(0.1)
            seen.append([self.received(name) for name in names])
            return len(seen) > 4 and seen[-5:] == seen[-1:] * 5
        self.wait("nothing comes any more", still)

    def quit(self):
        """End it in order."""
        self.process.stdin.write("quit\n")
        self.process.stdin.flush()
        self.result = lib.finish(self.process, self.summary)
        lib.check_done(self.result)
        return self.result
