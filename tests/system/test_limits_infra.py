"""What limits and revocation rest on: the client's true address, and access tokens checked by a service that issues none."""
import base64
import json
import os
import subprocess
import time

import httpx
import pytest
from harness import BUILD, Client, Service, System, base_environment, metric, problem, program, wait_until
from redis_harness import Redis

FILM = "/api/v1/movies/genres"
JWKS = "/api/v1/auth/.well-known/jwks.json"
SEEN_S = 5  # a revocation, by every service


# ---- the client's address ----

def clients_seen(service, forwarded):
    """As the access log has them, one for each list of X-Forwarded-For lines."""
    marks = [os.urandom(8).hex() for _ in forwarded]
    with httpx.Client(base_url=service.url) as client:
        for mark, lines in zip(marks, forwarded):
            client.get(FILM, headers=[("User-Agent", mark), *(("X-Forwarded-For", line) for line in lines)])
    logged = wait_until(lambda: logged_clients(service, marks), 5, "the requests' lines")
    return [logged[mark] for mark in marks]


def logged_clients(service, marks):
    found = {line["user_agent"]: line["client"] for line in service.log_lines() if line.get("user_agent") in marks}
    return found if len(found) == len(marks) else None


LISTS = {
    (): "127.0.0.1",
    ("198.51.100.7",): "198.51.100.7",
    ("6.6.6.6, 198.51.100.7",): "198.51.100.7",
    ("198.51.100.7, 127.0.0.9",): "198.51.100.7",
    ("198.51.100.7, 10.0.0.1",): "10.0.0.1",
    ("6.6.6.6", "2001:DB8::7", "[::1]:443"): "2001:db8::7",
    ("::ffff:198.51.100.7",): "198.51.100.7",
    ("198.51.100.7, rubbish",): "127.0.0.1",
    ("198.51.100.7:4711 ,",): "198.51.100.7",
    ("198.51.100.7",) * 40: "198.51.100.7",
}


@pytest.mark.parametrize("setting, wanted", [
    (None, LISTS),
    ("none", dict.fromkeys(LISTS, "127.0.0.1")),
    ("127.0.0.1 10.0.0.0/8 198.51.100.0/24", {("6.6.6.6, 198.51.100.7, 10.0.0.1",): "6.6.6.6", ("198.51.100.7, 127.0.0.9",): "127.0.0.9"}),
    ("10.0.0.0/8", {("198.51.100.7",): "127.0.0.1"}),
])
def test_the_client_is_the_last_address_that_no_trusted_proxy_has(tmp_path, setting, wanted):
    service = Service("movie", tmp_path, **({"TRUSTED_PROXIES": setting} if setting else {})).start()
    try:
        assert clients_seen(service, list(wanted)) == list(wanted.values())
    finally:
        assert service.stop() == 0


def test_the_gateway_believes_the_balancers_it_is_told_of(tmp_path):
    whole = System(tmp_path / "var", GATEWAY_TRUSTED_PROXIES="127.0.0.0/8, 10.0.0.0/8", GATEWAY_CACHE_SIZE="off")
    whole.up()
    try:
        for said, client in (("6.6.6.6, 198.51.100.7, 10.0.0.1", "198.51.100.7"), ("2001:db8::7", "2001:db8::7"), (None, "127.0.0.1")):
            mark = os.urandom(8).hex()
            httpx.get(whole.url + FILM, headers={"User-Agent": mark, **({"X-Forwarded-For": said} if said else {})})
            for part in ("movie", "access"):
                line, = wait_until(lambda: [x for x in whole.log_lines(part) if x.get("user_agent") == mark], 5, "the request's line")
                assert line["client"] == client
    finally:
        whole.down()


