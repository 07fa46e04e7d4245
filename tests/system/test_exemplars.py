"""Exemplars: from a bucket of a latency to a trace that is in it, as a real Prometheus reads them."""
import contextlib
import json
import subprocess
import time

import httpx
import pytest
from harness import STARTED, Service, Services, free_port, wait_until
from otlp_harness import told
from tmdb_case import movies

OPEN = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"}
LATENCY = "http_server_request_duration_seconds_bucket"


@contextlib.contextmanager
def prometheus(folder, services):
    """URL of one that asks them twice a second."""
    folder.mkdir()
    port = free_port()
    jobs = [{"job_name": service.name, "static_configs": [{"targets": [service.url.removeprefix("http://")]}]} for service in services]
    (folder / "prometheus.yml").write_text(json.dumps({"global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"}, "scrape_configs": jobs}))
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                                    f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=exemplar-storage"], stdout=log, stderr=log)
    STARTED.append(process)
    try:
        yield f"http://127.0.0.1:{port}/api/v1"
    finally:
        process.terminate()
        process.wait(30)


def asked(url, path, **params):
    """What it says, None until it answers."""
    with contextlib.suppress(httpx.TransportError):
        answer = httpx.get(url + path, params=params, timeout=10)
        if answer.status_code == 200 and answer.json()["status"] == "success":
            return answer.json()["data"]
    return None


def targets(url):
    return [(one["health"], one["lastError"]) for one in (asked(url, "/targets") or {"activeTargets": []})["activeTargets"]]


def exemplars(url):
    """[(labels of the series, trace id, value)]"""
    found = asked(url, "/query_exemplars", query=LATENCY, start=time.time() - 600, end=time.time() + 10) or []
    return [(one["seriesLabels"], each["labels"]["trace_id"], float(each["value"])) for one in found for each in one["exemplars"]]


def test_prometheus_finds_the_trace_of_a_request(tmp_path, collector):
    services = Services(tmp_path, **told(collector)).start()
    with prometheus(tmp_path / "prometheus", services.all()) as url:
        wait_until(lambda: [health for health, _ in targets(url)] == ["up"] * 3, 30, f"three targets: {targets(url)}")
        trace = httpx.get(movies(services.movie, "/search?query=alien"), timeout=20).headers["x-request-id"]
        wait_until(lambda: trace in [found for _, found, _ in exemplars(url)], 20, "the trace among the exemplars")
        (labels, value), = [(labels, value) for labels, found, value in exemplars(url) if found == trace]
        assert labels["job"] == "movie" and labels["route"] == "/api/v1/movies/search" and labels["status"] == "200"
        assert 0 < value <= float(labels["le"])
        assert collector.trace(trace, 1)
        # Both formats are the same numbers to it.
        samples = asked(url, "/query", query="scrape_samples_scraped")["result"]
        assert {one["metric"]["job"] for one in samples} == {"movie", "user", "notification"}
        assert [error for _, error in targets(url) if error] == []
    assert services.stop() == [0, 0, 0]


def lines(text):
    """Samples' names and labels in their order."""
    return [line.split(" # ")[0].rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]


def test_who_does_not_ask_for_it_gets_the_older_format(tmp_path, collector):
    service = Service("movie", tmp_path, **told(collector)).start()
    assert httpx.get(movies(service, "/genres")).status_code == 200
    plain, openly = httpx.get(service.url + "/metrics"), httpx.get(service.url + "/metrics", headers=OPEN)
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert openly.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert "# {" not in plain.text and "# EOF" not in plain.text and openly.text.endswith("\n# EOF\n")
    assert openly.text.count(" # {trace_id=") == 1
    # The first look may have made a line of its own for the second.
    assert set(lines(plain.text)) <= set(lines(openly.text)) and len(lines(plain.text)) > 100
    assert service.stop() == 0


@pytest.mark.parametrize("settings", [{}, {"OTEL_TRACES_SAMPLER": "always_off"}], ids=["no-collector", "not-sampled"])
def test_a_trace_that_nobody_has_is_not_named(tmp_path, collector, settings):
    service = Service("movie", tmp_path, **(told(collector, **settings) if settings else {})).start()
    assert httpx.get(movies(service, "/genres")).status_code == 200
    text = httpx.get(service.url + "/metrics", headers=OPEN).text
    assert "trace_id" not in text and 'route="/api/v1/movies/genres"' in text
    assert service.stop() == 0
