"""The collector as `./cinesync up` runs it: when it does, who reaches it, and that nothing else needs it."""
import os
import signal

import httpx
import pytest
from harness import Client, System, assert_clean, wait_until
from otlp_harness import Collector


@pytest.fixture
def fresh(tmp_path):
    whole = System(tmp_path / "var", TRACES="auto")
    yield whole
    whole.down()
    for path in (whole.data / "log").glob("*.log"):
        assert_clean(path.read_text(errors="replace"))


def told(system, service):
    """What a service was told about a collector."""
    with open(f"/proc/{system.part(service)[0]}/environ", "rb") as file:
        variables = dict(line.split(b"=", 1) for line in file.read().split(b"\0") if b"=" in line)
    return variables.get(b"OTEL_EXPORTER_OTLP_ENDPOINT", b"").decode()


def found(system, trace_id, spans):
    def is_there():
        answer = httpx.get(f"{system.url}/traces/api/traces/{trace_id}")
        return answer.status_code == 200 and len(answer.json()["data"][0]["spans"]) >= spans and answer.json()["data"][0]
    return wait_until(is_there, 10, f"the trace {trace_id}")


def assert_not_there(system):
    for path in ("/traces", "/traces/api/services", "/traces/api/traces"):
        assert httpx.get(system.url + path).status_code == 404, path
    assert "trace" not in system.pids()
    assert " trace " not in system.run("status", "--data", system.data).stdout


def test_a_request_through_the_gateway_is_seen(fresh):
    said = fresh.up().stdout
    assert f"{fresh.url}/traces" in said and "the last 2000" in said
    with Client(fresh.url) as client:
        answer = client.register("ada@example.org")
    one = found(fresh, answer.headers["x-request-id"], 5)
    assert "POST /api/v1/auth/register" in {span["operationName"] for span in one["spans"]}
    assert told(fresh, "movie") == told(fresh, "user") == told(fresh, "notification") == fresh.part("trace")[1]
    assert told(fresh, "trace") == ""
    page = httpx.get(fresh.url + "/traces")
    assert page.status_code == 200 and "/assets/traces/main.js" in page.text and page.headers["content-security-policy"]
    done = fresh.run("doctor", "--data", fresh.data, "--port", fresh.port)
    assert "FAULT" not in done.stdout and "running    trace" in done.stdout


def test_nothing_but_reading_passes_the_gateway(fresh):
    fresh.up()
    for path in ("/v1/traces", "/traces/v1/traces", "/traces/metrics", "/traces/api/../metrics", "/traces/api/%2e%2e/metrics", "/api/traces"):
        for method in ("GET", "POST"):
            assert httpx.request(method, fresh.url + path).status_code in (400, 404, 405), (method, path)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = httpx.request(method, fresh.url + "/traces/api/traces")
        assert answer.status_code == 405 and answer.headers["allow"] == "GET, HEAD"
    assert httpx.get(fresh.url + "/traces/api/livez").status_code == 404
    assert httpx.get(fresh.url + "/traces/api/services").json()["errors"] is None


def test_it_can_be_turned_off(fresh):
    fresh.environment["TRACES"] = "off"
    assert "/traces" not in fresh.up().stdout
    assert_not_there(fresh)
    assert told(fresh, "movie") == ""


def test_who_has_a_collector_keeps_it(fresh):
    with Collector() as other:
        fresh.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = other.url
        fresh.up()
        assert_not_there(fresh)
        answer = httpx.get(fresh.url + "/api/v1/movies/genres")
        assert other.trace(answer.headers["x-request-id"], 1)
        fresh.down()


def test_strangers_do_not_read_traces(fresh):
    """Where others reach the gateway, it runs only when asked for."""
    fresh.up("--listen", "0.0.0.0")
    assert_not_there(fresh)
    fresh.down()
    fresh.environment["TRACES"] = "on"
    fresh.up("--listen", "0.0.0.0")
    assert httpx.get(fresh.url + "/traces/api/services").status_code == 200
    assert fresh.part("trace")[1].startswith("http://127.0.0.1:")


def test_a_collector_that_dies_is_started_again(fresh):
    fresh.up()
    before = fresh.pids()
    os.kill(before["trace"], signal.SIGKILL)
    wait_until(lambda: fresh.pids().get("trace", before["trace"]) != before["trace"], 10, "another one")
    after = fresh.pids()
    assert {name: pid for name, pid in after.items() if name != "trace"} == {name: pid for name, pid in before.items() if name != "trace"}
    wait_until(lambda: httpx.get(fresh.url + "/traces/api/services").status_code == 200, 10, "its answer")
    answer = httpx.get(fresh.url + "/api/v1/movies/genres")
    assert found(fresh, answer.headers["x-request-id"], 1)
