"""Addresses that are proven and changed, passwords that are changed and forgotten, and who may register at all."""
import concurrent.futures
import re
import unicodedata

import pytest
from harness import PASSWORD, Client, Services, mail_body, mails, problem, wait_until

NEW = "another quite long passphrase"
FRAGMENTS = {"verify": "verify-email", "reset": "reset-password", "change": "confirm-email"}


def folder(services):
    return services.notification.data / "mail"


def links(services, address, what):
    """Tokens out of the mails to that address, oldest first."""
    found = sorted(mails(folder(services), address), key=lambda mail: mail["x-event-id"])
    return [token for mail in found
            for token in re.findall(rf"#{FRAGMENTS[what]}=([\w-]+)", mail_body(mail, "plain").replace("=\n", ""))]


def link(services, address, what):
    return wait_until(lambda: links(services, address, what), 10, f"a link to {what}")[-1]


def restarted(services, **settings):
    services.user.stop()
    services.user.start(**settings)


# ---- proving an address ----

def test_the_welcome_mail_proves_the_address(on_each):
    with Client(on_each.user.url) as person:
        assert person.new_person()["email_verified"] is False
        token = link(on_each, person.email, "verify")
        for _ in range(2):  # people click twice
            assert person.post("/auth/verify-email", json={"token": token}).status_code == 204
        assert person.get("/users/me").json()["email_verified"] is True
        for bad in (token[:-1] + ("A" if token[-1] != "A" else "B"), "x" * 43):
            problem(person.post("/auth/verify-email", json={"token": bad}), 400, "invalid-link")
        # nothing more is sent to who is proven
        assert person.post("/auth/verify-email/resend", json={"email": person.email}).status_code == 202
        with Client(on_each.user.url) as other:
            other.new_person()
            link(on_each, other.email, "verify")
        assert len(links(on_each, person.email, "verify")) == 1


def test_log_in_can_wait_for_it(on_each):
    restarted(on_each, REQUIRE_VERIFIED_EMAIL="true", LINK_COOLDOWN_S=0)
    with Client(on_each.user.url) as person:
        assert person.register("waits@example.org").status_code == 201
        problem(person.log_in(password="wrong"), 401, "invalid-credentials")
        problem(person.log_in(), 403, "email-not-verified")
        first = link(on_each, person.email, "verify")
        assert person.post("/auth/verify-email/resend", json={"email": "WAITS@example.org"}).status_code == 202
        second = wait_until(lambda: links(on_each, person.email, "verify")[1:], 10, "a second link")[0]
        problem(person.post("/auth/verify-email", json={"token": first}), 400, "invalid-link")  # the newest alone works
        assert person.post("/auth/verify-email", json={"token": second}).status_code == 204
        assert person.log_in().status_code == 200


def test_links_are_sent_no_faster_than_the_cool_down(on_each):
    with Client(on_each.user.url) as person:
        person.new_person()
        link(on_each, person.email, "verify")
        answers = [person.post("/auth/password/forgot", json={"email": person.email}) for _ in range(3)]
        answers.append(person.post("/auth/password/forgot", json={"email": "nobody@example.org"}))
        assert {(a.status_code, a.text) for a in answers} == {(202, answers[0].text)}
        link(on_each, person.email, "reset")
        with Client(on_each.user.url) as other:
            other.new_person()
            other.post("/auth/password/forgot", json={"email": other.email})
            link(on_each, other.email, "reset")
        assert len(links(on_each, person.email, "reset")) == 1
        assert not mails(folder(on_each), "nobody@example.org")


def test_a_link_is_good_for_one_purpose(on_each):
    with Client(on_each.user.url) as person:
        person.new_person()
        person.post("/auth/password/forgot", json={"email": person.email})
        reset, verify = link(on_each, person.email, "reset"), link(on_each, person.email, "verify")
        problem(person.post("/auth/verify-email", json={"token": reset}), 400, "invalid-link")
        problem(person.post("/auth/confirm-email", json={"token": verify}), 400, "invalid-link")
        problem(person.post("/auth/password/reset", json={"token": verify, "password": NEW}), 400, "invalid-link")


# ---- passwords ----

