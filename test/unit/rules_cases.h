/* SPDX-License-Identifier: MIT */
/* What `match` can contain and what it matches; what is refused, where and why. */
#ifndef RULES_CASES_H
#define RULES_CASES_H

#include <errno.h>
#include <stdint.h>

/*
 * Packets that the cases are about; test_rules.c builds their keys.
 *
 *     what                    from                to                      source  line  VLAN
 *   a UDP                     10.0.0.1:1000       233.54.12.111:26477     nic-a   A
 *   b the same as a                                                       day     B     100
 *   c UDP                     10.0.0.2:1001       233.54.12.112:26478     nic-a         100, 200
 *   d TCP                     10.1.0.1:26477      192.168.1.1:80          nic-a         0
 *   e UDP                     [2001:db8::1]:1000  [ff0e::1234]:26477      day     B
 *   f TCP                     [2001:db8::2]:443   [2001:db8:1::1]:50000   nic-a
 *   g UDP, later part         10.0.0.1            233.54.12.111           nic-a   A
 *   h UDP, first part         as a                                        nic-a   A
 *   i ARP                                                                 day           100
 *   j ICMP                    10.0.0.1            10.0.0.2                nic-a
 *   k LLC, 38 bytes                                                       nic-a
 *   l ICMPv6                  fe80::1             ff02::1                 nic-a
 *   m TCP, later part         2001:db8::2         2001:db8:1::1           nic-a
 *   n UDP                     0.0.0.0:0           255.255.255.255:65535   nic-a
 *   o UDP                     [::]:7              [ffff:...:ffff]:1       nic-a   Z
 */
#define ALL "abcdefghijklmno"
#define V4  "abcdghjn"
#define V6  "eflmo"

