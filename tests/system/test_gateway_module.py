"""The gateway's own module in a real nginx: who gets past it, what the trace says, and that nothing else is changed by it."""
import json
import os
import random
import re
import signal
import socket
import threading
import time

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from harness import problem, raw_answers, raw_exchange, wait_until
from nginx_harness import GOOD, Issuer, Nginx, Upstream, bearer, proxy, publish, sent, traced
from otlp_harness import Collector
from test_forged_tokens import OF_SESSIONS, forger, signed  # noqa: F401  (a fixture)
from test_gateway_fuzz import Forger, request

LEEWAY_S = 5


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


WHO = "add_header X-Who $cinesync_sub/$cinesync_role/$cinesync_sid always; add_header X-Auth $cinesync_auth always;"


def guarded(tmp_path, issuer, upstream, mode="required", http="", workers=1, **settings):
    return Nginx(tmp_path / "nginx", http=f"cinesync_jwks {issuer.path}; {http}", server=f"cinesync_auth {mode}; {WHO} {proxy(upstream)}",
                 workers=workers, **settings)


# ---- who gets in ----


def test_a_good_token_gets_in_and_its_owner_is_known(tmp_path, issuer, upstream):
    with guarded(tmp_path, issuer, upstream) as nginx:
        for token in (issuer.token(), issuer.token(aud=["x", "cinesync"])):
            for scheme in ("Bearer", "bearer", "BEARER"):
                for _ in range(2):  # verified, and out of the cache
                    answer = httpx.get(nginx.url, headers={"Authorization": f"{scheme} {token}"})
                    assert answer.status_code == 200 and answer.headers["x-who"] == "anna/user/s-1" and answer.headers["x-auth"] == "accepted"
        assert httpx.get(nginx.url, headers=bearer(issuer.token(sid=None, role=None))).headers["x-who"] == "anna//"


def test_without_a_token_nobody_gets_in(tmp_path, issuer, upstream):
    with guarded(tmp_path, issuer, upstream) as nginx:
        upstream.seen.clear()
        for value in (None, "", "Bearer", "Basic YTpi", issuer.token(), "Token " + issuer.token()):
            answer = httpx.get(nginx.url + "/a/b?c=d", headers={} if value is None else {"Authorization": value})
            body = problem(answer, 401, "unauthorized")
            assert body["instance"] == "/a/b" and body["detail"] == "Send an access token as Authorization: Bearer."
            assert answer.headers["www-authenticate"] == 'Bearer realm="cinesync"' and answer.headers["x-who"] == "//"
        assert not upstream.seen


def test_a_refusal_has_its_reason(tmp_path, issuer, upstream):
    now = int(time.time())
    cases = {"expired": issuer.token(iat=now - 900, exp=now - LEEWAY_S - 2), "wrong-issuer": issuer.token(iss="x"),
             "wrong-audience": issuer.token(aud="x"), "unknown-key": signed(issuer.keys["first"], {"alg": "ES256", "kid": "second", "typ": "at+jwt"}, {}),
             "bad-signature": issuer.token(key=ec.generate_private_key(ec.SECP256R1())), "malformed": "x.y.z",
             "missing-claim": issuer.token(client_id=None), "not-yet-valid": issuer.token(nbf=now + 100)}
    with guarded(tmp_path, issuer, upstream) as nginx:
        for reason, token in cases.items():
            answer = httpx.post(nginx.url + "/x", headers=bearer(token), content=b"y" * 5000)
            assert problem(answer, 401, "unauthorized")["detail"] == reason
            assert answer.headers["www-authenticate"] == f'Bearer realm="cinesync", error="invalid_token", error_description="{reason}"'
        assert httpx.get(nginx.url, headers=bearer(issuer.token(iat=now - 900, exp=now - LEEWAY_S + 3))).status_code == 200


def test_a_refused_connection_goes_on(tmp_path, issuer, upstream):
    """A body that nobody wants, a HEAD, an expectation: the next request on the same connection is its own."""
    bad = "Authorization: Bearer x\r\n"
    requests = (f"POST /1 HTTP/1.1\r\nHost: x\r\n{bad}Content-Length: 20000\r\n\r\n" + "z" * 20000
                + f"POST /2 HTTP/1.1\r\nHost: x\r\n{bad}Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"
                + f"GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {issuer.token()}\r\n\r\n")
    with guarded(tmp_path, issuer, upstream) as nginx:
        answers = raw_answers(raw_exchange(nginx.url, requests.encode()))
        assert [answer.status_code for answer in answers] == [401, 401, 200]
        answer = httpx.head(nginx.url, headers=bearer("x"))
        assert answer.status_code == 401 and answer.content == b"" and int(answer.headers["content-length"]) > 100


