#!/usr/bin/env python3
"""A TMDB to test against: the endpoints under /3, and the switches under /__control. See README.md.

One process, one loop. It prints "listening URL" when it takes connections and ends on SIGTERM or SIGINT.
"""
import argparse
import asyncio
import contextlib
import json
import signal
import socket
import ssl
import time

import films
from api import Api, error
from control import PREFIX, Control, Counts
from faults import Faults, Play, checked
from http11 import NO_LINGER, Connection
from query import Library

BACKLOG = 1024
HANDSHAKE_S = 10
DEMO_TOKEN = "demo-token"
DEMO_KEY = "0123456789abcdef0123456789abcdef"


class Rate:
    """Requests a second, as a bucket that holds one second's worth. 0: no limit."""

    def __init__(self, per_second, retry_after):
        self.per_second = per_second
        self.headers = [("retry-after", retry_after)] if retry_after else []
        self.tokens = float(per_second)
        self.filled = time.monotonic()

    def refused(self):
        """The 429, or None: this one may pass."""
        if not self.per_second:
            return None
        now = time.monotonic()
        self.tokens = min(self.per_second, self.tokens + (now - self.filled) * self.per_second)
        self.filled = now
        if self.tokens >= 1:
            self.tokens -= 1
            return None
        return error(25, self.per_second + 1, self.per_second, headers=self.headers)


class Site:
    """Everything a request meets, in its order: the switches, the limit, the key, the answer, the faults."""

    def __init__(self, options):
        loaded = films.load()
        self.api = Api(Library(loaded, films.collect(loaded)), options.token, options.api_key, options.max_age,
                       options.framing == "chunked")
        self.faults = Faults()
        self.faults.put(options.faults)
        self.counts = Counts()
        self.control = Control(self)
        self.rate = Rate(options.rate, options.rate_retry_after)
        self.connections = set()
        self.tls = options.tls is not None
        self.began = time.time()

    def serve(self, connection, request):
        if request.target.startswith(PREFIX):
            connection.send(self.control.answer(request))
            return
        if not connection.counted:
            self.count_connection(connection)
        counts = self.counts
        template, answer = self.api.answer(request)
        limited = self.rate.refused()
        if limited:
            counts.rate_limited += 1
            answer = limited
        elif answer.status == 401:
            counts.unauthorized += 1
        line = counts.begin(request, template)
        active = self.faults.take(request.target)
        if active is None:
            counts.end(line, answer.status)
            connection.send(answer)
        else:
            counts.faulted += 1
            Play(self.faults, active, connection, answer, lambda status: counts.end(line, status))

    def count_connection(self, connection):
        """Those that only throw switches are not counted."""
        connection.counted = True
        self.counts.connections += 1
        self.counts.connections_total += 1

    def make_connection(self):
        return SiteConnection(self)


class SiteConnection(Connection):
    def __init__(self, site):
        super().__init__(site.serve, site.connections)
        self.site = site

    def connection_lost(self, reason):
        if self.counted:
            self.site.counts.connections -= 1
        super().connection_lost(reason)


class Listener:
    """Accepts by hand, so that a TLS handshake can be broken off before it has begun."""

    def __init__(self, site, listening, tls):
        self.site = site
        self.socket = listening
        self.tls = tls
        self.tasks = set()

    async def run(self):
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(self.socket)
            except OSError:  # no file left, or the client went at once
                await asyncio.sleep(0.05)
                continue
            task = loop.create_task(self.take(loop, accepted))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def take(self, loop, accepted):
        try:
            accepted.setblocking(False)
            if self.tls and self.site.faults.take_handshake():
                await self.break_off(loop, accepted)
                return
            more = {"ssl": self.tls, "ssl_handshake_timeout": HANDSHAKE_S} if self.tls else {}
            await loop.connect_accepted_socket(self.site.make_connection, accepted, **more)
        except (OSError, ssl.SSLError):
            self.site.counts.handshakes_failed += 1
            accepted.close()

    async def break_off(self, loop, accepted):
        """Takes the client's hello and goes."""
        self.site.counts.handshakes_failed += 1
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(loop.sock_recv(accepted, 4096), HANDSHAKE_S)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        accepted.close()


def address(text):
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError("ADDRESS:PORT")
    return host.strip("[]"), int(port)


def fault_set(text):
    try:
        return checked(json.loads(text))
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None


def options_of(arguments):
    parser = argparse.ArgumentParser(description="A TMDB v3 for tests, with faults. See README.md beside it.")
    parser.add_argument("--listen", type=address, default=("127.0.0.1", 0), metavar="ADDRESS:PORT", help="port 0: any free one")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="PEM files; then it speaks HTTPS only")
    parser.add_argument("--token", default=DEMO_TOKEN, help=f"read access token, as Bearer ({DEMO_TOKEN})")
    parser.add_argument("--api-key", default=DEMO_KEY, help=f"v3 key, as ?api_key= ({DEMO_KEY})")
    parser.add_argument("--rate", type=int, default=0, metavar="N", help="requests a second before a 429; 0: no limit")
    parser.add_argument("--rate-retry-after", metavar="TEXT", help="Retry-After of these 429; none without it")
    parser.add_argument("--max-age", type=int, metavar="S", help="of every good answer; TMDB's usual ones without it")
    parser.add_argument("--framing", choices=("chunked", "length"), default="chunked", help="of bodies; TMDB sends chunked")
    parser.add_argument("--faults", type=fault_set, default={}, metavar="JSON", help="from the start, as PUT /__control/faults")
    return parser.parse_args(arguments)


def tls_context(files):
    if not files:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    context.set_alpn_protocols(["http/1.1"])
    return context


def listen(where):
    family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(where)
    listening.listen(BACKLOG)
    listening.setblocking(False)
    return listening


async def main(options):
    loop = asyncio.get_running_loop()
    tls = tls_context(options.tls)
    site = Site(options)
    listening = listen(options.listen)
    ended = asyncio.Event()
    for which in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(which, ended.set)
    host, port = listening.getsockname()[:2]
    accepting = loop.create_task(Listener(site, listening, tls).run())
    print(f"listening http{'s' if tls else ''}://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
    await ended.wait()
    accepting.cancel()
    for connection in list(site.connections):
        connection.transport.abort()
    listening.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(options_of(None)))
