"""The movie service before a TMDB that is sick: what opens the breaker and what does not, what is asked meanwhile, and how it
comes back."""
import time

import httpx
import pytest
from burst import burst
from harness import metric, problem, wait_until
from tmdb_case import CLOSED, OPEN, TOKEN, breaker_state, film_ids, movie_service, movies


@pytest.fixture
def start(tmp_path, fake):
    """Starts a movie service with these settings; stopped when the test ends."""
    started = []

    def begin(**settings):
        service = movie_service(tmp_path / f"movie{len(started)}", fake, **settings)
        (tmp_path / f"movie{len(started)}").mkdir()
        started.append(service)
        return service.start()

    yield begin
    codes = [service.stop() for service in started]
    assert codes == [0] * len(codes)


def ask(service, ids):
    with httpx.Client(trust_env=False, timeout=30) as client:
        return [client.get(movies(service, f"/{one}")) for one in ids]


def open_it(service, fake):
    """Twenty failures, and nothing counted yet."""
    fake.faults(status=500)
    for answer in ask(service, film_ids(fake, 20)):
        problem(answer, 503, "upstream-unavailable")
    assert breaker_state(service) == OPEN
    fake.reset_counts()


def test_nineteen_failures_do_not_open_it_and_twenty_do(start, fake):
    service = start()
    fake.faults(status=500)
    ask(service, film_ids(fake, 19))
    assert breaker_state(service) == CLOSED
    ask(service, film_ids(fake, 1, skip=19))
    assert breaker_state(service) == OPEN
    assert metric(service.url, "cinesync_movie_upstream_breaker_trips_total", cause="failures") == 1
    [line] = [line for line in service.log_lines() if line.get("to") == "open"]
    assert (line["level"], line["from"], line["cause"]) == ("warning", "closed", "failures")


def test_nothing_is_asked_while_it_is_open(start, fake):
    service = start(BREAKER_OPEN_MS=60000)
    open_it(service, fake)
    answers = ask(service, film_ids(fake, 100))
    for answer in answers:
        body = problem(answer, 503, "upstream-unavailable")
        assert body["degraded"] is True and 1 <= int(answer.headers["retry-after"]) <= 60
    assert fake.counts()["total"] == 0


def test_what_is_cached_is_served_while_it_is_open(start, fake):
    service = start(BREAKER_OPEN_MS=60000, DETAILS_TTL_MS=1)
    known = film_ids(fake, 5, skip=100)
    assert all(answer.status_code == 200 for answer in ask(service, known))
    open_it(service, fake)
    for answer in ask(service, known):
        assert answer.status_code == 200 and answer.headers["x-cache"].startswith("STALE")
    assert fake.counts()["total"] == 0


def test_a_thousand_films_that_do_not_exist_trip_nothing(start, fake):
    service = start(TMDB_QUEUE_MAX=1000)
    for first in range(900000001, 900001001, 250):  # as many as a busy machine answers in time
        answers = burst([movies(service, f"/{number}") for number in range(first, first + 250)])
        assert {answer.status for answer in answers} == {404}
    assert breaker_state(service) == CLOSED
    assert fake.counts()["by_status"] == {"404": 1000}


@pytest.mark.parametrize("faults", [{"reset": True}, {"garbage": True}, {"truncated": True}, {"wrong_type": True}, {"empty": True},
                                    {"status": 408}, {"status": 503}, {"hang": True}, {"reset_mid_body": True},
                                    {"drip_bytes_per_s": 50}])
def test_each_kind_of_failure_counts(start, fake, faults):
    service = start(TMDB_TIMEOUT_MS=300, BREAKER_CALLS_MIN=4)
    fake.faults(**faults)
    for answer in burst([movies(service, f"/{one}") for one in film_ids(fake, 4)]):
        assert answer.status == 503
    assert breaker_state(service) == OPEN


def test_nobody_there_counts(start, fake):
    service = start(BREAKER_CALLS_MIN=4)
    fake.stop()
    assert [answer.status_code for answer in ask(service, film_ids(fake, 4))] == [503] * 4
    assert breaker_state(service) == OPEN


def test_slow_answers_open_it(start, fake):
    service = start(BREAKER_SLOW_MS=50, BREAKER_CALLS_MIN=10)
    fake.faults(latency_ms=150)
    assert {answer.status for answer in burst([movies(service, f"/{one}") for one in film_ids(fake, 10)])} == {200}
    assert breaker_state(service) == OPEN
    assert metric(service.url, "cinesync_movie_upstream_breaker_trips_total", cause="slow-calls") == 1


def test_two_hundred_callers_at_half_open_make_three_calls_at_most(start, fake):
    service = start(BREAKER_OPEN_MS=1500, BREAKER_OPEN_MAX_MS=1500)
    open_it(service, fake)
    fake.faults(latency_ms=1000)
    time.sleep(1.6)
    answers = burst([movies(service, f"/{one}") for one in film_ids(fake, 200, skip=200)])
    assert fake.counts()["total"] <= 3
    assert sorted({answer.status for answer in answers}) == [200, 503]


def test_it_closes_when_tmdb_is_well_again(start, fake):
    service = start(BREAKER_OPEN_MS=300, BREAKER_OPEN_MAX_MS=300)
    open_it(service, fake)
    fake.heal()
    ids = iter(film_ids(fake, 1000, skip=300))
    wait_until(lambda: ask(service, [next(ids)])[0].status_code == 200 and breaker_state(service) == CLOSED, 10, "closed")
    assert all(answer.status_code == 200 for answer in ask(service, film_ids(fake, 20, skip=1500)))


