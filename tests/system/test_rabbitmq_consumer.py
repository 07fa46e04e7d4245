"""The consumer: each message is taken, tried again, or dead with a reason; whatever happens, none is lost."""
import collections
import json
import os
import random
import time

import pika
import pytest
from harness import LONG, Service, metric, wait_until
from rabbit_case import CONTENT_TYPE, DEAD, EXCHANGE, QUEUE, RETRY, health, mailed, notification, publish, rows, take_all
from rabbit_harness import RabbitMQ
from smtp_harness import SmtpServer
from test_smtp import event


def test_a_killed_consumer_loses_nothing_and_hardly_doubles(tmp_path, rabbit):
    """Each event comes three times, the consumer dies again and again: a mail at least, two at most, of the same id."""
    events, kills = (400, 50) if LONG else (60, 6)
    seed = os.urandom(4).hex()
    print("seed", seed)
    chance = random.Random(seed)
    with SmtpServer() as smtp:
        service = notification(tmp_path, rabbit, SMTP_URL=smtp.url, SMTP_TLS="off", SMTP_CONNECTIONS=1,
                               LIMIT_RECIPIENT_MAILS=1000000)  # each connection may be at its 250 when it dies
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
    good, bad = (1000, 100) if LONG else (90, 10)
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
    wait_until(lambda: len(list((service.data / "mail").glob("*.eml"))) == len(every), 60, "all are mailed")
    assert metric(service.url, "cinesync_rabbitmq_consumed_total", outcome="retried") == 0
    assert rabbit.depth(DEAD) == 0
    assert service.stop() == 0


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


@pytest.mark.parametrize("how", ["asked for", "unavailable"])
def test_classic_queues(tmp_path, server, how):
    """Where they are asked for; and where there are no others, which RabbitMQ up to 3.11 can be made to say."""
    if how == "asked for" or server.version() >= (3, 11):
        broker, settings = server.fresh(), {"AMQP_QUEUE_TYPE": "classic"}
    else:
        broker, settings = RabbitMQ(environment={"RABBITMQ_FEATURE_FLAGS": ""}), {}
        broker.start()
    try:
        service = notification(tmp_path, broker, AMQP_RETRY_DELAYS_MS="50", **settings)
        with broker.channel() as channel:
            channel.queue_declare(QUEUE, durable=True, arguments={
                "x-queue-type": "classic", "x-dead-letter-exchange": RETRY, "x-dead-letter-routing-key": DEAD})
            publish(channel, event("classic@example.org"))
        wait_until(lambda: set(mailed(service.data / "mail")) == {"classic@example.org"}, 10, "the mail")
        assert settings or "no quorum queues" in service.log.read_text()
        assert service.stop() == 0
    finally:
        if broker is not server:
            broker.stop()
