"""cinesync-trace: what real services send it comes back in the shape of Jaeger's API; garbage and floods leave it as it was."""
import json
import os
import struct
import time

import httpx
import pytest
from harness import Client, Service, Services, metric, problem, wait_until

PROTOBUF, JSON = "application/x-protobuf", "application/json"
NOON_NS = 1790000000000000000


@pytest.fixture
def collector(tmp_path):
    service = Service("trace", tmp_path, OTEL_SDK_DISABLED="true").start()
    yield service
    assert service.stop() == 0


def ask(collector, path, **query):
    answer = httpx.get(collector.url + "/api" + path, params=query, timeout=10)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"data", "total", "limit", "offset", "errors"} and body["errors"] is None
    return body["data"]


def trace(collector, trace_id, spans):
    """The trace, once it has so many spans."""
    def found():
        answer = httpx.get(f"{collector.url}/api/traces/{trace_id}", timeout=10)
        return answer.status_code == 200 and len(answer.json()["data"][0]["spans"]) >= spans and answer.json()["data"][0]
    return wait_until(found, 10, f"{spans} spans of {trace_id}")


def tags(span):
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def parent(span):
    return next((one["spanID"] for one in span["references"] if one["refType"] == "CHILD_OF"), None)


def json_span(trace_id, span_id, name="work", took_ms=1, start_ns=NOON_NS, **more):
    return {"traceId": f"{trace_id:032x}", "spanId": f"{span_id:016x}", "name": name, "kind": 2,
            "startTimeUnixNano": str(start_ns), "endTimeUnixNano": str(start_ns + took_ms * 1000000), **more}