def test_the_clients_own_word_about_who_it_is_is_dropped(tmp_path, issuer, upstream):
    lies = "".join(f"X-User-Id: {n}\r\nA{n}: {n}\r\nx-user-role: admin\r\nX-SESSION-ID: {n}\r\n" for n in range(30))
    with guarded(tmp_path, issuer, upstream) as nginx:
        request = f"GET / HTTP/1.1\r\nHost: x\r\nX-User-Id: first\r\n{lies}Authorization: Bearer {issuer.token()}\r\nX-User-Id: last\r\nConnection: close\r\n\r\n"
        answer, = raw_answers(raw_exchange(nginx.url, request.encode()))
        headers = sent(answer)
        assert not {"x-user-id", "x-user-role", "x-session-id"} & set(headers)
        assert all(headers[f"a{n}"] == [str(n)] for n in range(30)) and "authorization" in headers


def test_optional_lets_strangers_pass_and_no_forger(tmp_path, issuer, upstream):
    with guarded(tmp_path, issuer, upstream, "optional") as nginx:
        for value in (None, "Basic YTpi", "Bearer"):
            answer = httpx.get(nginx.url, headers={} if value is None else {"Authorization": value})
            assert answer.status_code == 200 and answer.headers["x-auth"] == "none"
        assert httpx.get(nginx.url, headers=bearer(issuer.token())).headers["x-auth"] == "accepted"
        assert httpx.get(nginx.url, headers=bearer("x")).status_code == 401


def test_optional_leaves_what_is_not_there_to_the_service(tmp_path, issuer, upstream):
    (tmp_path / "api.json").write_text(json.dumps({"paths": {"/films/{id}": {"get": {}}}}))
    with guarded(tmp_path, issuer, upstream, "optional", http=f"cinesync_routes {tmp_path}/api.json;") as nginx:
        for method, path, status in (("GET", "/films/1", 401), ("HEAD", "/films/1?x=y", 401), ("DELETE", "/films/1", 200),
                                     ("OPTIONS", "/films/1", 501), ("GET", "/films/1/2", 200), ("GET", "/films/", 200)):
            assert httpx.request(method, nginx.url + path, headers=bearer("x")).status_code == status, (method, path)


# ---- forgeries ----


def test_not_one_forged_token_gets_past_the_gateway(forger, tmp_path, upstream):  # noqa: F811
    services, forge = forger
    path = tmp_path / "published.json"
    publish(path, forge.jwks)
    cases = [case for case in forge.all() if case[0] not in OF_SESSIONS]
    assert len(cases) >= 100
    with Nginx(tmp_path / "nginx", http=f"cinesync_jwks {path}; large_client_header_buffers 4 32k;",
               server=f"cinesync_auth required; {proxy(upstream)}") as nginx, httpx.Client(timeout=30) as client:
        for good in (forge.token, forge.with_header(), forge.with_claims(aud=["x", forge.claims["aud"]])):
            assert client.get(nginx.url, headers=bearer(good)).status_code == 200
        upstream.seen.clear()
        wrong = []
        for name, token in cases:
            answer = client.get(nginx.url, headers={b"Authorization": b"Bearer " + token.encode()})
            if answer.status_code != 401 or answer.json()["code"] != "unauthorized":
                wrong.append((name, answer.status_code))
        assert wrong == [] and not upstream.seen and forge.trap.asked == []
        assert client.get(nginx.url, headers=bearer(forge.token)).status_code == 200


def test_the_gateway_and_the_services_say_the_same(forger, tmp_path):  # noqa: F811
    """To the byte, but for the trace: nobody can tell which of them refused."""
    services, forge = forger
    path = tmp_path / "published.json"
    publish(path, forge.jwks)
    trace = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    for service, place in ((services.user, "/api/v1/users/me"), (services.movie, "/api/v1/movies/search?query=casablanca")):
        server = f"cinesync_auth optional; cinesync_trace on; location / {{ proxy_pass {service.url}; }}"
        with Nginx(tmp_path / f"nginx-{service.name}", http=f"cinesync_jwks {path};", server=server) as nginx:
            for name, token in [case for case in forge.all() if case[0] not in OF_SESSIONS and len(case[1]) < 5000]:
                headers = {b"Authorization": b"Bearer " + token.encode(), b"traceparent": trace.encode()}
                theirs, ours = httpx.get(service.url + place, headers=headers), httpx.get(nginx.url + place, headers=headers)
                assert (theirs.status_code, theirs.content) == (ours.status_code, ours.content), name
                for header in ("www-authenticate", "content-type", "x-request-id"):
                    assert theirs.headers[header] == ours.headers[header], (name, header)