def test_a_forgotten_password(on_each):
    with Client(on_each.user.url) as person, Client(on_each.user.url) as thief:
        person.new_person()
        assert thief.log_in(person.email).status_code == 200
        person.post("/auth/password/forgot", json={"email": person.email.upper()})
        token = link(on_each, person.email, "reset")
        # a password that is no good costs nothing
        bad = problem(person.post("/auth/password/reset", json={"token": token, "password": "password1"}), 422, "validation-failed")
        assert [(e["loc"], e["type"]) for e in bad["errors"]] == [(["body", "password"], "password_too_weak")]
        assert person.post("/auth/password/reset", json={"token": token, "password": NEW}).status_code == 204
        problem(person.post("/auth/password/reset", json={"token": token, "password": NEW}), 400, "invalid-link")
        for client in (person, thief):
            problem(client.get("/users/me"), 401, "unauthorized")
        problem(person.log_in(), 401, "invalid-credentials")
        assert person.log_in(password=NEW).status_code == 200
        assert person.get("/users/me").json()["email_verified"] is True  # who read the mail has the address
        mail, = wait_until(lambda: [m for m in mails(folder(on_each), person.email) if "password was changed" in m["subject"]],
                           10, "the mail")


def test_fifty_uses_of_one_link_at_once(on_each):
    with Client(on_each.user.url) as person:
        person.new_person()
        person.post("/auth/password/forgot", json={"email": person.email})
        token = link(on_each, person.email, "reset")

        def reset(n):
            with Client(on_each.user.url) as client:
                return client.post("/auth/password/reset", json={"token": token, "password": f"{NEW} {n}"}).status_code

        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            statuses = list(pool.map(reset, range(50)))
        assert statuses.count(204) == 1 and set(statuses) <= {204, 400, 503}
        assert person.log_in(password=f"{NEW} {statuses.index(204)}").status_code == 200


def test_changing_a_password_ends_the_other_sessions(on_each):
    with Client(on_each.user.url) as person, Client(on_each.user.url) as other:
        person.new_person()
        assert other.log_in(person.email).status_code == 200
        change = lambda current, new: person.post("/users/me/password", json={"current_password": current, "password": new})
        problem(change("not it", NEW), 403, "wrong-password")
        problem(change(PASSWORD, "short"), 422, "validation-failed")
        assert change(PASSWORD, NEW).status_code == 204
        assert person.get("/users/me").status_code == 200
        problem(other.get("/users/me"), 401, "unauthorized")
        problem(other.log_in(person.email), 401, "invalid-credentials")
        assert other.log_in(person.email, NEW).status_code == 200


@pytest.mark.parametrize("password, advice", [
    ("password1", "Common words"), ("qwertyuiop", "Rows of keys|Common words"), ("aaaaaaaaaaaa", "Repeats|Common words"), ("abcdefghijkl", "Sequences"),
    ("P4ssw0rd!", "Replacing letters|Common words"), ("ada.lovelace", "Leave out your name|Common words"), ("12.05.1987", "Dates"),
    ("cinesync", "Leave out your name|Common words"), ("        ", "Repeats")])
def test_a_weak_password_is_refused_with_advice(person, password, advice):
    with Client(person.base) as client:
        body = problem(client.register("ada.lovelace@example.org", password, display_name="Ada Lovelace"), 422, "validation-failed")
    error, = body["errors"]
    assert (error["loc"], error["type"]) == (["body", "password"], "password_too_weak")
    assert re.match(advice, error["msg"]) and password not in error["msg"]


@pytest.mark.parametrize("password", ["🎬" * 64 + "🎞🍿", "a quite long one\0and more", "correct horse battery staple", "9f8a7b6c5d4e3f2a1b",
                                      "пароль который никто не угадает", "x7#kQ9!pL2vZ"])
def test_a_strong_password_is_taken(person, password):
    with Client(person.base) as client:
        client.email = f"strong-{abs(hash(password))}@example.org"
        assert client.register(client.email, password).status_code == 201
        assert client.log_in(password=password).status_code == 200
        problem(client.log_in(password=password[:-1]), 401, "invalid-credentials")


def test_the_policy_is_a_setting(tmp_path):
    three = Services(tmp_path, PASSWORD_SCORE_MIN=0, PASSWORD_LENGTH_MIN=12).start()
    with Client(three.user.url) as client:
        assert client.register("a@example.org", "password1234").status_code == 201
        body = problem(client.register("b@example.org", "password123"), 422, "validation-failed")
        assert body["errors"][0]["type"] == "string_too_short" and "12" in body["errors"][0]["msg"]
    assert three.stop() == [0, 0, 0]


# ---- another address ----

