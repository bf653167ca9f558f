# SPDX-License-Identifier: MIT
"""The wire of a guest's network card, whose other end is here."""
import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
import time


class Wire:
    """A network card's wire: one datagram is one frame. It waits instead of losing, as long as the card has room.

    Wire(folder, "n0").nic("e1000e", "bus=rp0") is what Guest takes; its QMP name is the id given.
    """

    def __init__(self, folder, name):
        self.name, self.ours, self.theirs = name, os.path.join(folder, name + ".us"), os.path.join(folder, name + ".qemu")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.ours)

    def nic(self, model, *more):
        """QEMU's arguments for a card on this wire."""
        return (f"-netdev dgram,id=w-{self.name},local.type=unix,local.path={self.theirs},remote.type=unix,remote.path={self.ours} "
                "-device " + ",".join((model, f"id={self.name},netdev=w-{self.name}") + more))

    def close(self):
        """No more of it."""
        self.socket.close()

    def send(self, frames):
        """Put frames on the wire, one after the other."""
        for frame in frames:
            self.socket.sendto(frame, self.theirs)

    @contextlib.contextmanager
    def flood(self, frames):
        """Meanwhile, put these on the wire over and over; what the card has no room for is not sent."""
        over = threading.Event()

        def send():
            while not over.is_set():
                for frame in frames:
                    with contextlib.suppress(OSError):
                        self.socket.sendto(frame, socket.MSG_DONTWAIT, self.theirs)
                    time.sleep(0.0005)
        sender = threading.Thread(target=send)
        sender.start()
        try:
            yield
        finally:
            over.set()
            sender.join()

    def receive(self, count, timeout=60):
        """The next frames that the card sends: as many as come within the time, at most @p count."""
        frames, deadline = [], time.monotonic() + timeout
        while len(frames) < count and select.select([self.socket], [], [], max(0, deadline - time.monotonic()))[0]:
            frames.append(self.socket.recv(65536))
        return frames


class Tap:
    """The same as an interface of a network namespace of its own: the only wire of QEMU's that has several queues."""

    def __init__(self, name, queues):
        self.name, self.queues, self.ns = name, queues, f"feedgate-g{os.getpid()}"
        self.before = ["nsenter", f"--net=/run/netns/{self.ns}"]
        for line in (["ip", "netns", "add", self.ns],
                     [*self.before, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"],
                     [*self.before, "ip", "tuntap", "add", "mode", "tap", "multi_queue", "name", name],
                     [*self.before, "ip", "link", "set", name, "up"]):
            subprocess.run(line, check=True)

    def nic(self, model, *more):
        """QEMU's arguments for a card on this wire."""
        return (f"-netdev tap,id=w-{self.name},ifname={self.name},queues={self.queues},script=no,downscript=no "
                "-device " + ",".join((model, f"id={self.name},netdev=w-{self.name},mq=on,vectors={2 * self.queues + 2}") + more))

    def send(self, frames):
        """Put frames on the wire, at a pace that a software CPU can follow: this wire loses what is too fast."""
        send = ("import socket, sys, time\ns = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\ns.bind((sys.argv[1], 0))\n"
                "for line in sys.stdin:\n  s.send(bytes.fromhex(line))\n  time.sleep(0.003)\n")
        subprocess.run([*self.before, sys.executable, "-c", send, self.name], check=True, text=True,
                       input="\n".join(frame.hex() for frame in frames))

    def close(self):
        """Remove the namespace and all in it."""
        subprocess.run(["ip", "netns", "del", self.ns], check=False)
