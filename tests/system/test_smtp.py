"""Mails by SMTP: taken, refused, put off, broken off; nothing is lost, and nothing is said in clear that should not be."""
import contextlib
import itertools
import json
import sqlite3
import subprocess
import time

import httpx
import pytest
from harness import Service, assert_clean, base_environment, certificate, program, wait_until
from smtp_harness import SmtpServer

HOUR_MS = 3600000


numbers = itertools.count()


def event(recipient, name="Somebody"):
    """With an id in the order of time, as UUIDv7 has it."""
    return {"specversion": "1.0", "id": f"0190c0de-0000-7000-8000-{next(numbers):012x}", "source": "/cinesync/user",
            "type": "com.cinesync.user.created.v1", "subject": "0190c0de-0000-7000-8000-000000000001",
            "time": "2026-11-22T22:24:02.000Z", "datacontenttype": "application/json",
            "data": {"user_id": "0190c0de-0000-7000-8000-000000000001", "email": recipient, "display_name": name,
                     "language": "en", "created_at": "2026-11-22T22:24:02.000Z"}}


class Sender:
    """A notification service by itself that sends its mails to a server."""

    def __init__(self, folder, server, **settings):
        self.service = Service("notification", folder, **{"SMTP_URL": server.url, "SMTP_TLS": "off", **settings}).start()

    def take(self, *recipients):
        """The ids of the events, one each."""
        events = [event(recipient) for recipient in recipients]
        for one in events:
            answer = httpx.post(self.service.url + "/internal/events", content=json.dumps(one).encode(),
                                headers={"Content-Type": "application/cloudevents+json"})
            assert answer.status_code == 204, answer.text
        return [one["id"] for one in events]

    def database(self, query, *values):
        with contextlib.closing(sqlite3.connect(self.service.data / "notification.db", timeout=10)) as database, database:
            return database.execute(query, values).fetchall()

    def delivery(self, event_id):
        """(state, attempts, last answer)."""
        row, = self.database("SELECT state, attempts, last_answer FROM deliveries WHERE event_id = ?", event_id)
        return row

    def wait(self, event_id, state, seconds=15):
        wait_until(lambda: self.delivery(event_id)[0] == state, seconds, state)
        return self.delivery(event_id)


@pytest.fixture
def sender(tmp_path):
    started = []

    def sender(server, **settings):
        started.append(Sender(tmp_path, server, **settings))
        return started[-1]

    yield sender
    for one in started:
        assert one.service.stop() == 0
        assert_clean(one.service.tail(1 << 30))


def test_a_mail_goes_out(sender):
    with SmtpServer() as server:
        one, = (service := sender(server)).take("ada@example.org")
        state, attempts, answer = service.wait(one, "sent")
        assert (state, attempts, answer) == ("sent", 1, "250 2.0.0 taken as 1")
        mail, = server.mails
    assert (mail.sender, mail.recipient) == ("noreply@cinesync.localhost", "ada@example.org")
    assert mail.message["x-event-id"] == one and one in mail.message["message-id"]
    assert mail.message["to"].addresses[0].addr_spec == "ada@example.org"
    assert b"\n" not in mail.data.replace(b"\r\n", b"")
    assert "Welcome" in mail.message["subject"]


def test_an_address_of_any_script(sender):
    with SmtpServer() as server:
        one, = (service := sender(server)).take("почта@пример.рф")
        service.wait(one, "sent")
        assert server.mails[0].recipient == "почта@пример.рф"


@pytest.mark.parametrize("stage", ["rcpt", "data"])
def test_what_is_refused_has_failed_and_others_go_out(sender, stage):
    with SmtpServer() as server:
        getattr(server, stage)["gone@example.org"] = ["550 5.1.1 <Gone@example.org>: unknown \u00e0 nous"] * 9
        gone, there = (service := sender(server)).take("gone@example.org", "there@example.org")
        # Words that go into the log and stay in the database: no address, and nothing but ASCII.
        assert service.wait(gone, "failed") == ("failed", 1, "550 5.1.1 <*>: unknown ?? nous")
        service.wait(there, "sent")
        assert [mail.recipient for mail in server.mails] == ["there@example.org"]
    line, = [line for line in service.service.log_lines() if line["message"] == "mail failed for good"]
    assert line["event_id"] == gone and line["answer"].startswith("550 ") and "gone@" not in service.service.tail(1 << 30).lower()


