#!/usr/bin/env python3
"""Keeps the settings tables of the READMEs what the programs say they are.

usage: readme_settings.py [--check] BUILD README.md [README.md ...]

The lines between `<!-- settings:begin -->` and `<!-- settings:end -->` become the tables that the services in BUILD print
with --print-settings. With --check nothing is written; exit 1 when a file differs.
"""
import pathlib
import re
import subprocess
import sys

SERVICES = ("movie", "user", "notification", "trace")
BLOCK = re.compile(r"(<!-- settings:begin -->\n).*?(<!-- settings:end -->)", re.S)
TABLE = re.compile(r"^### .*?(?=^### |\Z)", re.S | re.M)
COMMON = re.compile(r"^(### [^\n]*every service\n.*?)(?=^### |\Z)", re.S | re.M)


def printed(build, service):
    program = build / "src" / service / f"cinesync-{service}"
    return subprocess.run([program, "--print-settings"], check=True, stdout=subprocess.PIPE, text=True).stdout


def tables(build):
    """The common tables once, then each service's own; what several services have alike once, where it comes first."""
    parts, seen = [], set()
    for service in SERVICES:
        text = printed(build, service)
        common = "".join(COMMON.findall(text))
        if not common:
            sys.exit(f"readme_settings: cinesync-{service} prints no table for every service")
        if not parts:
            parts.append(re.sub(r"(\| `LISTEN` .*?)`127\.0\.0\.1:\d+`", r"\1`127.0.0.1:8081`, `:8082`, `:8083`, `:8085`", common))
        for table in TABLE.findall(COMMON.sub("", text)):
            if table not in seen:
                parts.append(table)
            seen.add(table)
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def main():
    arguments = sys.argv[1:]
    check = "--check" in arguments
    arguments = [argument for argument in arguments if argument != "--check"]
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    wanted = tables(pathlib.Path(arguments[0]))
    stale = 0
    for name in arguments[1:]:
        path = pathlib.Path(name)
        old = path.read_text(encoding="utf-8")
        if not BLOCK.search(old):
            sys.exit(f"{name}: there is no settings block")
        new = BLOCK.sub(lambda match: match.group(1) + "\n" + wanted + "\n" + match.group(2), old)
        if new == old:
            continue
        stale += 1
        if check:
            print(f"{name}: the settings tables are not what the programs print; run tools/readme_settings.py BUILD {name}")
        else:
            path.write_text(new, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
