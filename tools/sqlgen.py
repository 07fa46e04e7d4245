#!/usr/bin/env python3
"""Turns .sql files of named statements into C constants, at build time.

usage: sqlgen.py OUT.c OUT.h FILE.sql [FILE.sql ...]

A statement begins with a line `-- name: user_insert` and runs to the next such line; it becomes
`extern const char sql_user_insert[];`. Comment lines right after the name are kept as the declaration's comment.
"""
import os
import re
import sys

NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)\s*$")


def statements(path):
    name, note, lines = None, [], []
    with open(path, encoding="utf-8") as source:
        for number, line in enumerate(source, 1):
            match = NAME.match(line)
            if match:
                if name:
                    yield name, note, lines
                name, note, lines = match.group(1), [], []
            elif line.startswith("--"):
                if name and not lines:
                    note.append(line[2:].strip())
            elif line.strip():
                if not name:
                    sys.exit(f"{path}:{number}: a statement needs a line '-- name: …' above it")
                lines.append(line.strip())
    if name:
        yield name, note, lines


def main():
    if len(sys.argv) < 4:
        print(__doc__, file=sys.stderr)
        return 2
    out_c, out_h, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    seen = set()
    header, source = ["#pragma once", "/* Made by tools/sqlgen.py; do not edit. */"], []
    for path in files:
        for name, note, lines in statements(path):
            if name in seen:
                sys.exit(f"{path}: '{name}' is there twice")
            seen.add(name)
            text = " ".join(lines).rstrip(";").replace("\\", "\\\\").replace('"', '\\"')
            if note:
                header.append("/* " + " ".join(note) + " */")
            header.append(f"extern const char sql_{name}[];")
            source.append(f'const char sql_{name}[] = "{text}";')
    with open(out_h, "w", encoding="utf-8") as target:
        target.write("\n".join(header) + "\n")
    with open(out_c, "w", encoding="utf-8") as target:
        target.write(f'#include "{os.path.basename(out_h)}"\n\n' + "\n".join(source) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
