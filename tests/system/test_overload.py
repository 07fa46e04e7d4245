"""Everybody logs in at once: who cannot be served is told so at once, and nobody else notices."""
import concurrent.futures
import time

import pytest
from harness import Client, Services, problem


@pytest.fixture
def slow_hashing(tmp_path, request):
    """One hasher, so many places in its line, and hashes that take a while."""
    three = Services(tmp_path, PASSWORD_HASHERS=1, PASSWORD_QUEUE_MAX=request.param, BCRYPT_COST=11).start()
    with Client(three.user.url) as person:
        person.new_person()
        yield three, person
    three.stop()


@pytest.mark.parametrize("slow_hashing", [1], indirect=True)
def test_more_log_ins_than_hashers(slow_hashing):
    three, person = slow_hashing
    assert person.log_in().status_code == 200

    def log_in(_):
        with Client(three.user.url) as somebody:
            answer = somebody.log_in(person.email, "not the password")
            return time.monotonic(), answer

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        crowd = [pool.submit(log_in, n) for n in range(12)]
        # Those who need no hash are served meanwhile.
        assert person.get("/users/me").status_code == 200
        answers = sorted((one.result() for one in crowd), key=lambda pair: pair[0])

    refused = [answer for _, answer in answers if answer.status_code == 503]
    served = [answer for _, answer in answers if answer.status_code == 401]
    assert len(refused) + len(served) == 12 and refused and len(served) >= 2
    for answer in refused:
        problem(answer, 503, "overloaded")
        assert int(answer.headers["retry-after"]) >= 1
    # At once: no refusal had to wait until the last hash was done.
    assert answers[-1][1].status_code == 401


@pytest.mark.parametrize("slow_hashing", [1000], indirect=True)
def test_who_would_wait_too_long_is_told_at_once(slow_hashing):
    """The line has room for all, but not the time they have."""
    three, _ = slow_hashing

    def log_in(n):
        with Client(three.user.url) as somebody:
            begin = time.monotonic()
            answer = somebody.post("/auth/login", json={"email": f"nobody-{n}@example.org", "password": "not the password"},
                                   headers={"X-Request-Deadline-Ms": "2000"})
            return answer, time.monotonic() - begin

    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(log_in, range(60)))
    refused = [(answer, seconds) for answer, seconds in answers if answer.status_code == 503]
    served = [(answer, seconds) for answer, seconds in answers if answer.status_code == 401]
    late = [answer for answer, _ in answers if answer.status_code == 504]  # a machine that became slower meanwhile
    assert len(refused) + len(served) + len(late) == 60
    assert len(served) >= 2 and len(refused) >= 10 and len(late) <= len(refused) / 4
    for answer, seconds in refused:
        problem(answer, 503, "overloaded")
        assert int(answer.headers["retry-after"]) >= 1
    # At once: nobody waited in the line to be refused.
    assert max(seconds for _, seconds in refused) < max(seconds for _, seconds in served)


def test_an_unknown_address_costs_a_hash_too(person):
    def hashed(answer):
        return [entry for entry in answer.headers["server-timing"].split(", ") if entry.startswith("password;dur=")]

    known = person.log_in(person.email, "not the password")
    unknown = person.log_in("nobody-at-all@example.org", "not the password")
    nonsense = person.log_in("no address", "not the password")
    for answer in (known, unknown, nonsense):
        problem(answer, 401, "invalid-credentials")
        assert len(hashed(answer)) == 1
