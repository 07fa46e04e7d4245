"""Services that believe the gateway about who asks: by a unix socket, by TLS, or not at all. The same is accepted in each mode, and
nobody else's word is taken in any."""
import contextlib
import json
import os
import pathlib
import socket
import sqlite3
import ssl
import subprocess
import threading
from http.server import ThreadingHTTPServer

import httpx
import pytest
from harness import ROOT, Client, Services, System, free_port, problem, raw_answers, wait_until
from nginx_harness import Nginx, bearer
from test_forged_tokens import OF_SESSIONS, Forger, Trap, unb64

IS_ROOT = os.getuid() == 0
JWKS = "/api/v1/auth/.well-known/jwks.json"
HEADERS = ("X-User-Id", "X-User-Role", "X-Session-Id")
TOLD = ("proxy_set_header Authorization $cinesync_authorization; proxy_set_header X-User-Id $cinesync_user_id; "
        "proxy_set_header X-User-Role $cinesync_user_role; proxy_set_header X-Session-Id $cinesync_session_id;")
FILMS = "/api/v1/movies/search?query=casablanca"
ME = "/api/v1/users/me"


class Site:
    """Movie and user service with a socket and a TLS address each, and a gateway in each mode in front of them."""

    def __init__(self, folder):
        self.folder = folder
        self.sockets = folder / "s"
        self.sockets.mkdir(mode=0o700)
        subprocess.run([ROOT / "deploy/make-certificates", folder / "tls"], check=True)
        self.services = Services(folder, SIGNING_KEY_FILE=folder / "key.json", JWKS_FILE=folder / "jwks.json", ACCESS_TOKEN_TTL_S=600)
        self.services.key_file = folder / "key.json"
        self.tls = {}
        for name in ("movie", "user"):
            self.tls[name] = free_port()
            getattr(self.services, name).settings.update(self.trusted(name))
        self.services.movie.settings["JWKS_URL"] = self.services.user.url + JWKS
        self.services.movie.settings["SESSIONS_URL"] = self.services.user.url + "/internal/sessions"
        self.services.start()
        self.gateways = {mode: Nginx(folder / mode, http=self.http(mode), server=self.locations(mode)) for mode in ("none", "socket", "mtls")}
        for gateway in self.gateways.values():
            gateway.start()

    def trusted(self, name):
        tls = self.folder / "tls"
        return {"TRUSTED_SOCKET": self.sockets / f"{name}.sock", "TRUSTED_LISTEN": f"127.0.0.1:{self.tls[name]}",
                "TRUSTED_CERTIFICATE_FILE": tls / f"{name}.pem", "TRUSTED_KEY_FILE": tls / f"{name}.key", "TRUSTED_CA_FILE": tls / "ca.pem",
                "TRUSTED_NAMES": "gateway"}

    def http(self, mode):
        keys = f"cinesync_jwks {self.folder}/jwks.json; proxy_pass_request_headers off; proxy_set_header Host $http_host; large_client_header_buffers 4 32k; "
        keys += "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Content-Type $http_content_type; "
        keys += TOLD if mode != "none" else "proxy_set_header Authorization $http_authorization; "
        if mode == "mtls":
            keys += (f"proxy_ssl_certificate {self.folder}/tls/gateway.pem; proxy_ssl_certificate_key {self.folder}/tls/gateway.key; "
                     f"proxy_ssl_trusted_certificate {self.folder}/tls/ca.pem; proxy_ssl_verify on; proxy_ssl_protocols TLSv1.2 TLSv1.3; ")
        for name in ("movie", "user"):
            address = {"none": f"127.0.0.1:{getattr(self.services, name).port}", "socket": f"unix:{self.sockets}/{name}.sock",
                       "mtls": f"127.0.0.1:{self.tls[name]}"}[mode]
            keys += f"upstream {name} {{ server {address}; keepalive 4; }} "
        return keys

    @staticmethod
    def locations(mode):
        scheme = "https" if mode == "mtls" else "http"
        more = "cinesync_auth optional; add_header X-Auth $cinesync_auth always;"
        return (f"location /started {{ return 204; }} location /api/v1/movies/ {{ {more} proxy_pass {scheme}://movie; }} "
                f"location /api/v1/auth/ {{ proxy_pass {scheme}://user; }} location / {{ {more} proxy_pass {scheme}://user; }}")

    def urls(self):
        return {mode: gateway.url for mode, gateway in self.gateways.items()}

    def context(self, certificate=None):
        context = ssl.create_default_context(cafile=self.folder / "tls/ca.pem")
        if certificate:
            context.load_cert_chain(self.folder / f"tls/{certificate}.pem", self.folder / f"tls/{certificate}.key")
        return context

    def stop(self):
        codes = [gateway.stop() for gateway in self.gateways.values()]
        return codes + self.services.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("t")
    running = Site(folder)
    yield running
    assert running.stop() == [0] * 6
    assert not list(running.sockets.iterdir())  # the sockets and their locks went with their processes


