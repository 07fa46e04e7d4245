"""Redis goes away in every way it can, under load: never a 5xx, one short wait at most, and in use again soon after."""
import time

import httpx
import pytest
from burst import Load
from harness import metric, wait_until
from tmdb_case import film_ids, movie_service, movies


@pytest.fixture
def service(tmp_path, fake, redis):
    # A small memory, so that much is asked of Redis.
    running = movie_service(tmp_path, fake, redis, CACHE_ENTRIES_MAX=20).start()
    wait_until(lambda: is_used(running), 10, "Redis in use")
    yield running
    assert running.stop() == 0


def is_used(service):
    return metric(service.url, "cinesync_movie_redis_up") == 1


def urls(service, fake):
    return [movies(service, f"/{one}") for one in film_ids(fake, 100)]


def no_failures(load):
    assert load.failures == [] and set(load.statuses) == {200}, (load.failures, load.statuses)
    assert sum(load.statuses.values()) > 100


def kill(redis):
    redis.kill()
    yield
    redis.start()


def freeze(redis):
    redis.freeze()
    yield
    redis.thaw()


def pause(redis):
    redis.command("CLIENT", "PAUSE", "2500", "ALL")
    yield
    time.sleep(1.5)


def restart_at_once(redis):
    redis.kill()
    redis.start()
    yield


@pytest.mark.parametrize("hurt", [kill, freeze, pause, restart_at_once])
def test_it_is_gone_and_comes_back_under_load(service, redis, fake, hurt):
    with Load(urls(service, fake)) as load:
        time.sleep(0.5)
        trouble = hurt(redis)
        next(trouble)
        time.sleep(1.5)
        next(trouble, None)
        wait_until(lambda: is_used(service), 5, "in use again")
        time.sleep(0.5)
    no_failures(load)
    assert metric(service.url, "cinesync_movie_redis_connects_total") >= 2


def test_its_absence_costs_one_short_wait(service, redis, fake):
    assert service.stop() == 0
    service.start(REDIS_TIMEOUT_MS=500)  # longer than a busy machine takes for anything
    wait_until(lambda: is_used(service), 10, "Redis in use")
    for url in urls(service, fake):
        httpx.get(url)
    redis.freeze()
    answers = [httpx.get(url) for url in urls(service, fake)[:60]]
    # One of these found out; for the others it was away already.
    waited = sorted(float(answer.headers["server-timing"].split("dur=")[1].split(",")[0]) for answer in answers)
    assert [answer.status_code for answer in answers] == [200] * 60
    assert metric(service.url, "cinesync_movie_redis_up") == 0
    assert metric(service.url, "cinesync_movie_redis_failures_total") <= 4
    assert waited[-3] < 450


def test_full_without_eviction(service, redis, fake):
    used = int(redis.command("INFO", "memory")["used_memory"])
    redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis.command("CONFIG", "SET", "maxmemory", str(max(used - 100000, 1)))
    with Load(urls(service, fake)) as load:
        time.sleep(2)
    no_failures(load)
    assert is_used(service)
    redis.command("CONFIG", "SET", "maxmemory", "0")
    wait_until(lambda: [httpx.get(url) for url in urls(service, fake)] and redis.keys("cinesync:movie:*"), 10, "written again")


def test_read_only(service, redis, fake):
    redis.command("REPLICAOF", "127.0.0.1", "1")
    with Load(urls(service, fake)) as load:
        time.sleep(2)
    no_failures(load)
    redis.command("REPLICAOF", "NO", "ONE")
    wait_until(lambda: [httpx.get(url) for url in urls(service, fake)] and redis.keys("cinesync:movie:*"), 10, "written again")


def test_not_there_at_the_start(tmp_path, fake, redis):
    redis.kill()
    (tmp_path / "late").mkdir()
    late = movie_service(tmp_path / "late", fake, redis).start()
    try:
        assert httpx.get(urls(late, fake)[0]).status_code == 200
        answer = httpx.get(late.url + "/readyz")
        assert answer.status_code == 200 and answer.json()["status"] == "degraded"
        redis.start()
        wait_until(lambda: is_used(late), 5, "in use")
        assert httpx.get(late.url + "/readyz").json()["status"] == "ready"
    finally:
        assert late.stop() == 0


def test_a_wrong_password_is_a_redis_that_is_away(tmp_path, fake, redis):
    redis.command("CONFIG", "SET", "requirepass", "right")
    (tmp_path / "wrong").mkdir()
    service = movie_service(tmp_path / "wrong", fake, REDIS_URL=f"redis://:not-the-one@127.0.0.1:{redis.port}").start()
    try:
        assert httpx.get(urls(service, fake)[0]).status_code == 200
        time.sleep(0.5)
        assert not is_used(service)
        assert "not-the-one" not in service.tail(1 << 30)
    finally:
        assert service.stop() == 0
