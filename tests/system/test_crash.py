"""Killed at any moment: what was acknowledged is there afterwards. Stopped in good order: what was begun is finished."""
import collections
import concurrent.futures
import contextlib
import json
import os
import random
import signal
import sqlite3
import threading
import time
import uuid

import httpx
import psycopg2
import pytest
from harness import LONG, Client, Service, Services, assert_clean, mails, metric, wait_until

KILLS = 200 if LONG else 6
KEPT = ("SELECT u.email, e.movie_id FROM library_entries e JOIN users u ON u.id = e.user_id "
        "WHERE e.collection = 'favorites' AND e.deleted_at_ms IS NULL")
WRITERS = 4


class Storm:
    """People who register and keep favourites as fast as they can, and remember what they were promised."""

    def __init__(self, services):
        self.services = services
        self.users, self.favorites = [], []  # addresses; (address, movie id): each was answered with a 201
        self.stopping = threading.Event()
        with Client(services.movie.url) as client:
            self.movies = [movie["id"] for movie in client.get("/movies/discover").json()["results"]]
        self.pool = concurrent.futures.ThreadPoolExecutor(WRITERS)
        self.writers = [self.pool.submit(self.write, number) for number in range(WRITERS)]

    def write(self, number):
        count = 0
        while not self.stopping.is_set():
            count += 1
            # Refused, reset, broken off: nothing was promised then.
            with Client(self.services.user.url) as client, contextlib.suppress(httpx.HTTPError):
                self.live(client, f"storm-{number}-{count}@example.org")

    def live(self, client, address):
        answer = client.register(address)
        if answer.status_code != 201:
            assert answer.status_code == 503, answer.text
            return
        self.users.append(address)
        if client.log_in().status_code != 200:
            return
        for movie_id in random.sample(self.movies, 3):
            if client.post("/users/me/favorites", json={"movie_id": movie_id}).status_code == 201:
                self.favorites.append((address, movie_id))

    def stop(self):
        self.stopping.set()
        for writer in self.writers:
            writer.result(60)
        self.pool.shutdown()


def kill_again_and_again(service, seed):
    chance = random.Random(f"{service.name} {seed}")
    for _ in range(KILLS):
        time.sleep(chance.uniform(0, 0.4))
        service.kill()
        service.start()


def rows(service, query):
    """Out of the service's database, on whichever engine."""
    if "DATABASE_URL" in service.settings:
        with contextlib.closing(psycopg2.connect(service.settings["DATABASE_URL"])) as database, database.cursor() as cursor:
            cursor.execute(query)
            return [tuple(str(value) if isinstance(value, uuid.UUID) else value for value in row) for row in cursor.fetchall()]
    with contextlib.closing(sqlite3.connect(f"file:{service.data}/{service.name}.db?mode=ro", uri=True)) as database:
        return database.execute(query).fetchall()


@pytest.mark.parametrize("victims", [["user", "notification"], *([["user"], ["notification"]] if LONG else [])], ids="-".join)
def test_kill_9_loses_nothing_that_was_acknowledged(on_each, victims):
    services = on_each
    seed = os.urandom(4).hex()
    print("seed", seed)
    storm = Storm(services)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        killers = [pool.submit(kill_again_and_again, getattr(services, name), seed) for name in victims]
        for killer in killers:
            killer.result()
    storm.stop()
    assert len(storm.users) > KILLS and storm.favorites  # or it would show nothing

    with Client(services.user.url) as client:
        for address in storm.users:
            assert client.log_in(address).status_code == 200, address
    kept = set(rows(services.user, KEPT))
    assert not set(storm.favorites) - kept
    registered = sorted(email for email, in rows(services.user, "SELECT email FROM users"))
    mail = services.notification.data / "mail"
    wait_until(lambda: len(list(mail.glob("*.eml"))) >= len(registered), 40, "a mail to everybody who registered")
    wait_until(lambda: metric(services.user.url, "cinesync_outbox_pending") == 0, 40, "an empty outbox")
    assert sorted(m.to_address for m in mails(mail)) == registered  # and exactly one each
    assert collections.Counter(rows(services.notification, "SELECT state FROM deliveries")) == {("sent",): len(registered)}


def test_a_mail_waits_for_a_service_that_is_away(services):
    services.notification.kill()
    with Client(services.user.url) as client:
        profile = client.new_person("patient")
        assert client.get("/users/me").json() == profile
    services.notification.start()
    mail, = wait_until(lambda: mails(services.notification.data / "mail"), 10, "the mail")
    assert mail.to_address == profile["email"]


