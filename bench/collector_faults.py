#!/usr/bin/env python3
"""What a sick collector of traces costs a cached read: the 99th percentile, as ratios to the same without a collector.

usage: collector_faults.py BUILD [--rounds 15] [--seconds 2] [--connections 16] [--pause-ms 8]

One movie service for each kind of collector, asked in turn: one that is well, that takes a part, that answers 503 or 429 with Retry-After,
400, 413, that takes the request and says nothing, that resets the connection, and one that is not there. Every span is recorded. The
collector is a few lines on the other core, with the load generator.

Each connection pauses between its requests, --pause-ms on average: a service with all its time taken answers later for whatever else it
does, and it is waiting that is looked for here. --pause-ms 0 leaves it no time. A second service without a collector shows what the
machine's own noise makes of the same.
"""
import argparse
import contextlib
import http.server
import pathlib
import socket
import statistics
import struct
import tempfile
import threading

import measure

CACHED = "/search?query=toy+story"
PLAIN = "no collector"
AGAIN = "no collector, again"
PARTIAL = b"\x0a\x02\x08\x01"  # ExportTracePartialSuccess: one span was rejected
KINDS = {"well": 200, "takes a part": "partial", "503, Retry-After": 503, "429, Retry-After": 429, "400": 400, "413": 413, "hangs": "hang", "resets": "reset", "not there": None}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        kind = self.server.kind
        if kind == "hang":
            self.server.over.wait()
            return
        if kind == "reset":  # what is unread, and no time to linger, make it a reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = PARTIAL if kind == "partial" else b""
        self.send_response(200 if kind == "partial" else kind)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        if kind in (429, 503):
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


@contextlib.contextmanager
def collector(kind):
    """Its URL."""
    if kind is None:
        yield f"http://127.0.0.1:{measure.free_port()}"
        return
    server = Server(("127.0.0.1", 0), Handler)
    server.kind, server.over = kind, threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.over.set()
    server.shutdown()
    server.server_close()


def paced(folder, pause_ms):
    """A script for wrk; None: no pauses. Their lengths are drawn, so that connections do not march in step."""
    if pause_ms == 0:
        return None
    path = folder / "paced.lua"
    path.write_text(f"function delay() return math.random(0, {2 * pause_ms}) end\n")
    return path


def p99_ms(url, seconds, connections, script):
    out = measure.wrk(url + CACHED, seconds, connections, script)
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"a request failed:\n{out}")
    return measure.percentile_ms(out, 99)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--pause-ms", type=int, default=8)
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        build = given.build.resolve()
        script = paced(folder, given.pause_ms)
        urls = {label: stack.enter_context(measure.movie(build, folder / label))[1] for label in (PLAIN, AGAIN)}
        for number, (label, kind) in enumerate(KINDS.items()):
            endpoint = stack.enter_context(collector(kind))
            urls[label] = stack.enter_context(measure.movie(build, folder / str(number), OTEL_EXPORTER_OTLP_ENDPOINT=endpoint))[1]
        turns = {label: [] for label in urls}
        for url in urls.values():
            measure.get(url + CACHED)
        for _ in range(given.rounds):
            for label, url in urls.items():
                turns[label].append(p99_ms(url, given.seconds, given.connections, script))
    print(f"{given.connections} connections, {given.rounds} turns of {given.seconds} s each, pauses of {given.pause_ms} ms; no request failed")
    for label, measured in turns.items():
        ratios = [a / b for a, b in zip(measured, turns[PLAIN])]
        print(f"{label:20} p99: median {statistics.median(measured):.2f} ms; ratio to {PLAIN}: median {statistics.median(ratios):.2f} "
              f"({min(ratios):.2f}..{max(ratios):.2f})")


if __name__ == "__main__":
    main()
