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
import pika
import pytest
from harness import LONG, Client, Service, Services, assert_clean, mails, metric, wait_until
from rabbit_harness import RabbitMQ
from smtp_harness import SmtpServer
from test_smtp import event

QUEUE, DEAD, RETRY, EXCHANGE = "notification.user-events", "notification.dead", "notification.retry", "cinesync.events"
CONTENT_TYPE = "application/cloudevents+json"


@pytest.fixture(scope="module")
def server():
    broker = RabbitMQ()
    try:
        yield broker.start()
    finally:
        broker.stop()


@pytest.fixture
def rabbit(server):
    return server.fresh()


def publish(channel, one, **properties):
    properties = {"content_type": CONTENT_TYPE, "delivery_mode": 2, "message_id": one["id"], **properties}
    channel.basic_publish(EXCHANGE, one["type"], json.dumps(one).encode(), pika.BasicProperties(**properties))


def take_all(channel, queue):
    """[(properties, body)] of what is in the queue, taken out."""
    found = []
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return found
        found.append((properties, body))


def notification(folder, rabbit, **settings):
    service = Service("notification", folder, AMQP_URL=rabbit.url, **settings).start()
    wait_until(lambda: health(service)["rabbitmq"] == "ok", 20, "it consumes")
    return service


def health(service):
    answer = httpx.get(service.url + "/readyz", timeout=5)
    return {name: check["status"] for name, check in answer.json()["checks"].items()}


def outbox_pending(service):
    return metric(service.url, "cinesync_outbox_pending")


def mailed(folder):
    return collections.Counter(mail.to_address for mail in mails(folder))


def register_people(url, names):
    with Client(url) as client:
        for name in names:
            assert client.register(f"{name}@example.org").status_code == 201
    return {f"{name}@example.org" for name in names}


def wait_for_mails(services, people, seconds):
    folder = services.notification.data / "mail"
    wait_until(lambda: len(list(folder.glob("*.eml"))) >= len(people), seconds, "a mail to everybody")
    wait_until(lambda: set(mailed(folder)) == people, 10, "these mails")
    assert set(mailed(folder).values()) == {1}


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
    people = 100
    with rabbit.channel() as channel:
        channel.queue_unbind(QUEUE, EXCHANGE, "com.cinesync.user.#")
        registered = register_people(services.user.url, [f"unrouted-{n}" for n in range(people)])
        wait_until(lambda: metric(services.user.url, "cinesync_outbox_deliveries_total", outcome="failed") >= people, 20,
                   "all were tried")
        assert metric(services.user.url, "cinesync_outbox_deliveries_total", outcome="delivered") == 0
        assert outbox_pending(services.user) == people
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
    """Many events, the broker killed three times: what is marked as sent is in the queue."""
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
    for kill in range(1, 4):
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


def rows(user, query):
    import psycopg2
    with contextlib.closing(psycopg2.connect(user.settings["DATABASE_URL"])) as database, database, database.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall() if cursor.description else []


def sent(user):
    (count,), = rows(user, "SELECT count(*) FROM outbox WHERE sent_ms IS NOT NULL")
    return count


