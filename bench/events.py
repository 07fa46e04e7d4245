#!/usr/bin/env python3
"""Events from the outbox through RabbitMQ to the consumer's database, against a bare publisher with confirms.

usage: events.py BUILD [--turns 3] [--events 20000] [--window 256]

In turns, on one RabbitMQ: bench_rabbit (only librabbitmq) publishes messages of the same size into a quorum queue and waits for
their confirms, at most --window unconfirmed; then the user service, started over an outbox in PostgreSQL that holds so many
events of different people, publishes them, and the notification service takes each into its own database in PostgreSQL and
acknowledges it. Measured from the first event that is taken to the last. All processes have all processors, in both.
Printed: both rates, and ours as a ratio to the bare publisher's.
"""
import argparse
import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import psycopg2

import measure

sys.path.insert(0, str(measure.ROOT / "tests"))
from postgres_harness import Postgres  # noqa: E402
from rabbit_harness import PASSWORD, USER, RabbitMQ  # noqa: E402

TAKEN = re.compile(r'^cinesync_rabbitmq_consumed_total{outcome="taken"} (\S+)$', re.M)
FILL = """
INSERT INTO outbox (event_id, subject, type, envelope, next_attempt_ms, created_ms)
SELECT id, id, 'com.cinesync.user.created.v1', json_build_object('specversion', '1.0', 'id', id, 'source', '/cinesync/user',
       'type', 'com.cinesync.user.created.v1', 'subject', id, 'time', '2026-11-27T10:00:00.000Z', 'datacontenttype', 'application/json',
       'data', json_build_object('user_id', id, 'email', 'bench-' || n || '@example.org', 'display_name', 'Somebody Else',
                                 'language', 'en', 'created_at', '2026-11-27T10:00:00.000Z'))::text, 0, 1
FROM (SELECT gen_random_uuid()::text AS id, n FROM generate_series(1, %s) AS n) AS made
"""


@contextlib.contextmanager
def service(build, name, folder, **settings):
    port = measure.free_port()
    environment = {**os.environ, "LISTEN": f"127.0.0.1:{port}", "DATA_DIR": str(folder / name), "LOG_LEVEL": "error", "BCRYPT_COST": "4",
                   "MOVIE_URL": "http://127.0.0.1:9", "LINK_KEY_FILE": str(folder / "link.key"), **settings}
    process = subprocess.Popen([build / "src" / name / f"cinesync-{name}"], env=environment, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        measure.get(f"http://127.0.0.1:{port}/readyz")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def execute(url, *statement):
    with contextlib.closing(psycopg2.connect(url)) as database, database, database.cursor() as cursor:
        cursor.execute(*statement)
        return cursor.fetchall() if cursor.description else None


def taken(url):
    found = TAKEN.search(measure.get(url + "/metrics")[0].decode())
    return float(found.group(1)) if found else 0


def ours(build, rabbit, postgres, events, size):
    """Events a second; size: of an envelope, filled in."""
    databases = {name: postgres.database() for name in ("user", "notification")}
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        subprocess.run([build / "src/user/cinesync-user", "migrate", "up"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "DATABASE_URL": databases["user"], "DATA_DIR": scratch})
        execute(databases["user"], FILL, (events,))
        execute(databases["user"], "ANALYZE outbox")  # as autovacuum does within a minute
        size.append(execute(databases["user"], "SELECT avg(length(envelope))::int FROM outbox")[0][0])
        # Mails would be another measurement: nobody takes them here.
        mail = {"SMTP_URL": "smtp://127.0.0.1:9", "SMTP_TLS": "off", "SMTP_CONNECTIONS": "1"}
        with service(build, "notification", folder, AMQP_URL=rabbit.url, DATABASE_URL=databases["notification"], **mail) as consumer:
            time.sleep(1)
            with service(build, "user", folder, AMQP_URL=rabbit.url, DATABASE_URL=databases["user"]):
                while taken(consumer) == 0:
                    time.sleep(0.005)
                began, before = time.monotonic(), taken(consumer)
                while (now := taken(consumer)) < events:
                    time.sleep(0.02)
                return (now - before) / (time.monotonic() - began)


def bare(build, rabbit, events, size, window):
    vhost = rabbit.vhost
    done = subprocess.run([build / "src/event/bench_rabbit", "127.0.0.1", str(rabbit.port), vhost, USER, PASSWORD, "bench", str(events),
                           str(size), str(window)], check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--events", type=int, default=20000)
    parser.add_argument("--window", type=int, default=256)
    options = parser.parse_args()
    build = options.build.resolve()
    subprocess.run(["ninja", "-C", build, "src/event/bench_rabbit"], check=True, stdout=subprocess.DEVNULL)
    rabbit, sizes, rates = RabbitMQ(), [], []
    try:
        rabbit.start()
        with Postgres() as postgres:
            for turn in range(options.turns):
                rabbit.fresh()
                mine = ours(build, rabbit, postgres, options.events, sizes)
                rabbit.fresh()
                theirs = bare(build, rabbit, options.events, sizes[-1], options.window)
                rates.append((mine, theirs))
                print(f"turn {turn + 1}: outbox to consumer {mine:.0f} events/s, bare publisher {theirs:.0f} messages/s of {sizes[-1]} bytes: "
                      f"{mine / theirs:.2f} x", flush=True)
        print(f"median {statistics.median(mine / theirs for mine, theirs in rates):.2f} x (budget 0.6)")
    finally:
        rabbit.stop()


if __name__ == "__main__":
    main()
