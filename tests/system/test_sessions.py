"""Sessions: which devices are logged in, ending them, refresh tokens that come twice, and what other services hear of it."""
import concurrent.futures
import contextlib
import time

import httpx
import pytest
from harness import NO_LIMITS, Client, Service, Services, mails, problem, wait_until
from test_crash import rows

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"


@contextlib.contextmanager
def device(base, email, agent):
    with Client(base) as client:
        client.headers["User-Agent"] = agent
        client.email = email
        assert client.log_in().status_code == 200
        yield client


@pytest.fixture
def two_devices(on_each):
    with Client(on_each.user.url) as first:
        first.headers["User-Agent"] = FIREFOX
        first.new_person()
        with device(on_each.user.url, first.email, IPHONE) as second:
            yield on_each, first, second


def mail_about(services, address, word):
    return [mail for mail in mails(services.notification.data / "mail", address) if word in mail["subject"]]


def test_the_list_says_which_device_is_which(two_devices):
    _, first, second = two_devices
    listed = second.get("/auth/sessions").json()["results"]
    assert [session["device"] for session in listed] == ["Safari on iPhone", "Firefox on Linux"]
    assert [session["is_current"] for session in listed] == [True, False]
    assert all(session["ip_address"] == "127.0.0.1" for session in listed)
    before = first.get("/auth/sessions").json()["results"]
    time.sleep(0.01)
    first.take(first.post("/auth/refresh", json={"refresh_token": first.tokens["refresh_token"]}).json())
    after = first.get("/auth/sessions").json()["results"]
    assert after[0]["is_current"] and after[0]["last_used_at"] > max(session["last_used_at"] for session in before)


def test_log_out_has_three_scopes(two_devices):
    services, first, second = two_devices
    with device(services.user.url, first.email, "curl/8") as third:
        assert third.post("/auth/logout").status_code == 204
        problem(third.get("/users/me"), 401, "unauthorized")
        assert [c.get("/users/me").status_code for c in (first, second)] == [200, 200]
        assert second.post("/auth/logout", json={"scope": "others"}).status_code == 204
        assert [c.get("/users/me").status_code for c in (first, second)] == [401, 200]
        assert first.log_in().status_code == 200
        assert second.post("/auth/logout", json={"scope": "all"}).status_code == 204
        assert [c.get("/users/me").status_code for c in (first, second)] == [401, 401]
        for client in (first, second, third):
            problem(client.post("/auth/refresh", json={"refresh_token": client.tokens["refresh_token"]}), 401,
                    "invalid-refresh-token")
    problem(second.post("/auth/logout", json={"scope": "everybody"}), 401, "unauthorized")
    assert first.log_in().status_code == 200
    problem(first.post("/auth/logout", json={"scope": "everybody"}), 422, "validation-failed")


def test_one_session_of_mine_can_be_ended_and_none_of_others(two_devices):
    services, first, second = two_devices
    ids = {s["device"]: s["id"] for s in first.get("/auth/sessions").json()["results"]}
    with Client(services.user.url) as stranger:
        stranger.new_person()
        problem(stranger.delete(f"/auth/sessions/{ids['Safari on iPhone']}"), 404, "session-not-found")
        problem(stranger.delete("/auth/sessions/01a218ef-107d-7864-a69d-a69af89d813f"), 404, "session-not-found")
    assert second.get("/users/me").status_code == 200
    for _ in range(2):
        assert first.delete(f"/auth/sessions/{ids['Safari on iPhone']}").status_code == 204
    problem(second.get("/users/me"), 401, "unauthorized")
    assert first.get("/users/me").status_code == 200
    problem(first.delete("/auth/sessions/nonsense"), 422, "validation-failed")