@pytest.fixture
def slow(tmp_path):
    """A user service by itself (nobody answers its calls), whose passwords take a third of a second."""
    service = Service("user", tmp_path, BCRYPT_COST=12, MOVIE_URL="http://127.0.0.1:9", PASSWORD_HASHERS=1,
                      NOTIFICATION_URL="http://127.0.0.1:9", DRAIN_MS=10000)
    yield service
    if service.process is not None:
        service.process.kill()
    assert_clean(service.tail(1 << 30))


@contextlib.contextmanager
def in_flight(service, n):
    """n registrations that the service has accepted and is at work on."""
    def register(number):
        with Client(service.url) as client:
            return client.register(f"slow-{number}@example.org")

    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        requests = [pool.submit(register, number) for number in range(n)]
        wait_until(lambda: metric(service.url, "http_server_active_requests") > n, 5, f"{n} requests and this one")
        yield requests


def readiness(service):
    try:
        answer = httpx.get(service.url + "/readyz", timeout=2)
    except httpx.HTTPError:
        return "nobody there"
    return f"{answer.status_code} {answer.json()['status']}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_begun_is_finished(slow, number):
    slow.start()
    with in_flight(slow, 4) as requests:
        begin = time.monotonic()
        slow.process.send_signal(number)
        while (said := readiness(slow)) == "200 degraded":
            assert time.monotonic() - begin < 1, "still ready after the signal"
        assert said in ("503 draining", "nobody there")
        assert [request.result().status_code for request in requests] == [201] * 4
    assert slow.process.wait(5) == 0
    assert time.monotonic() - begin < 10  # DRAIN_MS
    slow.process = None
    slow.start()
    with Client(slow.url) as client:
        assert client.log_in("slow-3@example.org").status_code == 200
    assert slow.stop() == 0


def test_readiness_goes_first(slow):
    slow.start(DRAIN_DELAY_MS=700)
    with Client(slow.url) as client:
        slow.process.terminate()
        said = wait_until(lambda: (s := readiness(slow)) != "200 degraded" and s, 1, "another state")
        assert said == "503 draining"  # and new connections are taken, and what they ask is done
        assert client.register("late@example.org").status_code == 201
    assert slow.process.wait(5) == 0
    slow.process = None


def test_what_takes_too_long_is_cancelled(tmp_path):
    services = Services(tmp_path, MOVIE_TIMEOUT_MS=10000).start()
    with Client(services.user.url) as person, concurrent.futures.ThreadPoolExecutor() as pool:
        person.new_person()
        services.movie.process.send_signal(signal.SIGSTOP)
        waiting = pool.submit(person.post, "/users/me/favorites", json={"movie_id": 1000000001})
        wait_until(lambda: metric(services.user.url, "http_server_active_requests") > 1, 5, "the request and this one")
        services.user.settings["DRAIN_MS"] = 300
        begin = time.monotonic()
        services.user.process.terminate()
        answer = waiting.result()
        assert (answer.status_code, answer.headers["retry-after"] > "0") == (503, True), answer.text
        assert services.user.process.wait(10) == 0
        assert 2.9 <= time.monotonic() - begin <= 4.5  # its DRAIN_MS is 3 s
    services.user.process = None
    services.movie.process.send_signal(signal.SIGCONT)
    services.stop()
    assert_clean(services.user.tail(1 << 30))


def test_a_second_signal_hurries(slow):
    slow.start(DRAIN_DELAY_MS=30000)
    slow.process.terminate()
    wait_until(lambda: readiness(slow) == "503 draining", 2, "draining")
    slow.process.terminate()
    assert slow.process.wait(2) == 0
    slow.process = None


def test_a_database_has_one_service(slow, tmp_path):
    slow.start()
    second = Service("user", tmp_path, BCRYPT_COST=12)
    second.log = tmp_path / "second.log"
    second.start(wait=False)
    assert second.process.wait(20) == 69
    said = [json.loads(line) for line in second.log.read_text().splitlines()]
    alert, = [line for line in said if line["level"] == "alert"]
    assert f"{slow.data}/user.db is in use by process {slow.process.pid}" in alert["detail"]
    with Client(slow.url) as client:
        assert client.register("first@example.org").status_code == 201  # the first one does not mind
    assert slow.stop() == 0


def test_a_port_that_is_taken(slow, tmp_path):
    slow.start()
    second = Service("user", tmp_path / "other", BCRYPT_COST=12)
    second.port, second.settings["LISTEN"], second.log = slow.port, slow.settings["LISTEN"], tmp_path / "second.log"
    second.start(wait=False)
    assert second.process.wait(20) == 69
    alert, = [line for line in map(json.loads, second.log.read_text().splitlines()) if line["level"] == "alert"]
    assert "taken" in alert["message"] and alert["listen"] == slow.settings["LISTEN"]
    assert slow.stop() == 0