@pytest.fixture
def person(site):
    with Client(site.services.user.url) as client:
        client.new_person()
        yield client


def claims_of(client):
    return json.loads(unb64(client.tokens["access_token"].split(".")[1]))


def named(client, **changes):
    claims = claims_of(client)
    told = {"X-User-Id": claims["sub"], "X-User-Role": claims["role"], "X-Session-Id": claims["sid"], **changes}
    return {name: value for name, value in told.items() if value is not None}


def over(path):
    return httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://user", timeout=30)


# ---- through the gateway ----


def test_the_same_is_accepted_in_each_mode(site, person):
    accepted = {}
    for mode, url in site.urls().items():
        for path in (ME, FILMS, "/api/v1/users/me/library"):
            answer = httpx.get(url + path, headers=bearer(person.tokens["access_token"]))
            assert answer.status_code == 200 and answer.headers["x-auth"] == "accepted", (mode, path, answer.text)
        body = httpx.get(url + ME, headers=bearer(person.tokens["access_token"])).json()
        accepted[mode] = body["id"]
        problem(httpx.get(url + ME), 401, "unauthorized")
        assert httpx.get(url + FILMS).status_code == 200
        # Where the gateway checks nothing, the token goes on and the service does.
        assert httpx.get(url + "/api/v1/auth/sessions", headers=bearer(person.tokens["access_token"])).status_code == 200
        problem(httpx.get(url + "/api/v1/auth/sessions", headers=bearer("x")), 401, "unauthorized")
        problem(httpx.get(url + "/api/v1/admin/users", headers=bearer(person.tokens["access_token"])), 403, "forbidden")
    assert set(accepted.values()) == {claims_of(person)["sub"]}


def test_a_forged_word_from_outside_means_nothing(site, person):
    """Over the gateway, over TCP: neither alone nor beside a good token of somebody else."""
    with Client(site.services.user.url) as other:
        other.new_person()
        lies = named(other, **{"X-User-Role": "admin"})
        places = {**site.urls(), "tcp": site.services.user.url}
        for mode, url in places.items():
            for headers in (lies, {name.lower(): value for name, value in lies.items()}, {"X-User-Id": lies["X-User-Id"]},
                            {**lies, "X_User_Id": lies["X-User-Id"]}):
                assert httpx.get(url + ME, headers=headers).status_code == 401, (mode, headers)
                assert httpx.get(url + ME, headers={**headers, **bearer("x")}).status_code == 401, (mode, headers)
                answer = httpx.get(url + ME, headers={**headers, **bearer(person.tokens["access_token"])})
                assert answer.status_code == 200 and answer.json()["id"] == claims_of(person)["sub"], (mode, headers)
                assert httpx.get(url + "/api/v1/admin/users",
                                 headers={**headers, **bearer(person.tokens["access_token"])}).status_code == 403, (mode, headers)


