#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pf_ring source with ntop's kernel module and library, in a guest. Neither is part of this project.

FG_PFRING_DIR names a folder with pf_ring.ko, built for the kernel that the guest boots, and libpfring.so. What a packet
socket sent into one end of a veth pair is the truth about what feedgate receives on the other.
"""
import ctypes
import fcntl
import glob
import os
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path[:0] = [os.path.dirname(os.path.dirname(os.path.abspath(__file__))), os.path.dirname(os.path.abspath(__file__))]
import guest  # noqa: E402
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402

TIMEOUT_S = 500
NICS = ("-netdev user,id=n0,restrict=on -device e1000e,netdev=n0",)
NEAR, FAR = "fgnear", "fgfar"  # feedgate's end, the sender's end
EAL = ["--lcores", "0@0,1@1"]
SIOCSHWTSTAMP, SIOCGHWTSTAMP = 0x89b0, 0x89b1
FRAME = struct.Struct("!6s6sH")
UDP_FRAME = struct.Struct("!BBHHHBBH4s4sHHHH")
COUNT = """sources:
  - {name: ring, queues: QUEUES, mbufs: 8192, pf_ring: {interface: INTERFACE, library: LIBRARY, OPTIONS}}
sinks:
  - {name: seen, SINK}
default: {to: seen}
"""


# --- on the host ------------------------------------------------------------------------------------------------


def in_guest(function):
    """Run a test in a guest of its own; inside the guest, run it directly."""
    def on_host(folder, *arguments):
        if os.environ.get("FG_PFRING_GUEST"):
            function(folder, *arguments)
            return
        where = os.environ.get("FG_PFRING_DIR", "")
        if not glob.glob(os.path.join(where, "libpfring.so*")) or not os.path.exists(os.path.join(where, "pf_ring.ko")):
            raise lib.Skip("FG_PFRING_DIR names no folder with pf_ring.ko and libpfring.so")
        try:
            guest.check()
        except guest.Missing as reason:
            raise lib.Skip(str(reason)) from None
        lib.binary("feedgate")
        name = function.__name__[len("test_"):] + (f"[{','.join(map(str, arguments))}]" if arguments else "")
        kept = {key: value for key, value in os.environ.items() if key.startswith("FG_")}
        words = ["env", "FG_PFRING_GUEST=1", "FG_PFRING_DIR=" + os.path.abspath(where), "FG_BUILD=" + os.path.abspath(lib.BUILD)]
        words += [f"{key}={value}" for key, value in kept.items() if key not in ("FG_PFRING_DIR", "FG_BUILD")]
        status, output = guest.run(shlex.join(words + ["/usr/bin/python3", os.path.abspath(__file__), name]), memory=3072,
                                   cpus=4, timeout=TIMEOUT_S, nics=NICS if function.__name__ == "test_nic_stamps" else ())
        assert status == 0, f"in the guest, {status}:\n{output[-6000:]}"
        print(output)
    on_host.__name__, on_host.__doc__ = function.__name__, function.__doc__
    on_host.__dict__.update(function.__dict__)
    return on_host


# --- in the guest -----------------------------------------------------------------------------------------------


def sh(*words, check=True, **options):
    """Run a command."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    assert not check or done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done


def library():
    """Path of ntop's library."""
    return sorted(glob.glob(os.path.join(os.environ["FG_PFRING_DIR"], "libpfring.so*")), key=len)[0]


def load_module(parameters=""):
    """Load ntop's kernel module."""
    sh("insmod", os.path.join(os.environ["FG_PFRING_DIR"], "pf_ring.ko"), *parameters.split())


def make_pair(mtu=1500, near=NEAR):
    """A veth pair on which only the test sends."""
    sh("ip", "link", "add", near, "mtu", str(mtu), "type", "veth", "peer", "name", FAR, "mtu", str(mtu))
    for name in (near, FAR):
        with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w", encoding="ascii") as file:
            file.write("1")
        sh("ip", "link", "set", name, "arp", "off", "up")


def prepare(mtu=1500, parameters=""):
    """Module and interfaces."""
    # The sender, and with it the kernel's receiving side, run on a CPU without a polling lcore.
    os.sched_setaffinity(0, {2})
    load_module(parameters)
    sh("modprobe", "veth")
    make_pair(mtu)


