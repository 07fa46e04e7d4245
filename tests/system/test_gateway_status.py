"""The gateway's metrics: every request counted once, whichever worker had it, under names that no client makes up."""
import contextlib
import json
import os
import re
import signal
import time

import httpx
import pytest
from harness import System, free_port, metric, raw_exchange, wait_until
from nginx_harness import Issuer, Nginx, Upstream, bearer

DURATION = "http_server_request_duration_seconds"
UPSTREAM = "cinesync_gateway_upstream_duration_seconds"
AUTH = "cinesync_gateway_auth_total"


@pytest.fixture
def upstream():
    with Upstream() as running:
        yield running


@pytest.fixture
def nginx(tmp_path, upstream):
    issuer = Issuer(tmp_path)
    (tmp_path / "api.json").write_text(json.dumps({"paths": {"/films/{id}": {"get": {}}, "/status/{code}": {"get": {}}}}))
    http = f"cinesync_jwks {issuer.path}; cinesync_routes {tmp_path}/api.json;"
    server = f"""location / {{ proxy_pass http://{upstream.address}; }}
        location /films/ {{ cinesync_auth optional; proxy_pass http://{upstream.address}; }}
        location = /here {{ return 204; }}
        location = /metrics {{ cinesync_status; }}"""
    with Nginx(tmp_path / "nginx", http=http, server=server, workers=2) as running:
        running.issuer = issuer
        yield running


def count(nginx, name=DURATION, **labels):
    return metric(nginx.url, name + ("" if name == AUTH else "_count"), **labels)


def test_requests_are_counted_by_route_whoever_had_them(nginx):
    for n in range(40):  # a connection each, so that both workers have some
        assert httpx.get(nginx.url + f"/films/{n}?x=y").status_code == 200
    httpx.get(nginx.url + "/status/503")
    httpx.get(nginx.url + "/here")
    assert count(nginx, method="GET", route="/films/{id}", status="200") == 40
    assert count(nginx, UPSTREAM, method="GET", route="/films/{id}", status="200") == 40
    assert count(nginx, route="/status/{code}", status="503") == 1 and count(nginx, route="/here", status="204") == 1
    assert count(nginx, UPSTREAM, route="/here") == 0
    before = count(nginx, route="/metrics")
    # Each is counted after its answer, so the next one may come before it.
    wait_until(lambda: before >= 3 and count(nginx, route="/metrics") > before, 5, "looking is counted too")


def test_what_became_of_tokens(nginx):
    for token, times in ((nginx.issuer.token(), 3), ("x", 2), (None, 4)):
        for _ in range(times):
            httpx.get(nginx.url + "/films/1", headers=bearer(token) if token else {})
    assert [count(nginx, AUTH, result=word) for word in ("accepted", "refused", "none", "unchecked")] == [3, 2, 4, 0]
    assert count(nginx, route="/films/{id}", status="401") == 2


