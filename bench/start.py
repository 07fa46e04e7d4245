#!/usr/bin/env python3
"""Time from the first process to all three services ready (and the collector of traces beside them), and their memory when idle.

usage: start.py BUILD [--rounds 10]

Each round starts them at once on a fresh data folder, then once more on the same one. Memory is read from
/proc/PID/smaps_rollup two seconds after the last start: Rss counts shared library pages in full, Pss by share.
"""
import argparse
import os
import pathlib
import re
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request

SERVICES = ("movie", "notification", "user", "trace")


def free_ports(n):
    probes = [socket.socket() for _ in range(n)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def is_ready(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


def start(build, folder):
    """(processes by name, seconds until all are ready)"""
    ports = dict(zip(SERVICES, free_ports(len(SERVICES))))
    begin = time.monotonic()
    processes = {}
    for name in SERVICES:
        environment = {**os.environ, "LISTEN": f"127.0.0.1:{ports[name]}", "DATA_DIR": str(folder / name),
                       "MOVIE_URL": f"http://127.0.0.1:{ports['movie']}",
                       "NOTIFICATION_URL": f"http://127.0.0.1:{ports['notification']}"}
        if name != "trace":
            environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{ports['trace']}"
        processes[name] = subprocess.Popen([build / "src" / name / f"cinesync-{name}"], env=environment, stdout=subprocess.DEVNULL)
    for name in SERVICES:
        while not is_ready(ports[name]):
            if processes[name].poll() is not None:
                raise SystemExit(f"cinesync-{name} ended with {processes[name].returncode}")
            time.sleep(0.001)
    return processes, time.monotonic() - begin


def stop(processes):
    for process in processes.values():
        process.terminate()
    for process in processes.values():
        process.wait()


def memory(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {key: int(re.search(rf"^{key}:\s+(\d+) kB", text, re.M).group(1)) for key in ("Rss", "Pss")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    first, again = [], []
    for number in range(given.rounds):
        with tempfile.TemporaryDirectory() as name:
            for seconds in (first, again):
                processes, took = start(given.build.resolve(), pathlib.Path(name))
                seconds.append(took * 1000)
                if number + 1 == given.rounds and seconds is again:
                    time.sleep(2)
                    for service, process in processes.items():
                        used = memory(process.pid)
                        print(f"{service:13} idle: Rss {used['Rss'] / 1024:.1f} MB, Pss {used['Pss'] / 1024:.1f} MB")
                stop(processes)
    for label, values in (("first start", first), ("later start", again)):
        print(f"{label} to all ready: median {statistics.median(values):.0f} ms (min {min(values):.0f}, max {max(values):.0f})")


if __name__ == "__main__":
    main()