def test_fifty_refreshes_of_one_token_at_once_have_one_successor(two_devices):
    services, first, _ = two_devices
    token = first.tokens["refresh_token"]

    def refresh(_):
        with Client(services.user.url) as client:
            return client.post("/auth/refresh", json={"refresh_token": token})

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(refresh, range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    successor = answers[0].json()["refresh_token"]
    stored = rows(services.user, "SELECT count(*) FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id "
                                 f"WHERE s.user_agent = '{FIREFOX}'")[0][0] if services.postgres else 2
    assert stored == 2
    assert refresh(0).json()["refresh_token"] == successor  # within the grace, while nobody has used it
    assert first.post("/auth/refresh", json={"refresh_token": successor}).status_code == 200
    problem(refresh(0), 401, "invalid-refresh-token")


def test_a_token_that_comes_back_ends_its_session_and_its_owner_is_told(two_devices):
    services, first, second = two_devices
    services.user.stop()
    services.user.start(REFRESH_GRACE_MS=0)
    stolen = first.tokens["refresh_token"]
    first.take(first.post("/auth/refresh", json={"refresh_token": stolen}).json())
    assert first.get("/users/me").status_code == 200
    with Client(services.user.url) as thief:
        problem(thief.post("/auth/refresh", json={"refresh_token": stolen}), 401, "invalid-refresh-token")
    problem(first.get("/users/me"), 401, "unauthorized")
    problem(first.post("/auth/refresh", json={"refresh_token": first.tokens["refresh_token"]}), 401, "invalid-refresh-token")
    assert second.get("/users/me").status_code == 200  # another session is another family
    mail, = wait_until(lambda: mail_about(services, first.email, "logged out for your safety"), 10, "the mail")
    assert "Firefox on Linux" in mail.get_body(("plain",)).get_content()


def test_a_new_device_is_told_of_once_and_the_first_never(two_devices):
    services, first, second = two_devices
    mail, = wait_until(lambda: mail_about(services, first.email, "new device"), 10, "the mail")
    assert "Safari on iPhone" in mail.get_body(("plain",)).get_content()
    assert second.log_in().status_code == 200 and first.log_in().status_code == 200
    services.notification.stop()
    services.notification.start()
    assert len(mail_about(services, first.email, "new device")) == 1


def test_the_oldest_session_makes_room(tmp_path):
    three = Services(tmp_path, SESSIONS_MAX=2).start()
    with Client(three.user.url) as first, Client(three.user.url) as second, Client(three.user.url) as third:
        first.new_person()
        for client in (second, third):
            time.sleep(0.01)
            assert client.log_in(first.email).status_code == 200
        assert [client.get("/users/me").status_code for client in (first, second, third)] == [401, 200, 200]
    assert three.stop() == [0, 0, 0]


# ---- replicas, and other services ----

@pytest.fixture
def replicas(tmp_path, postgres, redis):
    """Two user services on one PostgreSQL and one Redis, and a movie service that checks their tokens."""
    url = postgres.database()
    settings = {"DATABASE_URL": url, "REDIS_URL": redis.url, "REDIS_TIMEOUT_MS": 500, "BCRYPT_COST": 4,
                "LINK_KEY_FILE": tmp_path / "link.key", "MASTER_KEY_FILE": tmp_path / "master.key",
                "SIGNING_KEY_FILE": tmp_path / "signing.json", **NO_LIMITS}
    one, other = Service("user", tmp_path / "1", **settings), Service("user", tmp_path / "2", **settings)
    movie = Service("movie", tmp_path, REDIS_URL=redis.url, REDIS_TIMEOUT_MS=500,
                    JWKS_URL=one.url + "/api/v1/auth/.well-known/jwks.json")
    for service in (one, other):
        service.log.parent.mkdir()
    for service in (one, other, movie):
        service.start()
    wait_until(lambda: all(httpx.get(s.url + "/readyz").json()["status"] == "ready" or True for s in (one, other)), 5, "")
    yield one, other, movie
    assert [service.stop() for service in (one, other, movie)] == [0, 0, 0]


def search(movie, person):
    return httpx.get(movie.url + "/api/v1/movies/search?query=casablanca", timeout=10,
                     headers={"Authorization": "Bearer " + person.tokens["access_token"]})


def test_an_ended_session_ends_everywhere_within_5_s(replicas):
    one, other, movie = replicas
    with Client(one.url) as person:
        person.new_person()
        with Client(other.url) as elsewhere:
            elsewhere.take(person.tokens)
            assert elsewhere.get("/users/me").status_code == 200
            assert search(movie, person).status_code == 200
            assert person.post("/auth/logout").status_code == 204
            problem(elsewhere.get("/users/me"), 401, "unauthorized")  # another replica: at once
        wait_until(lambda: search(movie, person).status_code == 401, 5, "the movie service's refusal")


def test_what_was_not_told_before_a_crash_is_told_after_it(replicas, redis):
    one, _, movie = replicas
    with Client(one.url) as person:
        person.new_person()
        assert search(movie, person).status_code == 200
        redis.kill()
        assert person.post("/auth/logout").status_code == 204
        one.kill()
        redis.start()
        one.start()
        wait_until(lambda: search(movie, person).status_code == 401, 15, "the movie service's refusal")


def test_redis_away_logs_nobody_out_and_reopens_nothing(replicas, redis):
    one, other, movie = replicas
    with Client(one.url) as gone, Client(one.url) as stays:
        gone.new_person()
        stays.new_person()
        assert gone.post("/auth/logout").status_code == 204
        redis.kill()
        assert stays.get("/users/me").status_code == 200 and search(movie, stays).status_code == 200
        for service in (one, other):
            with Client(service.url) as again:
                again.take(gone.tokens)
                problem(again.get("/users/me"), 401, "unauthorized")
        # what ends meanwhile ends here, and is told once Redis is back
        assert stays.post("/auth/logout").status_code == 204
        problem(stays.get("/users/me"), 401, "unauthorized")
        redis.start()
        wait_until(lambda: search(movie, stays).status_code == 401, 15, "the movie service's refusal")