def test_no_client_makes_up_a_label(nginx):
    for n in range(50):
        httpx.get(nginx.url + f"/made-up-{n}/{os.urandom(4).hex()}")
        raw_exchange(nginx.url, f"M{'ABCDEFGHIJ'[n % 10]}X /films/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(), wait=2)
    raw_exchange(nginx.url, b"nonsense\r\n\r\n", wait=1)
    text = httpx.get(nginx.url + "/metrics").text
    assert set(re.findall(r'route="([^"]*)"', text)) <= {"none", "/films/{id}", "/metrics"}
    assert set(re.findall(r'method="([^"]*)"', text)) <= {"GET", "_OTHER"}
    assert count(nginx, method="GET", route="none") >= 50


def test_the_text_is_as_prometheus_reads_it(nginx):
    for _ in range(5):
        httpx.get(nginx.url + "/films/1")
    answer = httpx.get(nginx.url + "/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    seen, buckets = set(), {}
    for line in answer.text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = re.fullmatch(r'([a-z_]+)(?:\{((?:[a-z]+="[^"\n]*",?)+)\})? ([0-9.]+)', line).groups()
        assert (name, labels) not in seen
        seen.add((name, labels))
        if name.endswith("_bucket"):
            series, bound = labels.rsplit(",le=", 1)
            buckets.setdefault((name, series), []).append((float("inf") if "Inf" in bound else float(bound.strip('"')), float(value)))
    assert buckets and all(rows == sorted(rows) and [n for _, n in rows] == sorted(n for _, n in rows) for rows in buckets.values())
    assert httpx.head(nginx.url + "/metrics").content == b"" and httpx.post(nginx.url + "/metrics").status_code == 405


def test_nothing_is_lost_by_a_reload_or_with_a_worker(nginx):
    def total():
        return count(nginx, method="GET", route="/films/{id}", status="200")

    for round_, harm in enumerate((lambda: nginx.reload(), lambda: os.kill(nginx.workers()[0], signal.SIGKILL))):
        for _ in range(10):
            httpx.get(nginx.url + "/films/1")
        # The answer comes before it is counted.
        wait_until(lambda wanted=10 * (round_ + 1): total() == wanted, 5, "all are counted")
        before = set(nginx.workers())
        harm()
        wait_until(lambda was=before: len(nginx.workers()) == 2 and set(nginx.workers()) != was, 20, "other workers")
        time.sleep(0.2)
        assert total() == 10 * (round_ + 1)


def test_a_worker_that_dies_with_the_lock_in_its_hand_harms_nobody_else(tmp_path, upstream):
    """Each worker is killed as it fills its second new cell, which it does under the lock of what the workers share: nobody waits for
    that lock for ever, and nothing half filled is shown or kept."""
    server = f"location / {{ proxy_pass http://{upstream.address}; }} location = /metrics {{ cinesync_status; }}"
    # The master fills one itself.
    with Nginx(tmp_path / "nginx", server=server, workers=2, CINESYNC_FAULT="gateway.cell:3") as running:
        statuses = [str(status) for status in range(400, 420)]

        def counted(status):
            with contextlib.suppress(httpx.TransportError):  # of the one that was killed
                httpx.get(f"{running.url}/status/{status}", timeout=5)
            try:
                return count(running, method="GET", status=status) > 0
            except httpx.TransportError:
                return False

        for status in statuses:
            wait_until(lambda status=status: counted(status), 20, f"{status} is counted")
        was = {status: count(running, method="GET", status=status) for status in statuses}
        for status in statuses:
            assert httpx.get(f"{running.url}/status/{status}").status_code == int(status)
        wait_until(lambda: {status: count(running, method="GET", status=status) for status in statuses} == {status: n + 1 for status, n in was.items()},
                   5, "each of them once more")
        assert running.log.read_text().count('zone "cinesync_status" was locked by') >= 5


def test_only_an_address_of_its_own_shows_them(tmp_path):
    port = free_port()
    whole = System(tmp_path / "var", GATEWAY_STATUS_LISTEN=f"127.0.0.1:{port}")
    whole.up()
    try:
        assert httpx.get(whole.url + "/api/v1/movies/550").status_code in (200, 404)
        assert httpx.get(whole.url + "/metrics").status_code == 404
        own = f"http://127.0.0.1:{port}"
        assert metric(own, DURATION + "_count", method="GET", route="/api/v1/movies/{movie_id}") == 1
        assert metric(own, DURATION + "_count", route="/healthz", status="200") >= 1
        assert httpx.get(own + "/api/v1/movies/550").status_code == 404
    finally:
        whole.down()
    for wrong in ("8090", "x:1", "127.0.0.1:", "0.0.0.0:1; include /etc/passwd"):
        done = whole.run("up", "--detach", "--no-install", "--data", whole.data, check=False, GATEWAY_STATUS_LISTEN=wrong)
        assert done.returncode == 78 and "GATEWAY_STATUS_LISTEN" in done.stdout, done.stdout
