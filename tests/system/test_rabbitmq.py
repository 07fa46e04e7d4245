"""Events through RabbitMQ: what was committed becomes a mail, whatever happens to the broker or to anybody at its ends."""
import collections
import concurrent.futures
import contextlib
import json
import os
import random
import sqlite3
import threading
import time

import httpx
import pytest
from harness import LONG, Client, Service, Services, assert_clean, mails, metric, wait_until
from rabbit_case import (CONTENT_TYPE, EXCHANGE, QUEUE, health, mailed, publish, register_people, rows, take_all,
                         wait_for_mails)
from test_smtp import event


def outbox_pending(service):
    return metric(service.url, "cinesync_outbox_pending")


@pytest.fixture
def services(tmp_path, rabbit):
    three = Services(tmp_path, AMQP_URL=rabbit.url).start()
    wait_until(lambda: health(three.user)["rabbitmq"] == health(three.notification)["rabbitmq"] == "ok", 20, "RabbitMQ is in use")
    yield three
    assert three.stop() == [0, 0, 0]
    for service in three.all():
        assert_clean(service.log.read_text())


def test_a_registration_becomes_a_mail_in_one_trace(services, rabbit):
    with rabbit.channel() as channel:
        channel.queue_declare("copy", durable=True)
        channel.queue_bind("copy", EXCHANGE, "#")
        with Client(services.user.url) as client:
            answer = client.register("ada@example.org")
        trace_id = answer.headers["X-Request-Id"]
        wait_for_mails(services, {"ada@example.org"}, 10)
        (properties, body), = take_all(channel, "copy")

    envelope = json.loads(body)
    assert properties.content_type == CONTENT_TYPE and properties.delivery_mode == 2
    assert envelope["specversion"] == "1.0" and envelope["id"] == properties.message_id
    assert envelope["type"] == properties.type == "com.cinesync.user.created.v1"
    assert envelope["traceparent"].split("-")[1] == properties.headers["traceparent"].split("-")[1] == trace_id
    sent, = (line for line in services.notification.log_lines() if "mail" in line["message"] and line.get("trace_id") == trace_id)
    assert sent["event_id"] == envelope["id"]
    assert metric(services.user.url, "cinesync_outbox_deliveries_total", transport="rabbitmq", outcome="delivered") == 1
    assert metric(services.user.url, "cinesync_rabbitmq_confirm_seconds_count") == 1
    assert metric(services.notification.url, "cinesync_rabbitmq_consumed_total", outcome="taken") == 1


def test_what_no_queue_takes_stays_in_the_outbox(services, rabbit):
    people = 100 if LONG else 40
    with rabbit.channel() as channel:
        channel.queue_unbind(QUEUE, EXCHANGE, "com.cinesync.user.#")
        registered = register_people(services.user.url, [f"unrouted-{n}" for n in range(people)])
        wait_until(lambda: metric(services.user.url, "cinesync_outbox_deliveries_total", outcome="failed") >= people, 20,
                   "all were tried")
        assert metric(services.user.url, "cinesync_outbox_deliveries_total", outcome="delivered") == 0
        wait_until(lambda: outbox_pending(services.user) == people, 5, "none is gone")
        assert "no queue takes it" in services.user.log.read_text()
        channel.queue_bind(QUEUE, EXCHANGE, "com.cinesync.user.#")
    wait_for_mails(services, registered, 30)


class Crowd:
    """People who register as fast as they can."""

    def __init__(self, url, may_fail, n=2):
        self.url, self.may_fail = url, may_fail
        self.registered = []
        self.stopping = threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(n)
        self.running = [self.pool.submit(self.run, number) for number in range(n)]

    def run(self, number):
        count = 0
        while not self.stopping.is_set():
            count += 1
            address = f"crowd-{number}-{count}@example.org"
            with Client(self.url) as client, contextlib.suppress(*([httpx.HTTPError] if self.may_fail else [])):
                status = client.register(address).status_code
                assert status == 201 or self.may_fail, status
                if status == 201:
                    self.registered.append(address)
            time.sleep(0.02)

    def stop(self):
        self.stopping.set()
        for one in self.running:
            one.result(60)
        self.pool.shutdown()
        return set(self.registered)


