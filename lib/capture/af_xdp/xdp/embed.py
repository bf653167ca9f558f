# SPDX-License-Identifier: MIT
"""embed.py OBJECT OUT.c: writes a file as a C array."""
import sys

with open(sys.argv[1], "rb") as file:
    data = file.read()
lines = [", ".join(f"0x{byte:02x}" for byte in data[at:at + 16]) for at in range(0, len(data), 16)]
with open(sys.argv[2], "w", encoding="utf-8") as file:
    file.write('#include "af_xdp/xdp/object.h"\n\nconst unsigned char xdp_object[] = {\n\t' + ",\n\t".join(lines) +
               ",\n};\nconst size_t xdp_object_bytes = sizeof(xdp_object);\n")
