"""The fake TMDB keeps its manners, and each fault is what a client sees."""
import json
import socket
import ssl
import subprocess
import threading
import time

import httpx
import pytest

import harness
from fakes.tmdb_harness import SERVER, FakeTmdb, ask_raw

FILM = 39


def raises_reset(fake, path="/3/movie/39"):
    """Asks by a raw socket until the other side resets; what came before that."""
    received = b""
    with socket.create_connection(("127.0.0.1", fake.port), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {fake.token}\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):
            while part := connection.recv(65536):
                received += part
    return received


# Who may ask

@pytest.mark.parametrize("headers, query", [
    ({}, ""), ({"Authorization": "Bearer wrong"}, ""), ({"Authorization": f"Bearer {FakeTmdb.api_key}"}, ""), ({}, "?api_key=x")])
def test_without_the_right_key_there_is_401_with_code_7(fake, headers, query):
    answer = httpx.get(fake.url + "/genre/movie/list" + query, headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"status_code": 7, "status_message": "Invalid API key: You must be granted a valid key.",
                             "success": False}
    assert answer.headers["cache-control"] == "public, max-age=300"


def test_token_and_key_both_let_in(fake):
    assert fake.get("/configuration").status_code == 200
    assert httpx.get(fake.url + "/configuration", params={"api_key": fake.api_key}).status_code == 200


# HTTP

def test_an_etag_saves_the_body_until_the_content_changes(fake):
    first = fake.get(f"/movie/{FILM}")
    etag = first.headers["etag"]
    assert etag.startswith('W/"') and len(etag) == 36
    assert first.headers["cache-control"] == "public, max-age=19388" and first.headers["age"] == "0"
    again = ask_raw(fake, If_None_Match=etag)
    assert again.startswith(b"HTTP/1.1 304 ") and again.endswith(b"\r\n\r\n") and b"content-length" not in again
    fake.faults(change=1)
    changed = fake.get(f"/movie/{FILM}")
    assert changed.headers["etag"] != etag and changed.content != first.content
    assert ask_raw(fake, If_None_Match=etag).startswith(b"HTTP/1.1 200 ")
    assert fake.counts()["not_modified"] == 1