# ---- keys ----


def status(nginx, token):
    return httpx.get(nginx.url, headers=bearer(token)).status_code


def test_new_keys_are_known_without_a_restart(tmp_path, issuer, upstream):
    with guarded(tmp_path, issuer, upstream, workers=2) as nginx:
        before = nginx.workers()
        assert status(nginx, issuer.token()) == 200
        issuer.add("second")
        time.sleep(0.1)
        assert [status(nginx, issuer.token("second")) for _ in range(20)] == [200] * 20  # at once: the key was not known
        old = issuer.token("first")
        del issuer.keys["first"]
        issuer.publish()
        wait_until(lambda: {status(nginx, old) for _ in range(10)} == {401}, 5, "the old key is forgotten by every worker")
        assert nginx.workers() == before


def test_a_key_file_that_is_broken_or_gone_changes_nothing(tmp_path, issuer, upstream):
    with guarded(tmp_path, issuer, upstream) as nginx:
        for text in ("", "{", '{"keys":[]}', "x" * 100000):
            publish(issuer.path, text)
            time.sleep(1.2)
            assert status(nginx, issuer.token()) == 200 and status(nginx, "x") == 401
        issuer.path.unlink()
        time.sleep(1.2)
        assert status(nginx, issuer.token()) == 200
        issuer.add("second")
        wait_until(lambda: status(nginx, issuer.token("second")) == 200, 5, "the new keys")
    said = nginx.log.read_text()
    assert "the keys at hand are used on" in said and "can be read again" in said


def test_before_there_are_keys(tmp_path, upstream):
    issuer = Issuer(tmp_path)
    issuer.path.unlink()
    with guarded(tmp_path, issuer, upstream) as nginx:
        problem(httpx.get(nginx.url, headers=bearer(issuer.token())), 503, "unavailable")
        problem(httpx.get(nginx.url), 401, "unauthorized")
        issuer.publish()
        wait_until(lambda: status(nginx, issuer.token()) == 200, 5, "the keys are there")
    issuer.path.unlink()
    nginx.write(server=f"cinesync_auth optional; {WHO} {proxy(upstream)}", http=f"cinesync_jwks {issuer.path};")
    with nginx:
        answer = httpx.get(nginx.url, headers=bearer("x"))
        assert answer.status_code == 200 and answer.headers["x-auth"] == "unchecked" and answer.headers["x-who"] == "//"


def test_a_worker_needs_no_way_to_the_folder_of_the_keys(tmp_path, upstream):
    """The workers are nobody, the folder's own folder is closed to them: it was opened for them."""
    if os.getuid() != 0:
        return
    closed = tmp_path / "closed"
    (closed / "public").mkdir(parents=True)
    issuer = Issuer(closed / "public")
    issuer.path.chmod(0o644)
    closed.chmod(0o700)
    nginx = guarded(tmp_path, issuer, upstream)
    config = nginx.folder / "nginx.conf"
    config.write_text(config.read_text().replace("user root;", "user nobody nogroup;"))
    for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
        (nginx.folder / name).mkdir()
    with nginx:
        assert status(nginx, issuer.token()) == 200
        issuer.add("second")
        wait_until(lambda: status(nginx, issuer.token("second")) == 200, 5, "the new key")


def test_reloads_while_the_keys_change(tmp_path, issuer, upstream):
    """Nobody with a good token is refused, nobody with a bad one gets in, whatever happens meanwhile."""
    wrong, over = [], threading.Event()

    def ask():
        with httpx.Client(timeout=20) as client:
            while not over.is_set():
                for token, wanted in ((issuer.token(), 200), ("x", 401)):
                    try:
                        got = client.get(nginx.url, headers=bearer(token)).status_code
                    except httpx.TransportError:
                        continue  # a kept connection that its worker closes at its end
                    if got != wanted:
                        wrong.append((got, wanted))

    with guarded(tmp_path, issuer, upstream, workers=2) as nginx:
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for n in range(6):
            issuer.add(f"key-{n}")
            nginx.reload()
            issuer.publish()
            time.sleep(0.5)
        over.set()
        for thread in threads:
            thread.join()
        assert wrong == [] and status(nginx, issuer.token("key-5")) == 200


