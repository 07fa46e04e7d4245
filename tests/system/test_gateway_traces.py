"""The trace of a request as the gateway's module tells it: continued as W3C Trace Context has it, each span under its parent."""
import json
import re
import time

import httpx
import pytest
from harness import Client, Services, problem, raw_answers, raw_exchange
from nginx_harness import GOOD, PASS_ON, Issuer, Nginx, Upstream, bearer, sent, told, traced
from otlp_harness import Collector


@pytest.fixture
def issuer(tmp_path):
    return Issuer(tmp_path)


@pytest.fixture
def upstream():
    with Upstream() as running:
        yield running


@pytest.fixture
def collector():
    with Collector() as running:
        yield running


def one(spans, **wanted):
    found = [span for span in spans if all(getattr(span, name) == value for name, value in wanted.items())]
    assert len(found) == 1, (wanted, spans)
    return found[0]


def test_the_tree_from_the_gateway_to_the_service(tmp_path, collector):
    three = Services(tmp_path, JWKS_FILE=tmp_path / "jwks.json", **told(collector)).start()
    with Client(three.user.url) as person:
        person.new_person()
        token = person.tokens["access_token"]
    api = tmp_path / "api.json"
    api.write_text(json.dumps({"paths": {"/api/v1/users/me": {"get": {}}}}))
    server = "location /api/ { cinesync_auth required; proxy_pass http://user; }"
    http = f"""cinesync_trace on; cinesync_jwks {tmp_path}/jwks.json; cinesync_routes {api}; {PASS_ON}
        upstream user {{ server 127.0.0.1:{three.user.port}; }}"""
    with Nginx(tmp_path / "nginx", http=http, server=server, **told(collector)) as nginx:
        answer = httpx.get(nginx.url + "/api/v1/users/me?x=y", headers=bearer(token))
        assert answer.status_code in (200, 422)
        trace = answer.headers["x-request-id"]
        spans = collector.trace(trace, 5)
    by_id = {span.id: span for span in spans}
    assert [span for span in spans if span.parent not in by_id] == [one(spans, service="cinesync-gateway", kind="server")]
    root = one(spans, service="cinesync-gateway", kind="server")
    check = one(spans, service="cinesync-gateway", kind="internal")
    call = one(spans, service="cinesync-gateway", kind="client")
    served = one(spans, service="cinesync-user", kind="server")
    assert root.parent == "" and root.name == "GET /api/v1/users/me" and root.attributes["http.route"] == "/api/v1/users/me"
    assert root.attributes["url.path"] == "/api/v1/users/me" and "x=y" not in str(root.raw)
    assert root.attributes["http.response.status_code"] == answer.status_code
    assert check.parent == root.id and check.name == "verify access token"
    assert call.parent == root.id and call.name == "GET user" and served.parent == call.id
    assert call.attributes["server.port"] == three.user.port and call.attributes["server.address"] == "127.0.0.1"
    assert call.attributes["http.response.status_code"] == answer.status_code
    for name in ("connect_ms", "header_ms", "body_ms", "bytes_sent", "bytes_received"):
        assert call.attributes[f"cinesync.upstream.{name}"] >= 0
    assert root.start <= check.start <= check.end <= call.start <= served.start <= served.end <= call.end <= root.end
    assert three.stop() == [0, 0, 0]


def test_a_refusal_is_in_the_trace(tmp_path, collector, upstream, issuer):
    with traced(tmp_path, collector, upstream, http=f"cinesync_jwks {issuer.path}; cinesync_auth required;") as nginx:
        answer = httpx.get(nginx.url + "/x", headers=bearer("x"))
        spans = collector.trace(problem(answer, 401, "unauthorized")["trace_id"], 2)
    assert one(spans, kind="server").name == "GET" and not one(spans, kind="server").failed
    check = one(spans, kind="internal")
    assert check.failed and check.attributes["error.type"] == "malformed" and check.parent == one(spans, kind="server").id


def context_of(answer):
    headers = sent(answer)
    (parent,) = headers["traceparent"]
    version, trace, span, flags = parent.split("-")
    assert version == "00" and re.fullmatch("[0-9a-f]{32}", trace) and re.fullmatch("[0-9a-f]{16}", span)
    assert answer.headers.get_list("x-request-id") == [trace]
    return trace, span, flags, headers.get("tracestate", [""])


BAD_PARENTS = ["nonsense", "00-" + "0" * 32 + "-1234567890abcdef-01", "00-" + "a" * 32 + "-" + "0" * 16 + "-01", GOOD.upper(), GOOD + "-x",
               "ff" + GOOD[2:], GOOD[:-1], GOOD[:-3], "01" + GOOD[2:] + "x", GOOD.replace("-", "_"), GOOD + "," + GOOD]