def send(frames):
    """Send frames; those that the sender's kernel drops are sent again."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((FAR, 0))
        for frame in frames:
            while True:
                try:
                    wire.send(frame)
                    break
                except OSError:
                    time.sleep(0.001)


def datagram(port, number, size=100):
    """One UDP datagram with a number in it."""
    payload = struct.pack("!Q", number) + bytes(size - 8)
    return (FRAME.pack(b"\1\0\x5e\1\2\3", b"\2\0\0\0\0\1", 0x800) +
            UDP_FRAME.pack(0x45, 0, 28 + size, 0, 0, 16, 17, 0, b"\n\0\0\1", b"\xef\1\2\3", 1024, port, 8 + size, 0) + payload)


class Feedgate:
    """feedgate on the near end, controlled by its console."""

    def __init__(self, folder, options="caplen: 0", queues=1, sink="count: {}", interface=NEAR):
        text = COUNT
        for word, value in (("QUEUES", str(queues)), ("OPTIONS", options), ("SINK", sink), ("INTERFACE", interface),
                            ("LIBRARY", library())):
            text = text.replace(word, value)
        self.text, self.summary = text, os.path.join(folder, "summary.json")
        eal = EAL if queues == 1 else ["--lcores", "0@0," + ",".join(f"{i + 1}@1" for i in range(queues))]
        line = lib.command(lib.write(folder, "rules.yaml", text), self.summary, args=["-i", "-a"], eal=eal)
        self.process = lib.start(line, stdin=subprocess.PIPE, preexec_fn=lambda: os.sched_setaffinity(0, {0, 1}))
        lib.wait_for_prompt(self.process)

    def figures(self):
        """`show source`: its figures by name."""
        self.process.stdin.write("show source ring\n")
        self.process.stdin.flush()
        found = {}
        for text in self.process.stdout:
            row = re.match(r"  (\w[\w :/]*?)  +([\d,]+)  ", text)
            if row:
                found[row.group(1)] = int(row.group(2).replace(",", ""))
            link = re.search(r"link (\w+)$", text)
            if link:
                found["link"] = link.group(1)
            if "cluster" in found:
                return found
        raise AssertionError(f"feedgate is gone: {self.process.stderr.read()[-3000:]}")

    def wait(self, what, good):
        """Wait until the figures are @p good."""
        for _ in range(200):
            found = self.figures()
            if good(found):
                return found
            time.sleep(0.2)
        raise AssertionError(f"not {what}: {found}")

    def received(self, count):
        """Wait until @p count packets were received or lost."""
        return self.wait(f"{count} packets", lambda f: f["packets"] + lost(f) >= count)

    def end(self):
        """Quit, and check the accounting. Returns the Result."""
        self.process.stdin.write("quit\n")
        self.process.stdin.flush()
        result = lib.finish(self.process, self.summary)
        lib.check_done(result)
        return result


def lost(figures):
    """All lost packets."""
    return sum(value for name, value in figures.items() if name.startswith("lost:"))


def tidy():
    """Feedgate left nothing in the module, and the kernel logged no error."""
    with open("/proc/net/pf_ring/info", encoding="ascii") as file:
        assert re.search(r"^Total rings\s*: 0$", file.read(), re.M), "rings are left open"
    said = sh("dmesg").stdout
    assert not re.search(r"BUG:|Oops|WARNING:|general protection|Call Trace", said), said[-4000:]


def check_stamps(packets, begin_ns, end_ns):
    """Timestamps are UTC, with nanoseconds, in order."""
    times = [packet.time_ns for packet in packets]
    assert all(begin_ns <= ns <= end_ns for ns in times), f"{begin_ns} {min(times)} {max(times)} {end_ns}"
    assert times == sorted(times)
    assert len({ns % 1000 for ns in times}) > 20, "times are of whole microseconds"


def as_shown(frames):
    """The kernel removes a frame's outer tag; PF_RING restores it as 0x8100, unless all of its 16 bits are 0."""
    shown = []
    for frame in frames:
        if frame[12:14] in (b"\x81\x00", b"\x88\xa8"):
            frame = frame[:12] + (b"\x81\x00" + frame[14:] if frame[14:16] != b"\0\0" else frame[16:])
        shown.append(oracle.Packet(0, frame, len(frame), None, None))
    return shown


