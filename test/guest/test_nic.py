#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PCI cards on vfio-pci behind an IOMMU, with real hugepages, in a guest: what the host puts on a card's wire is what
feedgate there receives, and what feedgate says of the card is what the host did to it.
"""
import json
import os
import re
import shlex
import sys
import time

sys.path[:0] = [os.path.dirname(os.path.dirname(os.path.abspath(__file__))), os.path.dirname(os.path.abspath(__file__))]
from scapy.layers.inet import IP, UDP  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402

import guest  # noqa: E402
import lib  # noqa: E402
import oracle  # noqa: E402
import shapes  # noqa: E402
from wire import Tap, Wire  # noqa: E402

TIMEOUT_S = 400
MAC = "02:fe:ed:00:00:{:02x}"
# QEMU's device for each model. Virtio cards bypass the IOMMU unless iommu_platform is on.
CARDS = {"e1000e": "e1000e", "vmxnet3": "vmxnet3", "virtio": "virtio-net-pci,disable-legacy=on,iommu_platform=on",
         "virtio-rss": "virtio-net-pci,disable-legacy=on,iommu_platform=on,rss=on,hash=on"}
# Reserve hugepages; then bind each card, which is alone on its root port's bus, to vfio-pci.
PREPARE = """set -e
modprobe vfio-pci
echo {pages} >/proc/sys/vm/nr_hugepages
mkdir -p /dev/hugepages
mount -t hugetlbfs none /dev/hugepages
for card in {cards}; do
    device=/sys/bus/pci/devices/$card
    echo vfio-pci >$device/driver_override
    [ ! -e $device/driver ] || echo $card >$device/driver/unbind
    echo $card >/sys/bus/pci/drivers_probe
done
set +e
"""


def address(i):
    """PCI address of card @p i."""
    return f"0000:{i + 1:02x}:00.0"


def check():
    """Can a guest run here?"""
    try:
        guest.check()
    except guest.Missing as reason:
        raise lib.Skip(str(reason)) from None


class Rig:
    """A guest with cards, in which feedgate runs with one configuration after another, controlled by its console."""

    def __init__(self, folder, cards, texts, args=(), wires=None):
        check()
        self.folder, self.seen, self.run = folder, 0, 0
        self.wires = wires or [Wire(folder, f"n{i}") for i in range(len(cards))]
        nics = []
        for i, model in enumerate(cards):
            nics.append(f"-device pcie-root-port,id=rp{i},slot={i + 1}")
            nics.append(self.wires[i].nic(CARDS[model], f"bus=rp{i}", f"mac={MAC.format(i)}"))
        script = PREPARE.format(pages=256, cards=" ".join(address(i) for i in range(len(cards))))
        allowed = [word for i in range(len(cards)) for word in ("-a", address(i))]
        for i, text in enumerate(texts):
            config = lib.write(folder, f"rules{i}.yaml", text)
            line = [lib.binary("feedgate"), "--lcores", "0@0,1@1", "--no-telemetry", *allowed, "--", "-c", config, "--summary",
                    os.path.join(folder, f"summary{i}.json"), "-i", "-a", *args]
            script += shlex.join(line) + f'\necho "run {i} exit $?"\n'
        script += f"ls /sys/bus/pci/devices >{folder}/devices\n"
        self.guest = guest.Guest(script, nics=nics, iommu=True, memory=2048, cpus=3, share=[folder], timeout=TIMEOUT_S,
                                 console=True, before=getattr(self.wires[0], "before", ()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.guest.__exit__()
        for wire in self.wires:
            wire.close()

    def expect(self, pattern):
        """The next line of feedgate's output."""
        found = self.guest.expect(pattern, self.seen)
        self.seen = found.end()
        return found

    def ask(self, command, pattern):
        """Repeat a console command until its answer has @p pattern."""
        for _ in range(200):
            self.guest.send(command + "\nhelp\n")
            begin = self.seen
            self.expect(r"^help  +this list.*$")
            found = re.search(pattern, self.guest.output[begin:self.seen], re.M)
            if found:
                return found
            time.sleep(0.5)
        raise AssertionError(f"no {pattern!r} in the answers to {command!r}:\n{self.guest.output[-4000:]}")

    def ready(self):
        """Wait until the console answers and the pipeline runs."""
        self.ask("show stats", r"; running$")

    def count(self):
        """Packets received so far."""
        return int(self.ask("show stats", r"^\s*received\W+([\d,]+)").group(1).replace(",", ""))

    def settled(self):
        """Packets received, once no more come."""
        last, now = -1, self.count()
        while now != last:
            time.sleep(1)
            last, now = now, self.count()
        return now

    def received(self, count):
        """Wait until so many packets were received."""
        for _ in range(600):
            now = self.count()
            if now >= count:
                return
            time.sleep(0.2)
        self.guest.send("show sources\nshow port info all\nshow port xstats all\nhelp\n")
        self.expect("port info all")
        self.expect(r"^help  +this list.*$")
        raise AssertionError(f"received {now} of {count}:\n{self.guest.output[-4000:]}")

    def quit(self):
        """End this run: its Result."""
        self.guest.send("quit\n")
        return self.ended()

    def ended(self):
        """Wait for the end of this run: its Result."""
        code = int(self.expect(rf"^run {self.run} exit (\d+)$").group(1))
        assert code == 0, self.guest.output[-4000:]
        with open(os.path.join(self.folder, f"summary{self.run}.json"), encoding="utf-8") as file:
            summary = json.load(file)
        self.run += 1
        return lib.Result(code, self.guest.output, "", summary)

    def devices(self):
        """PCI addresses present at the end."""
        status, output = self.guest.wait()
        assert status == 0, output[-4000:]
        with open(os.path.join(self.folder, "devices"), encoding="utf-8") as file:
            return file.read().split()


