#!/usr/bin/env python3
"""Merges the OpenAPI documents of the services into the one the gateway serves.

usage: openapi_merge.py OUT.json PROGRAM [PROGRAM ...]

Each PROGRAM is run with --print-openapi. Paths and components of the same name must be the same in every document;
a difference is an error, since it would make one of the services' documents a lie.
"""
import json
import subprocess
import sys

INFO = {
    "title": "CineSync API",
    "version": "",
    "description": "Search films, open them, sign up and keep favourites. Errors are problem details (RFC 9457) with a "
                   "stable `code`. Lists are paged as TMDB pages them. Every reply carries `X-Request-Id`, the trace id.",
    "license": {"name": "MIT", "identifier": "MIT"},
}


def merge_into(target, source, where):
    for key, value in source.items():
        if key in target and target[key] != value:
            sys.exit(f"openapi_merge: {where}/{key} differs between two services")
        target[key] = value


def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    out, programs = sys.argv[1], sys.argv[2:]
    merged = {"openapi": "3.1.0", "info": dict(INFO), "servers": [{"url": "/"}], "tags": [], "paths": {},
              "components": {}}
    for program in programs:
        text = subprocess.run([program, "--print-openapi"], check=True, stdout=subprocess.PIPE).stdout
        document = json.loads(text)
        merged["info"]["version"] = document["info"]["version"]
        for tag in document.get("tags", []):
            if tag not in merged["tags"]:
                merged["tags"].append(tag)
        merge_into(merged["paths"], document["paths"], "paths")
        for kind, components in document.get("components", {}).items():
            merge_into(merged["components"].setdefault(kind, {}), components, f"components/{kind}")
    with open(out, "w", encoding="utf-8") as target:
        json.dump(merged, target, ensure_ascii=False, separators=(",", ":"))
        target.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