@pytest.mark.parametrize("setting", ["localhost", "10.0.0.1/8", "10.0.0.0/33", "true", "127.0.0.1;::1", " ".join(["10.0.0.1"] * 65)])
def test_a_list_with_a_mistake_is_one_clear_line(setting):
    done = subprocess.run([program("movie"), "--check-config"], env=base_environment(TRUSTED_PROXIES=setting), text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 78 and done.stdout == ""
    line, = done.stderr.splitlines()
    assert line.startswith("cinesync-movie: TRUSTED_PROXIES: ") and "127.0.0.0/8" in line


# ---- tokens, checked by the movie service ----

class Pair:
    """A user service that issues tokens, and a movie service that checks them, with one Redis."""

    def __init__(self, folder, **settings):
        self.redis = Redis(folder / "redis").start()
        self.key = folder / "signing-key.json"
        self.user = Service("user", folder, BCRYPT_COST=4, SIGNING_KEY_FILE=self.key).start()
        self.movie = Service("movie", folder, JWKS_URL=self.user.url + JWKS, REDIS_URL=self.redis.url, **settings).start()
        wait_until(lambda: self.movie_is("redis", "ok"), 10, "Redis in use")

    def movie_is(self, check, status):
        return httpx.get(self.movie.url + "/readyz").json()["checks"].get(check, {}).get("status") == status

    def stop(self):
        codes = [self.movie.stop(), self.user.stop()]
        self.redis.stop()
        assert codes == [0, 0]

    def person(self):
        client = Client(self.user.url)
        client.new_person()
        return client

    def ask(self, person, path=FILM, **headers):
        token = {"Authorization": person.headers["Authorization"]} if person else {}
        return httpx.get(self.movie.url + path, headers={**token, **headers})


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    running = Pair(tmp_path_factory.mktemp("pair"))
    yield running
    running.stop()


@pytest.fixture
def own_pair(tmp_path):
    running = Pair(tmp_path)
    yield running
    running.stop()


def session_of(person):
    payload = person.tokens["access_token"].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=="))["sid"]


def refused(answer, why):
    problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == f'Bearer realm="cinesync", error="invalid_token", error_description="{why}"'


def test_a_token_changes_nothing_of_an_answer(pair):
    with_token, without = pair.ask(pair.person()), pair.ask(None)
    assert (with_token.status_code, without.status_code) == (200, 200)
    assert with_token.content == without.content
    for name in ("etag", "cache-control", "vary", "content-type"):
        assert with_token.headers.get(name) == without.headers.get(name), name
    assert "authorization" not in with_token.headers.get("vary", "").lower()
    assert pair.ask(pair.person(), **{"If-None-Match": without.headers["etag"]}).status_code == 304


def test_a_token_that_is_sent_must_be_good(pair):
    for bad, why in (("rubbish", "malformed"), ("a.b.c", "malformed"), ("x" * 3000, "malformed")):
        refused(httpx.get(pair.movie.url + FILM, headers={"Authorization": f"Bearer {bad}"}), why)
    head, payload, signature = pair.person().tokens["access_token"].split(".")
    forged = ("A" if signature[0] != "A" else "B") + signature[1:]
    refused(httpx.get(pair.movie.url + FILM, headers={"Authorization": f"Bearer {head}.{payload}.{forged}"}), "bad-signature")
    assert httpx.get(pair.movie.url + FILM, headers={"Authorization": "Basic YTpi"}).status_code == 200


def test_tokens_of_other_makers_are_refused(pair, tmp_path):
    def signed(key, issuer="cinesync", audience="cinesync", *more):
        return subprocess.run([BUILD / "src/token/cinesync-token", "sign", "--key", key, "--create", "--iss", issuer, "--aud", audience,
                               "--sub", "mallory", "--role", "admin", "--sid", "s", *more],
                              check=True, capture_output=True, text=True, env=base_environment()).stdout.strip()

    ours = pair.key
    for token, why in ((signed(tmp_path / "key"), "unknown-key"),
                       (signed(ours, "elsewhere"), "wrong-issuer"),
                       (signed(ours, "cinesync", "elsewhere"), "wrong-audience"),
                       (signed(ours, "cinesync", "cinesync", "--at", "1000000000"), "expired")):
        refused(httpx.get(pair.movie.url + FILM, headers={"Authorization": f"Bearer {token}"}), why)
    good = signed(ours)
    assert httpx.get(pair.movie.url + FILM, headers={"Authorization": f"Bearer {good}"}).status_code == 200


def test_a_session_that_ended_is_refused_within_the_time_promised(pair):
    anna, berta = pair.person(), pair.person()
    assert pair.ask(anna).status_code == 200
    ended = time.monotonic()
    pair.redis.command("SET", f"revoked:{session_of(anna)}", 1, "PX", 600000)
    wait_until(lambda: pair.ask(anna).status_code == 401, SEEN_S, "the end of the session is seen")
    assert time.monotonic() - ended <= SEEN_S
    refused(pair.ask(anna), "session-ended")
    assert pair.ask(berta).status_code == 200
    assert metric(pair.movie.url, "cinesync_movie_tokens_refused_total") >= 2
    assert metric(pair.movie.url, "cinesync_movie_revoked_asked_total") >= 2


def test_redis_away_logs_nobody_out_and_nobody_back_in(own_pair):
    anna, berta = own_pair.person(), own_pair.person()
    own_pair.redis.command("SET", f"revoked:{session_of(anna)}", 1, "PX", 600000)
    refused(own_pair.ask(anna), "session-ended")
    for hurt, heal in ((own_pair.redis.freeze, own_pair.redis.thaw), (own_pair.redis.kill, own_pair.redis.start)):
        hurt()
        wait_until(lambda: own_pair.movie_is("redis", "failed"), 5, "Redis is missed")
        for _ in range(5):
            assert own_pair.ask(berta).status_code == 200
            assert own_pair.ask(own_pair.person()).status_code == 200
            refused(own_pair.ask(anna), "session-ended")
        heal()
        wait_until(lambda: own_pair.movie_is("redis", "ok"), 10, "Redis is used again")
        refused(own_pair.ask(anna), "session-ended")


def test_keys_outlive_the_user_service(own_pair):
    anna = own_pair.person()
    assert own_pair.ask(anna).status_code == 200
    own_pair.user.kill()
    assert own_pair.ask(anna).status_code == 200
    refused(httpx.get(own_pair.movie.url + FILM, headers={"Authorization": "Bearer rubbish"}), "malformed")
    own_pair.user.start()


def test_films_are_for_everybody_while_there_are_no_keys(own_pair):
    anna = own_pair.person()
    own_pair.user.kill()
    assert own_pair.movie.stop() == 0
    own_pair.movie.start()
    assert own_pair.ask(anna).status_code == 200
    assert own_pair.ask(None).status_code == 200
    own_pair.user.start()
    wait_until(lambda: httpx.get(own_pair.movie.url + FILM, headers={"Authorization": "Bearer rubbish"}).status_code == 401, 10, "tokens are checked")
    assert own_pair.ask(anna).status_code == 200


def test_without_the_setting_tokens_are_not_looked_at(tmp_path):
    service = Service("movie", tmp_path).start()
    try:
        assert httpx.get(service.url + FILM, headers={"Authorization": "Bearer rubbish"}).status_code == 200
        assert metric(service.url, "http_server_active_requests") <= 1
    finally:
        assert service.stop() == 0


def test_a_log_out_is_seen_without_redis(system, person):
    assert person.get("/movies/genres").status_code == 200
    assert httpx.get(system.url + "/internal/sessions/" + session_of(person)).status_code == 404
    assert person.post("/auth/logout").status_code == 204
    assert person.get("/users/me").status_code == 401
    wait_until(lambda: person.get("/movies/genres").status_code == 401, SEEN_S, "the end of the session is seen")
    refused(person.get("/movies/genres"), "session-ended")


def test_the_user_service_says_whether_a_session_has_ended(pair):
    def status(session):
        return httpx.get(f"{pair.user.url}/internal/sessions/{session}").status_code

    anna = pair.person()
    assert status(session_of(anna)) == 204
    assert anna.post("/auth/logout").status_code == 204
    assert status(session_of(anna)) == 410
    assert status("018f4f6e-7b1c-7cc0-8a5e-0123456789ab") == 410
    assert status("rubbish") == 422


def test_the_whole_system_checks_them(system, person):
    assert person.get("/movies/genres").status_code == 200
    answer = httpx.get(system.url + FILM, headers={"Authorization": "Bearer rubbish"})
    refused(answer, "malformed")
    assert "no-store" in answer.headers["cache-control"]
    assert httpx.get(system.url + FILM).status_code == 200