@pytest.mark.parametrize("stage, answers", [("rcpt", ["451 4.7.1 Greylisted"] * 2), ("data", ["452 4.2.2 Mailbox full"] * 2),
                                            ("rcpt", ["drop"] * 2), ("data", ["drop"] * 2)])
def test_what_may_pass_is_tried_again(sender, stage, answers):
    with SmtpServer() as server:
        getattr(server, stage)["later@example.org"] = list(answers)
        one, = (service := sender(server)).take("later@example.org")
        assert service.wait(one, "sent", 20)[1] == len(answers) + 1
        assert len(server.mails) == 1
        # Whatever a server did with what it did not acknowledge: it can tell that this is the same mail.
        ids = {(mail.message["message-id"], mail.message["x-event-id"], mail.data) for mail in server.attempts}
        assert len(ids) == 1 and len(server.attempts) == (1 if stage == "rcpt" else 3)
    lines = [line for line in service.service.log_lines() if line["message"] == "mail not sent yet; trying again"]
    assert len(lines) == 1


def test_a_server_that_hangs(sender):
    with SmtpServer() as server:
        server.data["slow@example.org"] = ["hang"]
        slow, quick = (service := sender(server, SMTP_TIMEOUT_MS=1500)).take("slow@example.org", "quick@example.org")
        service.wait(quick, "sent", 5)
        assert service.wait(slow, "sent", 20)[1] == 2


def test_a_stop_waits_for_no_hanging_server(sender):
    with SmtpServer() as server:
        server.data["slow@example.org"] = ["hang"] * 9
        one, = (service := sender(server)).take("slow@example.org")
        wait_until(lambda: server.attempts, 10, "the mail is on its way")
        begin = time.monotonic()
        assert service.service.stop() == 0
        assert time.monotonic() - begin < 12
        assert service.delivery(one)[:2] == ("pending", 0)
        server.data.clear()
        service.service.start()
        service.wait(one, "sent")


def test_a_server_that_is_away(sender):
    server = SmtpServer()
    one, = (service := sender(server)).take("patient@example.org")
    wait_until(lambda: service.delivery(one)[1] >= 2, 15, "it was tried")
    assert "connect" in service.delivery(one)[2].lower()
    with server:
        service.wait(one, "sent", 20)
        assert len(server.mails) == 1


def test_it_is_given_up_in_the_end(sender):
    server = SmtpServer()
    one, = (service := sender(server)).take("never@example.org")
    wait_until(lambda: service.delivery(one)[1] >= 1, 10, "it was tried")
    service.database("UPDATE deliveries SET created_at_ms = created_at_ms - ?", 25 * HOUR_MS)
    assert "given up after 24 h" in service.wait(one, "failed", 20)[2]


def test_some_at_once_but_one_for_a_recipient(sender):
    with SmtpServer(delay_s=1) as server:
        people = [f"person-{n}@example.org" for n in range(8)]
        events = (service := sender(server)).take(*people, *["busy@example.org"] * 4)
        for one in events:
            service.wait(one, "sent", 30)
        assert server.busy_max[None] == 4
        assert server.busy_max["busy@example.org"] == 1
        assert [mail.message["x-event-id"] for mail in server.to("busy@example.org")] == events[8:]
        # Connections are kept: each greets once, and perhaps once more after a pause.
        assert server.verbs["EHLO"] < len(events)


def test_nobody_gets_too_many(sender):
    with SmtpServer() as server:
        many = (service := sender(server, LIMIT_RECIPIENT_MAILS=3)).take(*["much@example.org"] * 5)
        other, = service.take("other@example.org")
        service.wait(other, "sent")
        wait_until(lambda: len(server.to("much@example.org")) == 3 and
                   len(service.database("SELECT 1 FROM deliveries WHERE last_answer LIKE 'waits:%'")) == 2, 15, "two of them wait")
        waiting = service.database("SELECT attempts, next_attempt_ms - created_at_ms FROM deliveries WHERE state = 'pending'")
        assert [attempts for attempts, _ in waiting] == [0, 0] and all(0.9 * HOUR_MS < ms <= 1.1 * HOUR_MS for _, ms in waiting)
        assert len(many) == 5


