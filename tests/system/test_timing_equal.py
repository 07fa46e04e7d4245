"""Known and unknown addresses: the same answers, and by their time nobody tells them apart (a rank test's AUC near 1/2)."""
import os
import random
import time

import pytest
from harness import LONG, PASSWORD, Client, Services

TURNS = 1000 if LONG else 20
AUC_MAX = 0.55
DROPPED = ("x-request-id", "server-timing", "date", "ratelimit")


def auc(first, second):
    """The chance that one drawn from the first is smaller than one from the second, ties counted half (Mann and Whitney)."""
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    total, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        total += sum(label for _, label in ranked[at:end]) * (at + 1 + end) / 2
        at = end
    n, m = len(first), len(second)
    return (total - m * (m + 1) / 2) / (n * m)


def test_the_classifier_tells_what_differs():
    chance = random.Random(1)
    same = [[chance.gauss(10, 1) for _ in range(2000)] for _ in range(2)]
    assert abs(auc(*same) - 0.5) < 0.05
    assert auc(same[0], [value + 1 for value in same[1]]) > 0.7
    assert auc([1, 2, 3], [4, 5, 6]) == 1 and auc([1], [1]) == 0.5


CALLS = {
    "log-in": (401, lambda client, email: client.post("/auth/login", json={"email": email, "password": "not the password"})),
    "forgot": (202, lambda client, email: client.post("/auth/password/forgot", json={"email": email})),
    "resend": (202, lambda client, email: client.post("/auth/verify-email/resend", json={"email": email})),
    "register": (202, lambda client, email: client.post("/auth/register", json={"email": email, "password": PASSWORD})),
}


def seen(answer):
    body = answer.json()
    body.pop("trace_id", None)
    return answer.status_code, body, {k: v for k, v in answer.headers.items() if k not in DROPPED}


@pytest.fixture(scope="module")
def confirming(tmp_path_factory):
    # The guard against guessing would answer 429 before any of this could be measured.
    three = Services(tmp_path_factory.mktemp("equal"), REGISTRATION="confirm", LOGIN_FAILURES_FREE=100, LOGIN_FAILURES_MAX=100,
                     BCRYPT_COST=6).start()
    yield three
    assert three.stop() == [0, 0, 0]


@pytest.mark.parametrize("name", CALLS)
def test_known_and_unknown_are_the_same(confirming, name):
    status, call = CALLS[name]
    known = [f"known-{name}-{n}@example.org" for n in range(max(1, TURNS // 50))]
    times = {True: [], False: []}
    answers = set()
    with Client(confirming.user.url) as client:
        for email in known:
            assert client.register(email).status_code == 202
        for email in known:  # they are made behind the answer
            deadline = time.monotonic() + 10
            while client.log_in(email).status_code != 200 and time.monotonic() < deadline:
                time.sleep(0.05)
        order = [True, False] * TURNS
        random.Random(7).shuffle(order)
        for n, is_known in enumerate(order):
            email = known[n % len(known)] if is_known else f"unknown-{os.urandom(4).hex()}@example.org"
            begin = time.perf_counter()
            answer = call(client, email)
            times[is_known].append(time.perf_counter() - begin)
            assert answer.status_code == status, answer.text
            answers.add(repr(seen(answer)))
    assert len(answers) == 1
    area = auc(times[True], times[False])
    print(f"{name}: AUC {area:.3f} over {TURNS} + {TURNS}")
    if LONG:
        assert max(area, 1 - area) <= AUC_MAX