def test_gzip_only_when_asked_for_and_worth_it(fake):
    with httpx.Client(headers={"Authorization": "Bearer " + fake.token}) as client:
        plain = client.get(fake.url + "/movie/popular", headers={"Accept-Encoding": "identity"})
        packed = client.get(fake.url + "/movie/popular", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers and packed.headers["content-encoding"] == "gzip"
    assert plain.content == packed.content
    assert "content-encoding" not in fake.get("/movie/0").headers


def test_answers_keep_the_order_of_pipelined_requests(fake):
    fake.faults(latency_ms=30, share=0.5)
    ids = [13 * row for row in range(1, 30)]
    head = f"HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {fake.token}\r\n"
    requests = "".join(f"GET /3/movie/{number}/external_ids {head}\r\n" for number in ids)
    requests += f"GET /3/movie/1 {head}Connection: close\r\n\r\n"
    received = harness.raw_exchange(fake.base, requests.encode())
    found = [int(part.split(b",")[0]) for part in received.split(b'{"id":')[1:]]
    assert found == ids and b" 404 " in received


@pytest.mark.parametrize("request_, status", [
    (b"nonsense\r\n\r\n", 400), (b"GET /3/movie/39 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 413),
    (b"GET / HTTP/1.1\r\nX: " + b"x" * 40000, 431)])
def test_bad_bytes_are_refused(fake, request_, status):
    assert harness.raw_exchange(fake.base, request_).startswith(b"HTTP/1.1 %d " % status)


# Faults, as a client sees them

def test_latency_is_added_and_healing_ends_it(fake):
    fake.faults(latency_ms={"mean": 150, "jitter": 50})
    began = time.monotonic()
    assert fake.get("/configuration").status_code == 200
    assert time.monotonic() - began >= 0.1
    fake.faults(latency_ms=60000)
    with in_background(lambda: fake.get("/configuration").status_code) as asked:
        harness.wait_until(lambda: fake.counts()["in_flight"] == 1, 5, "a slow request")
        fake.heal()
    assert asked.result == 200


class in_background:
    """Runs it in a thread for the length of the block; then `result` is what it gave."""

    def __init__(self, work):
        self.result = None
        self.thread = threading.Thread(target=lambda: setattr(self, "result", work()))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.thread.join(15)


def test_a_hang_lasts_until_healed(fake):
    fake.faults(hang=True)
    assert ask_raw(fake, wait=0.3) == b""
    harness.wait_until(lambda: fake.counts()["in_flight"] == 0, 5, "the gone client noticed")
    assert fake.counts()["by_status"] == {"gone": 1}
    with in_background(lambda: fake.get(f"/movie/{FILM}").status_code) as asked:
        harness.wait_until(lambda: fake.state()["waiting"] == 1, 5, "a hung request")
        fake.heal()
    assert asked.result == 200


def test_a_drip_is_slow_and_whole(fake):
    size = len(fake.get("/configuration").content)
    fake.faults(drip_bytes_per_s=size * 2)
    began = time.monotonic()
    received = ask_raw(fake, "/3/configuration")
    assert time.monotonic() - began >= 0.3
    json.loads(received.partition(b"\r\n\r\n")[2])
    fake.faults(drip_bytes_per_s=1)
    with in_background(lambda: fake.get("/configuration").json()) as asked:
        harness.wait_until(lambda: fake.state()["waiting"] == 1, 5, "a drip")
        fake.heal()
    assert "images" in asked.result


def test_resets(fake):
    fake.faults(reset=True)
    assert raises_reset(fake) == b""
    fake.faults(reset_mid_body=True)
    received = raises_reset(fake)
    assert received.startswith(b"HTTP/1.1 200 ") and b'"adult"' in received
    fake.heal()
    assert fake.counts()["by_status"]["reset"] == 2


def test_truncated_says_more_than_it_gives(fake):
    fake.faults(truncated=True)
    answer = ask_raw(fake)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert 0 < len(body) < length
    with pytest.raises(httpx.RemoteProtocolError):
        fake.get(f"/movie/{FILM}")


@pytest.mark.parametrize("status, code", [(500, 11), (502, 43), (503, 9), (504, 24), (429, 25), (401, 7), (408, 11)])
def test_statuses_carry_tmdbs_codes(fake, status, code):
    fake.faults(status=status)
    answer = fake.get(f"/movie/{FILM}")
    assert (answer.status_code, answer.json()["status_code"]) == (status, code)
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("text", ["3", "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_retry_after_in_both_forms(fake, text):
    fake.faults(status=429, retry_after=text)
    answer = fake.get(f"/movie/{FILM}")
    assert answer.headers["retry-after"] == text and "success" not in answer.json()


def test_the_old_shape_of_an_error(fake):
    fake.faults(status=500, error_shape="old")
    assert fake.get(f"/movie/{FILM}").json().keys() == {"errors", "success"}


def test_answers_that_are_no_answers(fake):
    fake.faults(garbage=True)
    answer = fake.get(f"/movie/{FILM}")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/json")
    with pytest.raises(ValueError):
        json.loads(answer.content)
    fake.faults(wrong_type=True)
    assert fake.get(f"/movie/{FILM}").headers["content-type"] == "text/html"
    fake.faults(empty=True)
    answer = fake.get(f"/movie/{FILM}")
    assert (answer.status_code, answer.content) == (200, b"")
    fake.faults(no_etag=True)
    answer = fake.get(f"/movie/{FILM}")
    assert "etag" not in answer.headers and answer.json()["id"] == FILM


def test_share_paths_and_count_choose_who_is_hit(fake):
    fake.faults(status=503, share=0.25)
    assert [fake.get("/configuration").status_code for _ in range(8)] == [200, 200, 200, 503] * 2
    fake.faults(status=503, paths="/3/search")
    assert fake.get("/configuration").status_code == 200
    assert fake.get("/search/movie", query="a").status_code == 503
    fake.faults(status=503, count=2)
    assert [fake.get("/configuration").status_code for _ in range(4)] == [503, 503, 200, 200]
    assert fake.state()["faults"] == {} and fake.counts()["faulted"] == 5


@pytest.mark.parametrize("body", ['{"nonsense": true}', '{"share": 2}', '{"hang": 1}', "[]", "{", '{"status": "500"}',
                                  '{"tls_abort": true}'])
def test_a_fault_that_is_none_is_refused(fake, body):
    answer = httpx.put(fake.base + "/__control/faults", content=body)
    assert answer.status_code == 422 and answer.json()["error"]
    assert fake.state()["faults"] == {}


# Counts

def test_counts_tell_what_came(fake):
    for path in (f"/movie/{FILM}", "/movie/26", "/movie/popular", "/nothing", f"/movie/{FILM}/watch/providers"):
        fake.get(path)
    httpx.get(fake.url + "/movie/1")
    counts = fake.counts()
    assert counts["total"] == 6 and counts["unauthorized"] == 1 and counts["connections_total"] == 6
    assert counts["by_path"] == {"movie/{id}": 3, "movie/popular": 1, "other": 1, "movie/{id}/watch/providers": 1}
    assert counts["by_status"] == {"200": 4, "404": 1, "401": 1}
    assert counts["in_flight"] == 0 and counts["max_in_flight"] == 1
    assert fake.reset_counts()["total"] == 0


def test_the_most_in_flight_is_remembered(fake):
    fake.faults(hang=True)
    sockets = [socket.create_connection(("127.0.0.1", fake.port)) for _ in range(20)]
    for one in sockets:
        one.sendall(f"GET /3/configuration?api_key={fake.api_key} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    harness.wait_until(lambda: fake.counts()["in_flight"] == 20, 5, "all of them")
    fake.heal()
    assert all(one.recv(100).startswith(b"HTTP/1.1 200 ") for one in sockets)
    for one in sockets:
        one.close()
    assert fake.counts()["max_in_flight"] == 20 and fake.counts()["in_flight"] == 0


def test_requests_are_remembered_without_secrets(fake):
    httpx.get(fake.url + "/configuration", params={"api_key": fake.api_key, "language": "fr"},
              headers={"If-None-Match": 'W/"x"', "traceparent": "00-1-2-01"})
    fake.get("/movie/popular")
    last = fake.requests(last=2)
    assert [one["target"] for one in last] == ["/3/configuration?api_key=***&language=fr", "/3/movie/popular"]
    assert last[0]["headers"]["if-none-match"] == 'W/"x"' and last[0]["headers"]["traceparent"] == "00-1-2-01"
    assert last[1]["headers"]["authorization"] == "Bearer ***" and last[1]["status"] == 200
    assert fake.token not in json.dumps(last) and fake.api_key not in json.dumps(last)


def test_the_page_is_served_and_holds_every_switch(fake):
    answer = httpx.get(fake.base + "/__control/")
    assert answer.headers["content-type"] == "text/html;charset=utf-8"
    for name in ("latency_ms", "hang", "drip_bytes_per_s", "reset", "reset_mid_body", "status", "retry_after", "garbage",
                 "truncated", "wrong_type", "error_shape", "empty", "no_etag", "change", "share", "paths", "count", "tls_abort"):
        assert f'"{name}"' in answer.text, name
    assert "http://" not in answer.text and "https://" not in answer.text


# How it is started

def test_rate_limit_with_and_without_retry_after(tmp_path):
    with FakeTmdb(tmp_path).start(rate=5) as fake:
        answers = [fake.get("/configuration") for _ in range(30)]
        limited = [answer for answer in answers if answer.status_code == 429]
        assert answers[0].status_code == 200 and limited and limited[0].json()["status_code"] == 25
        assert "retry-after" not in limited[0].headers and fake.counts()["rate_limited"] == len(limited)
        fake.stop()
        fake.start(rate=1, rate_retry_after="2", max_age=7, framing="length")
        answers = [fake.get("/configuration") for _ in range(5)]
        assert answers[0].headers["cache-control"] == "public, max-age=7" and "content-length" in answers[0].headers
        assert {answer.headers.get("retry-after") for answer in answers if answer.status_code == 429} == {"2"}


def test_tls_and_a_handshake_broken_off(tmp_path):
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    with FakeTmdb(tmp_path).start(tls=files) as fake:
        assert fake.get("/configuration").status_code == 200
        fake.faults(tls_abort=True)
        with socket.create_connection(("127.0.0.1", fake.port), timeout=5) as connection:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                ssl._create_unverified_context().wrap_socket(connection)
        fake.heal()  # by the connection that was there before
        assert fake.get("/configuration").status_code == 200
        assert fake.counts()["handshakes_failed"] == 1
        with socket.create_connection(("127.0.0.1", fake.port), timeout=5) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            connection.recv(100)
        harness.wait_until(lambda: fake.counts()["handshakes_failed"] == 2, 5, "plain text noticed")
        assert fake.stop() == 0 and fake.log.read_text() == ""


def test_port_0_and_faults_from_the_start(tmp_path):
    process = subprocess.Popen([SERVER, "--listen", "127.0.0.1:0", "--faults", '{"status": 503}'], stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().removeprefix("listening ").strip()
        assert httpx.get(url + "/3/configuration").status_code == 503
    finally:
        process.terminate()
        assert process.wait(10) == 0
        process.stdout.close()


def test_values_are_the_same_in_each_run(tmp_path):
    paths = ["/movie/26/credits", "/movie/65", "/movie/popular", "/movie/78/images"]
    with FakeTmdb(tmp_path).start() as first, FakeTmdb(tmp_path).start() as second:
        for path in paths:
            one, other = first.get(path), second.get(path)
            assert one.content == other.content and one.headers["etag"] == other.headers["etag"]
