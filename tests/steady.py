"""A steady load: so many requests a second, whatever happens, and every answer that is not what was asked for."""
import http.client
import json
import threading
import time
import urllib.parse


class Steady:
    """As a context manager. ask: [(method, path, body or None, headers, status that is right)], taken in turn. Connections to the
    gateway are kept; that the gateway closes an idle one is no failure, and is asked again on a new one."""

    def __init__(self, url, ask, rate=300, threads=20):
        self.address = urllib.parse.urlparse(url).netloc
        self.ask, self.rate, self.n_threads = ask, rate, threads
        self.asked, self.failures = 0, []
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.threads = []

    def __enter__(self):
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(self.n_threads)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)

    def exchange(self, connection, what):
        method, path, body, headers, right = what
        connection.request(method, path, None if body is None else json.dumps(body),
                           {"Content-Type": "application/json", **headers} if body is not None else headers)
        answer = connection.getresponse()
        text = answer.read()
        return None if answer.status == right else (answer.status, text[:200])

    def run(self, number):
        connection = http.client.HTTPConnection(self.address, timeout=15)
        every = self.n_threads / self.rate
        at = time.monotonic() + every * number / self.n_threads
        turn = number
        while not self.stopping.is_set():
            time.sleep(max(0, at - time.monotonic()))
            at += every
            what = self.ask[turn % len(self.ask)]
            turn += 1
            fresh = connection.sock is None
            try:
                failure = self.exchange(connection, what)
            except (http.client.HTTPException, OSError) as error:
                connection.close()
                if not fresh and isinstance(error, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)):
                    try:
                        failure = self.exchange(connection, what)
                    except (http.client.HTTPException, OSError) as again:
                        failure = (repr(again), b"")
                else:
                    failure = (repr(error), b"")
            with self.lock:
                self.asked += 1
                if failure:
                    self.failures.append((round(time.monotonic(), 3), *what[:2], *failure))
