"""Logs: their fields are those of the papers; levels, repeats and the access log do as they are told while the service runs."""
import re
import signal

import httpx
import pytest
from harness import ROOT, Client, Service, metric, problem, wait_until

ACCESS = "request"
TYPES = {"STR": "text", "STRN": "text", "INT": "number", "DOUBLE": "number", "BOOL": "boolean"}
# By log.c itself, and by LOG_ERR().
OF_EVERY_LINE = {name: "text" for name in ("time", "level", "service", "message", "trace_id", "span_id", "error")} | {"truncated": "boolean"}


@pytest.fixture
def movie(tmp_path):
    service = Service("movie", tmp_path)
    yield service
    assert service.stop() == 0


def levels(service):
    answer = httpx.get(service.url + "/internal/log-level", timeout=10)
    assert answer.status_code == 200
    body = answer.json()
    return body, {each["module"]: each["level"] for each in body["modules"]}


def told(service, **what):
    return httpx.put(service.url + "/internal/log-level", json=what, timeout=10)


def lines(service, message):
    return [line for line in service.log_lines() if line["message"] == message]


def test_the_fields_are_those_of_the_papers():
    block = re.search(r"<!-- log-fields:begin -->(.*)<!-- log-fields:end -->", (ROOT / "docs" / "observability.md").read_text(), re.S).group(1)
    papers = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", block, re.M))
    program = dict(OF_EVERY_LINE)
    for path in sorted((ROOT / "src").rglob("*.c")):
        if not path.name.startswith(("test_", "fuzz_", "bench_")):
            for kind, name in re.findall(r'LOG_(STRN|STR|INT|DOUBLE|BOOL)\(\s*"(\w+)"', path.read_text()):
                assert program.setdefault(name, TYPES[kind]) == TYPES[kind], f"{path}: {name} is of two types"
    assert program == papers


def test_a_module_can_be_told_to_say_more_and_less(movie):
    movie.start()
    body, modules = levels(movie)
    assert body["level"] == "info" and body["debug"] is False
    assert {"http", "service", "movie", "cache"} <= set(modules) and set(modules.values()) == {"info"}
    assert told(movie, module="http", level="error").status_code == 200
    _, modules = levels(movie)
    assert modules["http"] == "error" and modules["service"] == "info"
    before = len(lines(movie, ACCESS))
    assert httpx.get(movie.url + "/api/v1/movies/search?query=alien").status_code == 200
    assert told(movie, module="http", level="default").json()["level"] == "info"
    assert httpx.get(movie.url + "/api/v1/movies/search?query=alien").status_code == 200
    wait_until(lambda: [line["path"] for line in lines(movie, ACCESS)[before:]].count("/api/v1/movies/search") == 1, 5, "one of the two")
    assert [line["module"] for line in lines(movie, "log level changed")] == ["http", "http"]
    told(movie, level="warning")
    assert set(levels(movie)[1].values()) == {"warning"}


def test_debug_lines_tell_of_statements_and_never_of_values(tmp_path):
    user = Service("user", tmp_path, BCRYPT_COST=4, NOTIFICATION_URL="http://127.0.0.1:1").start()
    told(user, module="store", level="debug")
    with Client(user.url) as client:
        assert client.register("anna.of.the.test@example.org").status_code == 201
    wait_until(lambda: any("users" in line["statement"] for line in lines(user, "statement")), 5, "the insertion")
    assert all(line["level"] == "debug" and line["duration_ms"] >= 0 for line in lines(user, "statement"))
    assert "anna.of.the.test" not in user.tail(1 << 30)
    assert lines(user, "call") == []  # another module's
    assert user.stop() == 0


def test_what_makes_no_sense_changes_nothing(movie):
    movie.start()
    before = levels(movie)
    problem(told(movie, module="nobody", level="debug"), 404, "not-found")
    for wrong in ({"level": "loud"}, {}, {"level": "default"}, {"level": "info", "modul": "http"}, {"module": 3, "level": "info"}):
        problem(told(movie, **wrong), 422, "validation-failed")
    assert levels(movie) == before


def test_sigusr1_turns_debug_on_and_off(movie):
    movie.start()
    told(movie, module="http", level="error")
    for is_on in (True, False, True):
        movie.process.send_signal(signal.SIGUSR1)
        wait_until(lambda on=is_on: levels(movie)[0]["debug"] is on, 5, "the signal")
    assert set(levels(movie)[1].values()) == {"debug"}
    movie.process.send_signal(signal.SIGUSR1)
    wait_until(lambda: levels(movie)[1]["http"] == "error", 5, "the level set before")
    assert movie.is_ready()


def test_what_repeats_is_left_out_and_counted(movie):
    movie.start(LOG_REPEATS_MAX=1)
    modes = len(httpx.get(movie.url + "/readyz", timeout=10).json()["modes"])
    for _ in range(20):
        assert httpx.get(movie.url + "/api/v1/movies/search?query=").status_code == 422
    assert modes > 1 and len(lines(movie, "mode")) == 1
    assert movie.stop() == 0
    left = {line["repeated"]: line for line in lines(movie, "repeated log line left out")}
    assert left["mode"]["lines"] == modes - 1 and left["mode"]["module"] == "service" and left["mode"]["level"] == "info"
    assert ACCESS not in left and sum(line.get("status") == 422 for line in lines(movie, ACCESS)) == 20


def test_ordinary_requests_are_sampled_and_others_are_all_there(movie):
    movie.start(LOG_ACCESS_PERCENT=20)
    with httpx.Client(base_url=movie.url + "/api/v1/movies", timeout=10) as client:
        given = [f"{2654435761 * (n + 1) % (1 << 32):08x}" for n in range(400)]
        for end in given:
            client.get("/search?query=alien", headers={"traceparent": f"00-{'a' * 24}{end}-00f067aa0ba902b7-00"})
        for _ in range(30):
            client.get("/search?query=")  # 422
    assert metric(movie.url, "http_server_request_duration_seconds_count", route="/api/v1/movies/search", status="200") == 400
    wait_until(lambda: sum(line["status"] == 422 for line in lines(movie, ACCESS)) == 30, 5, "the failed ones")
    kept = {line["trace_id"][-8:] for line in lines(movie, ACCESS) if line.get("path") == "/api/v1/movies/search" and line["status"] == 200}
    assert kept == {end for end in given if int(end, 16) * 100 >> 32 >= 80}
    assert 0 < len(kept) < 400


def test_slow_requests_have_their_line(movie):
    movie.start(LOG_ACCESS_PERCENT=0, LOG_ACCESS_SLOW_MS=0)
    assert httpx.get(movie.url + "/api/v1/movies/search?query=alien").status_code == 200
    wait_until(lambda: [line for line in lines(movie, ACCESS) if line["path"] == "/api/v1/movies/search"], 5, "its line")
