# SPDX-License-Identifier: MIT
"""Random packet expressions as trees: their text in the syntax of pcap-filter(7), and their value for a frame.

Written from pcap-filter(7). Terms are evaluated from the left until the result is known; a read beyond the end of the frame
and a division by zero make the whole expression false (Reject). An access such as udp[8] is false for frames of another
protocol and for later fragments; in arithmetic libpcap tests that of the leftmost access only (docs/configuration.md).
"""
import ipaddress

BITS32 = 0xFFFFFFFF
IP, IP6, ARP, RARP = 0x0800, 0x86DD, 0x0806, 0x8035
TCP, UDP, SCTP, FRAGMENT = 6, 17, 132, 44

ADDRESSES = ["10.0.0.1", "10.0.0.2", "192.168.1.1", "239.1.2.3", "0.0.0.0", "255.255.255.255"]
ADDRESSES6 = ["::1", "fe80::1", "ff02::1:2", "2001:db8::7"]
PORTS = [0, 53, 80, 443, 1024, 26477, 65535]


class Reject(Exception):
    """A read beyond the end, or a division by zero."""


def read(frame, offset, size):
    """An unsigned number in network order."""
    if offset + size > len(frame):
        raise Reject
    return int.from_bytes(frame[offset:offset + size], "big")


def ether_type(frame):
    """What follows the Ethernet header."""
    return read(frame, 12, 2)


def has_protocol(frame, protocol):
    """Does an IPv4 or IPv6 header, or one fragment header, say so?"""
    kind = ether_type(frame)
    if kind == IP:
        return read(frame, 23, 1) == protocol
    if kind == IP6:
        following = read(frame, 20, 1)
        return following == protocol or (following == FRAGMENT and read(frame, 54, 1) == protocol)
    return False


def header_bytes(frame):
    """Length of the IPv4 header."""
    return 4 * (read(frame, 14, 1) & 15)


# --- values --------------------------------------------------------------------------------------------------------


class Number:
    """A constant."""

    def __init__(self, value):
        self.value = value

    def __str__(self):
        return hex(self.value) if self.value % 3 == 0 else str(self.value)

    def applies(self, _):
        """No protocol is needed."""
        return True

    def of(self, _):
        """The value."""
        return self.value


class Length(Number):
    """The length of the frame."""

    def __init__(self):
        super().__init__(None)

    def __str__(self):
        return "len"

    def of(self, frame):
        return len(frame)


class Access:
    """Bytes of a frame, counted from the header of a protocol."""

    TRANSPORT = {"udp": UDP, "tcp": TCP, "icmp": 1}
    NETWORK = {"ip": IP, "ip6": IP6, "arp": ARP}

    def __init__(self, protocol, index, size):
        self.protocol, self.index, self.size = protocol, index, size

    def __str__(self):
        return f"{self.protocol}[{self.index}:{self.size}]"

    def applies(self, frame):
        """Is it a frame of that protocol?"""
        if not self.index.applies(frame):
            return False
        if self.protocol in self.NETWORK:
            return ether_type(frame) == self.NETWORK[self.protocol]
        if self.protocol in self.TRANSPORT:
            return (ether_type(frame) == IP and has_protocol(frame, self.TRANSPORT[self.protocol])
                    and read(frame, 20, 2) & 0x1FFF == 0)
        return True

    def of(self, frame):
        """The bytes as a number."""
        start = 0 if self.protocol == "ether" else 14
        at = self.index.of(frame)
        if self.protocol in self.TRANSPORT:
            at = (at + header_bytes(frame)) & BITS32
        return read(frame, start + at, self.size)


class Arithmetic:
    """Two values and a sign: 32 bits, unsigned."""

    def __init__(self, left, sign, right):
        self.left, self.sign, self.right = left, sign, right

    def __str__(self):
        return f"({self.left} {self.sign} {self.right})"

    def applies(self, frame):
        """That of the leftmost access; see above."""
        return self.left.applies(frame)

    def of(self, frame):
        """The result."""
        left, right = self.left.of(frame), self.right.of(frame)
        if self.sign in "/%":
            if right == 0:
                raise Reject
            return left // right if self.sign == "/" else left % right
        if self.sign in ("<<", ">>"):
            if right > 31:
                return 0
            return left << right & BITS32 if self.sign == "<<" else left >> right
        return {"+": left + right, "-": left - right, "*": left * right, "&": left & right, "|": left | right,
                "^": left ^ right}[self.sign] & BITS32


