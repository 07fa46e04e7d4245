#!/usr/bin/env python3
"""Log-ins against the raw rate of bcrypt, and what everybody else notices of them.

usage: login.py BUILD [--turns 3] [--seconds 15] [--cost 12]

In turns: bcrypt alone on all processors; a few connections that log in one time after another, as many as keep the
hashers at work; 200 that log in as fast as they are let; requests of one logged-in person, alone and during such a rush.
Printed: log-ins a second of the few and in the rush, by the service's own counter once its line has filled, as a ratio
to raw bcrypt (the processors are the crowd's, too: what 200 clients take of them, no log-in gets); how soon a log-in
that finds the line full is refused; the 99th percentile of GET /users/me during the rush as a ratio to the same alone.
"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

import measure

PASSWORD = "correct horse battery staple"
FEW_A_CORE = 4
CROWD = 200
WATCHED = 50  # of the crowd
# The limits are not what is measured: everybody comes from one address here.
NO_LIMITS = {name: "1000000" for name in ("LIMIT_LOGINS", "LIMIT_REGISTRATIONS")}

SETTLE_S = 3  # until the line is full
ANSWERED = re.compile(r'^http_server_request_duration_seconds_count{method="POST",route="/api/v1/auth/login",status="(\d+)"} (\d+)$', re.M)

FEW = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local n = 0
-- Each time somebody else: one account is not tried so often at once.
function request()
  n = n + 1
  return wrk.format(nil, nil, nil, '{"email":"few-' .. n % PEOPLE .. '@example.org","password":"PASSWORD"}')
end
"""
RUSH = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '%s'
-- Who is refused comes again after a second, as Retry-After asks of him; who is served does, too.
function delay() return 1000 end
"""


def post(url, body):
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@contextlib.contextmanager
def user(build, folder, cost):
    """A user service on all processors, with one person logged in: (base URL, access token)."""
    port = measure.free_port()
    environment = {**os.environ, **NO_LIMITS, "LISTEN": f"127.0.0.1:{port}", "DATA_DIR": str(folder), "LOG_ACCESS": "false",
                   "LOG_LEVEL": "error", "BCRYPT_COST": str(cost), "ACCESS_TOKEN_TTL_S": "3600"}
    process = subprocess.Popen([build / "src/user/cinesync-user"], env=environment, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}/api/v1"
        measure.get(f"http://127.0.0.1:{port}/livez")
        # The one who rushes is not the one who waits: a person has so many sessions and no more.
        few = [f"few-{n}@example.org" for n in range(FEW_A_CORE * os.cpu_count())]
        for email in ("ada@example.org", "grace@example.org", *few):
            post(url + "/auth/register", {"email": email, "password": PASSWORD})
        yield url, post(url + "/auth/login", {"email": "grace@example.org", "password": PASSWORD})["access_token"]
    finally:
        process.terminate()
        process.wait()


def wrk(url, seconds, connections, script, threads=1):
    return subprocess.run(["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "30s",
                           "-s", str(script), url], check=True, stdout=subprocess.PIPE, text=True).stdout


def served(url):
    """Log-ins of the whole crowd that were served so far; all others were refused."""
    answered = dict(ANSWERED.findall(measure.get(urllib.parse.urljoin(url, "/metrics"))[0].decode()))
    if set(answered) - {"200", "429", "503", "499"}:  # 499: wrk left before its answer
        raise SystemExit(f"log-ins were answered {answered}")
    return int(answered["200"])


def watched(url, body, until, ret):
    """One of the crowd: ret gets the seconds each refusal took."""
    where = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    while time.monotonic() < until:
        begin = time.monotonic()
        connection.request("POST", where.path + "/auth/login", body, {"Content-Type": "application/json"})
        with connection.getresponse() as answer:
            answer.read()
            if answer.status != 200:
                ret.append(time.monotonic() - begin)
        time.sleep(1)


def rate_of(url, seconds):
    """Log-ins served a second, from when the line has filled."""
    time.sleep(SETTLE_S)
    before, begin = served(url), time.monotonic()
    time.sleep(seconds - SETTLE_S - 1)
    return (served(url) - before) / (time.monotonic() - begin)


def few(url, seconds, script):
    with contextlib.ExitStack() as stack:
        people = threading.Thread(target=wrk, args=(url + "/auth/login", seconds, FEW_A_CORE * os.cpu_count(), script))
        people.start()
        stack.callback(people.join)
        return rate_of(url, seconds)


def rush(url, seconds, script, body):
    """(log-ins a second, seconds of each refusal that was watched)."""
    refused = []
    with contextlib.ExitStack() as stack:
        crowd = threading.Thread(target=wrk, args=(url + "/auth/login", seconds, CROWD - WATCHED, script))
        until = time.monotonic() + seconds - 1
        watchers = [threading.Thread(target=watched, args=(url, body, until, refused)) for _ in range(WATCHED)]
        for one in [crowd, *watchers]:
            one.start()
            stack.callback(one.join)
        rate = rate_of(url, seconds)
    if not refused:
        raise SystemExit("nobody was refused: this is no rush")
    return rate, refused


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--cost", type=int, default=12)
    given = parser.parse_args()
    build, cores = given.build.resolve(), os.cpu_count()
    rates, crowded, waits = [], [], []
    with tempfile.TemporaryDirectory() as name, user(build, pathlib.Path(name) / "user", given.cost) as (url, token):
        log_in, crowd, me = (pathlib.Path(name) / f"{script}.lua" for script in ("log_in", "crowd", "me"))
        log_in.write_text(FEW.replace("PEOPLE", str(FEW_A_CORE * cores)).replace("PASSWORD", PASSWORD))
        body = json.dumps({"email": "ada@example.org", "password": PASSWORD})
        crowd.write_text(RUSH % body)
        me.write_text(f'wrk.headers["Authorization"] = "Bearer {token}"\n'
                      "function delay() return 20 end\n")  # ms between two requests: a person, not a flood
        for turn in range(given.turns):
            raw = float(subprocess.run([build / "src/user/bench_bcrypt", str(given.cost), str(cores), str(given.seconds)],
                                       check=True, stdout=subprocess.PIPE, text=True).stdout)
            served_few = few(url, given.seconds, log_in)
            alone = measure.percentile_ms(wrk(url + "/users/me", given.seconds, 4, me), 99)
            during = []
            other = threading.Thread(target=lambda: during.append(
                measure.percentile_ms(wrk(url + "/users/me", given.seconds, 4, me), 99)))
            other.start()
            rate, refused = rush(url, given.seconds, crowd, body)
            other.join()
            rates.append(served_few / raw)
            crowded.append(rate / raw)
            waits.append(during[0] / alone)
            print(f"turn {turn + 1}: bcrypt alone {raw:.2f}/s; log-ins {served_few:.2f}/s (ratio {rates[-1]:.2f}), in the rush "
                  f"{rate:.2f}/s (ratio {crowded[-1]:.2f}); {len(refused):,} refusals "
                  f"watched, the slowest {max(refused) * 1e3:.1f} ms; GET /users/me p99 {alone:.2f} ms alone, {during[0]:.2f} ms "
                  f"during (ratio {waits[-1]:.2f})", flush=True)
    print(f"log-ins to raw bcrypt: median ratio {statistics.median(rates):.2f}, in the rush {statistics.median(crowded):.2f}; "
          f"p99 of others during to alone: median ratio {statistics.median(waits):.2f}")


if __name__ == "__main__":
    main()