@in_guest
def test_frames(folder):
    """Frames of all shapes arrive as they were sent, with the kernel's timestamps; the console shows the figures."""
    prepare()
    frames = [frame for frame in shapes.whole() + shapes.odd() + shapes.noisy(500) if 22 <= len(frame) <= 1514]
    path = os.path.join(folder, "out.pcapng")
    feedgate = Feedgate(folder, sink=f"pcapng: {{path: {path}}}")
    begin = time.time_ns()
    send(frames)
    figures = feedgate.received(len(frames))
    end = time.time_ns()
    assert lost(figures) == 0 and figures["link"] == "up", str(figures)
    result = feedgate.end()
    expected = oracle.Expected(oracle.Rules(feedgate.text), {"ring": as_shown(frames)})
    lib.check_counters(result, expected)
    lib.check_file(path, "seen", expected, times=False)
    check_stamps(oracle.read_capture(path)[1], begin, end)
    tidy()
    print(f"{len(frames)} of {len(frames)} frames")


@in_guest
def test_jumbo(folder):
    """Frames up to the MTU are whole; longer ones, after the MTU was raised, are dropped and counted."""
    prepare(9000)
    path = os.path.join(folder, "out.pcapng")
    feedgate = Feedgate(folder, sink=f"pcapng: {{path: {path}}}")
    fit = [datagram(5000, i, size) for i, size in enumerate((8, 1400, 1472, 4000, 8000, 8972))]
    send(fit)
    feedgate.received(len(fit))
    for name in (FAR, NEAR):
        sh("ip", "link", "set", name, "mtu", "12000")
    send([datagram(5000, i, 10000) for i in range(5)] + fit)
    figures = feedgate.received(2 * len(fit) + 5)
    assert figures["packets"] == 2 * len(fit) and figures["lost: errors"] == figures["cut"] == 5, str(figures)
    feedgate.end()
    lib.compare("frames", [packet.data for packet in oracle.read_capture(path)[1]], fit + fit)
    tidy()


@in_guest
def test_load(folder):
    """Full speed, then with a reader that sleeps: every packet sent was received or is counted as lost."""
    prepare()
    feedgate = Feedgate(folder)
    count, sent = 60000, 0
    begin = time.monotonic()
    send(datagram(5000, i) for i in range(count))
    sent += count
    figures = feedgate.received(sent)
    print(f"{figures['packets']} received + {lost(figures)} lost of {sent}, {count / (time.monotonic() - begin):,.0f} a second")
    assert figures["packets"] + lost(figures) == sent, str(figures)
    for size, more in ((1472, 12000), (22, 120000)):
        before = lost(figures)
        feedgate.process.send_signal(signal.SIGSTOP)
        send(datagram(5000, i, size) for i in range(more))
        feedgate.process.send_signal(signal.SIGCONT)
        sent += more
        figures = feedgate.received(sent)
        print(f"after a sleep of {more} packets of {size + 42}: {figures['packets']} received + {lost(figures)} lost of {sent}")
        assert figures["packets"] + lost(figures) == sent, str(figures)
        assert lost(figures) > before, "the ring held more than it can"
    assert figures["lost: NIC/kernel"] == lost(figures), str(figures)
    result = feedgate.end()
    assert result.summary["sources"]["ring"]["lost"] == lost(figures), str(result.summary)
    tidy()


# Filters, and which frames match, by VLAN (None without tag), EtherType and UDP port.
FILTERS = {
    "udp port 5001": lambda vlan, kind, port: kind == 0x800 and port == 5001,
    "vlan 7": lambda vlan, kind, port: vlan == 7,
    "not vlan": lambda vlan, kind, port: vlan is None,
    "vlan and udp port 5001": lambda vlan, kind, port: vlan is not None and port == 5001,
    "ether proto 0x88b5": lambda vlan, kind, port: kind == 0x88b5,
}