def key_text(issuer):
    """The issuer's key set as nginx's configuration has it."""
    return issuer.path.read_text().replace("\n", "")


def test_keys_out_of_a_variable(tmp_path, upstream):
    """By the server's name two issuers, one that is broken, and one that has none: no issuer's tokens pass with another."""
    issuers = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        issuers.append(Issuer(tmp_path / name))
    one, other = issuers
    http = f"""map $server_name $keys {{ one.example '{key_text(one)}'; other.example '{key_text(other)}'; broken.example nonsense; default ''; }}
        cinesync_jwks $keys;"""
    nginx = Nginx(tmp_path / "nginx")
    guarded_servers = [f"server {{ listen 127.0.0.1:{nginx.port}; server_name {name}.example; cinesync_auth required; {proxy(upstream)} }}"
                       for name in ("one", "other", "broken", "none")]
    nginx.write(http=http + " ".join(guarded_servers), server="location / { return 204; }")

    def asked(name, token):
        return httpx.get(nginx.url, headers={"Host": name + ".example", **bearer(token)}).status_code

    with nginx:
        for _ in range(3):
            for name, mine, others in (("one", one, other), ("other", other, one)):
                assert (asked(name, mine.token()), asked(name, others.token())) == (200, 401)
            for name in ("broken", "none"):
                assert asked(name, one.token()) == 503
    assert nginx.log.read_text().count("is no key set") == 1  # said once a text
    for name in ("$http_x_keys", "$arg_keys", "$cookie_keys", "$request_body", "$host", "$content_type", "$ssl_client_s_dn", "$keys"):
        code, said = Nginx(tmp_path / "wrong", http=f"cinesync_jwks {name};", server="cinesync_auth required;").check()
        assert code == 1 and ("anybody could bring keys" in said or name == "$keys" and "unknown" in said), said


# ---- settings ----


def test_settings_that_are_wrong_are_said_before_anything_starts(tmp_path, issuer, upstream):
    for http, settings, word in (("cinesync_auth required;", {}, "needs cinesync_jwks"), ("cinesync_auth maybe;", {}, "maybe"),
                                 ("cinesync_jwks /no/such/place/jwks.json;", {}, "ENOENT"), ("cinesync_leeway 301;", {}, "300"),
                                 ("cinesync_routes /dev/null;", {}, "OpenAPI"), (f"cinesync_jwks {issuer.path}; cinesync_jwks {issuer.path};", {}, "duplicate"),
                                 ("cinesync_trace on;", {"OTEL_TRACES_SAMPLER": "sometimes"}, "OTEL_TRACES_SAMPLER")):
        code, said = Nginx(tmp_path / "nginx", http=http, server=proxy(upstream), **settings).check()
        assert code == 1 and word in said, (http, said)


# ---- and nothing else ----


STRANGE = ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a%20b?c=d HTTP/1.0\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
           f"GET / HTTP/1.1\r\nHost: x\r\ntraceparent: {GOOD}\r\ntracestate: a=1\r\nX-User-Id: me\r\nAuthorization: Bearer x\r\nX-Request-Id: y\r\n\r\n",
           "GET /status/404 HTTP/1.1\r\nHost: x\r\n\r\n", "nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET /file HTTP/1.1\r\nHost: x\r\nRange: bytes=1-2\r\n\r\n", "DELETE / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"]


def test_with_its_directives_off_nothing_is_changed(tmp_path, upstream):
    rng = random.Random(7)
    forger_of = Forger(rng, Issuer(tmp_path))
    odd = [request(rng, forger_of)[0].decode("latin-1") for _ in range(60)]

    def told_of(module, name):
        with Nginx(tmp_path / name, server=f"{proxy(upstream)} location = /file {{ alias {tmp_path}/file; }}", module=module) as nginx:
            upstream.seen.clear()
            answers = [raw_exchange(nginx.url, one.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1).encode("latin-1"), wait=2)
                       for one in STRANGE + odd]
        tidy = [re.sub(rb"(Date|ETag|Last-Modified): [^\r]*|127\.0\.0\.1:\d+|\"Host\", \"[^\"]*\"", b"", answer) for answer in answers]
        return tidy, [(head["method"], head["path"], sorted(map(tuple, head["headers"]))) for head in upstream.seen]

    (tmp_path / "file").write_text("0123456789")
    assert told_of(True, "with") == told_of(False, "without")


