"""The gateway: what it lets through, what it keeps out, what it says when something behind it is gone."""
import contextlib
import gzip
import os
import re
import signal
import sqlite3
import time

import httpx
import pytest
from harness import PASSWORD, Client, System, assert_clean, problem, raw_answers, raw_exchange, wait_until

HIDDEN = [
    "/internal/events", "/internal/movies/1/brief", "/internal", "/metrics", "/livez", "/readyz", "/metrics/", "/api/v1/metrics",
    "/api/v1/readyz", "/api/v1/internal/events", "//internal/events", "//metrics", "/./metrics", "/api/v1/../../metrics",
    "/api/v1/movies/../../internal/movies/1/brief", "/api/v1/movies/../../../metrics", "/api/v1/movies/%2e%2e/%2e%2e/metrics",
    "/api/v1/movies/%2E%2e/../../metrics", "/api/v1/movies/..;/..;/metrics", "/api/v1/movies/..%2f..%2f..%2fmetrics",
    "/api/v1/movies/..%5c..%5cmetrics", "/api/v1/movies/..\\..\\metrics", "/%2e%2e/metrics", "/%6detrics", "/metrics%00",
    "/METRICS", "/api/v1/users/../internal/events", "/api/v1/auth/.%2e/../../readyz", "/api/v1/movies/%252e%252e/metrics",
    "/api/v1//movies/genres", "/api/v1/movies%2fgenres", "/Api/V1/movies/genres", "/api/v2/movies/genres", "/nginx.conf", "/.git/HEAD",
    "/.gitignore", "/index.html/..%2f..%2fcinesync", "/assets/../../cinesync", "/%2e%2e/%2e%2e/etc/passwd", "/api/v1/movies",
    "/api/v1/users", "/api/v1/auth", "/docs/../metrics", "/docs.html/x",
]
PAGES = ["/", "/docs", "/api/v1/openapi.json"]


def ask(system, target, method="GET", headers=""):
    """One request with exactly this target, which no client may tidy up."""
    request = f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"
    answer, = raw_answers(raw_exchange(system.url, request.encode()))
    return answer


def access_line(system, **wanted):
    """The access log's line with these fields, as soon as it is written."""
    def found():
        return [line for line in system.log_lines("access") if wanted.items() <= line.items()]
    return wait_until(found, 2, f"an access line with {wanted}")[-1]


@pytest.mark.parametrize("path", HIDDEN)
def test_what_is_not_named_is_not_there(system, path):
    for target in (path, "http://127.0.0.1:8082" + path):  # the absolute form names the same
        answer = ask(system, target)
        assert answer.status_code in (400, 404), f"{target}: {answer.status_code} {answer.text[:200]}"
        problem(answer, answer.status_code, {400: "malformed-request", 404: "not-found"}[answer.status_code])
    if "%" not in path and ".." not in path and "\\" not in path:
        assert ask(system, path).status_code == 404