def packets(frames):
    """Frames as the oracle takes them."""
    return [oracle.Packet(0, frame, len(frame), None, None) for frame in frames]


def wire_frames(most):
    """Of all shapes, no longer than @p most; cards pad to 60 bytes, so none is shorter."""
    frames = shapes.whole() + shapes.odd() + shapes.noisy(300) + shapes.jumbo()
    return [frame for frame in frames if 60 <= len(frame) <= most]


@lib.each("e1000e", "virtio", "vmxnet3")
def test_receive(folder, model):
    """Every frame arrives, once, as it was sent; two rule files, so the port is set up twice."""
    frames = wire_frames(1514)
    texts = [lib.fill(name, folder, [f"{{name: s0, ethdev: '{address(0)}', line: A, mbufs: 4096}}"])
             for name in ("overlap", "everything")]
    with Rig(folder, [model], texts) as rig:
        for text in texts:
            rig.ready()
            rig.wires[0].send(frames)
            rig.received(len(frames))
            result = rig.quit()
            expected = oracle.Expected(oracle.Rules(text), {"s0": packets(frames)})
            lib.check_counters(result, expected)
            for sink in {name for name, _ in expected.frames}:
                path = os.path.join(folder, sink + ".pcapng")
                if path in text:
                    lib.check_file(path, sink, expected, times=False)


def source(i, more=""):
    """A `sources` entry for card @p i."""
    return f"  - {{name: s{i}, ethdev: {{device: '{address(i)}'{more}}}, mbufs: 4096}}\n"


COUNT = "sinks:\n  - {name: n, count: {}}\ndefault: {to: n}\n"


def to_mac(mac, number):
    """A numbered IPv4 frame to a MAC address."""
    return bytes.fromhex(mac.replace(":", "")) + bytes.fromhex("0200000000010800") + shapes.whole()[0][14:] + bytes(8) + number.to_bytes(4, "big")


def long_frame(size):
    """A UDP frame of so many bytes."""
    return bytes(Ether(dst=MAC.format(0)) / IP(src="10.0.0.1", dst="239.1.2.3") / UDP(sport=1, dport=26477) / bytes(size - 42))


def test_jumbo(folder):
    """Frames of up to 9014 bytes, which a card with smaller buffers delivers in segments."""
    frames = [long_frame(size) for size in (1500, 2048, 4096, 8000, 9014)] * 20
    text = "sources:\n" + source(0, ", mtu: 9000") + f"sinks:\n  - {{name: all, pcapng: {folder}/all.pcapng}}\ndefault: {{to: all}}\n"
    with Rig(folder, ["e1000e"], [text]) as rig:
        rig.ready()
        rig.wires[0].send(frames)
        rig.received(len(frames))
        result = rig.quit()
    expected = oracle.Expected(oracle.Rules(text), {"s0": packets(frames)})
    lib.check_counters(result, expected)
    lib.check_file(os.path.join(folder, "all.pcapng"), "all", expected, times=False)


def test_filters(folder):
    """A card receives all frames; without promiscuous mode no unicast to others; without allmulticast no groups either."""
    own, stranger, group, all_of_us = MAC.format(0), "02:00:00:00:00:99", "01:00:5e:01:02:03", "ff:ff:ff:ff:ff:ff"
    frames = [to_mac((own, stranger, group, all_of_us)[i % 4], i) for i in range(80)]
    texts = ["sources:\n" + source(0, more) + f"sinks:\n  - {{name: all, pcapng: {folder}/all{i}.pcapng}}\ndefault: {{to: all}}\n"
             for i, more in enumerate(("", ", promiscuous: false", ", promiscuous: false, allmulticast: false"))]
    heard = [(own, stranger, group, all_of_us), (own, group, all_of_us), (own, all_of_us)]
    last = to_mac(own, 1000)  # once it is received, all before it have passed
    with Rig(folder, ["e1000e"], texts) as rig:
        for i, macs in enumerate(heard):
            expected = [frame for frame in frames if frame[:6].hex(":") in macs] + [last]
            rig.ready()
            rig.wires[0].send(frames + [last])
            rig.received(len(expected))
            result = rig.quit()
            lib.check_done(result)
            got = [p.data for p in oracle.read_capture(os.path.join(folder, f"all{i}.pcapng"))[1]]
            lib.compare(f"heard with {texts[i].splitlines()[1]}", got, expected)