def test_it_stays_open_longer_while_probes_fail(start, fake):
    service = start(BREAKER_OPEN_MS=100, BREAKER_OPEN_MAX_MS=1000)
    open_it(service, fake)
    ids = iter(film_ids(fake, 3000, skip=300))
    wait_until(lambda: ask(service, [next(ids)]) and
               metric(service.url, "cinesync_movie_upstream_breaker_trips_total", cause="probe") >= 4, 20, "probes failed")
    times = [line["open_ms"] for line in service.log_lines() if line.get("to") == "open"]
    assert times[0] < times[2] <= times[-1] <= 1000


def test_refused_credentials_are_said_and_not_tried_again(start, fake):
    service = start()
    fake.faults(status=401)
    problem(ask(service, film_ids(fake, 1))[0], 502, "upstream-refused")
    problem(ask(service, film_ids(fake, 1, skip=1))[0], 503, "upstream-unavailable")
    assert fake.counts()["total"] == 1
    assert metric(service.url, "cinesync_movie_upstream_breaker_trips_total", cause="credentials") == 1
    assert any(line["level"] == "alert" for line in service.log_lines())


@pytest.mark.parametrize("retry_after", ["2", None])
def test_a_429_stops_all_calls(start, fake, retry_after):
    service = start(TMDB_PAUSE_MS=2000)
    fake.faults(status=429, retry_after=retry_after, count=1)
    first = ask(service, film_ids(fake, 1))[0]
    problem(first, 503, "upstream-unavailable")
    assert 1 <= int(first.headers["retry-after"]) <= 2
    assert {answer.status for answer in burst([movies(service, f"/{one}") for one in film_ids(fake, 50)])} == {503}
    assert fake.counts()["total"] == 1
    wait_until(lambda: ask(service, film_ids(fake, 1, skip=60))[0].status_code == 200, 10, "calls again")


def test_a_hung_tmdb_costs_its_budget_and_nothing_else(start, fake):
    service = start(TMDB_TIMEOUT_MS=1000, TMDB_CALLS_MAX=8, TMDB_QUEUE_MAX=8, BREAKER_CALLS_MIN=100000)
    known = film_ids(fake, 20, skip=500)
    ask(service, known)
    fake.faults(hang=True)
    urls = [movies(service, f"/{one}") for one in film_ids(fake, 40)]
    cached = [movies(service, f"/{one}") for one in known] + [movies(service, "/genres"), service.url + "/readyz"]
    answers = burst(urls + cached)
    hung, fine = answers[:len(urls)], answers[len(urls):]
    assert {answer.status for answer in hung} == {503} and {answer.status for answer in fine} == {200}
    # The service's own clock: this one shares two processors with whatever else is tested.
    took = sorted(float(answer.headers["server-timing"].split("dur=")[1].split(",")[0]) for answer in hung)
    assert took[-1] <= 1100
    # 8 calls, 8 in line; the rest was told at once.
    assert took[len(urls) - 17] < 500
    assert all(answer.seconds < 0.9 for answer in fine)
    assert fake.counts()["max_in_flight"] <= 8


def test_one_retry_is_made_of_a_lost_connection_within_its_budget(start, fake):
    service = start(TMDB_RETRY_PERCENT=20, TMDB_RETRY_DELAY_MS=10, BREAKER_CALLS_MIN=1000)
    ask(service, film_ids(fake, 10))
    fake.faults(status=503, count=1)
    assert ask(service, film_ids(fake, 1, skip=20))[0].status_code == 200
    fake.faults(status=500, count=1)  # not of the kind
    assert ask(service, film_ids(fake, 1, skip=21))[0].status_code == 503
    fake.reset_counts()
    fake.faults(status=503)
    ask(service, film_ids(fake, 15, skip=30))
    # What 27 calls have paid in, and what was saved up at the start.
    assert 15 < fake.counts()["total"] <= 15 + 27 * 0.2 + 10


def test_ready_but_degraded_while_open(start, fake):
    service = start(BREAKER_OPEN_MS=60000)
    assert httpx.get(service.url + "/readyz").json()["status"] == "ready"
    open_it(service, fake)
    answer = httpx.get(service.url + "/readyz")
    assert answer.status_code == 200 and answer.json()["status"] == "degraded"
    assert "open" in answer.json()["checks"]["tmdb"]["reason"]


def test_the_rate_is_kept(start, fake):
    service = start(TMDB_RATE=20, TMDB_BURST=10, TMDB_RATE_WAIT_MS=500)
    begin = time.monotonic()
    answers = burst([movies(service, f"/{one}") for one in film_ids(fake, 60)])
    took = time.monotonic() - begin
    asked = fake.counts()["total"]
    assert asked <= 10 + 20 * took + 1
    assert sum(answer.status == 200 for answer in answers) == asked >= 15
    assert {answer.status for answer in answers} == {200, 503}


def test_the_token_is_nowhere(start, fake):
    service = start()
    ask(service, film_ids(fake, 2))
    fake.faults(status=401)
    ask(service, film_ids(fake, 2, skip=5))
    assert TOKEN not in service.tail(1 << 30)
    assert TOKEN not in httpx.get(service.url + "/metrics").text
