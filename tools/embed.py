#!/usr/bin/env python3
"""Turns files into one C source file of constants, at build time.

usage: embed.py SYMBOL OUT.c FILE [FILE ...]

Writes `const struct embedded_file SYMBOL[]` and `const size_t SYMBOL_n` (see src/base/embed.h): name (the file's base
name), bytes with a NUL behind them, and their length, in the order given.
"""
import os
import sys


def literal(data: bytes) -> str:
    rows = [data[i:i + 20] for i in range(0, len(data), 20)]
    return "\n\t".join("".join(f"{byte}," for byte in row) for row in rows)


def main() -> int:
    if len(sys.argv) < 4:
        print(__doc__, file=sys.stderr)
        return 2
    symbol, out, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(out, "w", encoding="ascii") as target:
        target.write('/* Made by tools/embed.py; do not edit. */\n#include "base/embed.h"\n\n')
        sizes = []
        for number, path in enumerate(files):
            with open(path, "rb") as source:
                data = source.read()
            sizes.append(len(data))
            target.write(f"static const unsigned char file_{number}[] = {{\n\t{literal(data + bytes(1))}\n}};\n")
        target.write(f"\nextern const struct embedded_file {symbol}[];\nextern const size_t {symbol}_n;\n")
        target.write(f"const struct embedded_file {symbol}[] = {{\n")
        for number, path in enumerate(files):
            name = os.path.basename(path)
            target.write(f'\t{{ "{name}", {{ (const char *)file_{number}, {sizes[number]} }} }},\n')
        target.write(f"}};\nconst size_t {symbol}_n = {len(files)};\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