def test_not_one_forged_token_is_accepted_in_any_mode(site, person):
    trap = ThreadingHTTPServer(("127.0.0.1", 0), Trap)
    trap.asked = []
    threading.Thread(target=trap.serve_forever, daemon=True).start()
    forge = Forger(site.services, person, trap)
    cases = [case for case in forge.all() if len(case[1]) < 20000]
    assert len(cases) >= 100
    wrong = []
    with httpx.Client(timeout=30) as client:
        for mode, url in site.urls().items():
            for path in (ME, FILMS):
                for good in (forge.token, forge.with_header(), forge.with_claims(aud=["x", forge.claims["aud"]])):
                    assert client.get(url + path, headers=bearer(good)).status_code == 200, (mode, path)
            # Over the movie service's every third: who refuses is the same module.
            for path, some in ((ME, cases), (FILMS, [case for case in cases[::3] if case[0] not in OF_SESSIONS])):
                for name, token in some:
                    answer = client.get(url + path, headers={b"Authorization": b"Bearer " + token.encode()})
                    if answer.status_code not in (401, 431):
                        wrong.append((mode, path, name, answer.status_code))
    trap.shutdown()
    trap.server_close()
    assert wrong == [] and trap.asked == []


def test_what_the_token_lacks_the_service_judges(site, person):
    """A token that the gateway accepts and cannot put into headers goes on itself."""
    trap = ThreadingHTTPServer(("127.0.0.1", 0), Trap)
    forge = Forger(site.services, person, trap)
    trap.server_close()
    for mode, url in site.urls().items():
        for token in (forge.without_claim("role"), forge.with_claims(role="editor"), forge.with_claims(role="admin\r\nX-User-Role: admin")):
            answer = httpx.get(url + ME, headers=bearer(token))
            assert answer.status_code == 200 and answer.headers["x-auth"] == "accepted", (mode, answer.text)
        for token in (forge.without_claim("sid"), forge.with_claims(sid="a b"), forge.with_claims(sub="x\r\nX-User-Id: y")):
            assert httpx.get(url + ME, headers=bearer(token)).status_code == 401, mode
        # What the row says of the role counts, not what the token does.
        assert httpx.get(url + "/api/v1/admin/users", headers=bearer(forge.with_claims(role="admin"))).status_code == 403


def test_a_session_that_has_ended_is_over_in_each_mode(site):
    tokens = {}
    for mode, url in site.urls().items():
        with Client(url) as person:
            person.new_person()
            token = tokens[mode] = bearer(person.tokens["access_token"])
            assert httpx.get(url + ME, headers=token).status_code == httpx.get(url + FILMS, headers=token).status_code == 200
            assert person.post("/auth/logout").status_code == 204
            problem(httpx.get(url + ME, headers=token), 401, "unauthorized")
    for mode, url in site.urls().items():
        wait_until(lambda url=url, mode=mode: httpx.get(url + FILMS, headers=tokens[mode]).status_code == 401, 6, f"the movie service knows, {mode}")


def test_a_change_of_role_counts_at_once(site):
    """The token goes on saying what it said."""
    with Client(site.services.user.url) as person:
        person.new_person()
        token = bearer(person.tokens["access_token"])
        for role, status in (("admin", 200), ("user", 403)):
            with contextlib.closing(sqlite3.connect(site.services.user.data / "user.db", timeout=20)) as database, database:
                database.execute("UPDATE users SET role = ? WHERE email = ?", (role, person.email))
            for mode, url in site.urls().items():
                answer = httpx.get(url + "/api/v1/admin/users", headers=token)
                assert answer.status_code == status, (mode, role, answer.text)


# ---- at the socket itself ----


WRONG = [{"X-User-Id": None}, {"X-User-Role": None}, {"X-Session-Id": None}, {"X-User-Id": ""}, {"X-User-Role": ""}, {"X-Session-Id": ""},
         {"X-User-Role": "root"}, {"X-User-Role": "Admin"}, {"X-User-Role": "user,admin"}, {"X-User-Role": "user admin"},
         {"X-User-Id": "a b"}, {"X-User-Id": "a,b"}, {"X-User-Id": "x" * 300}, {"X-Session-Id": "x" * 200}, {"X-Session-Id": "' OR 1=1 --"},
         {"Authorization": "Bearer x"}, {"Authorization": ""}, {"Authorization": "Basic YTpi"}]


