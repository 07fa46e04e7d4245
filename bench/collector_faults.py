#!/usr/bin/env python3
"""What a sick collector of traces costs a cached read: the 99th percentile, as ratios to the same without a collector.

usage: collector_faults.py BUILD [--rounds 100] [--requests 200] [--pause-us 300]

One movie service for each kind of collector: one that is well, that takes a part, that answers 503 or 429 with Retry-After, 400, 413, that
takes the request and says nothing, that resets the connection, and one that is not there; and two without a collector, of which the
second shows what the machine's own noise makes of the same. Every span is recorded. A round asks each service so many times, one request
after the other on one connection, in an order drawn anew: whatever the machine does for longer than a few milliseconds it does to all of
them. The percentile is that of all rounds. The services have one core, the load generator and the collectors the other.

Between two requests there is a pause. --pause-us 0 leaves a service no time but in answers: then one request in 256 waits while the
exporter, on the same core, sends 512 spans, which shows in the percentile of those that take them.
"""
import argparse
import contextlib
import gc
import multiprocessing
import os
import pathlib
import random
import socket
import tempfile
import time

import measure

CACHED = "/search?query=toy+story"
PLAIN = "no collector"
AGAIN = "no collector, again"
HANGS = "hangs"
PARTIAL = "\n\x02\x08\x01"  # ExportTracePartialSuccess: one span was rejected
KINDS = {"well": "200 ''", "takes a part": f"200 '{PARTIAL}'", "503, Retry-After": "503", "429, Retry-After": "429", "400": "400", "413": "413",
         "hangs": HANGS, "resets": "444", "not there": None}


@contextlib.contextmanager
def hanging():
    """URL of one that accepts connections and reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextlib.contextmanager
def nobody():
    yield f"http://127.0.0.1:{measure.free_port()}"


def collector(folder, kind):
    """Its URL. nginx closes with 444 what it has not read, which is a reset."""
    if kind is None:
        return nobody()
    return hanging() if kind == HANGS else measure.collector(folder, kind)


def spin(core):
    os.sched_setaffinity(0, {core})
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while True:
        pass


@contextlib.contextmanager
def awake():
    """The cores do not sleep: whoever has work takes them at once, and waking them is not measured."""
    spinners = [multiprocessing.Process(target=spin, args=(int(core),), daemon=True) for core in (measure.MEASURED, measure.OTHERS)]
    for spinner in spinners:
        spinner.start()
    yield
    for spinner in spinners:
        spinner.kill()
        spinner.join()


class Asker:
    """One connection, and how long each answer took, in nanoseconds."""

    def __init__(self, url):
        host, _, path = url.removeprefix("http://").partition("/")
        address, port = host.split(":")
        self.connection = socket.create_connection((address, int(port)), timeout=10)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = f"GET /{path}{CACHED} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self.took = []

    def ask(self, requests, pause_s=0.0):
        send, receive, now, took, request = self.connection.sendall, self.connection.recv, time.perf_counter_ns, self.took, self.request
        for _ in range(requests):
            start = now()
            send(request)
            answer = receive(65536)
            took.append(now() - start)
            if pause_s:
                time.sleep(pause_s)
            if not answer.startswith(b"HTTP/1.1 200 ") or not answer.endswith(b"}"):
                raise SystemExit(f"a request failed, or its answer came in pieces:\n{answer[:300]}")

    def percentile_us(self, percent):
        return sorted(self.took)[int(len(self.took) * percent / 100)] / 1000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--pause-us", type=int, default=300)
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        build = given.build.resolve()
        urls = {label: stack.enter_context(measure.movie(build, folder / label))[1] for label in (PLAIN, AGAIN)}
        for number, (label, kind) in enumerate(KINDS.items()):
            endpoint = stack.enter_context(collector(folder / f"collector-{number}", kind))
            urls[label] = stack.enter_context(measure.movie(build, folder / str(number), OTEL_EXPORTER_OTLP_ENDPOINT=endpoint))[1]
        askers = {label: Asker(url) for label, url in urls.items()}
        os.sched_setaffinity(0, {int(measure.OTHERS)})
        for asker in askers.values():
            asker.ask(2000)
            asker.took.clear()
        gc.disable()
        stack.enter_context(awake())
        for _ in range(given.rounds):
            for asker in random.sample(list(askers.values()), len(askers)):
                asker.ask(given.requests, given.pause_us / 1e6)
    print(f"{given.rounds} rounds of {given.requests} requests to each, pauses of {given.pause_us} us; none failed")
    plain = {percent: askers[PLAIN].percentile_us(percent) for percent in (50, 99)}
    for label, asker in askers.items():
        p50, p99 = asker.percentile_us(50), asker.percentile_us(99)
        print(f"{label:20} p50 {p50:6.1f} us, p99 {p99:6.1f} us; ratios to {PLAIN}: {p50 / plain[50]:.3f}, {p99 / plain[99]:.3f}")


if __name__ == "__main__":
    main()
