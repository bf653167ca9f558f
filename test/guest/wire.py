# SPDX-License-Identifier: MIT
"""The wire of a guest's network card, whose other end is in this process."""
import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
import time


class Wire:
    """A network card's wire: a datagram is a frame. Sending blocks while the card has no room, so that no frame is lost.

    Wire(folder, "n0").nic("e1000e", "bus=rp0") is an argument of Guest; the card's QMP id is the name given.
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
        """Close this end."""
        self.socket.close()

    def send(self, frames):
        """Send frames in order."""
        for frame in frames:
            self.socket.sendto(frame, self.theirs)

    @contextlib.contextmanager
    def flood(self, frames):
        """Send these frames again and again during the `with` block, except when the card has no room."""
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
        """The next frames that the card sends within the time, at most @count."""
        frames, deadline = [], time.monotonic() + timeout
        while len(frames) < count and select.select([self.socket], [], [], max(0, deadline - time.monotonic()))[0]:
            frames.append(self.socket.recv(65536))
        return frames


class Tap:
    """The same with an interface in its own network namespace: QEMU's only backend with several queues."""

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
        """Send frames slowly enough for an emulated CPU: this wire drops frames that come too fast."""
        send = ("import socket, sys, time\ns = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\ns.bind((sys.argv[1], 0))\n"
                "for line in sys.stdin:\n  s.send(bytes.fromhex(line))\n  time.sleep(0.003)\n")
        subprocess.run([*self.before, sys.executable, "-c", send, self.name], check=True, text=True,
                       input="\n".join(frame.hex() for frame in frames))

    def close(self):
        """Remove the namespace with its interfaces."""
        subprocess.run(["ip", "netns", "del", self.ns], check=False)
