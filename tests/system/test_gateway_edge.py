"""What the gateway does by itself before a service is asked: its cache, its limits, what pages of other origins may."""
import concurrent.futures
import json
import re

import httpx
import pytest
from gateway_harness import PUBLIC, Films, Gateway
from harness import metric, problem, raw_answers, raw_exchange, wait_until
from nginx_harness import Issuer, bearer

ORIGIN = "https://app.example.org"
AGE_MAX_S = 50


@pytest.fixture(scope="module")
def films():
    with Films() as running:
        yield running


@pytest.fixture(scope="module")
def edge(tmp_path_factory, films):
    """A cache, and one origin beside its own."""
    with Gateway(tmp_path_factory.mktemp("edge"), films.address, GATEWAY_CACHE_AGE_MAX=AGE_MAX_S, GATEWAY_ADDRESS_RATE="off", GATEWAY_USER_RATE="off",
                 GATEWAY_CORS_ORIGINS=f"{ORIGIN}, http://localhost:3000") as running:
        yield running


@pytest.fixture(scope="module")
def strict(tmp_path_factory, films):
    """Limits that are soon reached, by the address that X-Forwarded-For names, and no cache."""
    folder = tmp_path_factory.mktemp("strict")
    issuer = Issuer(folder)
    with Gateway(folder, films.address, GATEWAY_CACHE_SIZE="off", GATEWAY_ADDRESS_RATE=2, GATEWAY_USER_RATE=1, GATEWAY_ADDRESS_CONNECTIONS=2,
                 GATEWAY_TRUSTED_PROXIES="127.0.0.1", GATEWAY_JWKS_FILE=issuer.path, GATEWAY_CORS_ORIGINS="*") as running:
        running.issuer = issuer
        yield running