/* A match, its entries, and the packets it matches. */
static const struct meaning {
	const char *match;
	uint32_t entries;
	const char *packets;
} meanings[] = {
	{"", 1, ALL},
	{"source: day", 1, "bei"},
	{"source: [nic-a]", 1, "acdfghjklmno"},
	{"source: [nic-a, day]", 2, ALL},
	{"line: A", 1, "agh"},
	{"line: [A, B]", 2, "abegh"},
	{"line: Z", 1, "o"},
	{"line: Y", 1, ""},

	{"mac: {}", 1, ALL},
	{"mac: {dst: 01:00:5e:36:0c:6f}", 1, "abgh"},
	{"mac: {dst: \"01:00:5E:36:0C:6F\"}", 1, "abgh"},
	{"mac: {src: 02:00:00:00:00:02}", 1, "d"},
	{"mac: {src: [02:00:00:00:00:02, 02:00:00:00:00:01]}", 2, ALL},
	{"mac: {dst: [ff:ff:ff:ff:ff:ff, 01:80:c2:00:00:00]}", 2, "ikn"},
	{"mac: {src: [02:00:00:00:00:02, 02:00:00:00:00:01], dst: [ff:ff:ff:ff:ff:ff, "
	 "02:00:00:00:00:03]}",
	 4, "din"},

	{"vlan: 100", 1, "bci"},
	{"vlan: [100]", 1, "bci"},
	{"vlan: 0x64", 1, "bci"},
	{"vlan: [100, 200]", 1, "c"},
	{"vlan: [200, 100]", 1, ""},
	{"vlan: 200", 1, ""},
	{"vlan: 0", 1, "d"},
	{"vlan: 4095", 1, ""},

	{"ethertype: 0x0806", 1, "i"},
	{"ethertype: 2054", 1, "i"},
	{"ethertype: [0x86dd, 38]", 2, V6 "k"},
	{"ethertype: 0x0800, vlan: 100", 1, "bc"},

	{"ipv4: {}", 1, V4},
	{"ipv4: {dst: 233.54.12.111}", 1, "abgh"},
	{"ipv4: {dst: 233.54.12.111/32}", 1, "abgh"},
	{"ipv4: {dst: 233.54.12.96/27}", 1, "abcgh"},
	{"ipv4: {dst: 233.54.12.96/28}", 1, "abgh"},
	{"ipv4: {dst: 233.54.12.112/31}", 1, "c"},
	{"ipv4: {src: 10.0.0.0/8}", 1, "abcdghj"},
	{"ipv4: {src: 10.0.0.0/15}", 1, "abcdghj"},
	{"ipv4: {src: 10.0.0.0/16}", 1, "abcghj"},
	{"ipv4: {src: 0.0.0.0/0}", 1, V4},
	{"ipv4: {src: 0.0.0.0}", 1, "n"},
	{"ipv4: {dst: 128.0.0.0/1}", 1, "abcdghn"},
	{"ipv4: {src: 10.0.0.1, dst: 10.0.0.2}", 1, "j"},
	{"ipv4: {dst: [10.0.0.2, 192.168.0.0/16], src: [10.0.0.1, 10.1.0.1, 1.2.3.4]}", 6, "dj"},
	{"ipv6: {}", 1, V6},
	{"ipv6: {src: 2001:db8::/32}", 1, "efm"},
	{"ipv6: {src: 2001:db8::2}", 1, "fm"},
	{"ipv6: {src: 2001:db8::/126, dst: 2001:db8:1::/48}", 1, "fm"},
	{"ipv6: {dst: ff00::/8}", 1, "elo"},
	{"ipv6: {dst: ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255}", 1, "o"},
	{"ipv6: {src: \"::/0\"}", 1, V6},
	{"ipv6: {src: \"::\"}", 1, "o"},
	{"ipv4: {}, ipv6: {}", 2, V4 V6},
	{"ipv6: {}, source: day, ipv4: {}", 2, "be"},
	{"ipv4: {dst: 233.54.12.111}, ipv6: {}", 2, "abgh" V6},
	{"ipv6: {dst: [ff0e::1234, ff02::1]}, ipv4: {dst: [10.0.0.2, 192.168.1.1, 1.1.1.1]}", 5,
	 "djel"},
	{"ipv4: {}, ethertype: 0x86dd", 1, ""},

	{"protocol: 17", 1, "abceghno"},
	{"protocol: [1, 58]", 2, "jl"},
	{"protocol: 6, ipv6: {}", 1, "fm"},
	{"protocol: 255", 1, ""},

	/* A later part has a protocol, but no ports. */
	{"udp: {}", 1, "abceghno"},
	{"tcp: {}", 1, "dfm"},
	{"udp: {dst: 0-65535}", 1, "abcehno"},
	{"tcp: {src: 0-65535}", 1, "df"},
	{"udp: {dst: 26477}", 1, "abeh"},
	{"udp: {dst: 0x676d}", 1, "abeh"},
	{"udp: {dst: 26477-26478}", 1, "abceh"},
	{"udp: {dst: [26477, 26478]}", 2, "abceh"},
	{"udp: {dst: 26478-65534}", 1, "c"},
	{"udp: {dst: 26478-65535}", 1, "cn"},
	{"udp: {dst: 0-26476}", 1, "o"},
	{"udp: {src: 0}", 1, "n"},
	{"udp: {src: 0-0}", 1, "n"},
	{"udp: {dst: 0}", 1, ""},
	{"udp: {src: [0-7, 1001], dst: [1, 26478, 80-90]}", 6, "co"},
	{"tcp: {src: 26477}", 1, "d"},
	{"tcp: {dst: [80, 50000]}", 2, "df"},
	{"udp: {}, tcp: {}", 2,
	 "abceghno"
	 "dfm"},
	{"tcp: {}, ipv6: {}, udp: {}", 2, "efmo"},
	{"udp: {dst: 26477}, tcp: {dst: 80}", 2, "abehd"},
	{"udp: {src: 26477}, tcp: {src: 26477}", 2, "d"},
	{"udp: {}, tcp: {dst: 80}", 2, "abceghnod"},
	{"protocol: 17, udp: {dst: 26477}", 1, "abeh"},
	{"udp: {dst: 26477}, protocol: [6, 17, 1]", 1, "abeh"},
	{"protocol: [6, 17], udp: {}, tcp: {dst: 80}", 2, "abceghnod"},
	{"udp: {dst: 26477}, ipv4: {dst: 233.54.12.111}", 1, "abh"},
	{"udp: {dst: 26477}, ipv4: {dst: 233.54.12.111}, line: B, source: day, vlan: 100", 1, "b"},
	{"ipv4: {dst: [233.54.12.111, 10.0.0.2]}, ipv6: {}, udp: {dst: [1, 2]}, tcp: {}, "
	 "line: [A, B]",
	 18, ""},
};

/*
 * The text between the braces of `match: {...}`. The mark ^, which is removed first, is
 * the location that the message must have.
 */