def test_an_address_changes_when_the_new_one_is_confirmed(on_each):
    with Client(on_each.user.url) as person:
        person.new_person()
        old, new = person.email, "new-" + person.email
        ask = lambda email, password=PASSWORD: person.post("/users/me/email", json={"email": email, "password": password})
        problem(ask(new, "wrong"), 403, "wrong-password")
        assert ask(new).status_code == 202
        noticed, = wait_until(lambda: [m for m in mails(folder(on_each), old) if "about to change" in m["subject"]], 10, "a notice")
        assert new in mail_body(noticed, "plain")
        token = link(on_each, new, "change")
        assert person.get("/users/me").json()["email"] == old
        assert person.post("/auth/confirm-email", json={"token": token}).status_code == 204
        problem(person.post("/auth/confirm-email", json={"token": token}), 400, "invalid-link")
        profile = person.get("/users/me").json()
        assert (profile["email"], profile["email_verified"]) == (new, True)
        problem(person.log_in(old), 401, "invalid-credentials")
        assert person.log_in(new).status_code == 200
        for address in (old, new):
            wait_until(lambda: [m for m in mails(folder(on_each), address) if "was changed" in m["subject"]], 10, "a mail to both")


def test_a_taken_address_is_not_told(on_each):
    with Client(on_each.user.url) as person, Client(on_each.user.url) as owner:
        owner.new_person("owner")
        person.new_person()
        free = person.post("/users/me/email", json={"email": "free@example.org", "password": PASSWORD})
        taken = person.post("/users/me/email", json={"email": owner.email, "password": PASSWORD})
        assert (free.status_code, free.text) == (taken.status_code, taken.text)
        wait_until(lambda: [m for m in mails(folder(on_each), owner.email) if "already" in m["subject"]], 10, "a word to its owner")
        assert not links(on_each, owner.email, "change")
        # an address that is taken between the link and its use
        token = link(on_each, "free@example.org", "change")
        with Client(on_each.user.url) as quick:
            assert quick.register("free@example.org").status_code == 201
        problem(person.post("/auth/confirm-email", json={"token": token}), 409, "email-taken")


# ---- registration ----

def test_registration_that_tells_nobody(on_each):
    restarted(on_each, REGISTRATION="confirm", LINK_COOLDOWN_S=0)
    with Client(on_each.user.url) as person:
        fresh = person.register("fresh@example.org", display_name="Fresh")
        assert fresh.status_code == 202
        token = link(on_each, "fresh@example.org", "verify")
        assert person.post("/auth/verify-email", json={"token": token}).status_code == 204
        assert person.log_in("fresh@example.org").status_code == 200
        again = person.register("FRESH@example.org", "somebody else's long password")
        assert (again.status_code, again.text) == (fresh.status_code, fresh.text)
        drop = ("x-request-id", "server-timing", "date", "ratelimit")
        assert {k: v for k, v in again.headers.items() if k not in drop} == {k: v for k, v in fresh.headers.items() if k not in drop}
        wait_until(lambda: [m for m in mails(folder(on_each), "fresh@example.org") if "already" in m["subject"]], 10, "a word")
        assert person.log_in("fresh@example.org").status_code == 200  # nothing has changed
        # what was taken is there after a crash
        assert person.register("crash@example.org").status_code == 202
        on_each.user.kill()
        on_each.user.start(REGISTRATION="confirm")
        link(on_each, "crash@example.org", "verify")
        assert person.log_in("crash@example.org").status_code == 200


def test_registration_can_be_closed(tmp_path):
    three = Services(tmp_path, REGISTRATION="closed").start()
    with Client(three.user.url) as client:
        problem(client.register("late@example.org"), 403, "registration-closed")
    assert three.stop() == [0, 0, 0]


def variants(n):
    """One address in n spellings: case, and both forms of a composed letter in the domain."""
    for i in range(n):
        local = "".join(c.upper() if i >> (k % 7) & 1 else c for k, c in enumerate("rene"))
        domain = unicodedata.normalize("NFD" if i % 2 else "NFC", "bücher.example")
        yield f"{local}@{domain.upper() if i % 3 == 0 else domain}"


def test_a_hundred_registrations_of_one_address_at_once(on_each):
    def register(address):
        with Client(on_each.user.url) as client:
            return client.register(address).status_code

    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        statuses = list(pool.map(register, variants(100)))
    assert sorted(statuses) == [201] + [409] * 99
