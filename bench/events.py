#!/usr/bin/env python3
"""Events from the outbox through RabbitMQ to the consumer's database, against a bare publisher with confirms.

usage: events.py BUILD [--turns 3] [--events 20000] [--window 256]

In turns, on one RabbitMQ: the user service, started over an outbox in PostgreSQL that holds so many events of different people,
publishes them, and the notification service takes each into its own database in PostgreSQL and acknowledges it, measured from
the first event that is taken to the last; then bench_rabbit (only librabbitmq) publishes messages of the same size into a quorum
queue and waits for their confirms, at most --window unconfirmed; then it does so while another bench_rabbit consumes them. All
processes have all processors, in all three. Printed: the rates, ours as a ratio to the bare publisher's and to that of the
bare publisher and consumer, and how much processor time each event took of whom: two processors have 2,000,000 us a second.
"""
import argparse
import collections
import contextlib
import os
import pathlib
import re
import socket
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
SHOWN = ("postgres", "beam.smp", "cinesync-user", "cinesync-notifi")  # the kernel keeps 15 letters
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


def processor_seconds():
    """By the name of the process: what all of them with that name have used so far."""
    used = collections.Counter()
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            used[(folder / "comm").read_text().strip()] += measure.cpu_seconds(folder.name)
    return used


def ours(build, rabbit, postgres, events, size):
    """Events a second, and microseconds of processors an event by process; size: of an envelope, filled in."""
    databases = {name: postgres.database() for name in ("user", "notification")}
    with tempfile.TemporaryDirectory() as scratch, socket.create_server(("127.0.0.1", 0)) as silent:
        folder = pathlib.Path(scratch)
        subprocess.run([build / "src/user/cinesync-user", "migrate", "up"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "DATABASE_URL": databases["user"], "DATA_DIR": scratch})
        execute(databases["user"], FILL, (events,))
        size.append(execute(databases["user"], "SELECT avg(length(envelope))::int FROM outbox")[0][0])
        # Mails would be another measurement: the server they go to never says a word.
        mail = {"SMTP_URL": f"smtp://127.0.0.1:{silent.getsockname()[1]}", "SMTP_TLS": "off", "SMTP_CONNECTIONS": "1", "SMTP_TIMEOUT_MS": "60000"}
        with service(build, "notification", folder, AMQP_URL=rabbit.url, DATABASE_URL=databases["notification"], **mail) as consumer:
            time.sleep(1)
            with service(build, "user", folder, AMQP_URL=rabbit.url, DATABASE_URL=databases["user"]):
                while taken(consumer) == 0:
                    time.sleep(0.005)
                began, before, used = time.monotonic(), taken(consumer), processor_seconds()
                while (now := taken(consumer)) < events:
                    time.sleep(0.02)
                rate = (now - before) / (time.monotonic() - began)
                used = processor_seconds() - used
                return rate, {name: seconds / (now - before) * 1e6 for name, seconds in used.most_common() if name in SHOWN}


def bare(build, rabbit, events, size, window, with_consumer):
    """Messages a second: confirmed, or consumed."""
    program, where = build / "src/event/bench_rabbit", ["127.0.0.1", str(rabbit.port), rabbit.vhost, USER, PASSWORD, "bench", str(events)]
    consumer = subprocess.Popen([program, "consume", *where, "100"], stdout=subprocess.PIPE, text=True) if with_consumer else None
    if consumer:
        consumer.stdout.readline()  # it has the queue
    done = subprocess.run([program, "publish", *where, str(size), str(window)], check=True, stdout=subprocess.PIPE, text=True)
    return float(consumer.communicate()[0] if consumer else done.stdout)


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
        with Postgres(shared_buffers="256MB") as postgres:
            for turn in range(options.turns):
                rabbit.fresh()
                mine, used = ours(build, rabbit, postgres, options.events, sizes)
                rabbit.fresh()
                publisher = bare(build, rabbit, options.events, sizes[-1], options.window, False)
                rabbit.fresh()
                both = bare(build, rabbit, options.events, sizes[-1], options.window, True)
                rates.append((mine / publisher, mine / both))
                print(f"turn {turn + 1}: outbox to consumer {mine:.0f} events/s of {sizes[-1]} bytes; bare publisher {publisher:.0f}: {mine / publisher:.2f} x; "
                      f"bare publisher and consumer {both:.0f}: {mine / both:.2f} x")
                print("        us of processor an event:", ", ".join(f"{name} {us:.0f}" for name, us in used.items()), flush=True)
        to_publisher, to_both = (statistics.median(column) for column in zip(*rates))
        print(f"median: {to_publisher:.2f} x the bare publisher (budget 0.6), {to_both:.2f} x the bare publisher and consumer")
    finally:
        rabbit.stop()


if __name__ == "__main__":
    main()