def get(gateway, path, **headers):
    return httpx.get(gateway.url + path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def how(answer):
    """Cache-Status of RFC 9211: (what, {parameter: value})."""
    name, *parameters = answer.headers["cache-status"].split("; ")
    assert name == "gateway"
    return {key: value or True for key, _, value in (one.partition("=") for one in parameters)}


def is_hit(answer):
    return "hit" in how(answer)


_next = iter(range(10 ** 6))


@pytest.fixture
def path():
    """One that nobody asked for yet."""
    return f"/api/v1/movies/{next(_next)}"


def lines(gateway):
    return [json.loads(line) for line in gateway.log.read_text().splitlines() if line.startswith("{") and '"request"' in line]


# ---- the cache: what is given, and what is said of it ----

def test_the_second_answer_is_the_gateways(edge, films, path):
    films.answers[path] = 200, {"RateLimit": '"x";r=1;t=1', "Age": "7"}, "{}"
    before = metric(edge.status, "cinesync_gateway_cache_total", state="hit")
    first, again = get(edge, path), get(edge, path)
    assert len(films.asked(path)) == 1 and first.content == again.content == b"{}"
    assert how(first) == {"fwd": "uri-miss", "stored": True, "ttl": str(AGE_MAX_S)}
    assert is_hit(again) and 0 < int(how(again)["ttl"]) <= AGE_MAX_S and again.headers["x-cache"] == "HIT; level=edge"
    assert int(again.headers["age"]) >= 7 and again.headers["cache-control"] == PUBLIC and again.headers["etag"] == first.headers["etag"]
    # What is of one request alone is not given to another.
    assert first.headers["server-timing"] == "total;dur=1.5" and "ratelimit" in first.headers
    assert again.headers.get_list("server-timing") == [again.headers["server-timing"]] and again.headers["server-timing"].startswith("gateway;dur=")
    assert "ratelimit" not in again.headers and first.headers["x-request-id"] != again.headers["x-request-id"] != "0" * 32
    assert metric(edge.status, "cinesync_gateway_cache_total", state="hit") == before + 1
    line, = wait_until(lambda: [x for x in lines(edge) if x["trace_id"] == again.headers["x-request-id"]], 5, "its line")
    assert line["cache"] == "HIT" and line["upstream"] == ""


def test_head_and_conditions_are_answered_from_it(edge, films, path):
    etag = get(edge, path).headers["etag"]
    head = httpx.head(edge.url + path)
    assert head.status_code == 200 and is_hit(head) and head.content == b"" and head.headers["etag"] == etag
    for wanted in (etag, "W/" + etag, f'"x", {etag}', "*"):
        same = get(edge, path, If_None_Match=wanted)
        assert same.status_code == 304 and is_hit(same) and same.headers["etag"] == etag
    assert get(edge, path, If_None_Match='"other"').status_code == 200
    assert len(films.asked(path)) == 1


def test_a_condition_of_a_client_renews_nothing(edge, films, path):
    """The service's 304 to a client's own If-None-Match would declare another answer to be still good."""
    films.answers[path] = 200, {"Cache-Control": "public, max-age=1, stale-if-error=1000", "ETag": '"old"'}, "old"
    assert get(edge, path, If_None_Match='"new"').text == "old"
    films.answers[path] = 200, {"ETag": '"new"'}, "new"
    wait_until(lambda: get(edge, path, If_None_Match='"new"').status_code == 304, 10, "it is renewed")
    assert get(edge, path).text == "new"
    assert {headers.get("If-None-Match") for headers in films.asked(path)} == {None, '"old"'}


# ---- whom it may be given to ----

def test_who_sends_a_token_is_the_services(edge, films, path):
    get(edge, path)
    for value in ("Bearer x", "0", "Basic x"):
        answer = get(edge, path, Authorization=value, If_None_Match='"mine"')
        assert how(answer) == {"fwd": "bypass"} and "age" not in answer.headers
        assert films.asked(path)[-1]["Authorization"] == value and films.asked(path)[-1]["If-None-Match"] == '"mine"'
    assert len(films.asked(path)) == 4
    fresh = path + "?own"
    get(edge, fresh, Authorization="Bearer x")
    assert not is_hit(get(edge, fresh)) and is_hit(get(edge, fresh))


@pytest.mark.parametrize("headers", [
    {"Cache-Control": "private, max-age=60"}, {"Cache-Control": "no-store"}, {"Cache-Control": "max-age=60"}, {"Cache-Control": "public, no-cache"},
    {"Set-Cookie": "a=b"}, {"Vary": "*"}, {"Vary": "Prefer"}, {"Vary": ["Prefer", "Accept-Encoding"]}, {"Vary": ["Accept-Encoding", "Cookie"]},
    {"Age": "3600"}, {"Age": "-1"}, {"Age": "x"},
], ids=str)
def test_what_is_not_for_everybody_or_too_old_is_not_kept(edge, films, path, headers):
    films.answers[path] = 200, headers, "{}"
    for _ in range(2):
        assert how(get(edge, path)) == {"fwd": "uri-miss"}
    assert len(films.asked(path)) == 2


def test_only_good_answers_are_kept(edge, films, path):
    for status in (404, 422, 500, 301, 203):
        films.answers[f"{path}?{status}"] = status, {}, "{}"
        for _ in range(2):
            assert get(edge, f"{path}?{status}").status_code == status
        assert len(films.asked(f"{path}?{status}")) == 2, status


def test_a_language_is_not_anothers(edge, films, path):
    """Debian 12's nginx sees one of two Vary headers."""
    vary = {"Vary": ["Accept-Language", "Accept-Encoding"]}
    for language in ("de", "en", "de,en;q=0.5", "gzip de", ""):
        films.answers[path] = 200, vary, f"in {language}"
        for _ in range(2):
            assert get(edge, path, Accept_Language=language, Accept_Encoding="identity").text == f"in {language}"
            assert get(edge, path, Accept_Language=language, Accept_Encoding="gzip, br").text == f"in {language}"
        sent = [(headers.get("Accept-Language", ""), headers.get("Accept-Encoding")) for headers in films.asked(path)]
        assert sent[-2:] == [(language, None), (language, "gzip")]
    assert len(films.asked(path)) == 10


def test_a_key_is_only_its_own(edge, films, path):
    """Neither its case, nor its parameters, nor what another header holds make one target another's answer."""
    other = path + "9"
    for target in (f"{path}?a=1", f"{path}?a=2", f"{path}?A=1", f"{path}?a=1&", f"{path}?a=%31", f"{path}?b=1&a=1", path + "/", other):
        assert get(edge, target).text == target
        assert is_hit(get(edge, target))
    get(edge, other, Accept_Language=f"x {path}")
    assert get(edge, path).text == path
    get(edge, path + "?host", Host="evil.example")
    assert films.asked(path + "?host")[0]["Host"] == "evil.example"


@pytest.mark.parametrize("head", ["GET {} HTTP/1.0\r\n\r\n", "GET {}\r\n\r\n"])
def test_who_names_no_host_is_the_services(edge, films, path, head):
    get(edge, path, Accept_Encoding="", Accept_Language="")
    raw_exchange(edge.url, head.format(path).encode(), wait=3)
    assert len(films.asked(path)) == 2


# ---- how old it may be ----

def test_it_is_asked_again_and_what_is_unchanged_is_kept(edge, films, path):
    films.answers[path] = 200, {"Cache-Control": "public, max-age=1, stale-if-error=1000"}, "{}"
    etag = get(edge, path).headers["etag"]
    films.answers[path] = 200, {"ETag": etag}, "{}"  # for an hour now
    renewed = wait_until(lambda: not is_hit(a := get(edge, path)) and a, 10, "it is asked again")
    assert how(renewed) == {"fwd": "stale", "fwd-status": "304"} and renewed.headers["age"] == "0" and renewed.text == "{}"
    assert renewed.headers["x-cache"] == "HIT; level=edge" and films.asked(path)[-1]["If-None-Match"] == etag
    again = get(edge, path)
    assert is_hit(again) and int(how(again)["ttl"]) <= AGE_MAX_S and len(films.asked(path)) == 2


def test_what_has_an_age_is_fetched_whole(edge, films, path):
    """nginx would take a 304 for new, whatever its Age."""
    films.answers[path] = 200, {"Cache-Control": "public, max-age=12", "Age": "11"}, "{}"
    assert how(get(edge, path)) == {"fwd": "uri-miss", "stored": True, "ttl": "1"}
    renewed = wait_until(lambda: not is_hit(a := get(edge, path)) and a, 10, "it is asked again")
    assert how(renewed)["stored"] and "If-None-Match" not in films.asked(path)[-1]


STALE = {"Cache-Control": "public, max-age=1, stale-while-revalidate=1000, stale-if-error=1000"}


def test_while_it_is_renewed_nobody_waits(edge, films, path):
    films.answers[path] = 200, STALE, "old"
    get(edge, path)
    films.answers[path] = 200, STALE, "new"
    with httpx.Client() as client:  # one connection, which the renewal behind must not spoil
        def stale():
            answer = client.get(edge.url + path)
            return answer if int(how(answer)["ttl"]) < 0 else None
        answer = wait_until(stale, 10, "it is stale")
        assert is_hit(answer) and answer.text == "old" and answer.headers["x-cache"] == "STALE; level=edge" and int(answer.headers["age"]) >= 2
        wait_until(lambda: client.get(edge.url + path).text == "new", 10, "it is renewed behind")
    line, = wait_until(lambda: [x for x in lines(edge) if x["trace_id"] == answer.headers["x-request-id"]], 5, "its line")
    assert line["cache"] == "STALE"


@pytest.mark.parametrize("failure", [(503, {}, ""), (500, {}, ""), None], ids=["503", "500", "gone"])
def test_while_the_service_fails_it_is_given_as_long_as_that_allows(edge, films, path, failure):
    for error_s, target in ((1000, path), (0, path + "?never")):
        films.answers[target] = 200, {"Cache-Control": f"public, max-age=1, stale-if-error={error_s}", "Age": "0"}, "old"
        get(edge, target)
        films.answers[target] = failure
    answer = wait_until(lambda: not is_hit(a := get(edge, path)) and a, 10, "it is stale")
    assert answer.text == "old" and answer.headers["x-degraded"] == "true" and answer.headers["cache-control"] == "no-store"
    assert how(answer)["detail"] == "stale-if-error" and answer.headers["x-cache"] == "STALE; level=edge"
    late = wait_until(lambda: (a := get(edge, path + "?never")).status_code != 200 and a, 10, "it is too old")
    assert late.status_code == (failure[0] if failure else 502) and late.headers.get("cache-status", "gateway; fwd=uri-miss") == "gateway; fwd=uri-miss"


def test_what_is_not_there_any_more_is_not_given(edge, films, path):
    """To say no is not to fail."""
    for status in (404, 403, 429):
        films.answers[f"{path}?{status}"] = 200, {"Cache-Control": "public, max-age=1, stale-if-error=1000"}, "old"
        get(edge, f"{path}?{status}")
        films.answers[f"{path}?{status}"] = status, {"Cache-Control": "no-store"}, "{}"
    for status in (404, 403, 429):
        wait_until(lambda at=status: get(edge, f"{path}?{at}").status_code == at, 10, "the service's own answer")


def test_many_that_ask_at_once_ask_once(edge, films, path):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: get(edge, path), range(8)))
    assert {answer.text for answer in answers} == {path} and is_hit(get(edge, path))


