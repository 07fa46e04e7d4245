"""Many requests at the same moment, each on a connection of its own, and load that goes on while something happens."""
import asyncio
import collections
import threading
import time

import httpx

Answer = collections.namedtuple("Answer", "status headers body seconds")


async def one(host, port, path, gate, headers):
    reader, writer = await asyncio.open_connection(host, port)
    await gate.wait()
    start = time.monotonic()
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.read()
    seconds = time.monotonic() - start
    writer.close()
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    return Answer(int(first.split(" ")[1]), httpx.Headers([tuple(line.split(": ", 1)) for line in lines]), body, seconds)


async def all_at_once(requests, headers):
    gate = asyncio.Event()
    tasks = []
    for url in requests:
        base, _, path = url.removeprefix("http://").partition("/")
        host, _, port = base.partition(":")
        tasks.append(asyncio.create_task(one(host, int(port), "/" + path, gate, headers)))
    await asyncio.sleep(0.2)  # all connected
    gate.set()
    return await asyncio.gather(*tasks)


def burst(urls, headers=""):
    """Asks all of them at once; the answers in their order."""
    return asyncio.run(all_at_once(urls, headers))


class Load:
    """Readers that ask the same addresses over and over on kept connections, until stopped."""

    def __init__(self, urls, readers=4):
        self.urls = urls
        self.statuses = collections.Counter()
        self.seconds = []
        self.marked = False
        self.failures = []
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.read, args=(number,)) for number in range(readers)]

    def read(self, number):
        with httpx.Client(timeout=30, trust_env=False) as client:
            turn = number
            while not self.ending.is_set():
                url = self.urls[turn % len(self.urls)]
                turn += 1
                start = time.monotonic()
                try:
                    status = client.get(url).status_code
                except httpx.HTTPError as failure:
                    self.failures.append(repr(failure))
                    continue
                self.statuses[status] += 1
                self.seconds.append(time.monotonic() - start)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()
