"""The welcome mail: one for everybody who registers, written right, whatever people call themselves."""
import concurrent.futures
import html.parser
import json
import os
import re
import subprocess
import time

import httpx
import pytest
from harness import PASSWORD, Client, Services, base_environment, mail_body, mails, metric, problem, program, wait_until

MAIL_S = 2  # what we promise between the answer and the mail
EVENT_TYPE = "com.cinesync.user.created.v1"

WORDS = {
    "en": ("Welcome to CineSync: please confirm your address", "Hello", "your CineSync account is ready"),
    "ru": ("Добро пожаловать в CineSync: подтвердите адрес", "Здравствуйте", "Ваша учётная запись CineSync готова"),
}

NAMES = ['Ada "the \\ first" Countess', "<script>alert(1)</script><b>x", "{{email}} {{, name}} {{", "Кино 🎬👩‍👩‍👧",
         "\u202egnorw\u202c עברית", "A, B <c@d.example>; E", "=?UTF-8?Q?forged?=", "a" * 80, "Я" * 80, "%s%n &amp; &#60;"]


class Page(html.parser.HTMLParser):
    """What a mail reader makes of the HTML: its elements and its text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.links = [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append(tag)
        self.links += [value for name, value in attributes if name == "href"]

    def handle_data(self, data):
        self.text += data


def address(prefix):
    return f"{prefix}-{os.urandom(6).hex()}@example.org"


def mail_to(system, who):
    """The one mail to that address, as soon as it is there."""
    mail, = wait_until(lambda: mails(system.mail, who), MAIL_S, f"a mail to {who}")
    return mail


def event(who, **changes):
    data = {"user_id": "0190c0de-0000-7000-8000-000000000001", "email": who, "display_name": "By hand",
            "language": "en", "created_at": "2026-11-22T22:24:02.000Z", **changes.pop("data", {})}
    return {"specversion": "1.0", "id": f"0190c0de-0000-7000-8000-{os.urandom(6).hex()}", "source": "/cinesync/user",
            "type": EVENT_TYPE, "subject": data["user_id"], "time": "2026-11-22T22:24:02.000Z",
            "datacontenttype": "application/json", "data": data, **changes}


@pytest.fixture
def deliver(system):
    """Hands an event (a dict, or the bytes of one) to the notification service, as the outbox relay does."""
    url = system.part("notification")[1]

    def deliver(what):
        content = what if isinstance(what, bytes) else json.dumps(what).encode()
        return httpx.post(url + "/internal/events", content=content,
                          headers={"Content-Type": "application/cloudevents+json"})

    deliver.url = url
    return deliver


def test_one_mail_for_everybody(system):
    people = [address("crowd") for _ in range(20)]

    def register(who):
        with Client(system.url) as client:
            return client.register(who).status_code

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        assert set(pool.map(register, people)) == {201}
    wait_until(lambda: all(mails(system.mail, who) for who in people), MAIL_S, "a mail to each")
    wait_until(lambda: metric(system.part("user")[1], "cinesync_outbox_pending") == 0, 5, "an empty outbox")
    written = [mail.to_address for mail in mails(system.mail)]
    assert [written.count(who) for who in people] == [1] * len(people)


@pytest.mark.parametrize("language", WORDS)
def test_every_header_and_both_bodies(system, client, language):
    subject, greeting, sentence = WORDS[language]
    who = address("headers")
    client.register(who, language=language, display_name="Ада Л.")
    mail = mail_to(system, who)
    assert (mail["subject"], mail["content-language"]) == (subject, language)
    assert [(a.display_name, a.addr_spec) for a in mail["from"].addresses] == [("CineSync", "noreply@cinesync.localhost")]
    assert [(a.display_name, a.addr_spec) for a in mail["to"].addresses] == [("Ада Л.", who)]
    assert abs(mail["date"].datetime.timestamp() - time.time()) < 60
    assert mail["message-id"] == f"<{mail['x-event-id']}@cinesync.localhost>"
    assert (mail["mime-version"], mail["auto-submitted"]) == ("1.0", "auto-generated")
    assert mail.get_content_type() == "multipart/alternative" and not mail.defects
    text, page = mail.iter_parts()
    assert [part.get_content_type() for part in (text, page)] == ["text/plain", "text/html"]
    for part in (text, page):
        assert (part.get_content_charset(), part["content-transfer-encoding"]) == ("utf-8", "quoted-printable")
        for word in (greeting, "Ада Л.", who):
            assert word in part.get_content(), (part.get_content_type(), word)
    assert sentence in text.get_content()
    link, = Page(page.get_content()).links
    assert re.fullmatch(re.escape(system.url) + r"/#verify-email=[\w-]{43}", link) and link in text.get_content()


def test_the_file_is_a_mail_on_the_wire(system, client):
    who = address("wire")
    client.register(who, language="ru", display_name="Анна " * 15)
    event_id = mail_to(system, who)["x-event-id"]
    data = (system.mail / f"{event_id}.eml").read_bytes()  # named after its event
    lines = data.split(b"\r\n")
    assert all(byte < 128 for byte in data) and b"\r" not in b"".join(lines) and b"\n" not in b"".join(lines)
    assert max(map(len, lines)) <= 76
    assert not [path for path in system.mail.iterdir() if path.suffix != ".eml"]
    assert (system.mail / f"{event_id}.eml").stat().st_mode & 0o077 == 0


def test_without_a_name(system, client):
    who = address("nameless")
    client.register(who)
    mail = mail_to(system, who)
    assert (mail.to_name, mail.to_address) == ("", who)
    assert mail_body(mail, "plain").startswith("Hello,\n")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_only_text(system, client, name):
    plain = address("plain")
    client.register(plain, display_name="Plain")
    who = address("name")
    assert client.register(who, display_name=name).status_code == 201
    mail, like = mail_to(system, who), mail_to(system, plain)
    assert (mail.to_name, mail.to_address, len(mail["to"].addresses)) == (name, who, 1)
    assert [key.lower() for key in mail.keys()] == [key.lower() for key in like.keys()]  # no header came with it
    assert mail["subject"] == like["subject"]
    assert f"Hello, {name},\n" in mail_body(mail, "plain")
    page, page_like = (Page(mail_body(m, "html")) for m in (mail, like))
    assert page.elements == page_like.elements and len(page.links) == len(page_like.links) == 1  # nor an element
    assert f"Hello, {name}," in page.text


@pytest.mark.parametrize("name", ["a\r\nBcc: evil@example.org", "a\nb", "a\rb", "a\0b", "a\x1bb", "a\x7fb", "", "x" * 81])
def test_a_name_that_could_be_more_than_text_is_refused(system, client, name):
    who = address("refused")
    body = problem(client.register(who, display_name=name), 422, "validation-failed")
    assert [error["loc"] for error in body["errors"]] == [["body", "display_name"]]
    problem(client.log_in(who), 401, "invalid-credentials")
    assert not mails(system.mail, who)


def test_an_event_that_comes_three_times(system, deliver):
    who = address("thrice")
    same = event(who)
    before = [metric(deliver.url, "cinesync_events_received_total", result=r) for r in ("accepted", "duplicate")]
    assert [deliver(same).status_code for _ in range(3)] == [204] * 3
    mail_to(system, who)
    assert deliver(same).status_code == 204  # and once more after it was sent
    after = [metric(deliver.url, "cinesync_events_received_total", result=r) for r in ("accepted", "duplicate")]
    assert [b - a for a, b in zip(before, after)] == [1, 3]
    later = address("later")
    deliver(event(later))
    mail_to(system, later)  # whatever the second, third, fourth asked for would be written by now
    assert len(mails(system.mail, who)) == 1


BAD_EVENTS = {
    "no json": b"hello", "cut": b'{"specversion":"1.0"', "an array": b"[]", "empty": b"",
    "another version": {"specversion": "0.3"}, "no id": {"id": None}, "an empty id": {"id": ""},
    "an id that is a path": {"id": "../../../../tmp/x"}, "no type": {"type": None}, "no source": {"source": None},
    "no data": {"data": None}, "data of text": {"data": "x"}, "no address": {"data": {"email": None}},
    "an address that is none": {"data": {"email": "nobody"}}, "a user that is none": {"data": {"user_id": "x"}},
    "a header in the name": {"data": {"display_name": "a\r\nBcc: x@example.org"}},
    "a header in the address": {"data": {"email": "a@example.org\r\nBcc: x@example.org"}},
    "a bad language": {"data": {"language": "../en"}},
}


@pytest.mark.parametrize("name", BAD_EVENTS)
def test_a_malformed_event(system, deliver, name):
    who, bad = address("malformed"), BAD_EVENTS[name]
    if isinstance(bad, dict) and isinstance(bad.get("data"), dict):
        data = {**event(who)["data"], **bad["data"]}
        bad = {**event(who), "data": {key: value for key, value in data.items() if value is not None}}
    elif isinstance(bad, dict):
        bad = {key: value for key, value in {**event(who), **bad}.items() if value is not None}
    before = sorted(system.mail.glob("**/*"))
    answer = deliver(bad)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed"), answer.text
    assert answer.json()["errors"]
    good = address("good")
    deliver(event(good))
    mail_to(system, good)  # the mailer has been at work since
    assert len(sorted(system.mail.glob("**/*"))) == len(before) + 1 and not mails(system.mail, who)


def test_an_unknown_type_is_taken_and_counted(system, deliver):
    who = address("unknown")
    before = metric(deliver.url, "cinesync_events_received_total", result="unknown-type")
    assert deliver(event(who, type="com.cinesync.user.created.v2")).status_code == 204
    assert metric(deliver.url, "cinesync_events_received_total", result="unknown-type") == before + 1
    assert not mails(system.mail, who)


def test_an_address_is_no_log_field(system, client):
    who = address("private")
    client.register(who, display_name="Private Person")
    mail_to(system, who)
    log = system.log_text("notification") + system.log_text("user")
    assert who not in log and "Private Person" not in log and PASSWORD not in log


def test_one_trace_from_the_request_to_the_mail(system, client):
    trace_id, who = os.urandom(16).hex(), address("traced")
    answer = client.post("/auth/register", json={"email": who, "password": PASSWORD},
                         headers={"traceparent": f"00-{trace_id}-{os.urandom(8).hex()}-01"})
    assert answer.headers["x-request-id"] == trace_id
    event_id = mail_to(system, who)["x-event-id"]

    def lines(part, message):
        return [line for line in system.log_lines(part) if line["message"] == message and line.get("trace_id") == trace_id]

    sent, = wait_until(lambda: lines("notification", "mail sent"), MAIL_S, "the mail's line")
    assert sent["event_id"] == event_id and len(sent["span_id"]) == 16
    assert [line["path"] for line in lines("notification", "request")] == ["/internal/events"]
    assert [line["path"] for line in lines("user", "request")] == ["/api/v1/auth/register"]
    assert len(lines("user", "user registered")) == 1
    assert [line["target"] for line in system.log_lines("access") if line["trace_id"] == trace_id] == ["/api/v1/auth/register"]


def test_templates_of_ones_own(tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "welcome-verify.en.txt").write_text("Subject: Our own welcome\n\nGood day{{, name}}\n\n[Prove it]({{url}})\n")
    services = Services(tmp_path, TEMPLATE_DIR=folder).start()
    with Client(services.user.url) as client:
        assert client.register("own@example.org", display_name="Ada").status_code == 201
    mail, = wait_until(lambda: mails(services.notification.data / "mail"), 10, "the mail")
    assert mail["subject"] == "Our own welcome" and "Good day, Ada" in mail_body(mail, "plain")
    assert services.stop() == [0, 0, 0]


@pytest.mark.parametrize("name, text, words", [
    ("wellcome.en.txt", "Subject: x\n\ny\n", "there is no mail of that name"),
    ("welcome.en.txt", "no subject\n", "a mail template is faulty"),
    ("welcome.en.txt", "Subject: x\n\n{{unknown}}\n", "a mail template is faulty"),
])
def test_a_faulty_template_stops_the_start(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    done = subprocess.run([program("notification")], env=base_environment(DATA_DIR=tmp_path / "data", TEMPLATE_DIR=tmp_path, LISTEN="127.0.0.1:0"),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    assert done.returncode != 0 and words in done.stdout and name in done.stdout
