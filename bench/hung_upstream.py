#!/usr/bin/env python3
"""What a TMDB that hangs costs everybody else: 99th percentile of cached reads and of log-ins, as ratios to the same while
nobody asks TMDB anything.

usage: hung_upstream.py BUILD [--rounds 3] [--seconds 5]

64 askers put questions to TMDB that were never asked before, and wait for nothing else. Meanwhile 16 connections read what is
cached, and one person logs in over and over at the user service. Last, how long a question that was never asked takes while the
circuit breaker is open, one at a time, and how many calls TMDB got meanwhile.
"""
import argparse
import contextlib
import json
import pathlib
import statistics
import tempfile
import threading
import time
import urllib.error
import urllib.request

import measure

CACHED = "/search?query=casablanca"
ASKERS = 64


class Askers:
    """Threads that ask what nobody has asked before."""

    def __init__(self, url):
        self.url = url
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(number,)) for number in range(ASKERS)]

    def ask(self, number):
        turn = 0
        while not self.ending.is_set():
            turn += 1
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.url}/search?query=x&language=en-x-h{number}-{turn}", timeout=10).close()
            time.sleep(0.05)

    def __enter__(self):
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()


@contextlib.contextmanager
def user(build, folder, movie_url):
    port = measure.free_port()
    environment = {"LISTEN": f"127.0.0.1:{port}", "DATA_DIR": str(folder), "MOVIE_URL": movie_url, "LOG_LEVEL": "error", "BCRYPT_COST": "10"}
    with measure.running([build / "src/user/cinesync-user"], measure.MEASURED, environment):
        base = f"http://127.0.0.1:{port}"
        measure.get(base + "/livez")
        yield base


def post(url, message):
    request = urllib.request.Request(url, data=json.dumps(message).encode(), headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def login_p99_ms(base, seconds):
    took = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        post(base + "/api/v1/auth/login", {"email": "ada@example.com", "password": "correct horse battery"})
        took.append((time.monotonic() - begin) * 1000)
    return sorted(took)[int(len(took) * 0.99)]


def breaker_open(build, folder, base, seconds):
    settings = {**measure.tmdb_settings(base), "BREAKER_OPEN_MS": 600000, "BREAKER_OPEN_MAX_MS": 600000, "BREAKER_CALLS_MIN": 1,
                "SEEN_FILMS_MAX": 0}
    with measure.movie(build, folder / "open", **settings) as (_, url):
        measure.faults(base, '{"status": 500}')
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url + "/popular", timeout=10).close()
        urllib.request.urlopen(urllib.request.Request(base + "/__control/counts/reset", method="POST"), timeout=10).close()
        script = measure.paths_script(folder, "open", "'/api/v1/movies/search?query=x' .. n")
        out = measure.wrk(url, seconds, 1, script)
        with urllib.request.urlopen(base + "/__control/counts", timeout=10) as answer:
            calls = json.load(answer)["total"]
        measure.faults(base, "{}")
    print(f"breaker open: median {measure.percentile_ms(out, 50):.3f} ms, p99 {measure.percentile_ms(out, 99):.3f} ms a question; {calls} calls of TMDB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    given = parser.parse_args()
    quiet, hung = {"cached read": [], "log-in": []}, {"cached read": [], "log-in": []}
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        build = given.build.resolve()
        base = stack.enter_context(measure.tmdb())
        # The breaker would end the hanging at once: it is kept from opening.
        settings = {**measure.tmdb_settings(base), "BREAKER_CALLS_MIN": 100000, "TMDB_CALLS_MAX": 64}
        _, url = stack.enter_context(measure.movie(build, folder / "movie", **settings))
        people = stack.enter_context(user(build, folder / "user", url.partition("/api")[0]))
        post(people + "/api/v1/auth/register", {"email": "ada@example.com", "password": "correct horse battery"})
        measure.get(url + CACHED)
        for _ in range(given.rounds):
            for result, askers in ((quiet, contextlib.nullcontext()), (hung, Askers(url))):
                measure.faults(base, '{"hang": true}')
                with askers:
                    time.sleep(0.5)
                    result["cached read"].append(measure.percentile_ms(measure.wrk(url + CACHED, given.seconds, 16), 99))
                    result["log-in"].append(login_p99_ms(people, given.seconds))
        measure.faults(base, "{}")
        breaker_open(build, folder, base, given.seconds)
    for what in quiet:
        ratios = [a / b for a, b in zip(hung[what], quiet[what])]
        print(f"{what:12} p99: {statistics.median(quiet[what]):.2f} ms in quiet, {statistics.median(hung[what]):.2f} ms with a hung TMDB; "
              f"ratio median {statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})")


if __name__ == "__main__":
    main()
