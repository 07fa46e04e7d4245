"""OpenTelemetry's protocol as OpenTelemetry has it: what we send is read by its message classes, and what its SDK sends we read."""
import base64
import json
import subprocess

import httpx
import pytest
from fakes.tmdb_harness import FakeTmdb
from harness import Client, Service, Services, base_environment, wait_until
from nginx_harness import GOOD, PASS_ON, Nginx
from otlp_harness import Collector, told
from tmdb_case import TOKEN, movie_service

PROTOBUF, JSON = "application/x-protobuf", "application/json"
PROTOCOLS = {"http/protobuf": PROTOBUF, "http/json": JSON}


def node(clients, script, *arguments, given=None):
    done = subprocess.run(["node", clients / script, *arguments], env=base_environment(), input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read(clients, messages):
    """What OpenTelemetry's classes make of (what, type, body)."""
    given = [{"what": what, "type": kind, "body": base64.b64encode(body).decode()} for what, kind, body in messages]
    return json.loads(node(clients, "otlp.mjs", given=json.dumps(given)))


# ---- what we send ----


def live(three, films, gateway):
    """Something of everything: what goes well, what is refused, what fails, a caller's trace, events."""
    with Client(gateway) as client:
        client.headers.update({"traceparent": GOOD, "tracestate": "vendor=x/y,other@z=1"})
        client.register("ada@example.org")
        client.log_in()
        client.log_in(password="not that one at all")
        found = client.get("/movies/search", params={"query": "alien"}).json()["results"]
        client.get("/movies/search", params={"query": "alien"})
        client.post("/users/me/favorites", json={"movie_id": found[0]["id"]})
        client.get("/users/me/favorites")
        client.get("/users/nobody")
        client.get("/movies/search", headers={"User-Agent": b"caf\xe9 \xff"})
        films.faults(status=503)
        client.get("/movies/popular")
        client.get("/away")
        films.heal()
    wait_until(lambda: list((three.notification.data / "mail").glob("*.eml")), 20, "the mail")


@pytest.fixture(scope="module", params=PROTOCOLS)
def sent(request, clients, tmp_path_factory):
    """(media type, what the classes made of all requests) of three services and the gateway's module."""
    folder = tmp_path_factory.mktemp("sent")
    with Collector() as collector, FakeTmdb(folder).start(token=TOKEN) as films:
        settings = told(collector, OTEL_EXPORTER_OTLP_PROTOCOL=request.param)
        three = Services(folder, **settings)
        three.movie = movie_service(folder, films, **settings)
        three.user.settings["MOVIE_URL"] = three.movie.url
        three.start()
        http = f"""cinesync_trace on; {PASS_ON}"""
        server = f"""location /api/v1/movies/ {{ proxy_pass {three.movie.url}; }} location /api/v1/away {{ proxy_pass http://127.0.0.1:1; }}
            location / {{ proxy_pass {three.user.url}; }}"""
        with Nginx(folder / "nginx", http=http, server=server, **settings) as nginx:
            live(three, films, nginx.url)
        assert three.stop() == [0, 0, 0]  # what waited is sent
        messages = [("request", headers["Content-Type"], body) for _, _, headers, body in collector.requests]
    return PROTOCOLS[request.param], messages, read(clients, messages)


def test_their_classes_read_all_that_we_send(sent):
    kind, messages, found = sent
    assert {one[1] for one in messages} == {kind} and found["faults"] == []
    spans = found["spans"]
    assert {span["service"] for span in spans} == {"cinesync-movie", "cinesync-user", "cinesync-notification", "cinesync-gateway"}
    # Otherwise nothing would be said of these.
    assert {span["kind"] for span in spans} == {1, 2, 3, 4}
    assert any(span["failed"] for span in spans) and any(span["events"] for span in spans) and any(span["remote"] for span in spans)
    assert {span["state"] for span in spans} == {"", "vendor=x/y,other@z=1"}


def test_their_classes_find_faults(clients, sent):
    """Of what is right but for one thing."""
    kind, messages, _ = sent
    body = max((one[2] for one in messages), key=len)
    if kind == JSON:
        broken = [body.replace(b'"kind":2', b'"kind":9'), body.replace(b'"name":"', b'"nmae":"', 1), body.replace(b'"flags":', b'"flags":"x","f":', 1),
                  body.replace(b'"spanId":"', b'"spanId":"00', 1), body.replace(b"\"startTimeUnixNano\":\"1", b"\"startTimeUnixNano\":\"9", 1)]
    else:
        name = body.index(b"service.name")
        unknown = body + b"\xa2\x06\x01x"  # a field 100
        broken = [unknown, body[:name] + b"service.nome" + body[name + 12:], body[:-1], body + body[:-1] + b"\xff"]
    for one in broken:
        assert one != body and read(clients, [("request", kind, one)])["faults"]


# ---- what their SDK sends ----


@pytest.fixture
def collector(tmp_path):
    service = Service("trace", tmp_path, TRACES_MAX=2000, OTEL_SDK_DISABLED="true").start()
    yield service
    assert service.stop() == 0


def trace(collector, trace_id):
    answer = httpx.get(f"{collector.url}/api/traces/{trace_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"][0]


def tags(of):
    return {tag["key"]: tag["value"] for tag in of}


@pytest.mark.parametrize("exporter", ["proto", "http"])
def test_our_collector_reads_what_their_sdk_sends(clients, collector, exporter):
    told_of = json.loads(node(clients, "send_spans.mjs", exporter, collector.url + "/v1/traces"))
    assert told_of["said"] == []
    found = trace(collector, told_of["trace"])
    assert set(one["serviceName"] for one in found["processes"].values()) == {"js-shop"}
    spans = {span["spanID"]: span for span in found["spans"]}
    assert set(spans) == {told_of["served"], told_of["inside"]}
    served, inside = spans[told_of["served"]], spans[told_of["inside"]]
    assert (served["operationName"], served["startTime"], served["duration"]) == ("GET /basket", 1790000000123456, 1000000)
    assert tags(served["tags"]) == {
        "text": "кино \U0001F3AC \"quoted\"", "whole": 42, "negative": -7, "large": 2**53 - 1, "part": 0.25, "yes": True, "no": False,
        "texts": '["a","b"]', "numbers": "[1,2.5]", "empty": "", "span.kind": "server", "otel.status_code": "OK", "w3c.tracestate": "a=1,b=2",
        "otel.scope.name": "js-shop-scope"}
    assert [(one["refType"], one["spanID"]) for one in served["references"]] == [("CHILD_OF", told_of["parent"]), ("FOLLOWS_FROM", "00f067aa0ba902b7")]
    (miss,) = served["logs"]
    assert miss["timestamp"] == 1790000000200000 and tags(miss["fields"]) == {"event": "cache miss", "key": "basket"}
    assert [one["spanID"] for one in inside["references"]] == [told_of["served"]]
    assert tags(inside["tags"])["otel.status_description"] == "no such table" and tags(inside["tags"])["error"] is True
    (raised,) = inside["logs"]
    assert tags(raised["fields"])["exception.message"] == "no such table" and tags(raised["fields"])["exception.type"] == "TypeError"
    listed = httpx.get(collector.url + "/api/traces", params={"limit": 2000, "service": "js-shop"}).json()["data"]
    assert len(listed) == 601


def test_every_field_that_the_protocol_has(clients, collector):
    body = base64.b64decode(node(clients, "encode_all.mjs"))
    answer = httpx.post(collector.url + "/v1/traces", content=body, headers={"Content-Type": PROTOBUF})
    assert answer.status_code == 200 and answer.headers["content-type"] == PROTOBUF
    (span,) = trace(collector, "ab" * 16)["spans"]
    found = tags(span["tags"])
    assert (found["least"], found["part"], found["list"], found["map"]) == (-2**63, 1e300, '[1,"two"]', '{"inner":"y"}')
    assert (found["span.kind"], found["otel.status_description"], span["duration"]) == ("consumer", "broken", 5000)
    assert [one["spanID"] for one in span["references"]] == ["ef" * 8, "34" * 8]
    # and they read what we say to that: one span was none
    empty = httpx.post(collector.url + "/v1/traces", content=b"", headers={"Content-Type": PROTOBUF})
    bad = {"resourceSpans": [{"scopeSpans": [{"spans": [{}, {}]}]}]}
    in_json = httpx.post(collector.url + "/v1/traces", json=bad)
    fine = httpx.post(collector.url + "/v1/traces", json={})
    said = read(clients, [("answer", one.headers.get("content-type", PROTOBUF), one.content) for one in (answer, empty, in_json, fine)])
    reason = "a span has no trace id of 16 bytes"
    assert said["faults"] == []
    assert said["answers"] == [{"rejected": 1, "message": reason}, {"rejected": 0, "message": ""}, {"rejected": 2, "message": reason},
                               {"rejected": 0, "message": ""}]