# --- conditions ----------------------------------------------------------------------------------------------------


class Relation:
    """Two values compared."""

    def __init__(self, left, sign, right):
        self.left, self.sign, self.right = left, sign, right

    def __str__(self):
        return f"{self.left} {self.sign} {self.right}"

    def of(self, frame):
        """False also if the frame is of another protocol."""
        if not self.left.applies(frame) or not self.right.applies(frame):
            return False
        left, right = self.left.of(frame), self.right.of(frame)
        return {"=": left == right, "!=": left != right, "<": left < right, ">": left > right, "<=": left <= right,
                ">=": left >= right}[self.sign]


class Not:
    """The contrary."""

    def __init__(self, inner):
        self.inner = inner

    def __str__(self):
        return f"not ({self.inner})"

    def of(self, frame):
        """True if the inner one is false."""
        return not self.inner.of(frame)


class Both:
    """Two conditions with and, or or."""

    def __init__(self, left, word, right):
        self.left, self.word, self.right = left, word, right

    def __str__(self):
        return f"({self.left} {self.word} {self.right})"

    def of(self, frame):
        """The right one is not evaluated if the left one decides."""
        if self.word == "and":
            return self.left.of(frame) and self.right.of(frame)
        return self.left.of(frame) or self.right.of(frame)


class Primitive:
    """A primitive with its own function of a frame."""

    def __init__(self, text, function):
        self.text, self.of = text, function

    def __str__(self):
        return self.text


def _sides(direction, test):
    """test(0) for the source, test(1) for the destination."""
    if direction == "src":
        return test(0)
    if direction == "dst":
        return test(1)
    return test(0) or test(1)


def network4(direction, network):
    """IPv4, ARP and RARP have such an address."""
    mask, needed = int(network.netmask), int(network.network_address)

    def matches(frame):
        at = {IP: (26, 30), ARP: (28, 38), RARP: (28, 38)}.get(ether_type(frame))
        if at is None:
            return False
        return _sides(direction, lambda side: read(frame, at[side], 4) & mask == needed)
    return matches


def network6(direction, network):
    """IPv6 has such an address; it is compared in words of 32 bits until one differs."""
    def words(number):
        return [number >> 96 - 32 * i & BITS32 for i in range(4)]
    pairs = list(zip(words(int(network.netmask)), words(int(network.network_address))))

    def matches(frame):
        def side_matches(side):
            return all(read(frame, 22 + 16 * side + 4 * i, 4) & mask == needed
                       for i, (mask, needed) in enumerate(pairs))
        return ether_type(frame) == IP6 and _sides(direction, side_matches)
    return matches


def ports(direction, protocols, first, last):
    """No later fragment has ports; IPv6 has them right after its header."""
    def matches(frame):
        kind = ether_type(frame)
        if kind == IP6 and read(frame, 20, 1) in protocols:
            return _sides(direction, lambda side: first <= read(frame, 54 + 2 * side, 2) <= last)
        if kind == IP and read(frame, 23, 1) in protocols and read(frame, 20, 2) & 0x1FFF == 0:
            return _sides(direction,
                          lambda side: first <= read(frame, 14 + header_bytes(frame) + 2 * side, 2) <= last)
        return False
    return matches


SIMPLE = {
    "ip": lambda frame: ether_type(frame) == IP,
    "ip6": lambda frame: ether_type(frame) == IP6,
    "arp": lambda frame: ether_type(frame) == ARP,
    "udp": lambda frame: has_protocol(frame, UDP),
    "tcp": lambda frame: has_protocol(frame, TCP),
    "icmp": lambda frame: ether_type(frame) == IP and read(frame, 23, 1) == 1,
    "ip proto 17": lambda frame: ether_type(frame) == IP and read(frame, 23, 1) == UDP,
    "greater 60": lambda frame: len(frame) >= 60,
    "less 60": lambda frame: len(frame) <= 60,
}


# --- random ones ---------------------------------------------------------------------------------------------------