def test_another_run_begins_with_nothing(edge):
    """And nobody else on the machine looks into it."""
    stored = [file for file in (edge.state / "nginx" / "own" / "films").rglob("*") if file.is_file()]
    assert stored and {oct(file.stat().st_mode & 0o777) for file in stored} == {"0o600"}
    assert (edge.state / "nginx" / "own" / "films").stat().st_mode & 0o77 == 0


# ---- pages of other origins ----

CORS = re.compile("access-control-", re.I)


def allowed(answer):
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def test_an_origin_that_is_named_may_read(edge, films, path):
    for status in (200, 404):
        films.answers[path] = status, {}, "{}"
        for origin in (ORIGIN, "http://localhost:3000"):
            answer = get(edge, f"{path}", Origin=origin)
            assert answer.headers["access-control-allow-origin"] == origin and "Origin" in answer.headers.get_list("vary")
            exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
            assert {"x-request-id", "etag", "retry-after", "location", "ratelimit", "server-timing"} <= set(exposed)
            assert set(allowed(answer)) == {"access-control-allow-origin", "access-control-expose-headers"}
    assert get(edge, "/api/v1/openapi.json", Origin=ORIGIN).headers["access-control-allow-origin"] == ORIGIN
    assert get(edge, "/api/v1/nothing", Origin=ORIGIN).headers["access-control-allow-origin"] == ORIGIN  # a problem may be read