def test_a_worker_killed_in_the_middle_harms_nobody_else(tmp_path, issuer, collector, upstream):
    server = "location / { proxy_pass http://back; } location = /metrics { cinesync_auth off; cinesync_status; }"
    with traced(tmp_path, collector, upstream, server, http=f"cinesync_jwks {issuer.path}; cinesync_auth required;", workers=2) as nginx:
        outcomes, deletes = [], 0

        def counted():
            text = httpx.get(nginx.url + "/metrics").text
            found = re.findall(r'^http_server_request_duration_seconds_count\{[^}]*method="DELETE"[^}]*\} (\d+)', text, re.M)
            return sum(map(int, found))

        def slow():
            try:
                outcomes.append(httpx.get(nginx.url + "/slow", headers=bearer(issuer.token()), timeout=30).status_code)
            except httpx.TransportError:
                outcomes.append("lost")

        for _ in range(3):
            upstream.seen.clear()
            outcomes.clear()
            upstream.slow.clear()
            threads = [threading.Thread(target=slow) for _ in range(12)]
            for thread in threads:
                thread.start()
            wait_until(lambda: len(upstream.seen) >= 12, 20, "all of them are under way")
            before = nginx.workers()
            os.kill(before[0], signal.SIGKILL)
            wait_until(lambda: len(set(nginx.workers()) - {before[0]}) == 2 and before[0] not in nginx.workers(), 20, "another worker")
            upstream.slow.set()
            for thread in threads:
                thread.join()
            assert set(outcomes) <= {200, "lost"}
            with httpx.Client(timeout=20) as client:
                assert [client.get(nginx.url, headers=bearer(issuer.token())).status_code for _ in range(10)] == [200] * 10
            assert status(nginx, "x") == 401
            # What the dead one shared is whole: what is counted goes on, by old and new workers.
            for _ in range(20):
                deletes += httpx.delete(nginx.url, headers=bearer(issuer.token())).status_code == 200
            wait_until(lambda: counted() == deletes, 5, "the metrics go on")
    text = nginx.log.read_text()
    assert text.count("exited on signal 9") == 3


# ---- as ./cinesync up has it ----


def test_a_bad_token_reaches_no_service(system, person):
    """And one that is good does, as does what the gateway leaves to them."""
    def upstream_of(path, **headers):
        trace = os.urandom(16).hex()
        answer = httpx.get(system.url + path, headers={"traceparent": f"00-{trace}-{trace[:16]}-01", **headers})
        assert answer.headers["x-request-id"] == trace
        lines = wait_until(lambda: [line for line in system.log_lines("access") if line["trace_id"] == trace], 5, "its line")
        return answer.status_code, lines[0]["upstream"] != ""

    token = person.tokens["access_token"]
    wait_until(lambda: upstream_of("/api/v1/users/me", **bearer("x")) == (401, False), 5, "the keys are there")
    for path in ("/api/v1/users/me", "/api/v1/movies/genres", "/api/v1/movies/1", "/api/v1/admin/users", "/api/v1/users/me/imports"):
        assert upstream_of(path, **bearer("x")) == (401, False), path
        assert upstream_of(path, **bearer(token))[1], path
        assert upstream_of(path)[1], path
    assert upstream_of("/api/v1/users/nobody", **bearer("x")) == (404, True)
    assert upstream_of("/api/v1/auth/.well-known/jwks.json", **bearer("x")) == (200, True)


def test_a_body_that_waits_for_its_heads_acknowledgement_comes_at_once(tmp_path):
    """A client with Nagle's algorithm: without the directive all its requests but the first take the 40 ms for which the kernel holds
    acknowledgements back. The quickest of them is looked at: no busy machine makes one so."""
    nginx = Nginx(tmp_path / "nginx")
    # An answer in one packet: else an acknowledgement of the client's takes the server's kernel out of its waiting.
    nginx.write(server=f"""cinesync_quick_ack on; location / {{ proxy_pass http://127.0.0.1:{nginx.port}/here; }}
        location /here {{ return 200 answer; }}""")
    times = []
    with nginx, socket.create_connection(("127.0.0.1", nginx.port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        for _ in range(20):
            start, answer = time.monotonic(), b""
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
            connection.sendall(b"body!")
            while not answer.endswith(b"\r\n\r\nanswer"):
                answer += connection.recv(65536)
            times.append(time.monotonic() - start)
        connection.close()
    assert min(times[1:]) < 0.035, times