def test_rss(folder):
    """A card with several queues spreads flows by RSS: each queue gets some, each frame comes once."""
    check()
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        raise lib.Skip("several queues need a tap interface: root and /dev/net/tun")
    flows = [bytes(Ether(dst=MAC.format(0)) / IP(src="10.0.0.1", dst=f"239.1.2.{i}") / UDP(sport=1000 + i, dport=26477) / bytes(100))
             for i in range(100)]
    text = (f"sources:\n  - {{name: s0, ethdev: '{address(0)}', queues: 2, mbufs: 8192}}\n"
            f"sinks:\n  - {{name: all, pcapng: {folder}/all.pcapng}}\ndefault: {{to: all}}\n")
    with Rig(folder, ["virtio-rss"], [text], wires=[Tap("n0", 2)]) as rig:
        rig.ready()
        rig.wires[0].send(flows)
        rig.received(len(flows))
        answer = rig.ask("show source s0", r"(?s)queue 0 +(\d+).*queue 1 +(\d+)")
        result = rig.quit()
    lib.check_done(result)
    counts = [int(answer.group(i)) for i in (1, 2)]
    assert "no RSS" not in result.out, result.out
    assert sum(counts) == len(flows) and min(counts) > len(flows) // 5, counts
    got = [p.data for p in oracle.read_capture(os.path.join(folder, "all.pcapng"))[1]]
    lib.compare("received", sorted(got), sorted(flows))


@lib.each("e1000e", "virtio")
def test_link(folder, model):
    """A cable that is pulled and plugged in again is logged; the source continues."""
    frames = [to_mac(MAC.format(0), i) for i in range(100)]
    with Rig(folder, [model], ["sources:\n" + source(0) + COUNT]) as rig:
        rig.ready()
        rig.ask("show sources", r"^s0 +ethdev .* up ")
        rig.wires[0].send(frames)
        rig.received(100)
        rig.guest.qmp("set_link", name="n0", up=False)
        rig.ask("show sources", r"^s0 +ethdev .* down ")
        rig.ask("show port info all", r"^ *link: down")
        rig.guest.qmp("set_link", name="n0", up=True)
        rig.ask("show sources", r"^s0 +ethdev .* up ")
        rig.wires[0].send(frames)
        rig.received(200)
        result = rig.quit()
    lib.check_done(result)
    assert result.summary["received"] == 200, result.summary
    for words in ("source s0: link down", "source s0: link up"):
        assert words in result.out, result.out[-3000:]


@lib.each("e1000e", "virtio", "vmxnet3")
def test_unplug(folder, model):
    """A card is unplugged under traffic: reported, returned to the kernel, and another card goes on. What is sent out of
    the one that is gone is refused and counted.
    """
    frames = [to_mac(MAC.format(0), i) for i in range(200)]
    text = ("sources:\n" + source(0) + source(1) + f"sinks:\n  - {{name: n, count: {{}}}}\n  - {{name: out, port: '{address(0)}'}}\n"
            "rules:\n  - {name: back, match: {source: s1}, to: out}\ndefault: {to: n}\n")
    with Rig(folder, [model, "e1000e"], [text]) as rig:
        rig.ready()
        rig.wires[0].send(frames)
        rig.wires[1].send(frames)
        rig.received(400)
        lib.compare("sent out of the card", rig.wires[0].receive(200), frames)
        with rig.wires[0].flood(frames):
            rig.ask("show stats", r"^received +([6-9]\d\d|\d+,\d+) ")
            rig.guest.qmp("device_del", id="n0")
            rig.expect("source s0: its device is gone")
        before = rig.settled()
        rig.ask("show sources", r"^s0 +ethdev .* gone ")
        rig.wires[1].send(frames)
        rig.received(before + 200)
        rig.ask("show sources", r"^s1 +ethdev .* up ")
        result = rig.quit()
        devices = rig.devices()
    lib.check_done(result)
    summary = result.summary
    assert address(0) not in devices and address(1) in devices, devices
    assert summary["sources"]["s0"]["received"] == before - 200 and summary["sources"]["s1"]["received"] == 400, summary
    assert summary["sinks"]["out"]["packets"] == 200 and summary["sinks"]["n"]["packets"] == before - 200, summary
    assert sum(summary["dropped"].values()) == 200, summary


def test_unplug_ends(folder):
    """The last running source is unplugged: with --exit-when-done feedgate exits."""
    capture = os.path.join(folder, "in.pcap")
    oracle.write_pcap(capture, [to_mac(MAC.format(0), i) for i in range(50)])
    text = "sources:\n" + source(0) + f"  - {{name: r, replay: {capture}}}\n" + COUNT
    with Rig(folder, ["e1000e"], [text], args=["--exit-when-done"]) as rig:
        rig.ready()
        rig.received(50)
        rig.guest.qmp("device_del", id="n0")
        result = rig.ended()
        assert address(0) not in rig.devices()
    lib.check_done(result)
    assert result.summary["received"] == 50, result.summary


if __name__ == "__main__":
    lib.main()