@in_guest
def test_filter(folder):
    """Filters match as intended, with tags or without: the kernel removes tags before it filters."""
    prepare()
    frames = []
    for vlan in (None, 7, 8):
        tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
        for i in range(150):
            frame = datagram(5000 + i % 3, i)
            frames.append(((vlan, 0x800, 5000 + i % 3), frame[:12] + tag + frame[12:]))
        frames += [((vlan, 0x88b5, None), frame[:12] + tag + b"\x88\xb5" + bytes(50))] * 10
    path = os.path.join(folder, "out.pcapng")
    for expression, good in FILTERS.items():
        expected = [frame for what, frame in frames if good(*what)]
        feedgate = Feedgate(folder, options=f"filter: '{expression}'", sink=f"pcapng: {{path: {path}}}")
        send(frame for _, frame in frames)
        time.sleep(1)
        figures = feedgate.received(len(expected))
        feedgate.end()
        assert lost(figures) == 0, str(figures)
        lib.compare(expression, [packet.data for packet in oracle.read_capture(path)[1]], expected)
        os.remove(path)
        print(f"{expression}: {len(expected)} of {len(frames)}")
    tidy()


@in_guest
def test_cluster(folder):
    """Two queues: every packet goes to one; by flow packets stay in order, and round-robin uses both equally."""
    prepare()
    for mode in ("flow", "round-robin", "2-tuple"):
        share_by(folder, mode)
    tidy()