def test_a_trace_is_continued_as_the_specification_has_it(tmp_path, collector, upstream):
    with traced(tmp_path, collector, upstream) as nginx:
        for parent, flags in ((GOOD, "01"), (GOOD[:-2] + "00", "00"), (GOOD[:-2] + "03", "03"), (GOOD[:-2] + "ff", "03"),
                              ("01" + GOOD[2:], "01"), ("cc" + GOOD[2:] + "-more", "01")):
            trace, span, got, state = context_of(httpx.get(nginx.url, headers={"traceparent": parent, "tracestate": "a=1,b=2"}))
            assert (trace, got, state) == ("ab" * 16, flags, ["a=1,b=2"]) and span != "cd" * 8
        for parent in BAD_PARENTS:
            trace, _, got, state = context_of(httpx.get(nginx.url, headers={"traceparent": parent, "tracestate": "a=1"}))
            assert trace not in ("ab" * 16, "a" * 32) and got == "03" and state == [""], parent
        for state, wanted in (("a=1,a=2", ""), ("=", ""), ("a=1, b=2 ,,", "a=1,b=2"), ("A=1", ""), (",".join(f"k{n}=v" for n in range(33)), ""),
                              (",".join(f"k{n}=v" for n in range(32)), ",".join(f"k{n}=v" for n in range(32)))):
            assert context_of(httpx.get(nginx.url, headers={"traceparent": GOOD, "tracestate": state}))[3] == [wanted], state
        two = f"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\ntraceparent: {GOOD}\r\n"
        answer, = raw_answers(raw_exchange(nginx.url, f"{two}tracestate: a=1\r\nX: y\r\nTraceState: b=2\r\n\r\n".encode()))
        assert context_of(answer)[3] == ["a=1,b=2"]
        answer, = raw_answers(raw_exchange(nginx.url, f"{two}traceparent: {GOOD}\r\n\r\n".encode()))
        assert context_of(answer)[0] != "ab" * 16
    sampled = [span for span in collector.spans if span.trace == "ab" * 16 and span.kind == "server"]
    assert len(sampled) == 12 and all(span.parent == "cd" * 8 for span in sampled)  # flags 00: not recorded


def test_what_an_upstream_does_is_in_its_span(tmp_path, collector, upstream):
    server = """location / { proxy_pass http://back; }
        location /away { proxy_pass http://127.0.0.1:1; }
        location /again { proxy_pass http://two; }
        location /fallback { error_page 404 = @other; proxy_intercept_errors on; proxy_pass http://back/status/404; }
        location @other { proxy_pass http://back; }"""
    http = f"upstream two {{ server 127.0.0.1:1; server {upstream.address}; }}"
    with traced(tmp_path, collector, upstream, server, http) as nginx:
        ids = {path: httpx.request(method, nginx.url + path).headers["x-request-id"] for method, path in (
            ("GET", "/large"), ("GET", "/status/503"), ("GET", "/away"), ("HEAD", "/x"), ("GET", "/status/304"), ("GET", "/again"))}
        large = collector.trace(ids["/large"], 2)
        call = one(large, kind="client")
        assert call.attributes["cinesync.upstream.bytes_received"] > 300000 and call.attributes["cinesync.upstream.bytes_sent"] > 50
        assert call.end <= one(large, kind="server").end and call.name == "GET back"
        for path, status in (("/status/503", 503), ("/away", 502)):
            spans = collector.trace(ids[path], 2)
            for kind in ("server", "client"):
                span = one(spans, kind=kind)
                assert span.failed and span.attributes["error.type"] == str(status) and span.attributes["http.response.status_code"] == status
        for path in ("/x", "/status/304"):
            assert not one(collector.trace(ids[path], 2), kind="client").failed
        again = one(collector.trace(ids["/again"], 2), kind="client")
        assert again.attributes.get("http.request.resend_count", 1) == 1 and not again.failed
        # Two upstreams in one request are two calls.
        spans = collector.trace(httpx.get(nginx.url + "/fallback").headers["x-request-id"], 3)
        calls = sorted((span for span in spans if span.kind == "client"), key=lambda span: span.start)
        assert [call.attributes["http.response.status_code"] for call in calls] == [404, 200]


def test_every_answer_has_its_id_whatever_was_asked(tmp_path, collector, upstream):
    with traced(tmp_path, collector, upstream, "location / { return 404; } location = /here { return 200 x; } location = /not { cinesync_trace off; return 204; }") as nginx:
        for request in ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
                        "GET / HTTP/9.9\r\nHost: x\r\n\r\n", "BREW /here HTTP/1.1\r\nHost: x\r\n\r\n", f"GET /{'a' * 40000} HTTP/1.1\r\nHost: x\r\n\r\n"):
            for answer in raw_answers(raw_exchange(nginx.url, request.encode(), wait=1))[:1]:
                assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"]), request[:50]
        here = httpx.get(nginx.url + "/here").headers["x-request-id"]
        not_here = httpx.get(nginx.url + "/not").headers["x-request-id"]
        assert one(collector.trace(here, 1), kind="server").name == "GET /here"
    assert not [span for span in collector.spans if span.trace == not_here]  # it is flushed, so this is all
    assert {span.name for span in collector.spans} <= {"GET", "GET /here", "_OTHER /here", "_OTHER"}


def test_a_collector_that_hangs_or_is_away_holds_nobody_up(tmp_path, collector, upstream):
    collector.hang.clear()
    with traced(tmp_path, collector, upstream) as nginx:
        start = time.monotonic()
        with httpx.Client(timeout=5) as client:
            for _ in range(300):
                assert client.get(nginx.url).status_code == 200
        assert time.monotonic() - start < 30
        start = time.monotonic()
        assert nginx.stop() == 0 and time.monotonic() - start < 10
        nginx.start()
