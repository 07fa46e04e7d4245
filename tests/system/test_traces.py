"""Spans: what a collector gets of real requests, and that no collector, however it behaves, is felt by a client."""
import os
import pathlib
import struct
import subprocess
import threading
import time

import httpx
import pytest
from harness import Client, Service, Services, base_environment, metric, program, wait_until
from otlp_harness import is_inside, one, told
from tmdb_case import movie_service, movies

DROPPED = "otel_sdk_processor_span_processed_total"
EXPORTED = "otel_sdk_exporter_span_exported_total"


def search(service, query="alien", **more):
    return httpx.get(movies(service, "/search"), params={"query": query}, timeout=10, **more)


# ---- trees ----


def test_a_cold_search(tmp_path, fake, redis, collector):
    service = movie_service(tmp_path, fake, redis, **told(collector)).start()
    wait_until(lambda: metric(service.url, "cinesync_movie_redis_watching") == 1, 10, "Redis in use")
    answer = search(service)
    assert answer.status_code == 200
    spans = collector.trace(answer.headers["x-request-id"], 8)
    root, _ = is_inside(spans)
    assert (root.name, root.kind, root.parent) == ("GET /api/v1/movies/search", "server", "")
    assert root.attributes["http.route"] == "/api/v1/movies/search"
    assert root.attributes["http.request.method"] == "GET" and root.attributes["http.response.status_code"] == 200
    assert root.attributes["url.path"] == "/api/v1/movies/search" and "alien" not in str(root.attributes)
    assert root.attributes["server.port"] == service.port and root.attributes["server.address"] == "127.0.0.1"
    look = one(spans, "cache get")
    assert look.parent == root.id and look.attributes["cinesync.cache.state"] == "miss"
    assert ("cache.l1.miss", {}) in look.events
    read = one(spans, "GET")
    assert read.kind == "client" and read.parent == look.id and read.attributes["cinesync.cache.hit"] is False
    assert read.attributes["db.system.name"] == "redis"
    source = one(spans, "tmdb")
    assert source.parent == look.id
    breaker = one(spans, "circuit breaker")
    assert breaker.parent == source.id and breaker.attributes["cinesync.breaker.state"] == "closed"
    call = one(spans, "GET tmdb")
    assert call.kind == "client" and call.parent == source.id and call.attributes["http.response.status_code"] == 200
    assert call.attributes["url.full"].startswith(fake.url) and "?" not in call.attributes["url.full"]
    assert one(spans, "SET").parent == look.id
    # and the second time
    answer = search(service)
    spans = collector.trace(answer.headers["x-request-id"], 2)
    assert sorted(span.name for span in spans) == ["GET /api/v1/movies/search", "cache get"]
    assert one(spans, "cache get").attributes == {"cinesync.cache.state": "hit", "cinesync.cache.level": "l1"}
    for host, address, port in (("[::1]:8080", "[::1]", 8080), ("example.org", "example.org", None), ("[::1]", "[::1]", None),
                                ("example.org:65535", "example.org", 65535), ("example.org:65536", "example.org:65536", None)):
        answer = search(service, headers={"Host": host})
        root, = (span for span in collector.trace(answer.headers["x-request-id"], 2) if span.kind == "server")
        assert (root.attributes["server.address"], root.attributes.get("server.port")) == (address, port)
    assert service.stop() == 0


def test_an_upstream_that_fails_is_tried_again_in_the_trace(tmp_path, fake, collector):
    service = movie_service(tmp_path, fake, TMDB_RETRY_PERCENT=100, **told(collector)).start()
    fake.faults(status=503, count=1)
    answer = search(service)
    assert answer.status_code == 200
    spans = collector.trace(answer.headers["x-request-id"], 6)
    calls = sorted((span for span in spans if span.name == "GET tmdb"), key=lambda span: span.start)
    assert [call.attributes["http.response.status_code"] for call in calls] == [503, 200]
    assert calls[0].failed and calls[0].attributes["error.type"] == "503" and not calls[1].failed
    assert calls[1].attributes["http.request.resend_count"] == 1
    assert ("retry", {}) in one(spans, "tmdb").events
    assert service.stop() == 0


def test_without_a_broker_the_trace_is_one_all_the_same(tmp_path, collector):
    three = Services(tmp_path, **told(collector)).start()
    with Client(three.user.url) as client:
        answer = client.register("anna@example.org")
    trace = answer.headers["x-request-id"]
    wait_until(lambda: any(span.name == "send mail" for span in collector.trace(trace, 6)), 20, "the mail's span")
    spans = collector.trace(trace, 6)
    root, by_id = is_inside(spans)
    mail = one(spans, "send mail")
    chain = []
    while mail is not root:
        chain.append(mail.name)
        mail = by_id[mail.parent]
    assert chain == ["send mail", "POST /internal/events", "POST /internal/events", "publish notification"]
    assert three.stop() == [0, 0, 0]


# ---- what is sent, and how ----