static const struct refusal {
	const char *text;
	const char *reason;
} match_refusals[] = {
	{"^foo: 1", "unknown key 'foo': expected source, line, mac, vlan, ethertype, ipv4, ipv6, "
		    "protocol, udp, tcp or expr"},
	{"udp: {}, ^UDP: {}", "unknown key 'UDP'"},

	{"^source: other", "no source is called 'other'"},
	{"^source: Day", "no source is called 'Day'"},
	{"source: [nic-a, ^other]", "no source is called 'other'"},
	{"source: [nic-a, ^[day]]", "expected a name, found a list"},
	{"^source: {}", "expected a name, found a map"},
	{"^source: []", "source: an empty list matches nothing"},
	{"^source: ", "no source is called ''"},
	{"^line: a", "'a': expected the letter of a line, A to Z"},
	{"^line: AB", "'AB': expected the letter"},
	{"^line: ''", "'': expected the letter"},
	{"line: [A, ^1]", "'1': expected the letter"},
	{"^line: []", "line: an empty list"},

	{"^mac: 01:00:5e:36:0c:6f", "mac: expected a map {src: ..., dst: ...}"},
	{"^mac: []", "mac: expected a map"},
	{"mac: {^to: 1}", "unknown key 'to': expected src or dst"},
	{"mac: {^dst: 01:00:5e:36:0c}", "'01:00:5e:36:0c': expected a MAC address"},
	{"mac: {^dst: 01-00-5e-36-0c-6f}", "expected a MAC address xx:xx:xx:xx:xx:xx"},
	{"mac: {^dst: 1:000:5e:36:0c:6f}", "expected a MAC address"},
	{"mac: {^dst: 01::05e:36:0c:6f1}", "expected a MAC address"},
	{"mac: {^src: 01:00:5e:36:0c:6g}", "expected a MAC address"},
	{"mac: {^src: ' 1:00:5e:36:0c:6f'}", "expected a MAC address"},
	{"mac: {^src: '01:00:5e:36:0c:6f:'}", "expected a MAC address"},
	{"mac: {dst: [01:00:5e:36:0c:6f, ^x]}", "'x': expected a MAC address"},
	{"mac: {^dst: {}}", "expected a MAC address, found a map"},
	{"mac: {^dst: []}", "dst: an empty list matches nothing"},

	{"^vlan: 4096", "'4096': expected a number from 0 to 4095"},
	{"^vlan: -1", "'-1': expected a number"},
	{"^vlan: 1-5", "'1-5': expected a number"},
	{"^vlan: 0x", "'0x': expected a number"},
	{"vlan: [1, ^x]", "'x': expected a number from 0 to 4095"},
	{"^vlan: []", "vlan: expected a VID, or a list of the outer and the inner VID"},
	{"^vlan: [1, 2, 3]", "or a list of the outer and the inner VID"},
	{"vlan: [1, ^[2]]", "expected a number, found a list"},
	{"^vlan: {}", "expected a number, found a map"},

	{"^ethertype: 65536", "'65536': expected a number from 0 to 65535"},
	{"^ethertype: arp", "'arp': expected a number"},
	{"^ethertype: 99999999999999999999999", "expected a number"},
	{"ethertype: [0x800, ^{}]", "expected a number, found a map"},

	{"ipv4: {^dst: 10.0.0.0/33}", "'10.0.0.0/33': expected a prefix length from 0 to 32"},
	{"ipv4: {^dst: 10.0.0.0/}", "expected a prefix length"},
	{"ipv4: {^dst: 10.0.0.0/-1}", "expected a prefix length"},
	{"ipv4: {^dst: 10.0.0.0/255.0.0.0}", "expected a prefix length"},
	{"ipv4: {^dst: 10.0.0.1/24}",
	 "'10.0.0.1/24': bits set beyond the prefix length; 10.0.0.0/24 is meant?"},
	{"ipv4: {^src: 10.0.0.1/0}", "0.0.0.0/0 is meant?"},
	{"ipv4: {^src: 255.255.255.255/31}", "255.255.255.254/31 is meant?"},
	{"ipv4: {^src: 10.0.0}", "'10.0.0': expected an IPv4 address or prefix"},
	{"ipv4: {^src: 256.0.0.1}", "expected an IPv4"},
	{"ipv4: {^src: 010.0.0.1}", "expected an IPv4"},
	{"ipv4: {^src: ''}", "'': expected an IPv4"},
	{"ipv4: {^src: /8}", "'/8': expected an IPv4"},
	{"ipv4: {^src: '10.0.0.1 '}", "expected an IPv4"},
	{"ipv4: {^src: 2001:db8::1}", "expected an IPv4"},
	{"ipv4: {src: [10.0.0.1, ^host]}", "'host': expected an IPv4"},
	{"ipv4: {src: [10.0.0.1, ^[]]}", "expected an address or prefix, found a list"},
	{"ipv4: {^src: []}", "src: an empty list matches nothing"},
	{"ipv4: {dst: 1.1.1.1, ^port: 1}", "unknown key 'port': expected src or dst"},
	{"^ipv4: 10.0.0.1", "ipv4: expected a map {src: ..., dst: ...}"},
	{"ipv6: {^dst: 2001:db8::/129}", "expected a prefix length from 0 to 128"},
	{"ipv6: {^dst: 2001:db8::1/64}", "2001:db8::/64 is meant?"},
	{"ipv6: {^dst: 10.0.0.1}", "'10.0.0.1': expected an IPv6 address or prefix"},
	{"ipv6: {^dst: fe80::1%eth0}", "expected an IPv6"},
	{"ipv6: {^dst: 0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000}",
	 "expected an IPv6"},
	{"ipv6: {^dst: 0000000000000000000000000000000000000000000000000000000000000000001/1}",
	 "expected an IPv6"},
	{"ipv4: {}, ipv6: {^x: 1}", "unknown key 'x': expected src or dst"},
	{"ipv4: {}, ^ipv6: x", "ipv6: expected a map"},
	{"^ipv6: x, ipv4: {}", "ipv6: expected a map"},

	{"^protocol: 0", "protocol: 0 is an extension header"},
	{"protocol: [6, ^0]", "protocol: 0 is an extension header"},
	{"^protocol: 256", "'256': expected a number from 0 to 255"},
	{"^protocol: udp", "'udp': expected a number"},
	{"^protocol: []", "protocol: an empty list"},

	{"udp: {^dst: 65536}", "'65536': expected a port from 0 to 65535, or a range N-M"},
	{"udp: {^dst: 1-65536}", "'1-65536': expected a port"},
	{"udp: {^dst: 2-1}", "'2-1': the range ends before it begins"},
	{"udp: {^dst: 1-}", "'1-': expected a port"},
	{"udp: {^dst: '-'}", "'-': expected a port"},
	{"udp: {^dst: -1}", "'-1': expected a port"},
	{"udp: {^dst: 1-2-3}", "'1-2-3': expected a port"},
	{"udp: {^dst: 1 - 2}", "'1 - 2': expected a port"},
	{"udp: {^dst: +1}", "'+1': expected a port"},
	{"udp: {^dst: http}", "'http': expected a port"},
	{"udp: {^dst: ''}", "'': expected a port"},
	{"udp: {^dst: 0000000000000000001}", "expected a port"},
	{"udp: {dst: [1, ^x]}", "'x': expected a port"},
	{"udp: {^dst: {}}", "expected a port or range, found a map"},
	{"udp: {^dst: []}", "dst: an empty list matches nothing"},
	{"udp: {^ports: 1}", "unknown key 'ports': expected src or dst"},
	{"^udp: 5", "udp: expected a map {src: ..., dst: ...}"},
	{"^udp: ", "udp: expected a map"},
	{"^tcp: []", "tcp: expected a map"},
	{"udp: {}, tcp: {^x: 1}", "unknown key 'x'"},
	{"tcp: {}, ^udp: 1", "udp: expected a map"},

	{"^expr: ip and", "expr: 'ip and': can't parse filter expression: syntax error"},
	{"^expr: ''", "expr: an empty expression"},
	{"^expr: ", "expr: an empty expression"},
	{"^expr: []", "expr: an empty list matches nothing"},
	{"^expr: {}", "expr: expected an expression, found a map"},
	{"expr: [ip, ^[udp]]", "expr: expected an expression, found a list"},
	{"expr: [ip, ^udpp]", "expr: 'udpp': names are not looked up; expected a keyword"},
	{"expr: [udp, tcp, ^'port 65536', tcp]", "illegal port number"},
	{"^expr: host www.example.com", "expr: 'www.example.com': names are not looked up"},
	{"^expr: port domain", "expr: 'domain': names are not looked up"},
	{"^expr: \"ip\xc2\xa0tcp\"", "expr: byte 3 of an expression is no printable ASCII"},
	{"^expr: ip6 protochain 17", "expr: an expression with a loop (protochain)"},
	{"expr: udp, ^ipv4: 1", "ipv4: expected a map"},
};