def json_body(spans, service="somebody"):
    return {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                               "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}]}]}


def send(collector, body, kind=JSON, **headers):
    content = json.dumps(body) if isinstance(body, dict) else body
    return httpx.post(collector.url + "/v1/traces", content=content, headers={"Content-Type": kind, **headers}, timeout=30)


def sent(collector, spans, **more):
    answer = send(collector, json_body(spans, **more))
    assert (answer.status_code, answer.json(), answer.headers["content-type"]) == (200, {}, JSON)


# ---- real services ----


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_a_registration_through_all_services(tmp_path, collector, protocol):
    services = Services(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_EXPORTER_OTLP_PROTOCOL=protocol).start()
    with Client(services.user.url) as client:
        answer = client.register("ada@example.org")
        assert answer.status_code == 201
        client.log_in()
        movie_id = httpx.get(services.movie.url + "/api/v1/movies/search", params={"query": "inception"}).json()["results"][0]["id"]
        kept = client.post("/users/me/favorites", json={"movie_id": movie_id})
        assert kept.status_code == 201

    def has_mail():
        found = trace(collector, answer.headers["x-request-id"], 3)
        return {"send mail", "POST /api/v1/auth/register"} <= {span["operationName"] for span in found["spans"]} and found
    found = wait_until(has_mail, 15, "the mail's span")
    assert found["traceID"] == answer.headers["x-request-id"]
    by_id = {span["spanID"]: span for span in found["spans"]}
    service = {span["spanID"]: found["processes"][span["processID"]]["serviceName"] for span in found["spans"]}
    assert set(service.values()) == {"cinesync-user", "cinesync-notification"}
    root = found["spans"][0]
    assert root["operationName"] == "POST /api/v1/auth/register" and parent(root) is None
    assert tags(root)["span.kind"] == "server" and tags(root)["http.response.status_code"] == 201
    assert "error" not in tags(root) and found["warnings"] == []
    for span in found["spans"][1:]:
        assert parent(span) in by_id, span
        assert span["startTime"] >= root["startTime"] and span["duration"] >= 0
    mail = next(span for span in found["spans"] if span["operationName"] == "send mail")
    assert service[mail["spanID"]] == "cinesync-notification"

    def has_call():
        found = trace(collector, kept.headers["x-request-id"], 3)
        return {one["serviceName"] for one in found["processes"].values()} == {"cinesync-movie", "cinesync-user"} and found
    favourite = wait_until(has_call, 15, "the call's spans")
    called = next(span for span in favourite["spans"] if favourite["processes"][span["processID"]]["serviceName"] == "cinesync-movie"
                  and tags(span)["span.kind"] == "server")
    call = {span["spanID"]: span for span in favourite["spans"]}[parent(called)]
    assert called["operationName"] == "GET /internal/movies/{movie_id}/brief"
    assert favourite["processes"][call["processID"]]["serviceName"] == "cinesync-user" and tags(call)["span.kind"] == "client"

    assert ask(collector, "/services") == ["cinesync-movie", "cinesync-notification", "cinesync-user"]
    assert "POST /api/v1/auth/register" in ask(collector, "/services/cinesync-user/operations")
    dependencies = {(one["parent"], one["child"]) for one in ask(collector, "/dependencies")}
    assert dependencies == {("cinesync-user", "cinesync-movie"), ("cinesync-user", "cinesync-notification")}
    drawn = httpx.get(collector.url + "/api/map").json()
    assert {one["name"]: one["kind"] for one in drawn["services"]}["cinesync-user sqlite"] == "database"
    edge = next(one for one in drawn["calls"] if (one["parent"], one["child"]) == ("cinesync-user", "cinesync-movie"))
    assert edge["calls"] >= 1 and 0 < edge["p50"] <= edge["p95"] <= edge["p99"] and edge["rate"] > 0
    assert all(code == 0 for code in services.stop())


def test_a_password_is_in_no_trace(tmp_path, collector):
    services = Services(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url).start()
    with Client(services.user.url) as client:
        client.register("secret@example.org", "hunter2 hunter2 hunter2")
        answer = client.log_in(password="hunter2 hunter2 hunter2")
    trace(collector, answer.headers["x-request-id"], 3)
    everything = json.dumps(ask(collector, "/traces", limit=2000))
    assert "hunter2" not in everything and "secret@" not in everything and answer.json()["access_token"] not in everything
    services.stop()


# ---- searching ----


def test_search(collector):
    now = time.time_ns()
    sent(collector, [json_span(1, 1, "GET /a", 5, now - 3 * 10**9)], service="one")
    sent(collector, [json_span(2, 1, "GET /b", 700, now - 2 * 10**9, status={"code": 2, "message": "no luck"},
                               attributes=[{"key": "http.route", "value": {"stringValue": "/b"}}])], service="two")
    sent(collector, [json_span(3, 1, "GET /a", 50, now - 10**9, parentSpanId="")], service="two")

    def found(**query):
        return [int(one["traceID"], 16) for one in ask(collector, "/traces", **query)]

    assert found() == [3, 2, 1]
    assert found(limit=1) == [3] and found(service="two") == [3, 2] and found(operation="GET /a") == [3, 1]
    assert found(minDuration="100ms") == [2] and found(maxDuration="10ms") == [1] and found(minDuration="6ms", maxDuration="0.1s") == [3]
    assert found(tags='{"error":"true"}') == [2] and found(tags='{"http.route":"/b","span.kind":"server"}') == [2]
    assert found(text="LUCK") == [2] and found(text="nothing of that") == []
    assert found(start=(now - 25 * 10**8) // 1000) == [3, 2] and found(end=(now - 25 * 10**8) // 1000) == [1]
    assert found(lookback="1500ms") == [3]
    # As Jaeger's own page asks.
    assert found(end=now // 1000, limit=20, lookback="custom", maxDuration="", minDuration="", service="one", start=0, tags="{}") == [1]
    failed = ask(collector, "/traces", tags='{"error":"true"}')[0]["spans"][0]
    assert tags(failed) == {"http.route": "/b", "span.kind": "server", "error": True, "otel.status_code": "ERROR",
                            "otel.status_description": "no luck", "otel.scope.name": "test"}
    assert ask(collector, "/traces/3")[0]["traceID"] == f"{3:032x}"


@pytest.mark.parametrize("query, where", [
    ({"minDuration": "5"}, "minDuration"), ({"maxDuration": "1 s"}, "maxDuration"), ({"lookback": "yesterday"}, "lookback"),
    ({"tags": "error=true"}, "tags"), ({"tags": "[]"}, "tags"), ({"limit": "0"}, "limit"), ({"start": "soon"}, "start"), ({"who": "x"}, "who"),
])
def test_a_bad_search(collector, query, where):
    answer = httpx.get(collector.url + "/api/traces", params=query)
    problem(answer, 422, "validation-failed")
    assert [one["loc"] for one in answer.json()["errors"]] == [["query", where]]


def test_no_such_trace(collector):
    problem(httpx.get(collector.url + "/api/traces/4bf92f3577b34da6a3ce929d0e0e4736"), 404, "not-found")
    problem(httpx.get(collector.url + "/api/traces/xyz"), 422, "validation-failed")
    assert ask(collector, "/services/nobody/operations") == [] and ask(collector, "/services") == []


# ---- what is no export ----


def test_garbage(collector):
    for kind, bodies in {JSON: [b"", b"[]", b"{", b'{"resourceSpans":7}', b"\xff", b'{"resourceSpans":[{"scopeSpans":[{"spans":[7]}]}]}'],
                         PROTOBUF: [b"\x0a\x05", b"\x0b", b"\x00\x00", b"{}", b"\xff" * 20, os.urandom(1000) + b"\xff"]}.items():
        for body in bodies:
            problem(send(collector, body, kind), 400, "malformed-request")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"):
        problem(send(collector, b"{}", kind), 415, "unsupported-media-type")
    problem(send(collector, b"\x1f\x8b", PROTOBUF, **{"Content-Encoding": "gzip"}), 415, "unsupported-media-type")
    problem(send(collector, b"\x00" * (9 << 20), PROTOBUF), 413, "content-too-large")
    problem(send(collector, b'{"resourceSpans":[' + b"{}," * 500000 + b"{}]}"), 413, "content-too-large")
    assert httpx.get(collector.url + "/v1/traces").status_code == 405
    assert metric(collector.url, "cinesync_trace_spans") == 0
    assert (send(collector, b"", PROTOBUF).status_code, send(collector, {}).json()) == (200, {})


def test_of_a_batch_the_good_ones_are_taken(collector):
    answer = send(collector, json_body([json_span(1, 1), json_span(0, 2), json_span(1, 0), json_span(1, 3)]))
    assert answer.status_code == 200
    assert answer.json() == {"partialSuccess": {"rejectedSpans": "2", "errorMessage": "a span has no trace id of 16 bytes"}}
    assert len(ask(collector, "/traces/1")[0]["spans"]) == 2
    # ExportTraceServiceRequest { resource_spans { scope_spans { span {} } } }
    answer = send(collector, b"\x0a\x04\x12\x02\x12\x00", PROTOBUF)
    reason = b"a span has no trace id of 16 bytes"
    partial = b"\x08\x01\x12" + bytes([len(reason)]) + reason
    assert (answer.status_code, answer.headers["content-type"]) == (200, PROTOBUF)
    assert answer.content == b"\x0a" + bytes([len(partial)]) + partial


# ---- limits ----


def test_the_last_traces_stay_and_the_failed_longest(tmp_path):
    collector = Service("trace", tmp_path, TRACES_MAX=20, TRACE_SPANS_MAX=5).start()
    sent(collector, [json_span(1, 1, status={"code": 2})])
    sent(collector, [json_span(2, 1, took_ms=900)])
    sent(collector, [json_span(3, 1)])
    for number in range(100, 200):
        sent(collector, [json_span(number, 1, start_ns=NOON_NS + number)])
    found = {int(one["traceID"], 16) for one in ask(collector, "/traces", limit=100)}
    assert found == {1, 2, *range(182, 200)}
    answer = send(collector, json_body([json_span(7, span) for span in range(1, 9)]))
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "3"
    one, = ask(collector, "/traces/7")
    assert len(one["spans"]) == 5 and one["warnings"] == ["3 spans more were sent than are kept of one trace"]
    assert metric(collector.url, "cinesync_trace_traces") == 20
    assert metric(collector.url, "cinesync_trace_traces_slow_or_failed") == 2
    assert collector.stop() == 0


def varint(value):
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7f | 0x80]), value >> 7
    return out + bytes([value])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def large_export(first, spans, size):
    """So many spans, each of a trace of its own, each with a value of that size."""
    value = field(9, field(1, b"large") + field(2, field(1, b"x" * size)))
    out = b""
    for number in range(first, first + spans):
        times = b"\x39" + struct.pack("<Q", NOON_NS) + b"\x41" + struct.pack("<Q", NOON_NS + 1000)
        out += field(2, field(1, number.to_bytes(16, "big")) + field(2, number.to_bytes(8, "big")) + field(5, b"large") + times + value)
    return field(1, field(2, out))


def test_memory_has_an_end(tmp_path):
    """Ten times as much as it may keep leaves it within what it may keep."""
    collector = Service("trace", tmp_path, TRACES_BYTES_MAX=8 << 20, TRACES_MAX=100000, TRACE_TEXT_MAX=65536).start()
    for batch in range(20):
        answer = send(collector, large_export(1 + batch * 100, 100, 40000), PROTOBUF)
        assert (answer.status_code, answer.content) == (200, b"")
        assert metric(collector.url, "cinesync_trace_bytes") <= 8 << 20
    assert 100 < metric(collector.url, "cinesync_trace_traces") < 210
    assert metric(collector.url, "cinesync_trace_traces_evicted_total") > 1700
    assert len(ask(collector, "/traces", limit=2000)) > 100
    assert collector.stop() == 0


def test_it_traces_nothing_of_itself(collector):
    """A collector that sends its spans to itself would never be done."""
    loop = Service("trace", collector.data.parent / "loop", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    loop.data.parent.mkdir()
    loop.settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = loop.url
    loop.start()
    sent(loop, [json_span(1, 1)])
    ask(loop, "/traces")
    time.sleep(1)
    assert metric(loop.url, "cinesync_trace_spans_taken_total") == 1
    assert loop.stop() == 0


def test_it_ends_cleanly_and_empty(tmp_path):
    collector = Service("trace", tmp_path).start()
    sent(collector, [json_span(1, 1)])
    assert collector.stop() == 0 and not collector.data.exists()
    collector.start()
    assert ask(collector, "/traces") == []
    assert collector.stop() == 0
