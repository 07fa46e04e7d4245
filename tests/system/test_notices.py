"""What people are told by mail: every kind of notice, in both languages, with its link; and being forgotten."""
import html.parser
import json
import os
import re
import sqlite3
import uuid

import httpx
import pytest
from harness import Service, mail_body, mails, metric, wait_until
from links import seal

LANGUAGES = ["en", "ru"]
LINKS = {"created": "verify-email", "email-verification-requested": "verify-email",
         "password-reset-requested": "reset-password", "email-change-requested": "confirm-email"}
DEVICE = {"device": "Firefox on Linux", "ip_address": "203.0.113.7"}
KINDS = {
    "created": {"expires_at": "2026-11-27T16:40:00.000Z"},
    "email-verification-requested": {"expires_at": "2026-11-27T16:40:00.000Z"},
    "registration-repeated": {},
    "password-reset-requested": {"expires_at": "2026-11-27T16:40:00.000Z"},
    "password-changed": {},
    "email-change-requested": {"expires_at": "2026-11-27T16:40:00.000Z"},
    "email-change-noticed": {"new_email": "new@example.org"},
    "email-changed": {"new_email": "new@example.org"},
    "new-device": DEVICE,
    "session-family-ended": DEVICE,
    "second-factor-changed/enabled": {"what": "enabled", **DEVICE},
    "second-factor-changed/disabled": {"what": "disabled", **DEVICE},
    "second-factor-changed/recovery-used": {"what": "recovery-used", **DEVICE},
    "second-factor-changed/recovery-renewed": {"what": "recovery-renewed", **DEVICE},
    "deletion-requested": {"expires_at": "2026-12-03T16:40:00.000Z"},
    "deleted": {},
}


class Links(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name == "href"]


@pytest.fixture(scope="module")
def notification(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notices")
    service = Service("notification", folder, LINK_KEY_FILE=folder / "link.key", PUBLIC_URL="https://films.example")
    service.key = folder / "link.key"
    service.mail = service.data / "mail"
    yield service.start()
    assert service.stop() == 0


def event(service, kind, user_id=None, **data):
    user_id = user_id or str(uuid.uuid4())
    kind, _, _ = kind.partition("/")
    token = "tok-" + os.urandom(16).hex()
    data = {"user_id": user_id, "email": f"{os.urandom(6).hex()}@example.org", "display_name": "Ада & <b>",
            "language": "en", "occurred_at": "2026-11-26T16:40:00.000Z", **data}
    if kind in LINKS:
        data["sealed_token"] = seal(service.key, token, user_id)
    return {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/cinesync/user",
            "type": f"com.cinesync.user.{kind}.v1", "subject": user_id, "time": "2026-11-26T16:40:00.000Z",
            "datacontenttype": "application/json", "data": data}, token


def deliver(service, what):
    answer = httpx.post(service.url + "/internal/events", content=json.dumps(what),
                        headers={"Content-Type": "application/cloudevents+json"})
    assert answer.status_code == 204, answer.text


def mail_of(service, what):
    mail, = wait_until(lambda: mails(service.mail, what["data"]["email"]), 5, "the mail")
    return mail


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_in_both_languages(notification, kind, language):
    what, token = event(notification, kind, **KINDS[kind], language=language)
    deliver(notification, what)
    mail = mail_of(notification, what)
    text, page = mail_body(mail, "plain"), mail_body(mail, "html")
    assert mail["content-language"] == language
    assert bool(re.search("[а-яё]", mail["subject"])) == (language == "ru")
    assert "Ада & <b>" in text and "Ада &amp; &lt;b&gt;" in page
    assert "{{" not in text + page and "?, " not in text
    for value in (v for k, v in KINDS[kind].items() if k not in ("what", "expires_at")):
        assert value in text and value in page
    if "expires_at" in KINDS[kind]:
        assert KINDS[kind]["expires_at"].replace("T", " ")[:16] + " UTC" in text
    fragment = LINKS.get(kind)
    if fragment:
        assert Links(page).found == [f"https://films.example/#{fragment}={token}"]
        assert f"https://films.example/#{fragment}={token}" in text
    elif kind != "deleted":
        assert Links(page).found == ["https://films.example"]


def test_a_link_is_never_in_clear_in_the_database_or_the_log(notification):
    what, token = event(notification, "password-reset-requested")
    deliver(notification, what)
    assert token in mail_body(mail_of(notification, what), "plain").replace("\n", "")
    files = [path.read_bytes() for path in notification.data.glob("notification.db*")]
    assert files and not any(token.encode() in data for data in files)
    assert token not in notification.log.read_text()


def test_a_token_sealed_by_another_key_makes_no_mail_and_says_so(notification, tmp_path):
    other = tmp_path / "other.key"
    other.write_bytes(os.urandom(32))
    what, _ = event(notification, "password-reset-requested")
    what["data"]["sealed_token"] = seal(other, "x", what["data"]["user_id"])
    before = metric(notification.url, "cinesync_mails_total", result="refused")
    deliver(notification, what)
    wait_until(lambda: metric(notification.url, "cinesync_mails_total", result="refused") == before + 1, 5, "a refusal")
    assert not mails(notification.mail, what["data"]["email"])


def rows_with(service, *words):
    """Rows of the table of a service that has ended (it does not share its file)."""
    with sqlite3.connect(f"file:{service.data}/notification.db?mode=ro", uri=True) as database:
        return [row for row in database.execute("SELECT * FROM deliveries") if any(w in str(row) for w in words)]


def test_who_is_deleted_is_forgotten(tmp_path):
    service = Service("notification", tmp_path, LINK_KEY_FILE=tmp_path / "link.key").start()
    service.mail, service.key = service.data / "mail", tmp_path / "link.key"
    user_id = str(uuid.uuid4())
    one, _ = event(service, "password-changed", user_id, email="forgotten@example.org", display_name="Forgotten")
    other, _ = event(service, "password-changed", email="kept@example.org")
    for what in (one, other):
        deliver(service, what)
        mail_of(service, what)
    # when
    last, _ = event(service, "deleted", user_id, email="forgotten@example.org", display_name="Forgotten")
    deliver(service, last)
    deliver(service, last)  # twice is once
    # then: of the mails the goodbye alone is left, and nothing in the table
    wait_until(lambda: (service.mail / f"{last['id']}.eml").exists(), 5, "the goodbye")
    assert not (service.mail / f"{one['id']}.eml").exists()
    deliver(service, one)  # an old event that comes once more asks for nothing
    wait_until(lambda: metric(service.url, "cinesync_mails_total", result="sent") == 3, 5, "all sent")
    assert service.stop() == 0
    assert not rows_with(service, user_id, "forgotten@example.org", "Forgotten")
    assert len(rows_with(service, "kept@example.org")) == 1
    assert len(mails(service.mail, "kept@example.org")) == 1 and len(list(service.mail.glob("*.eml"))) == 2
