#!/usr/bin/env python3
"""Requests a second of a cached search through the whole of CineSync, against nginx proxying to nginx.

usage: gateway.py BUILD [--rounds 5] [--seconds 4] [--connections 64] [--cache]

Both sides have one core: here the gateway (one worker) and the services, there an nginx that passes everything on to another
one, over kept-alive connections, which answers the same bytes with `return 200`. The load generator has the other core. They
take turns. Without --cache the gateway keeps no answers, so that each comes from the movie service.
"""
import argparse
import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import tempfile

import measure

SEARCH = "/api/v1/movies/search?query=toy+story"


@contextlib.contextmanager
def cinesync(build, folder, has_cache):
    """URL of the gateway."""
    port = measure.free_port()
    environment = {**os.environ, "CINESYNC_BUILD": str(build), "GATEWAY_WORKERS": "1", "LOG_ACCESS": "false", "GATEWAY_ADDRESS_RATE": "off",
                   "GATEWAY_USER_RATE": "off", "GATEWAY_CACHE_SIZE": "64" if has_cache else "off"}
    options = ["--data", folder / "var"]
    subprocess.run(["taskset", "-c", measure.MEASURED, measure.ROOT / "cinesync", "up", "--detach", "--no-install", "--port", str(port), *options],
                   env=environment, check=True, stdout=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        subprocess.run([measure.ROOT / "cinesync", "down", *options], env=environment, check=True, stdout=subprocess.DEVNULL)


def rate(url, seconds, connections):
    out = measure.wrk(url, seconds, connections)
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"{url} did not answer 200:\n{out}")
    return int(re.search(r"(\d+) requests in", out).group(1)) / seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--cache", action="store_true")
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        ours = stack.enter_context(cinesync(given.build.resolve(), folder, given.cache)) + SEARCH
        body, headers = measure.get(ours)
        _, behind = stack.enter_context(measure.nginx(folder / "behind", body, headers))
        _, url = stack.enter_context(measure.proxy(folder / "proxy", behind.removeprefix("http://").rstrip("/")))
        theirs = url + "/"
        pairs = [(rate(ours, given.seconds, given.connections), rate(theirs, given.seconds, given.connections)) for _ in range(given.rounds)]
    for label, values in (("CineSync", [a for a, _ in pairs]), ("nginx to nginx", [b for _, b in pairs])):
        print(f"{label:15} median {statistics.median(values):8,.0f} requests/s (min {min(values):,.0f}, max {max(values):,.0f})")
    ratios = [a / b for a, b in pairs]
    print(f"ratio: median {statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})")


if __name__ == "__main__":
    main()
