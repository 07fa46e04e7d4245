"""A log-in that is refused says nothing about the address: not by its body, its headers or its time."""
import contextlib
import os
import sqlite3

import pytest
from harness import LONG, NO_LIMITS, PASSWORD, Client, Services, problem
from timing import auc, interleaved

COUNT = 1000 if LONG else 40
ACCOUNTS = 20 if LONG else 2
TOLD = {"date", "x-request-id", "server-timing", "traceparent"}  # differ between any two answers


@pytest.fixture
def three(tmp_path):
    # Cheap hashes: what else differs shows the more.
    services = Services(tmp_path, **{**NO_LIMITS, "LOGIN_FAILURES_FREE": 100, "BCRYPT_COST": 6}).start()
    yield services
    assert services.stop() == [0, 0, 0]


def people(services, count):
    emails = []
    for _ in range(count):
        with Client(services.user.url) as person:
            person.new_person()
            emails.append(person.email)
    return emails


def deactivate(services, email):
    services.user.stop()
    with contextlib.closing(sqlite3.connect(services.user.data / "user.db")) as database:
        database.execute("UPDATE users SET is_active = 0 WHERE email = ?", (email,))
        database.commit()
    services.user.start()


def test_refusals_look_the_same(three):
    known, inactive = people(three, 2)
    deactivate(three, inactive)
    with Client(three.user.url) as client:
        answers = [client.post("/auth/login", json={"email": email, "password": "not it"})
                   for email in (known, inactive, f"nobody-{os.urandom(4).hex()}@example.org", "no address", "a@b")]
        first = problem(answers[0], 401, "invalid-credentials")
        for answer in answers[1:]:
            body = problem(answer, 401, "invalid-credentials")
            assert {k: v for k, v in body.items() if k != "trace_id"} == {k: v for k, v in first.items() if k != "trace_id"}
            assert {k: v for k, v in answer.headers.items() if k not in TOLD} == {
                k: v for k, v in answers[0].headers.items() if k not in TOLD}
        # Only the right password tells that an account is not active.
        problem(client.post("/auth/login", json={"email": inactive, "password": PASSWORD}), 403, "account-inactive")


def test_time_does_not_tell_known_from_unknown(three):
    known = people(three, ACCOUNTS)
    unknown = [f"person-{os.urandom(6).hex()}@example.org" for _ in known]
    with Client(three.user.url) as client:
        def ask(emails):
            def one(n):
                answer = client.post("/auth/login", json={"email": emails[n % ACCOUNTS], "password": f"wrong {n:04}"})
                assert answer.status_code == 401, answer.text
            return one

        for n in range(5):  # statements prepared, connections open
            ask(known)(n), ask(unknown)(n)
        times = interleaved(ask(known), ask(unknown), COUNT, seed=1)
    area = auc(*times)
    assert area <= (0.55 if LONG else 0.9), area
