#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real senders, real kernel interfaces: two namespaces, two veth pairs (lines A and B), feedgate on one side.

What tcpdump saw on the same interface is the truth, judged by the oracle and by tcpdump's own filter. AF_XDP takes
packets before tcpdump can see them: there the truth is what tcpdump saw leave the sender.
"""
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402

PPS = "2000"
# One CPU is left to the kernel, which moves the packets here.
LCORES = {0: ["--lcores", "0@0,1@1"], 1: ["--lcores", "0@0,1@1,2@1"]}
LINES = (0, 1)


def enter(ns):
    """What to put before a command. Not `ip netns exec`, which mounts: that waits long while lcores spin."""
    return ["nsenter", f"--net=/run/netns/{ns}"]


def sh(*words, ns=None, check=True):
    """Run a command, in a namespace if wanted."""
    line = enter(ns) + list(words) if ns else list(words)
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{line}: {done.stderr}"
    return done


class Net:
    """Namespaces `send` and `recv`, joined by veth pairs t0-r0 and t1-r1."""

    def __init__(self):
        self.send, self.recv = f"feedgate-t{os.getpid()}", f"feedgate-r{os.getpid()}"
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
            sh("ip", "-n", self.send, "link", "add", f"t{i}", "numtxqueues", "1", "numrxqueues", "1", "type", "veth",
               "peer", "name", f"r{i}", "netns", self.recv, "numtxqueues", "1", "numrxqueues", "1")
            sh("ip", "-n", self.send, "addr", "add", f"10.99.{i}.1/24", "dev", f"t{i}")
            sh("ip", "-n", self.send, "link", "set", f"t{i}", "up")
            sh("ip", "-n", self.recv, "link", "set", f"r{i}", "up")

    def __exit__(self, *_):
        for tap in self.taps:
            if tap.poll() is None:
                tap.kill()
            tap.communicate()
        for ns in (self.send, self.recv):
            sh("ip", "netns", "del", ns, check=False)

    def listen(self, ns, interface, path):
        """tcpdump into a file; returns when it listens."""
        tap = subprocess.Popen([*enter(ns), "tcpdump", "-i", interface, "-w", path, "-U", "-B", "16384",
                                "--time-stamp-precision=nano", "--immediate-mode"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.taps.append(tap)
        for line in tap.stderr:
            if "listening on" in line:
                return
        raise AssertionError("tcpdump does not listen")

    def hear(self, counts, paths):
        """Wait until the taps have so many packets, then stop them."""
        deadline = time.monotonic() + 20
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


def _so_far(path):
    with contextlib.suppress(oracle.CaptureError):
        return oracle.read_capture(path)[1]
    return []


def sendable(frames, driver):
    """What a veth with MTU 1500 takes; the kernel drops tagged frames that end within their tags.

    net_af_packet asks the kernel to put IPv4 fragments together: it never shows them.
    """
    whole = [frame for frame in frames if 20 <= len(frame) <= 1514]
    return whole if driver != "net_af_packet" else [frame for frame in whole if not kernel_fragment(frame)]


def kernel_fragment(frame):
    """An IPv4 fragment as the kernel sees it, when it has taken off the outer tag."""
    at = 18 if frame[12:14] in (b"\x81\x00", b"\x88\xa8") else 14
    if frame[at - 2:at] != b"\x08\x00" or len(frame) < at + 20:
        return False
    return frame[at] >> 4 == 4 and frame[at] & 15 >= 5 and int.from_bytes(frame[at + 6:at + 8], "big") & 0x3FFF != 0


def as_af_packet(packets):
    """net_af_packet puts back the tag that the kernel took off, always as 802.1Q."""
    return [p._replace(data=p.data[:12] + b"\x81\x00" + p.data[14:]) if p.data[12:14] == b"\x88\xa8" else p
            for p in packets]


def check_driver(driver):
    """Can this kernel do it?"""
    if driver != "net_af_xdp":
        return
    try:
        socket.socket(44, socket.SOCK_RAW, 0).close()
    except OSError as reason:
        raise lib.Skip(f"no AF_XDP in this kernel: {reason}") from None


def run_over(net, folder, driver, template, send, counts, workers=0):
    """feedgate on r0 and r1 while send() runs on the other side; (rules, result, what was on the wire by source)."""
    check_driver(driver)
    sources = {f"s{i}": f"{{name: s{i}, ethdev: {driver}{i}, line: {'AB'[i]}, mbufs: 8192}}" for i in LINES}
    vdevs = [f"{driver}{i},iface=r{i}" for i in LINES]
    text = lib.fill(template, folder, sources.values())
    taps = [os.path.join(folder, f"wire{i}.pcap") for i in LINES]
    for i in LINES:
        net.listen(*((net.send, f"t{i}") if driver == "net_af_xdp" else (net.recv, f"r{i}")), taps[i])
    result = lib.run_until(folder, text, sum(counts), before=send, workers=workers, vdevs=vdevs, netns=net.recv,
                           eal=LCORES[workers])
    heard = net.hear(counts, taps)
    assert [len(packets) for packets in heard] == list(counts), f"tcpdump heard {[len(p) for p in heard]}, sent {counts}"
    wire = {f"s{i}": as_af_packet(heard[i]) if driver == "net_af_packet" else heard[i] for i in LINES}
    return oracle.Rules(text), result, wire


def check_all(folder, rules, result, wire, workers=0):
    """Counters and files against the oracle, and against tcpdump's filter where it can say the same."""
    expected = oracle.Expected(rules, wire)
    lib.check_counters(result, expected)
    for name, source in result.summary["sources"].items():
        assert source["lost"] == 0, f"{name} lost {source['lost']}"
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