@pytest.mark.parametrize("origin", ["https://app.example.org.evil.example", "https://appXexample.org", "http://app.example.org", "null",
                                    "https://app.example.org:444", "https://evil.example/ /api/", "HTTPS://APP.EXAMPLE.ORG"])
def test_no_other_origin_may(edge, path, origin):
    answer = get(edge, path, Origin=origin)
    assert answer.status_code == 200 and allowed(answer) == {} and "Origin" in answer.headers.get_list("vary")


def test_a_preflight_is_answered_here(edge, films):
    for path in ("movies/preflight", "users/me", "auth/login", "lists/shared/x", "admin/users", "users/me/imports"):
        answer = httpx.options(f"{edge.api}/{path}", headers={"Origin": ORIGIN, "Access-Control-Request-Method": "PUT",
                                                              "Access-Control-Request-Headers": "authorization"})
        assert answer.status_code == 204 and answer.content == b""
        told = allowed(answer)
        assert told["access-control-allow-origin"] == ORIGIN and int(told["access-control-max-age"]) > 0
        assert "PUT" in told["access-control-allow-methods"] and "Authorization" in told["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in told
        assert not films.asked(f"/api/v1/{path}")
    stranger = httpx.options(f"{edge.api}/movies/1", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"})
    assert allowed(stranger) == {}
    assert allowed(get(edge, "/", Origin=ORIGIN)) == {}  # pages are no part of the API


def test_every_origin_may_where_it_is_said_so(strict):
    for origin in ("https://any.example", "null"):
        answer = get(strict, "/api/v1/movies/1", Origin=origin, X_Forwarded_For="192.0.2.77")
        assert answer.headers["access-control-allow-origin"] == "*" and "access-control-allow-credentials" not in answer.headers


# ---- limits ----

def refused(gateway, limit):
    return metric(gateway.status, "cinesync_gateway_limited_total", limit=limit)


def until_refused(gateway, headers, path="/api/v1/movies/1"):
    """The first 429, however long that takes a busy machine."""
    for n in range(500):
        answer = httpx.get(gateway.url + path, headers=headers(n))
        if answer.status_code == 429:
            problem(answer, 429, "too-many-requests")
            assert int(answer.headers["retry-after"]) >= 1
            return answer
    raise AssertionError("nothing was refused")


def test_a_user_has_a_limit_wherever_it_comes_from(strict):
    tokens = {name: bearer(strict.issuer.token(sub=name)) for name in ("anna", "bert")}
    before = refused(strict, "user")
    answer = until_refused(strict, lambda n: {**tokens["anna"], "X-Forwarded-For": f"192.0.2.{n % 250}"})
    assert refused(strict, "user") == before + 1 and refused(strict, "address") == 0
    line, = wait_until(lambda: [x for x in lines(strict) if x["trace_id"] == answer.headers["x-request-id"]], 5, "its line")
    assert line["limited"] == "user"
    assert get(strict, "/api/v1/movies/1", **tokens["bert"], X_Forwarded_For="192.0.2.1").status_code == 200


def test_an_address_has_a_limit_whoever_is_there(strict):
    before = refused(strict, "address")
    tokens = [bearer(strict.issuer.token(sub=f"user-{n}")) for n in range(100)]
    until_refused(strict, lambda n: {**tokens[n % 100], "X-Forwarded-For": "198.51.100.1"})
    assert refused(strict, "address") == before + 1
    assert get(strict, "/api/v1/movies/1", X_Forwarded_For="198.51.100.2").status_code == 200
    # Nobody in particular has that limit alone.
    before = refused(strict, "user"), refused(strict, "address")
    until_refused(strict, lambda n: {"X-Forwarded-For": "198.51.100.40"})
    assert (refused(strict, "user"), refused(strict, "address")) == (before[0], before[1] + 1)
    # Of IPv6, a network.
    until_refused(strict, lambda n: {**tokens[n % 100], "X-Forwarded-For": f"2001:db8:0:1::{n:x}"})
    assert get(strict, "/api/v1/movies/1", X_Forwarded_For="2001:db8:0:2::1").status_code == 200


def test_forged_tokens_are_stopped_before_they_are_looked_at(strict):
    """By the limit of their address: to look at one costs more than to send it."""
    def seen():
        return metric(strict.status, "cinesync_gateway_auth_total", result="refused")

    def forged(n):
        return {**bearer(f"x.{n}.z"), "X-Forwarded-For": "198.51.100.3"}

    assert get(strict, "/api/v1/movies/1", **forged(0)).status_code == 401
    refused_by, before = refused(strict, "address") + refused(strict, "user"), seen()
    answers = [get(strict, "/api/v1/movies/1", **forged(n)).status_code for n in range(40)]
    assert answers.count(401) == seen() - before or answers.count(401) + answers.count(429) == 40
    assert answers.count(429) == refused(strict, "address") + refused(strict, "user") - refused_by > 0


def test_an_address_has_so_many_at_once(strict, films):
    films.go.clear()
    headers = {"X-Forwarded-For": "198.51.100.4"}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(httpx.get, strict.api + f"/movies/slow/{n}", headers=headers, timeout=30) for n in range(2)]
        wait_until(lambda: all(films.asked(f"/api/v1/movies/slow/{n}") for n in range(2)), 10, "both wait")
        problem(httpx.get(strict.api + "/movies/1", headers=headers), 429, "too-many-requests")
        assert refused(strict, "connections") == 1
        films.go.set()
        assert [one.result().status_code for one in waiting] == [200, 200]


def test_connections_are_counted(strict):
    with httpx.Client() as client:
        client.get(strict.url + "/healthz")
        assert metric(strict.status, "cinesync_gateway_connections", state="waiting") >= 1
        accepted = metric(strict.status, "cinesync_gateway_connections_accepted_total")
        assert 1 <= metric(strict.status, "cinesync_gateway_connections_handled_total") <= metric(strict.status, "cinesync_gateway_requests_total")
        assert accepted >= 1


def test_the_cache_can_be_switched_off(strict, films, path):
    for n in range(2):
        assert "cache-status" not in get(strict, path, X_Forwarded_For=f"203.0.113.{n}").headers
    assert len(films.asked(path)) == 2


# ---- what is said beside ----

def test_an_answer_names_its_span(edge, path):
    answer = get(edge, path, traceparent="00-" + "ab" * 16 + "-" + "cd" * 8 + "-01")
    version, trace_id, span_id, flags = answer.headers["traceresponse"].split("-")
    assert (version, trace_id) == ("00", "ab" * 16) and re.fullmatch("[0-9a-f]{16}", span_id) and span_id != "cd" * 8 and flags == "01"
    raw, = raw_answers(raw_exchange(edge.url, b"nonsense\r\n\r\n", wait=2))
    assert raw.headers["traceresponse"].split("-")[1] == raw.headers["x-request-id"]


@pytest.mark.parametrize("setting,value,words", [
    ("GATEWAY_CACHE_SIZE", "0", "off, or a number"), ("GATEWAY_CACHE_SIZE", "64m", "off, or a number"), ("GATEWAY_CACHE_AGE_MAX", "x", "a number"),
    ("GATEWAY_ADDRESS_RATE", "-1", "off, or a number"), ("GATEWAY_USER_RATE", "1.5", "off, or a number"), ("GATEWAY_ADDRESS_CONNECTIONS", "0", "off"),
    ("GATEWAY_CORS_ORIGINS", "app.example.org", "origins"), ("GATEWAY_CORS_ORIGINS", "https://a.example/", "origins"),
    ("GATEWAY_CORS_ORIGINS", "*, https://a.example", "origins"), ("GATEWAY_CORS_ORIGINS", 'https://a.example" "*', "origins"), ("GATEWAY_CORS_ORIGINS", " ", "origins"),
    ("GATEWAY_CORS_ORIGINS", "https://*.example.org", "origins"), ("GATEWAY_CORS_ORIGINS", "null", "origins"),
])
def test_a_bad_setting_stops_the_start(tmp_path, films, setting, value, words):
    complaint = Gateway(tmp_path, films.address, **{setting: value}).refuses()
    assert f"{setting}={value}" in complaint and words in complaint and len(complaint.splitlines()) == 1, complaint