/* Whole files. */
static const struct refusal file_refusals[] = {
	{"^rules: 5", "rules: expected a list, found a value"},
	{"^rules: {}", "rules: expected a list, found a map"},
	{"rules: [^5]", "a rule: expected a map, found a value"},
	{"rules: [{name: a, drop: true}, ^[]]", "a rule: expected a map, found a list"},
	{"rules:\n- {name: a, drop: true}\n- ^{to: seen}", "'name' is missing"},
	{"rules:\n- ^{name: a}", "'to' or 'drop: true' is missing"},
	{"rules:\n- ^{name: a, drop: false}", "'to' or 'drop: true' is missing"},
	{"rules:\n- ^name: a\n  drop: true\n  to: seen", "a rule has either 'to' or 'drop: true'"},
	{"rules:\n- {name: a, ^drop: yes}", "drop: expected true or false"},
	{"rules:\n- {name: a, ^drop: [true]}", "drop: expected true or false"},
	{"rules:\n- {name: a, ^drop: {}}", "drop: expected true or false"},
	{"rules:\n- {name: a, ^to: nosuch}", "no sink is called 'nosuch'"},
	{"rules:\n- name: a\n  to:\n  - seen\n  - ^nosuch", "no sink is called 'nosuch'"},
	{"rules:\n- {name: a, ^to: []}", "to: expected at least one sink"},
	{"rules:\n- {name: a, ^to: {}}", "to: expected a sink's name, found a map"},
	{"rules:\n- {name: a, to: [^[seen]]}", "to: expected a sink's name, found a list"},
	{"rules:\n- {name: a, to: seen, ^feed: pitch}", "no feed is called 'pitch'"},
	{"rules:\n- {name: a, to: seen, ^feed: [itch]}", "feed: expected a name, found a list"},
	{"rules:\n- {^name: [a], to: seen}", "name: expected a value, found a list"},
	{"rules:\n- {^name: '', to: seen}", "name: expected 1 to 64 characters, found 0"},
	{"rules:\n- {^name: a b, to: seen}", "name 'a b': expected printable characters"},
	{"rules:\n- {^name: '-', to: seen}", "name: '-' is reserved for the default action"},
	{"rules:\n- {name: a, to: seen, ^action: 1}",
	 "unknown key 'action': expected name, match, feed, line, messages, instruments, "
	 "instruments_file, unmapped, slice, to or drop"},
	{"rules:\n- {name: a, to: seen, ^match: 5}", "match: expected a map, found a value"},
	{"rules:\n- {name: a, to: seen, ^match: [udp]}", "match: expected a map, found a list"},
	{"rules:\n- {name: a, to: seen, ^match: }", "match: expected a map, found a value"},

	{"rules:\n- {name: a, to: seen, ^match: {protocol: 6, udp: {dst: 1}}}",
	 "match: its keys contradict one another: nothing can match"},
	{"rules:\n- {name: a, to: seen, ^match: {tcp: {}, protocol: [1, 17]}}", "contradict"},
	{"rules:\n- {name: a, to: seen, ^match: {udp: {}, tcp: {src: 1}, protocol: 1}}",
	 "contradict"},

	{"rules:\n- {name: a, to: seen}\n- {name: b, to: seen}\n- {^name: a, drop: true}",
	 "a rule called 'a' stands in line 2 already"},
	{"rules:\n- {name: b, to: seen}\n- {name: a, to: seen}\n- {^name: a, to: seen}\n- {name: "
	 "b, to: seen}",
	 "a rule called 'a' stands in line 3 already"},
	{"rules:\n- {name: a, to: seen}\n- {^name: a, to: seen}\n- {name: a, to: seen}",
	 "a rule called 'a' stands in line 2 already"},
	{"rules: [{name: a, drop: true}, {^name: a, to: seen}]",
	 "a rule called 'a' stands in line 1 already"},

	{"^default: pass", "default: expected drop or {to: SINKS}"},
	{"^default:", "default: expected drop or {to: SINKS}"},
	{"^default: [drop]", "default: expected drop or {to: SINKS}"},
	{"^default: {}", "default: expected drop or {to: SINKS}"},
	{"^default: {drop: true}", "default: expected drop or {to: SINKS}"},
	{"^default: {to: seen, drop: false}", "default: expected drop or {to: SINKS}"},
	{"default: {^to: nosuch}", "no sink is called 'nosuch'"},
	{"default: {^to: []}", "to: expected at least one sink"},
	{"rules: []\ndefault: {to: [seen, ^x]}", "no sink is called 'x'"},
};

#endif /* RULES_CASES_H */