def test_an_operator_can_see_what_became_of_them(sender):
    with SmtpServer() as server:
        server.rcpt["gone@example.org"] = ["550 5.1.1 No such user here"]
        server.rcpt["later@example.org"] = ["451 4.7.1 Later"] * 99
        events = (service := sender(server)).take("there@example.org", "gone@example.org", "later@example.org")
        service.wait(events[0], "sent"), service.wait(events[1], "failed")
        wait_until(lambda: service.delivery(events[2])[1] >= 1, 10, "it was tried")

        def listed(**query):
            answer = httpx.get(service.service.url + "/internal/deliveries", params=query)
            assert answer.status_code == 200, answer.text
            return answer.json()

        later, gone, there = listed()["results"]  # newest first
        assert [one["event_id"] for one in (there, gone, later)] == events
        assert (there["state"], there["recipient"], there["template"], there["language"]) == ("sent", "there@example.org", "welcome", "en")
        assert there["sent_at"] and there["next_attempt_at"] is None and there["last_answer"].startswith("250 ")
        assert (gone["state"], gone["attempts"], gone["sent_at"]) == ("failed", 1, None) and "No such user" in gone["last_answer"]
        assert later["state"] == "pending" and later["next_attempt_at"] and later["last_answer"].startswith("451 ")
        assert [one["event_id"] for one in listed(state="failed")["results"]] == [events[1]]
        first = listed(limit=2)
        assert [one["event_id"] for one in first["results"]] == events[:0:-1] and first["next_cursor"] == events[1]
        rest = listed(limit=2, cursor=first["next_cursor"])
        assert [one["event_id"] for one in rest["results"]] == events[:1] and rest["next_cursor"] is None
        assert httpx.get(service.service.url + "/internal/deliveries", params={"state": "lost"}).status_code == 422


@pytest.mark.parametrize("url", ["http://mail.example.org", "smtp://", "smtp://ada:secret@mail.example.org", "smtp://mail.example.org/x",
                                 "smtp://mail.example.org?x=1", "smtp://mail.example.org#x", "mail.example.org:25"])
def test_what_is_no_server_is_one_clear_line(tmp_path, url):
    done = subprocess.run([program("notification")], env=base_environment(SMTP_URL=url, DATA_DIR=tmp_path, LISTEN="127.0.0.1:0"),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
    line, = done.stdout.splitlines()
    assert done.returncode == 78 and "SMTP_URL" in line and "smtp://HOST[:PORT]" in line


# ---- TLS and log-in ----


def test_without_tls_nothing_is_said_where_it_is_required(sender):
    with SmtpServer() as server:
        one, = (service := sender(server, SMTP_TLS="required", SMTP_USER="ada", SMTP_PASSWORD="swordfish-1815")).take("a@example.org")
        wait_until(lambda: service.delivery(one)[1] >= 2, 15, "it was tried")
        assert service.delivery(one)[0] == "pending"
        assert not server.verbs["MAIL"] and not server.logins and not server.attempts


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "smtps"])
def test_tls_and_log_in(sender, tmp_path, implicit):
    with SmtpServer(tls=certificate(tmp_path, "server"), implicit=implicit, login=("ada", "swordfish-1815")) as server:
        one, = (service := sender(server, SMTP_TLS="required", SMTP_CA_FILE=tmp_path / "server.pem", SMTP_USER="ada",
                                  SMTP_PASSWORD="swordfish-1815")).take("a@example.org")
        service.wait(one, "sent")
        assert server.logins[0] == ("ada", "swordfish-1815")
    assert "swordfish" not in service.service.tail(1 << 30)


def test_a_server_with_another_certificate_gets_nothing(sender, tmp_path):
    certificate(tmp_path, "other")
    with SmtpServer(tls=certificate(tmp_path, "server"), login=("ada", "swordfish-1815")) as server:
        one, = (service := sender(server, SMTP_TLS="opportunistic", SMTP_CA_FILE=tmp_path / "other.pem", SMTP_USER="ada",
                                  SMTP_PASSWORD="swordfish-1815")).take("a@example.org")
        wait_until(lambda: service.delivery(one)[1] >= 2, 15, "it was tried")
        assert not server.logins and not server.attempts
        assert "certificate" in service.delivery(one)[2].lower()


def test_a_wrong_password_is_no_fault_of_the_mail(sender, tmp_path):
    with SmtpServer(tls=certificate(tmp_path, "server"), login=("ada", "swordfish-1815")) as server:
        one, = (service := sender(server, SMTP_CA_FILE=tmp_path / "server.pem", SMTP_TLS="required", SMTP_USER="ada",
                                  SMTP_PASSWORD="guess-1815")).take("a@example.org")
        wait_until(lambda: service.delivery(one)[1] >= 2, 15, "it was tried")
        state, _, answer = service.delivery(one)
        assert state == "pending" and answer.startswith("535 ")
    assert "guess-1815" not in service.service.tail(1 << 30)