@pytest.mark.parametrize("way", ["socket", "mtls"])
def test_half_a_word_is_none(site, person, way):
    with (over(site.sockets / "user.sock") if way == "socket" else
          httpx.Client(verify=site.context("gateway"), base_url=f"https://127.0.0.1:{site.tls['user']}", timeout=30)) as client:
        if way == "mtls":
            client._transport._pool._ssl_context.check_hostname = False
        assert client.get(ME, headers=named(person)).json()["id"] == claims_of(person)["sub"]
        for changes in WRONG:
            problem(client.get(ME, headers=named(person, **changes)), 400, "malformed-request")
        for name in HEADERS:
            twice = [*named(person).items(), (name, named(person)[name])]
            problem(client.get(ME, headers=twice), 400, "malformed-request")
        problem(client.get(ME, headers={**named(person), **bearer(person.tokens["access_token"])}), 400, "malformed-request")
        # Somebody else's session, one that is none, and nobody: as with a token that says so.
        with Client(site.services.user.url) as other:
            other.new_person()
            for changes in ({"X-Session-Id": named(other)["X-Session-Id"]}, {"X-Session-Id": "no-such"}, {"X-User-Id": "nobody"}):
                problem(client.get(ME, headers=named(person, **changes)), 401, "unauthorized")
        problem(client.get(ME), 401, "unauthorized")
        problem(client.get(ME, headers=bearer("x")), 401, "unauthorized")
        assert client.get(ME, headers=bearer(person.tokens["access_token"])).status_code == 200
        assert client.get("/api/v1/admin/users", headers=named(person, **{"X-User-Role": "admin"})).status_code == 403


CONNECT = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
try:
    s.connect(sys.argv[1])
    s.sendall(sys.argv[2].encode())
    print(s.recv(100).decode().split("\\r\\n")[0])
except OSError as error:
    print("OSError", error.errno)