def test_a_killed_consumer_loses_nothing_and_hardly_doubles(tmp_path, rabbit):
    """Each event comes three times, the consumer dies again and again: a mail at least, two at most, of the same id."""
    events, kills = (400, 50) if LONG else (60, 6)
    seed = os.urandom(4).hex()
    print("seed", seed)
    chance = random.Random(seed)
    with SmtpServer() as smtp:
        service = notification(tmp_path, rabbit, SMTP_URL=smtp.url, SMTP_TLS="off", LIMIT_RECIPIENT_MAILS=1000000)
        every = [event(f"thrice-{n}@example.org") for n in range(events)]
        thrice = every * 3
        chance.shuffle(thrice)
        with rabbit.channel() as channel:
            for number, one in enumerate(thrice):
                publish(channel, one)
                if number % (len(thrice) // kills) == 0:
                    time.sleep(chance.uniform(0, 0.2))
                    service.kill()
                    service.start()
        wait_until(lambda: {mail.recipient for mail in smtp.mails} == {one["data"]["email"] for one in every}, 60, "all mails")
        wait_until(lambda: rabbit.depth(QUEUE) == 0, 30, "the queue is empty")
        doubles = len(smtp.mails) - events
        print("mails sent twice:", doubles)
        assert doubles <= kills
        ids = collections.defaultdict(set)
        for mail in smtp.mails:
            ids[mail.recipient].add((mail.message["Message-ID"], mail.message["X-Event-Id"]))
        assert all(len(found) == 1 for found in ids.values())
        assert rabbit.depth(DEAD) == 0
        assert service.stop() == 0


def test_poison_is_tried_with_growing_delays_and_then_dead(tmp_path, rabbit, postgres):
    good, bad = (900, 100) if LONG else (90, 10)
    delays = [100, 300, 900, 1500]
    database = postgres.database()
    service = notification(tmp_path, rabbit, DATABASE_URL=database, AMQP_RETRY_DELAYS_MS=",".join(map(str, delays)))
    rows(service, "ALTER TABLE deliveries ADD CONSTRAINT poison CHECK (recipient NOT LIKE 'poison%')")
    every = [event(f"good-{n}@example.org") for n in range(good)] + [event(f"poison-{n}@example.org") for n in range(bad)]
    random.shuffle(every)
    with rabbit.channel() as channel:
        for delay in delays:  # copies of what goes through the wait queues
            channel.queue_declare(f"copy-{delay}")
            channel.queue_bind(f"copy-{delay}", RETRY, f"{QUEUE}.wait.{delay}ms")
        begun = time.monotonic()
        for one in every:
            publish(channel, one)
        wait_until(lambda: rabbit.depth(DEAD) == bad, 60, "the poison is dead")
        assert time.monotonic() - begun >= sum(delays) / 1000
        for tries, delay in enumerate(delays, 1):
            waited = take_all(channel, f"copy-{delay}")
            assert len(waited) == bad and {properties.headers["x-cinesync-tries"] for properties, _ in waited} == {str(tries)}
        dead = take_all(channel, DEAD)
    poison = {one["id"] for one in every if one["data"]["email"].startswith("poison")}
    assert {properties.message_id for properties, _ in dead} == poison
    assert {properties.headers["x-cinesync-tries"] for properties, _ in dead} == {str(len(delays) + 1)}
    assert all("poison" in properties.headers["x-cinesync-reason"] for properties, _ in dead)
    assert {json.loads(body)["id"] for _, body in dead} == poison  # nothing was changed
    wait_until(lambda: len(list((service.data / "mail").glob("*.eml"))) == good, 60, "all others are mailed")
    assert metric(service.url, "cinesync_rabbitmq_consumed_total", outcome="retried") == bad * len(delays)
    assert metric(service.url, "cinesync_rabbitmq_consumed_total", outcome="dead") == bad
    assert service.stop() == 0


def test_what_cannot_be_read_is_dead_at_once_with_the_reason(tmp_path, rabbit):
    service = notification(tmp_path, rabbit)
    good, bad_id, no_address = event("fine@example.org"), event("bad-id@example.org"), event("none@example.org")
    bad_id["id"] = "not-a-uuid"
    del no_address["data"]["email"]
    unknown = {**event("later@example.org"), "type": "com.cinesync.user.something-new.v7"}
    with rabbit.channel() as channel:
        publish(channel, bad_id)
        publish(channel, no_address)
        publish(channel, good, content_type="text/plain", message_id="wrong-type")
        channel.basic_publish(EXCHANGE, "com.cinesync.user.x", b"\xff{nonsense", pika.BasicProperties(content_type=CONTENT_TYPE))
        channel.basic_publish(EXCHANGE, "com.cinesync.user.x", b"", None)
        publish(channel, unknown)
        publish(channel, {**good, "id": event("x@example.org")["id"]})
        wait_until(lambda: rabbit.depth(DEAD) == 5, 20, "they are dead")
        wait_until(lambda: rabbit.depth(QUEUE) == 0, 20, "nothing is left")
        dead = take_all(channel, DEAD)
    reasons = {properties.message_id: properties.headers["x-cinesync-reason"] for properties, _ in dead}
    assert "id" in reasons["not-a-uuid"] and "UUID" in reasons["not-a-uuid"]
    assert "email" in reasons[no_address["id"]] and "required" in reasons[no_address["id"]]
    assert CONTENT_TYPE in reasons["wrong-type"]
    assert {properties.headers["x-cinesync-tries"] for properties, _ in dead} == {"1"}
    wait_until(lambda: set(mailed(service.data / "mail")) == {"fine@example.org"}, 10, "the good one")
    assert metric(service.url, "cinesync_events_received_total", result="unknown-type") == 1
    assert service.stop() == 0


def test_a_database_that_is_away_is_no_try(tmp_path, rabbit, postgres):
    service = notification(tmp_path, rabbit, DATABASE_URL=postgres.database(), AMQP_RETRY_DELAYS_MS="50,100")
    postgres.kill()
    every = [event(f"patient-{n}@example.org") for n in range(30)]
    with rabbit.channel() as channel:
        for one in every:
            publish(channel, one)
    time.sleep(2)  # longer than all delays together
    postgres.start()
    wait_until(lambda: len(list((service.data / "mail").glob("*.eml"))) == len(every), 30, "all are mailed")
    assert metric(service.url, "cinesync_rabbitmq_consumed_total", outcome="retried") == 0
    assert rabbit.depth(DEAD) == 0
    assert service.stop() == 0


def test_a_broker_short_of_memory_holds_up_no_request(services, rabbit):
    rabbit.alarm(on=True)
    try:
        crowd = Crowd(services.user.url, may_fail=False)
        time.sleep(60 if LONG else 5)
        registered = crowd.stop()
        assert len(registered) > 20
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


def test_a_queue_of_another_kind_is_told_of_clearly(tmp_path, rabbit):
    with rabbit.channel() as channel:
        channel.queue_declare(QUEUE, durable=True)
        service = Service("notification", tmp_path, AMQP_URL=rabbit.url).start()
        wait_until(lambda: "another queue " + QUEUE in service.log.read_text(), 10, "it says so")
        assert "empty and delete it" in service.log.read_text()
        assert health(service) == {"database": "ok", "rabbitmq": "failed"}
        channel.queue_delete(QUEUE)
    wait_until(lambda: health(service)["rabbitmq"] == "ok", 15, "it is in use")
    assert service.stop() == 0


def test_classic_queues_where_they_are_asked_for(tmp_path, rabbit):
    service = notification(tmp_path, rabbit, AMQP_QUEUE_TYPE="classic", AMQP_RETRY_DELAYS_MS="50")
    with rabbit.channel() as channel:
        channel.queue_declare(QUEUE, durable=True, arguments={
            "x-queue-type": "classic", "x-dead-letter-exchange": RETRY, "x-dead-letter-routing-key": DEAD})
        publish(channel, event("classic@example.org"))
    wait_until(lambda: set(mailed(service.data / "mail")) == {"classic@example.org"}, 10, "the mail")
    assert service.stop() == 0


def test_tls_and_the_certificate(tmp_path, rabbit):
    url = f"amqps://guest:guest@127.0.0.1:{rabbit.tls_port}/{rabbit.vhost}"
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


def test_two_consumers_share_the_queue(tmp_path, rabbit, postgres):
    database = postgres.database()
    first, second = (Service("notification", tmp_path / name, AMQP_URL=rabbit.url, DATABASE_URL=database,
                             LINK_KEY_FILE=tmp_path / "link.key", AMQP_PREFETCH=5) for name in ("first", "second"))
    with SmtpServer() as smtp:
        for service in (first, second):
            service.data.parent.mkdir()
            service.start(SMTP_URL=smtp.url, SMTP_TLS="off")
            wait_until(lambda one=service: health(one)["rabbitmq"] == "ok", 20, "it consumes")
        every = [event(f"shared-{n}@example.org") for n in range(200)]
        with rabbit.channel() as channel:
            for one in every:
                publish(channel, one)
        wait_until(lambda: len(smtp.mails) >= len(every), 30, "all mails")
        taken = [metric(service.url, "cinesync_rabbitmq_consumed_total", outcome="taken") for service in (first, second)]
        assert sum(taken) == len(every) and min(taken) > 0
        assert sorted(mail.recipient for mail in smtp.mails) == sorted(one["data"]["email"] for one in every)
    assert [first.stop(), second.stop()] == [0, 0]