def test_kill_9_of_the_user_service_loses_no_mail(services):
    seed = os.urandom(4).hex()
    print("seed", seed)
    chance = random.Random(seed)
    crowd = Crowd(services.user.url, may_fail=True)
    for _ in range(200 if LONG else 5):
        time.sleep(chance.uniform(0, 0.4))
        services.user.kill()
        services.user.start()
    registered = crowd.stop()
    wait_until(lambda: outbox_pending(services.user) == 0, 60, "the outbox is empty")
    with contextlib.closing(sqlite3.connect(f"file:{services.user.data}/user.db?mode=ro", uri=True)) as database:
        users = {email for email, in database.execute("SELECT email FROM users")}
    assert registered <= users
    wait_for_mails(services, users, 60)


def test_a_broker_that_dies_loses_nothing_and_is_found_again(tmp_path, server, rabbit, postgres):
    """Many events, the broker killed in between: what is marked as sent is in the queue."""
    events = 10000 if LONG else 2000
    movie_url = "http://127.0.0.1:9"
    user = Service("user", tmp_path, AMQP_URL=rabbit.url, DATABASE_URL=postgres.database(), MOVIE_URL=movie_url, BCRYPT_COST=4).start()
    wait_until(lambda: health(user)["rabbitmq"] == "ok", 20, "RabbitMQ is in use")
    with rabbit.channel() as channel:
        channel.queue_declare("all", durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind("all", EXCHANGE, "#")
    rows(user, f"""INSERT INTO outbox (event_id, subject, type, envelope, next_attempt_ms, created_ms)
                   SELECT id, id, 'com.cinesync.user.test.v1', json_build_object('specversion', '1.0', 'id', id, 'source', '/test',
                          'type', 'com.cinesync.user.test.v1', 'subject', id)::text, 0, 1
                   FROM (SELECT gen_random_uuid()::text AS id FROM generate_series(1, {events})) AS made""")
    for kill in range(1, 4 if LONG else 2):
        wait_until(lambda: sent(user) > 0 or kill == 1, 30, "something was sent")
        wait_until(lambda: sent(user) >= events * kill // 5, 60, "some were sent")
        server.kill()
        wait_until(lambda: health(user)["rabbitmq"] != "ok", 10, "it is noticed")
        assert httpx.get(user.url + "/readyz").status_code == 200  # degraded: registrations go on
        server.start()
        up = time.monotonic()
        wait_until(lambda: health(user)["rabbitmq"] == "ok", 10, "it is in use again")
        print("in use again after", round(time.monotonic() - up, 2), "s")
    wait_until(lambda: sent(user) == events, 120, "all were sent")
    with rabbit.channel() as channel:
        arrived = collections.Counter(properties.message_id for properties, _ in take_all(channel, "all"))
    marked = {event_id for event_id, in rows(user, "SELECT event_id FROM outbox WHERE sent_ms IS NOT NULL")}
    assert len(marked) == events and marked == set(arrived)
    print("sent twice:", sum(arrived.values()) - events)
    assert user.stop() == 0


def test_each_persons_events_keep_their_order(tmp_path, server, rabbit, postgres):
    """Two replicas, one of them killed again and again, and once the broker: events may come twice, but nobody's comes before
    all that were before it have come."""
    people, each, kills = (200, 100, 20) if LONG else (40, 25, 3)
    seed = os.urandom(4).hex()
    print("seed", seed)
    chance = random.Random(seed)
    shared = {"AMQP_URL": rabbit.url, "DATABASE_URL": postgres.database(), "MOVIE_URL": "http://127.0.0.1:9", "BCRYPT_COST": 4,
              "OUTBOX_CLAIM_MS": 2000, **{f"{name}_KEY_FILE": tmp_path / f"{name}.key" for name in ("MASTER", "LINK")}}
    for name in "first", "second":
        (tmp_path / name).mkdir()
    replicas = first, second = [Service("user", tmp_path / name, **shared).start() for name in ("first", "second")]
    with rabbit.channel() as channel:
        channel.queue_declare("all", durable=True, arguments={"x-queue-type": "quorum"})
        channel.queue_bind("all", EXCHANGE, "#")
    rows(first, f"""INSERT INTO outbox (event_id, subject, type, envelope, next_attempt_ms, created_ms)
                    SELECT id, person, 'com.cinesync.user.test.v1', json_build_object('specversion', '1.0', 'id', id, 'source', '/test',
                           'type', 'com.cinesync.user.test.v1', 'subject', person, 'data', n)::text, 0, 1
                    FROM (SELECT gen_random_uuid()::text AS id, 'person-' || p AS person, n
                          FROM generate_series(1, {each}) AS n, generate_series(1, {people}) AS p ORDER BY n, random()) AS made""")
    for kill in range(kills):
        wait_until(lambda: sent(first) >= people * each * kill // (kills + 1), 60, "some were sent")  # noqa: B023
        time.sleep(chance.uniform(0, 0.1))
        replicas[kill % 2].kill()
        replicas[kill % 2].start()
        if kill == kills // 2:
            server.kill()
            server.start()
    wait_until(lambda: sent(first) == people * each, 120, "all were sent")
    with rabbit.channel() as channel:
        arrived = [json.loads(body) for _, body in take_all(channel, "all")]
    last = collections.Counter()
    for one in arrived:
        assert one["data"] <= last[one["subject"]] + 1, (one, last[one["subject"]])
        last[one["subject"]] = max(last[one["subject"]], one["data"])
    assert len(last) == people and set(last.values()) == {each}
    print("sent twice:", len(arrived) - people * each)
    assert [first.stop(), second.stop()] == [0, 0]


def sent(user):
    (count,), = rows(user, "SELECT count(*) FROM outbox WHERE sent_ms IS NOT NULL")
    return count


def test_a_broker_short_of_memory_holds_up_no_request(services, rabbit):
    rabbit.alarm(on=True)
    try:
        crowd = Crowd(services.user.url, may_fail=False)
        time.sleep(60 if LONG else 5)
        registered = crowd.stop()
        assert len(registered) > 5
        assert "takes no messages" in services.user.log.read_text()
        assert health(services.user)["rabbitmq"] != "ok"
    finally:
        rabbit.alarm(on=False)
    wait_for_mails(services, registered, 60)


def test_a_broker_that_hangs_holds_up_no_request(services, rabbit):
    rabbit.freeze()
    try:
        crowd = Crowd(services.user.url, may_fail=False)
        time.sleep(40 if LONG else 3)
        registered = crowd.stop()
    finally:
        rabbit.thaw()
    wait_for_mails(services, registered, 60)


def test_tls_and_the_certificate(tmp_path, rabbit):
    url = f"amqps://guest:guest@localhost:{rabbit.tls_port}/{rabbit.vhost}"
    strict = Service("notification", tmp_path / "strict", AMQP_URL=url)
    strict.data.parent.mkdir()
    strict.start()
    wait_until(lambda: "RabbitMQ is away" in strict.log.read_text(), 15, "the certificate is not believed")
    assert "cert verification failed" in strict.log.read_text()
    assert strict.stop() == 0
    secret = tmp_path / "amqp-url"
    secret.write_text(url + "\n")
    service = Service("notification", tmp_path, AMQP_URL_FILE=secret, AMQP_CA_FILE=rabbit.certificate).start()
    wait_until(lambda: health(service)["rabbitmq"] == "ok", 15, "it is in use")
    with rabbit.channel() as channel:
        publish(channel, event("tls@example.org"))
    wait_until(lambda: set(mailed(service.data / "mail")) == {"tls@example.org"}, 10, "the mail")
    assert service.stop() == 0


def test_a_refused_password_is_not_told(tmp_path, rabbit):
    service = Service("user", tmp_path, AMQP_URL=rabbit.url_of("guest", "wr0ng-s3cret"), MOVIE_URL="http://127.0.0.1:9", BCRYPT_COST=4)
    service.start()
    wait_until(lambda: "ACCESS_REFUSED" in service.log.read_text(), 10, "it says why")
    assert health(service)["rabbitmq"] == "failed"
    assert service.stop() == 0
    assert "wr0ng-s3cret" not in service.log.read_text()