def share_by(folder, mode):
    """One cluster mode."""
    path = os.path.join(folder, "out.pcapng")
    count = 6000
    feedgate = Feedgate(folder, options=f"cluster_mode: {mode}", queues=2, sink=f"pcapng: {{path: {path}}}")
    rings = [name for name in glob.glob("/proc/net/pf_ring/*") if re.search(r"/\d+-" + NEAR, name)]
    assert len(rings) == 2, str(rings)
    send(datagram(5000 + i % 16, i) for i in range(count))
    figures = feedgate.received(count)
    shares = []
    for name in rings:
        with open(name, encoding="ascii") as file:
            shares.append(int(re.search(r"Tot Read\s*: (\d+)", file.read()).group(1)))
    feedgate.end()
    numbers = [(packet.data[36:38], struct.unpack_from("!Q", packet.data, 42)[0]) for packet in oracle.read_capture(path)[1]]
    assert sum(shares) == count and lost(figures) == 0, f"{shares} {figures}"
    assert sorted(number for _, number in numbers) == list(range(count))
    if mode == "round-robin":
        assert shares == [count // 2] * 2, str(shares)
    else:
        assert mode == "2-tuple" or min(shares) > 0, str(shares)
        for port in {port for port, _ in numbers}:
            own = [number for which, number in numbers if which == port]
            assert own == sorted(own), f"port {port} is out of order"
    os.remove(path)
    print(mode, shares)


@in_guest
@lib.each("force_ring_lock=0", "force_ring_lock=1")
def test_senders(folder, parameters):
    """Two CPUs write packets to one ring, which has room for all: each arrives once, in its sender's order."""
    prepare(parameters=parameters)
    path = os.path.join(folder, "out.pcapng")
    feedgate = Feedgate(folder, sink=f"pcapng: {{path: {path}}}")
    count, children = 15000, []
    for cpu in (2, 3):
        children.append(os.fork())
        if children[-1] == 0:
            os.sched_setaffinity(0, {cpu})
            send(datagram(5000 + cpu, i) for i in range(count))
            os._exit(0)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    figures = feedgate.received(2 * count)
    assert lost(figures) == figures["other interface"] == 0 and (figures["cluster"] == 0) == parameters.endswith("1"), str(figures)
    feedgate.end()
    packets = [packet.data for packet in oracle.read_capture(path)[1]]
    for cpu in (2, 3):
        port = struct.pack("!H", 5000 + cpu)
        lib.compare(f"CPU {cpu}", [frame for frame in packets if frame[36:38] == port],
                    [datagram(5000 + cpu, i) for i in range(count)])
    assert len(packets) == 2 * count
    tidy()


@in_guest
@lib.each(1, 2)
def test_interface(folder, queues):
    """The interface is set down and up; it is removed while another is created; it is created again, and the source continues."""
    prepare()
    feedgate = Feedgate(folder, queues=queues)
    send(datagram(5000, i) for i in range(100))
    feedgate.received(100)
    sh("ip", "link", "set", NEAR, "down")
    feedgate.wait("down", lambda f: f["link"] == "down")
    sh("ip", "link", "set", NEAR, "up")
    feedgate.wait("up", lambda f: f["link"] == "up")
    send(datagram(5000, i) for i in range(100))
    feedgate.received(200)
    sent = 200
    for turn in range(1, 4):
        sh("ip", "link", "delete", NEAR)
        feedgate.wait("gone", lambda f: f["link"] == "gone")
        make_pair(near="fgother")
        send(datagram(5000, i) for i in range(500))
        sh("ip", "link", "delete", "fgother")
        make_pair()
        feedgate.wait("up again", lambda f: f["link"] == "up" and f["reopened"] == turn)
        send(datagram(5000 + i % 4, i) for i in range(300))
        sent += 300
        figures = feedgate.received(sent)
        assert figures["packets"] == sent and lost(figures) == 0, str(figures)
    sh("ip", "link", "delete", NEAR)
    feedgate.wait("gone", lambda f: f["link"] == "gone")
    feedgate.end()
    tidy()


@in_guest
def test_dotted_name(folder):
    """The dot in an interface name does not separate a VLAN, as it does for PF_RING."""
    prepare()
    make_name = "fg.5"
    sh("ip", "link", "delete", NEAR)
    make_pair(near=make_name)
    feedgate = Feedgate(folder, interface=make_name)
    send(datagram(5000, i) for i in range(100))
    figures = feedgate.received(100)
    assert figures["packets"] == 100, str(figures)
    feedgate.end()
    tidy()


def stamping(request, name, *config):
    """Read or set a NIC's timestamping: flags, transmit, receive."""
    buffer = ctypes.create_string_buffer(struct.pack("iii", *config), 12)
    with socket.socket() as control:
        fcntl.ioctl(control, request, struct.pack("16sQ16x", name.encode(), ctypes.addressof(buffer)))
    return struct.unpack("iii", buffer.raw)


@in_guest
def test_nic_stamps(folder):
    """A NIC's timestamping for other programs stays on, although PF_RING's library disables it at open."""
    load_module()
    sh("modprobe", "e1000e")
    name, = [os.path.basename(os.path.dirname(path)) for path in glob.glob("/sys/class/net/*/device")]
    sh("ip", "link", "set", name, "up")
    stamping(SIOCSHWTSTAMP, name, 0, 1, 1)
    feedgate = Feedgate(folder, interface=name)
    assert stamping(SIOCGHWTSTAMP, name, 0, 0, 0) == (0, 1, 1)
    feedgate.end()
    tidy()


def listed(*before, **env):
    """The rows of --list-sources about pf_ring."""
    out = sh(*before, lib.binary("feedgate"), "--list-sources", env={**os.environ, **env}).stdout
    return re.search(r"^pf_ring +(.*(?:\n +because .*)?)$", out, re.M).group(1)


@in_guest
def test_probe(folder):
    """Each missing prerequisite has its own message, in --list-sources and at open."""
    path = {"LD_LIBRARY_PATH": os.path.dirname(library())}
    nobody = ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all"]
    both = listed()
    assert "library cannot be opened" in both and "module pf_ring is not loaded" in both, both
    only = listed(**path)
    assert "library" not in only.split("because")[1] and "module pf_ring is not loaded" in only, only
    prepare()
    assert listed(**path).startswith("available"), listed(**path)
    only = listed()
    assert "library cannot be opened" in only and "module" not in only.split("because")[1], only
    only = listed(*nobody, **path)
    assert only.endswith("because CAP_NET_RAW is missing"), only
    for interface, message in (("nothere", "there is no interface 'nothere'"), ("a@b", "characters with a meaning to PF_RING")):
        text = COUNT.replace("QUEUES", "1").replace("OPTIONS", "caplen: 0").replace("SINK", "count: {}")
        text = text.replace("INTERFACE", interface).replace("LIBRARY", library())
        result = lib.run(folder, text)
        assert result.code != 0 and message in result.err, str(result)
    sh("ip", "link", "set", NEAR, "down")
    result = lib.run(folder, text.replace("a@b", NEAR))
    assert result.code != 0 and f"interface {NEAR} is down" in result.err, str(result)
    tidy()


if __name__ == "__main__":
    lib.main()
