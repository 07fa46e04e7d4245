"""`events`: what an operator sees between the services, and does about it."""
import json
import subprocess

from harness import Services, System, assert_clean, base_environment, metric, program, wait_until
from rabbit_case import DEAD, EXCHANGE, QUEUE, health, mailed, notification, publish, register_people, rows, wait_for_mails
from test_smtp import event


def command(service, *arguments, **more):
    """`events` of a service, beside it: (exit code, standard output, standard error)."""
    settings = {**service.settings, "LOG_LEVEL": "alert", **more}
    done = subprocess.run([program(service.name), "events", *arguments], env=base_environment(**settings), text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert_clean(done.stderr)
    return done.returncode, done.stdout, done.stderr


def test_dead_letters_are_listed_replayed_and_dropped(tmp_path, rabbit, postgres):
    service = notification(tmp_path, rabbit, DATABASE_URL=postgres.database(), AMQP_RETRY_DELAYS_MS="20")
    rows(service, "ALTER TABLE deliveries ADD CONSTRAINT poison CHECK (recipient NOT LIKE 'poison%')")
    bad = [event(f"poison-{n}@example.org") for n in range(4)]
    with rabbit.channel() as channel:
        for one in bad:
            publish(channel, one, type=one["type"])
        publish(channel, event("evil@example.org"), content_type="x", message_id="\x1b[31mred", type="\x07bell")
    wait_until(lambda: rabbit.depth(DEAD) == 5, 20, "they are dead")

    code, listed, _ = command(service, "list")
    assert code == 0 and "5 dead letters" in listed and f"queue {QUEUE}: 0 waiting, consumers: 1" in listed
    assert f"queue {DEAD}: 5 waiting" in listed and "tries: 2" in listed and "poison" in listed
    assert all(one["id"] in listed for one in bad) and "\x1b" not in listed and "\x07" not in listed and "?[31mred" in listed
    wait_until(lambda: rabbit.depth(DEAD) == 5, 10, "looking takes nothing away")

    assert command(service, "replay", event("x@example.org")["id"])[0] == 65
    assert command(service, "drop", bad[0]["id"])[0] == command(service, "replay")[0] == command(service, "bury")[0] == 64
    assert command(service, "drop", bad[0]["id"], "--reason", " ")[0] == 64
    code, said, _ = command(service, "drop", bad[0]["id"], "--reason", "sent by hand, see ticket 7")
    assert code == 0 and said == "1 event dropped from the dead letters\n"
    (action, detail), = rows(service, "SELECT action, detail FROM audit")
    assert action == "event.drop" and json.loads(detail)["reason"] == "sent by hand, see ticket 7"
    assert json.loads(detail)["event_id"] == bad[0]["id"] and json.loads(detail)["event_type"] == bad[0]["type"]

    rows(service, "ALTER TABLE deliveries DROP CONSTRAINT poison")
    code, said, _ = command(service, "replay", bad[1]["id"])
    assert code == 0 and said == "1 event went back from the dead letters to the queue\n"
    wait_until(lambda: set(mailed(service.data / "mail")) == {"poison-1@example.org"}, 10, "the one")
    assert command(service, "replay", "--all")[1] == "3 events went back from the dead letters to the queue\n"
    wait_until(lambda: set(mailed(service.data / "mail")) == {f"poison-{n}@example.org" for n in (1, 2, 3)}, 10, "the others")
    wait_until(lambda: rabbit.depth(DEAD) == 1, 10, "what is malformed is dead again")
    code, _, why = command(service, "list", AMQP_URL=rabbit.url_of("guest", "wr0ng-s3cret"))
    assert code == 69 and "ACCESS_REFUSED" in why and "wr0ng" not in why
    assert service.stop() == 0


def test_the_outbox_is_listed_replayed_and_dropped(tmp_path, rabbit, postgres):
    services = Services(tmp_path, postgres=postgres, AMQP_URL=rabbit.url).start()
    wait_until(lambda: health(services.notification)["rabbitmq"] == "ok", 20, "it consumes")
    with rabbit.channel() as channel:
        channel.queue_unbind(QUEUE, EXCHANGE, "com.cinesync.user.#")
        register_people(services.user.url, ["kept", "dropped"])
        wait_until(lambda: metric(services.user.url, "cinesync_outbox_deliveries_total", outcome="failed") >= 2, 20, "tried")
        code, listed, _ = command(services.user, "list")
        assert code == 0 and "2 events in the outbox" in listed and "no queue takes it" in listed
        dropped, = (row[0] for row in rows(services.user, "SELECT event_id FROM outbox WHERE envelope LIKE '%dropped@%'"))
        assert dropped in listed
        assert command(services.user, "drop", dropped, "--reason", "spam")[1] == "1 event dropped from the outbox\n"
        assert command(services.user, "drop", dropped, "--reason", "spam")[0] == 65
        assert command(services.user, "replay", "--all")[1] == "1 event will be sent from the outbox at once\n"
        channel.queue_bind(QUEUE, EXCHANGE, "com.cinesync.user.#")
    wait_for_mails(services, {"kept@example.org"}, 10)
    detail, = (json.loads(row[0]) for row in rows(services.user, "SELECT detail FROM audit WHERE action = 'event.drop'"))
    assert detail["reason"] == "spam" and detail["event_id"] == dropped
    assert services.stop() == [0, 0, 0]


def test_one_command_for_both_ends(tmp_path, rabbit, postgres):
    """`./cinesync events`, with the services of `up`."""
    databases = {"DATABASE_URL": postgres.database(), "NOTIFICATION_DATABASE_URL": postgres.database()}
    system = System(tmp_path, AMQP_URL=rabbit.url, **databases)
    system.up()
    try:
        with rabbit.channel() as channel:
            wait_until(lambda: rabbit.depth(QUEUE) is not None, 20, "the queue is there")
            bad = event("x@example.org")
            publish(channel, bad, content_type="text/plain")
        wait_until(lambda: rabbit.depth(DEAD) == 1, 20, "it is dead")
        listed = system.run("events", "--data", tmp_path).stdout
        assert "0 events in the outbox" in listed and "1 dead letter\n" in listed and bad["id"] in listed
        assert system.run("events", "--data", tmp_path, "replay", bad["id"]).returncode == 0
        wait_until(lambda: rabbit.depth(DEAD) == 1, 20, "it is dead again")
        assert system.run("events", "--data", tmp_path, "drop", bad["id"], "--reason", "nonsense").returncode == 0
        assert system.run("events", "--data", tmp_path, "drop", bad["id"], "--reason", "nonsense", check=False).returncode == 65
        assert system.run("events", "--data", tmp_path, "drop", bad["id"], check=False).returncode == 64
    finally:
        system.down()
