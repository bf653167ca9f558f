#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A virtual machine for tests that need their own kernel or NIC: Debian's kernel in QEMU, with an emulated CPU.

Its root file system is that of the host, read-only over 9p with an overlay in RAM for writes, so that every program and
path of the host exists (except mounts: /run, /proc, /sys and /dev are the guest's own). One command runs as root; its
output and exit status are returned. The CPU is emulated: for correctness only, never for timing.

    guest.run("uname -r")                               -> (status, output)
    with guest.Guest("feedgate ...", nics=[...]) as g:  g.expect("ready"), g.send("quit\\n"), g.qmp("device_del", id="n0")

As a program: guest.py [--iommu] [--nic 'QEMU ARGUMENTS'] [--share FOLDER] COMMAND
"""
import argparse
import contextlib
import glob
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static", "cpio": "cpio", "modprobe": "kmod"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MODULES = ("virtio_pci", "9p", "9pnet_virtio", "overlay")
# The guest's init: mounts the root and executes bash on it. The second serial port carries the command's input and output.
INIT = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc p /proc; $b mount -t sysfs s /sys; $b mount -t devtmpfs d /dev
for m in $($b cat /modules.list); do $b insmod /modules/$m; done
$b mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose host /lower
$b mount -t tmpfs t /rw; $b mkdir -p /rw/up /rw/work
$b mount -t overlay o -o lowerdir=/lower,upperdir=/rw/up,workdir=/rw/work /root
for d in proc sys dev; do $b mount --move /$d /root/$d; done
$b mount -t tmpfs t /root/run; $b mkdir -p /root/run/guest /root/dev/shm; $b mount -t tmpfs t /root/dev/shm
$b cp /command /root/run/guest/
exec $b switch_root /root /bin/bash /run/guest/command
"""
COMMAND = """stty -F /dev/ttyS1 raw -echo
exec </dev/null >/dev/ttyS1 2>&1
export PATH={path} HOME=/root LC_ALL=C.UTF-8
ln -sn /proc/self/fd /dev/fd
ip link set lo up
{mounts}
echo guest-begins
bash -c {command} < <({input}) 2>&1 | cat
printf '\\nguest-status %s\\n' ${{PIPESTATUS[0]}}
sync; echo o >/proc/sysrq-trigger; read -rt 60 </dev/ttyS0
"""


class Missing(Exception):
    """This machine cannot run a guest; the argument says what is missing."""


def kernel():
    """Path and release of the newest kernel that has its modules."""
    found = [(path, path.split("vmlinuz-", 1)[1]) for path in glob.glob("/boot/vmlinuz-*")]
    found = [(path, release) for path, release in found
             if os.access(path, os.R_OK) and glob.glob(f"/lib/modules/{release}/kernel/net/9p/*")]
    if not found:
        raise Missing("no kernel in /boot with a 9p module (Debian: linux-image-amd64)")
    return max(found, key=lambda item: [int(n) for n in re.findall(r"\d+", item[1])])


def check():
    """Raise Missing unless a guest can run here."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for tool, package in TOOLS.items():
        if shutil.which(tool) is None:
            raise Missing(f"{tool} is not installed (Debian: {package})")
    kernel()


class Guest:
    """A guest that runs one command. It ends with the `with` block.

    nics    QEMU arguments of each network card, one string each
    iommu   an emulated IOMMU, so that vfio-pci works for DPDK
    share   folders of this machine that the guest may write to, under the same paths
    before  words before QEMU's command line: nsenter and its arguments
    console send() writes to the command's standard input; otherwise it is empty
    """

    def __init__(self, command, nics=(), iommu=False, memory=2048, cpus=2, share=(), timeout=300, console=False, before=()):
        check()
        self.deadline = time.monotonic() + timeout
        self.output, self.status, self._begun, self._changed = "", None, False, threading.Condition()
        self.folder = tempfile.mkdtemp(prefix="guest-")
        self._console = os.path.join(self.folder, "console")
        mounts = []
        line = [*before, "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", str(cpus), "-m", str(memory),
                "-nodefaults", "-nic", "none", "-display", "none", "-no-reboot", "-serial", f"file:{self._console}",
                "-serial", "stdio", "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
                "-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"]
        for i, path in enumerate(map(os.path.abspath, share)):
            line += ["-virtfs", f"local,path={path},mount_tag=share{i},security_model=none"]
            mounts.append(f"mount -t 9p -o trans=virtio,version=9p2000.L,cache=none share{i} {shlex.quote(path)}")
        words = "console=ttyS0 panic=-1"
        if iommu:
            line += ["-machine", "q35,kernel-irqchip=split", "-device", "intel-iommu,intremap=on,caching-mode=on,aw-bits=48"]
            words += " intel_iommu=on"
        for nic in nics:
            line += shlex.split(nic)
        path, release = kernel()
        script = COMMAND.format(path=PATH, mounts="\n".join(mounts), input="exec cat /dev/ttyS1" if console else ":", command=shlex.quote(command))
        line += ["-kernel", path, "-initrd", self._initrd(release, script), "-append", words]
        self.process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _initrd(self, release, script):
        """The initial file system (initramfs)."""
        top = os.path.join(self.folder, "initrd")
        for name in ("bin", "modules", "proc", "sys", "dev", "lower", "rw", "root"):
            os.makedirs(os.path.join(top, name))
        shutil.copy(shutil.which("busybox"), os.path.join(top, "bin", "busybox"))
        needed = [found for module in MODULES for found in re.findall(r"^insmod (\S+)", subprocess.run(
            ["modprobe", "-S", release, "--show-depends", module], capture_output=True, text=True, check=True).stdout, re.M)]
        for module in dict.fromkeys(needed):
            shutil.copy(module, os.path.join(top, "modules"))
        files = {"modules.list": "\n".join(os.path.basename(name) for name in dict.fromkeys(needed)), "command": script, "init": INIT}
        for name, text in files.items():
            with open(os.path.join(top, name), "w", encoding="utf-8") as file:
                file.write(text)
        os.chmod(os.path.join(top, "init"), 0o755)
        archive = top + ".cpio"
        with open(archive, "wb") as out:
            names = [os.path.relpath(os.path.join(at, name), top) for at, dirs, files in os.walk(top) for name in dirs + files]
            subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], input="\n".join(names).encode(), stdout=out, cwd=top, check=True)
        return archive

    def _read(self):
        for part in iter(lambda: os.read(self.process.stdout.fileno(), 65536), b""):
            with self._changed:
                self.output += part.decode(errors="replace").replace("\r\n", "\n")
                if not self._begun and "guest-begins\n" in self.output:
                    self._begun, self.output = True, self.output.split("guest-begins\n", 1)[1]
                self._changed.notify_all()
        with self._changed:
            self._begun = True
            found = re.search(r"\n?guest-status (\d+)\n", self.output)
            self.status = int(found.group(1)) if found else None
            self.output = self.output[:found.start()] if found else self.output + self._last_words()
            self._changed.notify_all()

    def _last_words(self):
        """The end of the kernel's log, for a command that did not end."""
        if not os.path.exists(self._console):
            return "\nguest: QEMU did not start"
        with open(self._console, encoding="utf-8", errors="replace") as file:
            return "\nguest: the command did not end; the end of the kernel's log:\n" + file.read()[-3000:]

    def expect(self, pattern, since=0):
        """Wait until the command has printed @pattern after character @since. Returns the match."""
        with self._changed:
            while True:
                found = re.compile(pattern, re.M).search(self.output, since)
                if found:
                    return found
                left = self.deadline - time.monotonic()
                if left <= 0 or not self._reader.is_alive():
                    raise AssertionError(f"the guest did not print {pattern!r}:\n{self.output[-6000:]}")
                self._changed.wait(min(left, 1))

    def send(self, text):
        """Write to the command's standard input."""
        with self._changed:
            self._changed.wait_for(lambda: self._begun, max(0, self.deadline - time.monotonic()))
        with contextlib.suppress(BrokenPipeError):  # it has ended: expect() and wait() report that
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()

    def qmp(self, execute, **arguments):
        """One command of QEMU's monitor: set_link, device_del, ..."""
        with socket.socket(socket.AF_UNIX) as monitor, monitor.makefile("rw") as lines:
            monitor.connect(os.path.join(self.folder, "qmp"))
            lines.readline()
            for name, given in (("qmp_capabilities", {}), (execute, arguments)):
                lines.write(json.dumps({"execute": name, "arguments": given}) + "\n")
                lines.flush()
                answer = {}
                while "return" not in answer and "error" not in answer:
                    answer = json.loads(lines.readline())
                assert "return" in answer, f"{name}: {answer}"
        return answer["return"]

    def wait(self):
        """Wait for the command's end. Returns its exit status (None if it did not end) and its output."""
        self._reader.join(max(0, self.deadline - time.monotonic()))
        if self._reader.is_alive():
            self.process.kill()
            self._reader.join()
        return self.status, self.output

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        shutil.rmtree(self.folder)


def run(command, **options):
    """Run a command in a guest of its own: (status, output)."""
    with Guest(command, **options) as guest:
        return guest.wait()


def main():
    """The program."""
    parser = argparse.ArgumentParser(description="Run a command in a guest machine that has this machine's root.")
    parser.add_argument("--iommu", action="store_true", help="emulate an IOMMU: vfio-pci works")
    parser.add_argument("--nic", action="append", default=[], metavar="ARGS", help="QEMU arguments of a network card")
    parser.add_argument("--share", action="append", default=[], metavar="FOLDER", help="may be written to by the guest")
    parser.add_argument("--memory", type=int, default=2048, metavar="MIB")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--timeout", type=int, default=300, metavar="SECONDS")
    parser.add_argument("command")
    options = vars(parser.parse_args())
    try:
        status, output = run(options.pop("command"), nics=options.pop("nic"), **options)
    except Missing as reason:
        sys.exit(f"guest: {reason}")
    sys.stdout.write(output)
    sys.exit(124 if status is None else status)


if __name__ == "__main__":
    main()