def test_what_is_named_is_there(system):
    for path in (*PAGES, "/healthz", "/api/v1/movies/genres", "/api/v1/auth/.well-known/jwks.json"):
        for target in (path, "http://anywhere.example" + path):
            assert ask(system, target).status_code == 200, target
    assert httpx.get(system.url + "/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("path", PAGES)
def test_pages(system, path):
    answer = httpx.get(system.url + path, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers.get("content-encoding") == ("gzip" if len(answer.content) >= 1024 else None)
    assert len(answer.content) < 1024 or "accept-encoding" in answer.headers["vary"].lower()
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'" and policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "server" not in answer.headers or not re.search(r"\d", answer.headers["server"])
    again = httpx.get(system.url + path, headers={"If-None-Match": answer.headers["etag"], "Accept-Encoding": "gzip"})
    assert again.status_code == 304 and again.content == b""
    problem(httpx.post(system.url + path), 405, "method-not-allowed")


def test_every_security_header_is_there_once(system):
    for path in ("/", "/nothing", "/api/v1/movies/genres", "/api/v1/movies/nothing", "/api/v1/users/me", "/healthz"):
        answer = httpx.get(system.url + path)
        for name in ("x-request-id", "x-content-type-options", "referrer-policy", "content-security-policy", "date"):
            assert len(answer.headers.get_list(name)) == 1, (path, name)


def test_gzip_only_where_it_is_safe_and_worth_it(system, person):
    def get(path, encoding="gzip"):
        with httpx.stream("GET", system.url + "/api/v1" + path, headers={"Accept-Encoding": encoding}) as answer:
            return answer.headers.get("content-encoding"), b"".join(answer.iter_raw())

    encoding, packed = get("/movies/discover")
    plain_encoding, plain = get("/movies/discover", "identity")
    assert (encoding, plain_encoding) == ("gzip", None) and gzip.decompress(packed) == plain and len(packed) < len(plain) / 2
    assert get("/movies/1")[0] is None  # short
    answer = person.post("/auth/refresh", json={"refresh_token": person.tokens["refresh_token"]})
    assert "content-encoding" not in answer.headers  # a secret beside text that others choose: BREACH


# ---- traces ----

def test_the_request_id_is_the_trace(system):
    trace_id = os.urandom(16).hex()
    # No service sees what the gateway has in its cache.
    for number, path in enumerate(("/", "/nothing", f"/api/v1/movies/search?query={trace_id}", "/api/v1/users/me")):
        answer = httpx.get(system.url + path, headers={"traceparent": f"00-{trace_id}-{os.urandom(8).hex()}-01"})
        assert answer.headers["x-request-id"] == trace_id
        assert access_line(system, trace_id=trace_id, target=path)["status"] == answer.status_code
        if number >= 2:
            part = ("movie", "user")[number - 2]
            wait_until(lambda: [x for x in system.log_lines(part) if x.get("trace_id") == trace_id], 2, f"a line of {part}")


@pytest.mark.parametrize("header", [
    "", "nonsense", "00-" + "0" * 32 + "-1234567890abcdef-01", "00-" + "a" * 32 + "-" + "0" * 16 + "-01", "00-" + "A" * 32 + "-1234567890abcdef-01",
    "ff-" + "a" * 32 + "-1234567890abcdef-01", "00-" + "a" * 31 + "-1234567890abcdef-01", "00-" + "a" * 32 + "-1234567890abcdef-01-x",
    "00-" + "a" * 32 + "-1234567890abcdef", "00-" + "a" * 32 + '"-1234567890abcdef-01',
])
def test_a_bad_traceparent_is_ignored(system, header):
    ids = []
    for path in ("/", "/api/v1/movies/genres", "/api/v1/movies/genres"):
        answer = httpx.get(system.url + path, headers={"traceparent": header, "X-Request-Id": "b" * 32})
        assert answer.status_code == 200
        ids.append(answer.headers["x-request-id"])
    assert len(set(ids)) == 3 and all(re.fullmatch("[0-9a-f]{32}", x) and x not in ("a" * 32, "b" * 32) for x in ids)


def test_two_traceparents_are_not_two_traces(system):
    ids = os.urandom(16).hex(), os.urandom(16).hex()
    headers = "".join(f"traceparent: 00-{trace_id}-1234567890abcdef-01\r\n" for trace_id in ids)
    request_id = ask(system, f"/api/v1/movies/search?query={ids[0]}", headers=headers).headers["x-request-id"]
    assert request_id != ids[1]  # nginx sees the first one, or (from 1.23) none
    assert access_line(system, trace_id=request_id)["status"] == 200
    wait_until(lambda: [x for x in system.log_lines("movie") if x.get("trace_id") == request_id], 2, "a line of movie")


# ---- the access log ----

def test_the_access_log_is_json_whatever_comes(system):
    for target in ("/%ff%00%0a", "/x\"y", "/\\", "/" + "a" * 5000, "/api/v1/movies/search?query=\"<'%22\x7f", "/ü"):
        raw_exchange(system.url, f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUser-Agent: \"\\\x1b\t{{\r\n\r\n".encode())
    marker = os.urandom(16).hex()
    httpx.get(system.url + "/last", headers={"traceparent": f"00-{marker}-{marker[:16]}-01"})
    line = access_line(system, trace_id=marker)
    assert (line["method"], line["target"], line["status"], line["client"]) == ("GET", "/last", 404, "127.0.0.1")
    for line in system.log_lines("access"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert re.fullmatch("[0-9a-f]{32}", line["trace_id"]) and line["service"] == "gateway"
        assert line["status"] < 500 or line["upstream_status"]


def test_the_access_log_keeps_no_secret(system, person):
    secret = "canary" + os.urandom(8).hex()
    person.get(f"/auth/login?password={secret}")
    person.get(f"/users/me?access_token=no{secret}")
    person.post("/auth/refresh", params={"refresh_token": secret}, json={"refresh_token": secret})
    person.post("/auth/login", json={"email": person.email, "password": secret})
    person.get("/nothing", headers={"Cookie": secret, "X-Api-Key": secret})
    marker = os.urandom(16).hex()
    person.get("/movies/genres", headers={"traceparent": f"00-{marker}-{marker[:16]}-01"})
    access_line(system, trace_id=marker)
    log = system.log_text("access")
    for value in (person.tokens["access_token"], person.tokens["refresh_token"], PASSWORD):
        assert value not in log
    assert [line["target"] for line in system.log_lines("access") if secret in str(line)] == [f"/api/v1/users/me?access_token=no{secret}"]


# ---- what a client says of itself is not believed ----

def test_nobody_is_somebody_by_a_header(system, person):
    profile = person.get("/users/me").json()
    forged = {"X-User-Id": profile["id"], "X-User": profile["email"], "X-Role": "admin", "X-Session-Id": "1"}
    problem(httpx.get(system.url + "/api/v1/users/me", headers=forged), 401, "unauthorized")


def test_the_address_of_a_client_is_where_it_comes_from(system, person):
    forged = {"X-Forwarded-For": "6.6.6.6", "X-Real-IP": "6.6.6.6", "Forwarded": "for=6.6.6.6", "True-Client-IP": "6.6.6.6"}
    answer = person.post("/auth/login", json={"email": person.email, "password": PASSWORD}, headers=forged)
    assert answer.status_code == 200
    trace_id = answer.headers["x-request-id"]
    line, = wait_until(lambda: [x for x in system.log_lines("user") if x.get("trace_id") == trace_id and x["message"] == "request"],
                       2, "the request's line")
    assert line["client"] == "127.0.0.1"
    with contextlib.closing(sqlite3.connect(f"file:{system.data}/user/user.db?mode=ro", uri=True)) as database:
        assert {ip for ip, in database.execute("SELECT DISTINCT ip_address FROM sessions")} == {"127.0.0.1"}


@pytest.mark.parametrize("left", ["1", "0", "-5", "x", "999999999999"])
def test_the_deadline_is_the_gateways(system, left):
    answer = httpx.get(system.url + "/api/v1/movies/search", params={"query": "deadline" + left}, headers={"X-Request-Deadline-Ms": left})
    assert answer.status_code == 200


# ---- smuggling: bytes that two servers might read differently ----

def post(*lines, body=b"", target="/api/v1/auth/login", version="HTTP/1.1"):
    return b"\r\n".join([f"POST {target} {version}".encode(), *lines]) + b"\r\n\r\n" + body


HOST = b"Host: x"
HIDDEN_REQUEST = b"GET /api/v1/movies/genres HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
SMUGGLED = {
    "CL and TE": post(HOST, b"Content-Length: 6", CHUNKED, body=b"0\r\n\r\nX" + HIDDEN_REQUEST),
    "TE and CL": post(HOST, CHUNKED, b"Content-Length: 4", body=b"0\r\n\r\n" + HIDDEN_REQUEST),
    "two CL that differ": post(HOST, b"Content-Length: 0", b"Content-Length: 52", body=HIDDEN_REQUEST),
    "two CL alike": post(HOST, b"Content-Length: 0", b"Content-Length: 0", body=HIDDEN_REQUEST),
    "CL as a list": post(HOST, b"Content-Length: 0, 52", body=HIDDEN_REQUEST),
    "CL with a sign": post(HOST, b"Content-Length: +0", body=HIDDEN_REQUEST),
    "CL negative": post(HOST, b"Content-Length: -1", body=HIDDEN_REQUEST),
    "CL in hex": post(HOST, b"Content-Length: 0x0", body=HIDDEN_REQUEST),
    "CL empty": post(HOST, b"Content-Length:", body=HIDDEN_REQUEST),
    "CL huge": post(HOST, b"Content-Length: 18446744073709551616", body=HIDDEN_REQUEST),
    "TE unknown": post(HOST, b"Transfer-Encoding: xchunked", body=HIDDEN_REQUEST),
    "TE twice": post(HOST, CHUNKED, b"Transfer-Encoding: identity", body=b"0\r\n\r\n" + HIDDEN_REQUEST),
    "TE list": post(HOST, b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + HIDDEN_REQUEST),
    "TE quoted": post(HOST, b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n" + HIDDEN_REQUEST),
    "TE with a tab": post(HOST, b"Transfer-Encoding:\x0bchunked", body=b"0\r\n\r\n" + HIDDEN_REQUEST),
    "TE in HTTP/1.0": post(HOST, CHUNKED, version="HTTP/1.0", body=b"0\r\n\r\n" + HIDDEN_REQUEST),
    "space before the colon": post(HOST, b"Content-Length : 52", body=HIDDEN_REQUEST),
    "space before TE's colon": post(HOST, b"Transfer-Encoding : chunked", b"Content-Length: 0", body=b"0\r\n\r\n" + HIDDEN_REQUEST),
    "obs-fold": post(HOST, b"X-A: b", b" Content-Length: 52", b"Content-Length: 0", body=HIDDEN_REQUEST),
    "obs-fold at the start": post(b" folded", HOST, b"Content-Length: 0", body=HIDDEN_REQUEST),
    "a NUL in a header": post(HOST, b"X-A: a\0b", b"Content-Length: 0", body=HIDDEN_REQUEST),
    "a NUL in the target": b"GET /api/v1/movies/genres\0x HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN_REQUEST,
    "a NUL in a name": post(HOST, b"X-\0A: a", b"Content-Length: 0", body=HIDDEN_REQUEST),
    "a bare CR in a header": post(HOST, b"X-A: a\rContent-Length: 52", b"Content-Length: 0", body=HIDDEN_REQUEST),
    "a bare CR in a header that passes": post(HOST, b"User-Agent: a\rb", b"Content-Length: 0", body=b""),
    "an empty name": post(HOST, b": x", b"Content-Length: 0", body=HIDDEN_REQUEST),
    "two hosts": post(HOST, b"Host: y", b"Content-Length: 0", body=HIDDEN_REQUEST),
    "no host": post(b"Content-Length: 0", body=HIDDEN_REQUEST),
    "a host that is none": post(b"Host: x/../y", b"Content-Length: 0", body=HIDDEN_REQUEST),
    "a chunk's size that is none": post(HOST, CHUNKED, body=b"zz\r\n" + HIDDEN_REQUEST),
    "a chunk's size with a sign": post(HOST, CHUNKED, body=b"+1\r\nX\r\n0\r\n\r\n" + HIDDEN_REQUEST),
    "a chunk's size in 0x": post(HOST, CHUNKED, body=b"0x1\r\nX\r\n0\r\n\r\n" + HIDDEN_REQUEST),
    "a chunk's size too large": post(HOST, CHUNKED, body=b"fffffffffffffffff\r\nX\r\n0\r\n\r\n" + HIDDEN_REQUEST),
    "a chunk longer than it says": post(HOST, CHUNKED, body=b"1\r\nXYZ\r\n0\r\n\r\n" + HIDDEN_REQUEST),
    "a target of 20 KB": b"GET /api/v1/movies/search?query=" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN_REQUEST,
    "a header of 40 KB": post(HOST, b"X-A: " + b"a" * 40000, b"Content-Length: 0", body=HIDDEN_REQUEST),
    "headers of 100 KB": post(HOST, *(b"X-%d: " % n + b"a" * 1000 for n in range(100)), b"Content-Length: 0", body=HIDDEN_REQUEST),
    "no version": b"GET /api/v1/movies/genres\r\n" + HIDDEN_REQUEST,
    "a version that is none": b"GET /api/v1/movies/genres HTTP/1.1x\r\nHost: x\r\n\r\n" + HIDDEN_REQUEST,
    "HTTP/2.0": b"GET /api/v1/movies/genres HTTP/2.0\r\nHost: x\r\n\r\n" + HIDDEN_REQUEST,
    "HTTP/3 to come": b"GET /api/v1/movies/genres HTTP/9.9\r\nHost: x\r\n\r\n" + HIDDEN_REQUEST,
    "spaces in the target": b"GET /api/v1/movies/genres /x HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN_REQUEST,
    "TLS": bytes.fromhex("1603010200010001fc0303") + b"\0" * 500,
    "an HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 9,
    "CONNECT": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n" + HIDDEN_REQUEST,
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_ambiguous_bytes_are_refused(system, name):
    received = raw_exchange(system.url, SMUGGLED[name], wait=4)
    answers = raw_answers(received)
    assert len(answers) <= 1, received  # whatever was hidden behind it has not been answered
    assert b"genres" not in received.replace(b'"instance":"/api/v1/movies/genres', b"")
    if answers:
        assert 400 <= answers[0].status_code < 500 or answers[0].status_code in (501, 505), received
        assert answers[0].headers["content-type"] == "application/problem+json"


FORGIVEN = {
    "after the request line": b"GET /healthz HTTP/1.1\nHost: x\r\nConnection: close\r\n\r\n",
    "a line without a colon": b"GET /healthz HTTP/1.1\r\nHost: x\r\nnonsense\r\nConnection: close\r\n\r\n",
    "after a header": b"GET /healthz HTTP/1.1\r\nHost: x\nConnection: close\r\n\r\n",
    "at the end of the head": b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\n",
    "after a chunk's size": post(HOST, CHUNKED, b"Connection: close", body=b"2\n{}\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("name", FORGIVEN)
def test_what_nginx_forgives_hides_nothing(system, name):
    """nginx takes a bare LF for a line's end (RFC 9112, section 2.2, allows it) and drops a header it cannot read; the
    services get requests that it has written anew. So it must be one request with one answer."""
    assert len(raw_answers(raw_exchange(system.url, FORGIVEN[name] + HIDDEN_REQUEST, wait=4))) == 1


def test_good_requests_may_follow_each_other(system):
    """The table above can fail: what is right gets both answers."""
    body = b'{"refresh_token":"x"}'
    first = post(HOST, b"Content-Length: %d" % len(body), b"Content-Type: application/json", body=body, target="/api/v1/auth/refresh")
    last = b"GET /api/v1/movies/genres HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert [a.status_code for a in raw_answers(raw_exchange(system.url, first + last))] == [401, 200]
    chunked = post(HOST, CHUNKED, b"Content-Type: application/json", target="/api/v1/auth/refresh",
                   body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    assert [a.status_code for a in raw_answers(raw_exchange(system.url, chunked + last))] == [401, 200]


def test_a_file_may_be_larger_than_other_bodies(system):
    """And is nowhere on disk afterwards."""
    with Client(system.url) as person:
        person.new_person()
        line = b"2024-01-01,The Unfilmed,1950,,eleven\n"
        file = b"Date,Name,Year,Letterboxd URI,Rating\n" + line * ((3 << 20) // len(line))
        answer = person.post("/users/me/imports", content=file, headers={"Content-Type": "text/csv"})
        assert answer.status_code == 202, answer.text
        assert answer.json()["counts"]["unreadable"] == ((3 << 20) // len(line))
        for size in (9 << 20, 17 << 20):
            problem(person.post("/users/me/imports", content=b"x" * size, headers={"Content-Type": "text/csv"}), 413, "content-too-large")
        problem(person.post("/users/me/favorites", content=b"x" * (200 << 10), headers={"Content-Type": "application/json"}), 413,
                "content-too-large")
        assert person.get("/users/me").status_code == 200
    assert [path for path in system.data.rglob("body/**/*") if path.is_file()] == []


# ---- what is behind it is gone ----

@pytest.fixture
def doomed(tmp_path):
    """A CineSync of the test's own, to break."""
    whole = System(tmp_path / "var", GATEWAY_AUTH_RATE=1)
    whole.up()
    stopped = []
    whole.pause = lambda name: (stopped.append(whole.part(name)[0]), os.kill(stopped[-1], signal.SIGSTOP))
    yield whole
    for pid in stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    whole.down()
    for path in (whole.data / "log").glob("*.log"):
        assert_clean(path.read_text(errors="replace"))


def test_a_service_is_gone(doomed):
    user = doomed.part("user")[0]
    doomed.pause("supervisor")  # it would stop everything
    os.kill(user, signal.SIGKILL)
    answer = httpx.get(doomed.url + "/api/v1/users/me")
    problem(answer, 502, "bad-gateway")
    assert int(answer.headers["retry-after"]) >= 1
    for path in ("/healthz", "/", "/api/v1/movies/genres"):  # the rest does not mind
        assert httpx.get(doomed.url + path).status_code == 200


def test_a_service_hangs(doomed):
    doomed.pause("user")
    begin = time.monotonic()
    answer = httpx.get(doomed.url + "/api/v1/users/me", timeout=20)
    assert 9 < time.monotonic() - begin < 13
    problem(answer, 504, "deadline-exceeded")
    assert int(answer.headers["retry-after"]) >= 1


def test_a_service_drains(doomed):
    """While a service does not take requests any more, the gateway says when to come again."""
    with Client(doomed.url) as client:
        doomed.pause("supervisor")
        os.kill(doomed.part("movie")[0], signal.SIGTERM)
        answer = wait_until(lambda: (a := client.get("/movies/genres")).status_code != 200 and a, 5, "the end of the movie service")
        assert answer.status_code in (502, 503) and int(answer.headers["retry-after"]) >= 1
        assert answer.headers["content-type"] == "application/problem+json"


def test_too_many_attempts(doomed):
    with Client(doomed.url) as client:
        answers = [client.post("/auth/login", json={"email": "a@example.org", "password": "wrong"}) for _ in range(8)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert {answer.status_code for answer in answers} == {401, 429}
        problem(refused[0], 429, "too-many-requests")
        assert int(refused[0].headers["retry-after"]) >= 1
        assert client.get("/movies/genres").status_code == 200  # only guessing is slowed down