def test_the_caller_decides_and_is_the_parent(tmp_path, collector):
    service = Service("movie", tmp_path, **told(collector)).start()
    for flags in ("01", "00", "03"):
        trace = "a" + flags * 15 + "b"
        answer = search(service, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-{flags}", "tracestate": "a=1"})
        assert answer.headers["x-request-id"] == trace
    assert service.stop() == 0
    roots = {span.trace: span for span in collector.spans if span.kind == "server"}
    assert sorted(roots) == ["a" + "01" * 15 + "b", "a" + "03" * 15 + "b"]
    root = roots["a" + "03" * 15 + "b"]
    assert root.parent == "00f067aa0ba902b7" and root.raw["traceState"] == "a=1" and root.raw["flags"] == 0x303


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_settings_of_the_specification(tmp_path, collector, protocol):
    service = Service("movie", tmp_path, **told(
        collector, OTEL_EXPORTER_OTLP_PROTOCOL=protocol, OTEL_EXPORTER_OTLP_HEADERS="api-key=s%20cret,tenant=7",
        OTEL_SERVICE_NAME="films", OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test%2C1,service.name=other")).start()
    search(service, headers={"User-Agent": "caf\xe9".encode("latin-1")})
    assert service.stop() == 0
    _, path, headers, _ = collector.requests[0]
    assert path == "/v1/traces" and headers["api-key"] == "s cret" and headers["tenant"] == "7"
    assert headers["User-Agent"].startswith("OTel-OTLP-Exporter-")
    resource = collector.resources[0]
    assert resource["service.name"] == "films" and resource["deployment.environment.name"] == "test,1"
    assert resource["service.version"] and len(resource["service.instance.id"]) == 36
    assert "cret" not in service.log.read_text()


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_each_kind_of_answer_says_what_it_was(tmp_path, collector, protocol):
    """What is the same for a route, method and status is put together once: each has its own, and the second is as the first."""
    service = Service("movie", tmp_path, **told(collector, OTEL_EXPORTER_OTLP_PROTOCOL=protocol)).start()
    route, one_film = "/api/v1/movies/search", "/api/v1/movies/{movie_id}"
    film = search(service, "toy").json()["results"][0]["id"]
    kinds = [("GET", "/search?query=toy", route, 200), ("HEAD", "/search?query=toy", route, 200), ("GET", "/search", route, 422),
             ("HEAD", "/search", route, 422), ("GET", f"/{film}", one_film, 200), ("GET", "/1", one_film, 404), ("OPTIONS", "/search", None, 204),
             ("POST", "/search", None, 405), ("GET", "/none/such/path", None, 404)]
    with httpx.Client(headers={"User-Agent": "kinds/1"}) as client:
        answers = [(kind, client.request(kind[0], movies(service, kind[1]))) for _ in range(3) for kind in kinds]
    assert service.stop() == 0
    roots = {span.trace: span for span in collector.spans if span.kind == "server"}
    for (method, path, template, status), answer in answers:
        assert answer.status_code == status
        wanted = {"http.request.method": method, "http.response.status_code": status, "url.scheme": "http", "server.address": "127.0.0.1",
                  "url.path": movies(service, path).removeprefix(service.url).split("?")[0], "server.port": service.port,
                  "client.address": "127.0.0.1", "user_agent.original": "kinds/1"} | ({"http.route": template} if template else {})
        assert roots[answer.headers["x-request-id"]].attributes == wanted


@pytest.mark.parametrize("settings", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_SAMPLER": "always_off"},
                                      {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}])
def test_nothing_is_sent_that_is_not_wanted(tmp_path, collector, settings):
    service = Service("movie", tmp_path, **told(collector, **settings)).start()
    assert search(service).headers["x-request-id"]
    assert service.stop() == 0
    assert not collector.requests


def test_a_share_of_the_traces(tmp_path, collector):
    service = Service("movie", tmp_path, **told(collector, OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG="0.25")).start()
    with httpx.Client() as client:
        for n in range(400):
            flags = "01" if n % 2 else "00"  # no caller is asked
            client.get(movies(service, "/genres"), headers={"traceparent": f"00-{'ab' * 8}{n * 0x9e3779b97f4a7c15 % 2 ** 64:016x}-{'cd' * 8}-{flags}"})
    assert service.stop() == 0
    sampled = {int(span.trace[18:], 16) for span in collector.spans}
    wanted = {n * 0x9e3779b97f4a7c15 % 2 ** 56 for n in range(400)}
    assert sampled == {low for low in wanted if low >= 0.75 * 2 ** 56}


@pytest.mark.parametrize("name, value", [("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://x"), ("OTEL_EXPORTER_OTLP_HEADERS", "no-equals-sign"),
                                         ("OTEL_EXPORTER_OTLP_HEADERS", "a=%0d%0aX: y"), ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
                                         ("OTEL_TRACES_SAMPLER", "sometimes"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")])
def test_what_is_wrong_is_said_at_the_start(tmp_path, name, value):
    done = subprocess.run([program("movie"), "--check-config"], env=base_environment(DATA_DIR=tmp_path, **{name: value}),
                          stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 78 and name in done.stderr
    if name.endswith("HEADERS"):
        assert value not in done.stderr


# ---- collectors as they are ----


def partial(body):
    return 200, {"Content-Type": "application/x-protobuf"}, b"\x0a\x08\x08\x02\x12\x04full"


FINAL = {
    "rejected": partial,
    "400": lambda body: (400, {}, b""),
    "413": lambda body: (413, {}, b""),
    "": lambda body: (200, {}, struct.pack("<q", -1) * 9),  # taken, whatever it says
}


def test_answers_that_are_final(tmp_path, collector):
    service = Service("movie", tmp_path, **told(collector)).start()
    for word, collector.answer in FINAL.items():
        before, requests = metric(service.url, EXPORTED, error_type=word), len(collector.requests)
        search(service)
        wait_until(lambda: metric(service.url, EXPORTED, error_type=word) > before, 10, f"it is counted as {word}")
        assert len(collector.requests) == requests + 1
    assert metric(service.url, DROPPED, error_type="queue_full") == 0
    assert service.stop() == 0


def test_answers_that_pass_are_followed_by_another_try(tmp_path, collector):
    service = Service("movie", tmp_path, **told(collector)).start()
    refusals = [([(429, {"Retry-After": "2"}, b"")], 2)] + [([(status, {}, b"")], 0.4) for status in (503, 502, 504)]
    # A connection that was kept may have ended long ago: the first time libcurl sends again at once by itself.
    for bad, wait in (*refusals, ([None, None], 0.4)):
        answers = iter(bad)
        collector.requests.clear()
        collector.answer = lambda body, answers=answers: next(answers, (200, {}, b""))
        trace = search(service).headers["x-request-id"]
        assert collector.trace(trace, 1)
        assert len(collector.requests) == len(bad) + 1
        before, last = collector.requests[-2:]
        assert before[3] == last[3] and last[0] - before[0] >= wait
    wait_until(lambda: metric(service.url, EXPORTED, error_type="") > 0, 5, "it is counted")
    assert service.stop() == 0


def test_a_collector_that_hangs_costs_spans_and_nothing_else(tmp_path, collector):
    service = Service("movie", tmp_path, **told(collector, OTEL_BSP_MAX_QUEUE_SIZE=64, OTEL_BSP_MAX_EXPORT_BATCH_SIZE=16,
                                                OTEL_EXPORTER_OTLP_TIMEOUT=60000)).start()
    collector.hang.clear()
    with httpx.Client(timeout=5) as client:
        for _ in range(200):
            assert client.get(movies(service, "/genres")).status_code == 200
    assert metric(service.url, DROPPED, error_type="queue_full") >= 100
    assert metric(service.url, "otel_sdk_processor_span_queue_size") == metric(service.url, "otel_sdk_processor_span_queue_capacity") == 64
    start = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - start < 8  # two seconds, and what a sanitizer takes
    assert "spans dropped" in service.log.read_text()


def test_a_collector_that_comes_later_gets_what_waited(tmp_path, collector):
    down = threading.Event()
    collector.answer = lambda body: (200, {}, b"") if down.is_set() else (503, {}, b"")
    service = Service("movie", tmp_path, **told(collector)).start()
    traces = [search(service).headers["x-request-id"] for _ in range(5)]
    wait_until(lambda: collector.requests, 5, "a first try")
    down.set()
    for trace in traces:
        collector.trace(trace, 2)
    lines = [line["message"] for line in service.log_lines()]
    assert lines.count("spans cannot be exported; what finds no place in the queue is dropped") == 1
    wait_until(lambda: "spans are exported again" in service.log.read_text(), 5, "it says so")
    assert service.stop() == 0


def test_nobody_listening_is_no_reason_not_to_work(tmp_path):
    service = Service("movie", tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1").start()
    assert search(service).status_code == 200
    assert service.stop() == 0


def test_the_exporter_has_files_of_its_own(tmp_path, collector):
    """Else the kernel counts the users of a file in each system call of a request."""
    service = Service("movie", tmp_path, **told(collector)).start()
    collector.trace(search(service).headers["x-request-id"], 2)
    tasks = pathlib.Path(f"/proc/{service.process.pid}/task")
    files = {(task / "comm").read_text().strip(): {os.readlink(file) for file in (task / "fd").iterdir()} for task in tasks.iterdir()}
    ours, its = files.pop("otlp"), files.pop("cinesync-movie")
    assert [file for file in ours if file.startswith("socket:")] and len(ours) < 10
    shared = ours & its
    assert not [file for file in shared if file.startswith("socket:")] and "anon_inode:[eventpoll]" not in ours
    assert service.stop() == 0


def test_what_waits_is_sent_at_the_end(tmp_path, collector):
    service = Service("movie", tmp_path, **told(collector, OTEL_BSP_SCHEDULE_DELAY=60000)).start()
    collector.spans.clear()
    traces = {search(service, query=f"film {n}").headers["x-request-id"] for n in range(20)}
    assert service.stop() == 0
    assert traces <= {span.trace for span in collector.spans}


def test_migrations_have_spans(tmp_path, collector):
    service = Service("notification", tmp_path, **told(collector)).start()
    assert service.stop() == 0
    found = [span for span in collector.spans if span.name == "migrate"]
    assert [span.attributes["cinesync.migration.version"] for span in found] == list(range(1, len(found) + 1)) and found