"""


def test_another_user_of_this_machine_is_nobody(site, person, tmp_path_factory):
    """The file's mode keeps others off; and where that is open, the kernel's word about who they are."""
    if not IS_ROOT:
        return  # nobody else to be
    folder = tmp_path_factory.mktemp("u")
    folder.chmod(0o755)
    for above in folder.parents:
        if above.owner() == "root" and above != pathlib.Path("/"):
            above.chmod(above.stat().st_mode | 0o011)
        if above.name in ("tmp", "shm"):
            break
    path = folder / "user.sock"
    (folder / "x").mkdir()
    service = Services(folder / "x", TRUSTED_SOCKET=path, TRUSTED_SOCKET_GROUP=4242, TRUSTED_UIDS="4242").user.start()
    request = "GET /readyz HTTP/1.1\r\nHost: x\r\n" + "".join(f"{name}: {value}\r\n" for name, value in named(person).items()) + "\r\n"

    def ask(uid, gid):
        done = subprocess.run(["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "/usr/bin/python3", "-c", CONNECT, path, request],
                              stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.strip()

    assert path.stat().st_mode & 0o7777 == 0o660 and path.stat().st_gid == 4242
    assert ask(4242, 4242) == "HTTP/1.1 200 OK"
    assert ask(4243, 4243) == "OSError 13"
    # Of the group, and another user; root, who is not named here.
    for uid in (4243, 0):
        assert not ask(uid, 4242).startswith("HTTP"), uid
    assert service.stop() == 0 and not path.exists()
    refused = [line for line in service.log_lines() if "not trusted" in line["message"]]
    assert {line["uid"] for line in refused} == {4243, 0}


def test_a_killed_services_socket_is_replaced_and_a_living_ones_never(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("k")  # a socket's path has an end
    (tmp_path / "s").mkdir(mode=0o700)
    path = tmp_path / "s/movie.sock"
    first = Services(tmp_path, TRUSTED_SOCKET=path).movie.start()
    (tmp_path / "b").mkdir()
    second = Services(tmp_path / "b", TRUSTED_SOCKET=path).movie
    second.start(wait=False)
    assert second.process.wait(30) == 69 and "another process listens on TRUSTED_SOCKET" in second.tail()
    second.process = None
    with over(path) as client:
        assert client.get("/livez").status_code == 200
    first.kill()
    assert path.exists()
    second.start()
    with over(path) as client:
        assert client.get("/livez").status_code == 200
    assert second.stop() == 0 and not list(path.parent.iterdir())


# ---- certificates ----


def test_no_certificate_or_anothers_is_no_connection(site, person):
    request = ("GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + "".join(f"{n}: {v}\r\n" for n, v in named(person).items()) + "\r\n").encode()

    def ask(certificate, version=None):
        context = site.context(certificate)
        context.check_hostname = False
        if version:
            context.maximum_version = version
        received = b""
        try:
            with socket.create_connection(("127.0.0.1", site.tls["user"]), timeout=10) as raw, context.wrap_socket(raw) as connection:
                connection.sendall(request)
                while part := connection.recv(65536):
                    received += part
        except (ssl.SSLError, ConnectionError):
            pass
        return received

    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert raw_answers(ask("gateway", version))[0].status_code == 200
        for certificate in (None, "movie", "user"):
            assert ask(certificate, version) == b"", (certificate, version)


@pytest.mark.parametrize("setting, value, word", [
    ("TRUSTED_CERTIFICATE_FILE", "/no/such/file", "cannot be read"), ("TRUSTED_KEY_FILE", "user.key", "not the certificate's"),
    ("TRUSTED_CA_FILE", "movie.key", "no certificate"), ("TRUSTED_SOCKET", "/no/such/folder/x.sock", "is not there")])
def test_a_bad_file_is_named(site, tmp_path, setting, value, word):
    service = Services(tmp_path, **site.trusted("movie")).movie
    service.settings.update({"TRUSTED_LISTEN": f"127.0.0.1:{free_port()}", "TRUSTED_SOCKET": tmp_path / "x.sock",
                             setting: value if value.startswith("/") else site.folder / "tls" / value})
    service.start(wait=False)
    assert service.process.wait(60) == 69
    service.process = None
    alert, = [line for line in service.log_lines() if line["level"] == "alert"]
    assert word in json.dumps(alert) and setting in json.dumps(alert)


# ---- ./cinesync up ----


@pytest.mark.parametrize("mode", ["socket", "mtls"])
def test_up_by_one_setting(tmp_path, mode):
    whole = System(tmp_path / "v", GATEWAY_TRUST=mode)
    try:
        whole.up()
        with Client(whole.url) as person:
            person.new_person()
            assert person.get("/users/me").status_code == 200 and person.get("/movies/search?query=casablanca").status_code == 200
            _, user = whole.part("user")
            assert httpx.get(user + ME, headers=named(person)).status_code == 401
            assert httpx.get(whole.url + ME, headers=named(person)).status_code == 401
            assert person.post("/auth/logout").status_code == 204
            problem(person.get("/users/me"), 401, "unauthorized")
        lines = [line for line in whole.log_lines("user") if line.get("message") == "ready"]
        assert lines
        assert "believed about who asks" in whole.log_text("user") and "believed about who asks" in whole.log_text("movie")
    finally:
        whole.down()
    assert not (tmp_path / "v/sockets").exists()


def test_up_refuses_a_mode_that_is_none(tmp_path):
    done = System(tmp_path / "v", GATEWAY_TRUST="yes").run("up", "--detach", "--no-install", "--data", tmp_path / "v", check=False)
    assert done.returncode == 78 and "GATEWAY_TRUST=yes: must be none, socket or mtls" in done.stdout
