#!/usr/bin/env python3
"""CPU a request of a cached search against nginx `return 200` of the same bytes.

usage: cached_search.py BUILD [--rounds 5] [--seconds 4] [--connections 64]

Both servers run on one core, the load generator on another; they take turns. Printed: CPU microseconds a request of each (user and
system time of the server's process by /proc), requests a second, and the ratio of the medians.
"""
import argparse
import contextlib
import os
import pathlib
import re
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request

QUERY = "/api/v1/movies/search?query=toy+story"  # about 1 KB; nginx takes at most 4 KB in one `return`
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url):
    deadline = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.read(), dict(answer.headers)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextlib.contextmanager
def movie(build, port):
    """The service on core 0."""
    environment = {**os.environ, "LISTEN": f"127.0.0.1:{port}", "LOG_ACCESS": "false", "LOG_LEVEL": "warning"}
    process = subprocess.Popen(["taskset", "-c", "0", build / "src/movie/cinesync-movie"], env=environment,
                               stdout=subprocess.DEVNULL)
    try:
        yield process.pid, f"http://127.0.0.1:{port}{QUERY}"
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def nginx(folder, port, body, headers):
    """nginx with one worker on core 0, answering the same bytes and headers."""
    (folder / "body").write_bytes(body)
    text = body.decode().replace("\\", "\\\\").replace("'", "\\'").replace("$", "${dollar}")
    added = "".join(f"add_header {name} '{headers[name]}';" for name in ("Cache-Control", "ETag", "X-Cache") if name in headers)
    (folder / "nginx.conf").write_text(f"""
        daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 4096; }}
        http {{ access_log off; keepalive_requests 1000000000; geo $dollar {{ default "$"; }}
        server {{ listen 127.0.0.1:{port}; default_type application/json;
        location / {{ add_header X-Request-Id $request_id; add_header Server-Timing 'total;dur=$request_time'; {added}
        return 200 '{text}'; }} }} }}""")
    process = subprocess.Popen(["taskset", "-c", "0", "nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"])
    try:
        url = f"http://127.0.0.1:{port}/"
        get(url)
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield int(children[0]), url
    finally:
        process.terminate()
        process.wait()


def load(pid, url, seconds, connections):
    """(CPU seconds a request, requests a second) of one turn."""
    before = cpu_seconds(pid)
    out = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", url], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    spent = cpu_seconds(pid) - before
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    if "Non-2xx" in out:
        raise SystemExit(f"{url} did not answer 200:\n{out}")
    return spent / requests, requests / seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=64)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, movie(given.build.resolve(), free_port()) as ours:
        body, _ = get(ours[1])
        _, headers = get(ours[1])
        os.chmod(name, 0o755)
        with nginx(pathlib.Path(name), free_port(), body, headers) as theirs:
            turns = {"cinesync-movie": [], "nginx return 200": []}
            for _ in range(given.rounds):
                for label, (pid, url) in (("cinesync-movie", ours), ("nginx return 200", theirs)):
                    turns[label].append(load(pid, url, given.seconds, given.connections))
    print(f"{len(body)} bytes of body, {given.connections} connections, {given.rounds} turns of {given.seconds} s each")
    for label, measured in turns.items():
        cpu = [turn[0] * 1e6 for turn in measured]
        rate = statistics.median(turn[1] for turn in measured)
        print(f"{label:18} CPU us/request: median {statistics.median(cpu):.2f} (min {min(cpu):.2f}, max {max(cpu):.2f}); {rate:,.0f} requests/s")
    ratios = [a[0] / b[0] for a, b in zip(*turns.values())]
    print(f"ratio ours/nginx: median {statistics.median(ratios):.2f} (min {min(ratios):.2f}, max {max(ratios):.2f})")


if __name__ == "__main__":
    main()