@lib.each(*[(driver, name, i % 2) for driver in ("net_af_packet", "net_af_xdp") for i, name in
            enumerate(("overlap", "ports", "vlan", "ipv6", "ipv4", "lines", "fragments-first", "everything"))])
def test_tcpreplay(folder, driver, template, workers):
    """Frames of all shapes, replayed onto both lines."""
    parts = [sendable(shapes.whole() + shapes.noisy(200), driver), sendable(shapes.odd() + shapes.whole()[::3], driver)]
    with Net() as net:
        def send():
            for i in LINES:
                path = os.path.join(folder, f"part{i}.pcap")
                oracle.write_pcap(path, parts[i])
                net.replay(i, path)
        rules, result, wire = run_over(net, folder, driver, template, send, [len(part) for part in parts], workers)
        check_all(folder, rules, result, wire, workers)
        left = sh("ip", "-d", "-n", net.recv, "link", "show", "r0").stdout
        assert "xdp" not in left, f"an XDP program was left behind: {left}"


@lib.each("net_af_packet", "net_af_xdp")
def test_multicast(folder, driver):
    """Ordinary programs that send UDP multicast by sockets: one process a line."""
    program = ("import socket,sys,time\n"
               "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
               "s.setsockopt(socket.IPPROTO_IP,socket.IP_MULTICAST_IF,socket.inet_aton(sys.argv[1]))\n"
               "s.setsockopt(socket.IPPROTO_IP,socket.IP_MULTICAST_TTL,4)\n"
               "for i in range(300):\n"
               "  s.sendto(b'%06d'%i,(('224.0.31.11',14320),('224.0.32.11',15320),('239.1.2.3',26477))[i%3])\n"
               "  time.sleep(0.001)\n")
    with Net() as net:
        def send():
            for i in LINES:
                sh(sys.executable, "-c", program, f"10.99.{i}.1", ns=net.send)
        rules, result, wire = run_over(net, folder, driver, "ports", send, [300, 300])
        check_all(folder, rules, result, wire)
        assert result.summary["rules"]["cme-a"]["packets"] == 200, result.summary["rules"]


def test_scapy(folder):
    """scapy's own sender, and times that are those of the day."""
    begin = time.time_ns()
    with Net() as net:
        def send():
            for i in LINES:
                path = os.path.join(folder, f"scapy{i}.pcap")
                oracle.write_pcap(path, sendable(shapes.whole(), "net_af_packet")[:100])
                sh(sys.executable, "-c", "import sys\nfrom scapy.all import rdpcap,sendp\n"
                   "sendp(rdpcap(sys.argv[1]),iface=sys.argv[2],verbose=0)", path, f"t{i}", ns=net.send)
        rules, result, wire = run_over(net, folder, "net_af_packet", "everything", send, [100, 100], workers=1)
        check_all(folder, rules, result, wire, workers=1)
    times = [p.time_ns for p in oracle.read_capture(os.path.join(folder, "all.pcapng"))[1]]
    assert begin - 10**9 < min(times) and max(times) < time.time_ns() + 10**9, (begin, min(times), max(times))


@lib.each("net_af_packet", "net_af_xdp")
def test_data(folder, driver):
    """Real feeds' packets from the test data."""
    packets = [p.data for p in lib.data_frames("feeds", most=40)]
    packets = sendable(packets, driver)[:2500]
    parts = [packets[::2], packets[1::2]]
    with Net() as net:
        def send():
            for i in LINES:
                path = os.path.join(folder, f"part{i}.pcap")
                oracle.write_pcap(path, parts[i])
                net.replay(i, path)
        rules, result, wire = run_over(net, folder, driver, "overlap", send, [len(part) for part in parts])
        check_all(folder, rules, result, wire)


def test_signal_under_traffic(folder):
    """SIGTERM while packets pour in: drained, flushed, lawful, exit 0."""
    text = lib.fill("everything", folder, [f"{{name: s{i}, ethdev: net_af_packet{i}, mbufs: 8192}}" for i in LINES])
    with Net() as net:
        part = os.path.join(folder, "part.pcap")
        oracle.write_pcap(part, sendable(shapes.whole(), "net_af_packet"))
        path, summary = lib.write(folder, "rules.yaml", text), os.path.join(folder, "summary.json")
        process = lib.start(lib.command(path, summary, workers=1, args=["-i", "-a"], netns=net.recv, eal=LCORES[1],
                                        vdevs=[f"net_af_packet{i},iface=r{i}" for i in LINES]), stdin=subprocess.PIPE)
        sender = None
        try:
            lib.wait_for_prompt(process)
            sender = subprocess.Popen([*enter(net.send), "tcpreplay", "-q", "-i", "t0", "--pps", "20000",
                                       "--loop", "1000", part], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while lib.ask_received(process) < 3000 and process.poll() is None:
                time.sleep(0.05)
            process.terminate()
            result = lib.finish(process, summary)
        finally:
            if sender is not None:
                sender.terminate()
                sender.wait()
            if process.poll() is None:
                process.kill()
        lib.check_done(result)
        found = len(oracle.read_capture(os.path.join(folder, "all.pcapng"))[1])
        assert found == result.summary["sinks"]["all"]["packets"] >= 3000 * 0.9, (found, result.summary)


if __name__ == "__main__":
    lib.main()