class Maker:
    """Random trees."""

    def __init__(self, rng):
        self.rng = rng

    def number(self):
        """Often one that means something to an optimizer."""
        rng = self.rng
        return Number(rng.choice([0, 1, 2, 3, 4, 5, 8, 15, 17, 20, 31, 60, 255, 0xFFFF, 0xFFFFFFFF, 0x80000000,
                                  rng.randrange(64), rng.getrandbits(32)]))

    def access(self, depth):
        """Mostly near the start, sometimes near the end or beyond it."""
        rng = self.rng
        protocol = rng.choice(["ip", "ip", "udp", "udp", "tcp", "ether", "ip6", "arp", "icmp"])
        index = Number(rng.choice([0, 1, 2, 4, 6, 8, 9, 12, 16, 20, 30, 40, rng.randrange(90)]))
        if depth > 0 and rng.random() < 0.3:
            index = self.value(depth - 1)
        if rng.random() < 0.1:
            index = Arithmetic(Length(), "-", Number(rng.randrange(1, 70)))
        return Access(protocol, index, rng.choice([1, 1, 2, 4]))

    def value(self, depth):
        """A number, an access or arithmetic."""
        rng, kind = self.rng, self.rng.random()
        if depth > 0 and kind < 0.45:
            sign = rng.choice(["+", "-", "*", "/", "%", "&", "&", "|", "^", "<<", ">>"])
            right = self.value(depth - 1)
            if sign in ("/", "%", "<<", ">>") and isinstance(right, Number):
                right = Number(rng.randrange(1, 32))  # libpcap refuses the others
            if isinstance(right, Arithmetic) and sign in ("/", "%", "<<", ">>"):
                right = Arithmetic(Access("ether", Number(rng.randrange(40)), 1), "&", Number(rng.choice([1, 7, 31])))
            return Arithmetic(self.value(depth - 1), sign, right)
        if kind < 0.9:
            return self.access(depth)
        return Length() if kind < 0.93 else self.number()

    def relation(self):
        """Often with 0, a mask of ones, or the same on both sides."""
        rng = self.rng
        left = self.value(rng.randrange(3))
        if rng.random() < 0.2:
            left = Arithmetic(left, rng.choice("&|^"), Number(rng.choice([0, BITS32, 0xFF, 0xFFFF])))
        right = self.number() if rng.random() < 0.8 else left if rng.random() < 0.3 else self.value(1)
        return Relation(left, rng.choice(["=", "!=", "<", ">", "<=", ">="]), right)

    def host_list(self):
        """host A or B or C: the word counts for all."""
        direction = self.rng.choice(["", "src ", "dst "])
        found = self.rng.sample(ADDRESSES, self.rng.randrange(1, 4))
        tests = [network4(direction.strip(), ipaddress.ip_network(address)) for address in found]
        return Primitive(f"({direction}host {' or '.join(found)})", lambda frame: any(test(frame) for test in tests))

    def primitive(self):
        """A protocol, an address, a port."""
        rng, kind = self.rng, self.rng.randrange(6)
        direction = rng.choice(["", "src", "dst"])
        if kind == 0:
            text = rng.choice(list(SIMPLE))
            return Primitive(text, SIMPLE[text])
        if kind in (1, 2):
            return self.host_list()
        if kind == 3:
            if rng.random() < 0.5:
                network = ipaddress.ip_network((rng.choice(ADDRESSES), rng.choice([0, 8, 16, 24, 31])), strict=False)
                return Primitive(f"{direction} net {network}".strip(), network4(direction, network))
            network = ipaddress.ip_network((rng.choice(ADDRESSES6), rng.choice([8, 32, 64, 100, 128])), strict=False)
            return Primitive(f"ip6 {direction} net {network}".replace("  ", " "), network6(direction, network))
        word, protocols = rng.choice([("", (SCTP, TCP, UDP)), ("udp ", (UDP,)), ("tcp ", (TCP,))])
        first = rng.choice(PORTS)
        last = first if kind == 4 else rng.choice([port for port in PORTS if port >= first])
        what = f"port {first}" if kind == 4 else f"portrange {first}-{last}"
        return Primitive(f"{word}{direction} {what}".replace("  ", " ").strip(), ports(direction, protocols, first, last))

    def condition(self, depth):
        """A tree."""
        kind = self.rng.random()
        if depth > 0 and kind < 0.25:
            return Not(self.condition(depth - 1))
        if depth > 0 and kind < 0.8:
            return Both(self.condition(depth - 1), self.rng.choice(["and", "or"]), self.condition(depth - 1))
        return self.relation() if self.rng.random() < 0.5 else self.primitive()


def evaluate(tree, frame):
    """Does the expression accept the frame?"""
    try:
        return tree.of(frame)
    except Reject:
        return False
