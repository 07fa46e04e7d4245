"""The gateway by HTTPS: what it speaks, whose certificate it shows, what is refused; and that nothing else changes by it."""
import datetime
import ipaddress
import json
import os
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from harness import BUILD, ROOT, STARTED, System, assert_clean, base_environment, free_port, mails, metric, problem, wait_until
from nginx_harness import NGINX, Upstream, sent, told, workers_of
from otlp_harness import Collector

RUN = ROOT / "deploy" / "gateway" / "run"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, RST_STREAM, SETTINGS, GOAWAY = 1, 3, 4, 7


def made(folder, name, days=90, passphrase=None):
    """A certificate for localhost that ends in so many days, and its key: their files."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.datetime.utcnow()
    built = x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number(), now - datetime.timedelta(days=100),
                                    now + datetime.timedelta(days=days)).add_extension(names, critical=False)
    pem = serialization.Encoding.PEM
    hidden = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    (folder / f"{name}.pem").write_bytes(built.sign(key, hashes.SHA256()).public_bytes(pem))
    (folder / f"{name}.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, hidden))
    return folder / f"{name}.pem", folder / f"{name}.key"


def share_of(folder):
    """What deploy/gateway/run finds under /usr/share/cinesync where it is installed."""
    for name in ("deploy/shell", "src/gateway", "web", "build"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(ROOT / name if name != "build" else BUILD, folder / name)
    return folder


class Gateway:
    """deploy/gateway/run, as in a container, before an upstream that tells what it was sent."""

    def __init__(self, folder, upstream, collector):
        self.folder, self.port, self.plain_port, self.status_port = folder, free_port(), free_port(), free_port()
        self.state = folder / "state"
        self.url = f"https://localhost:{self.port}"
        self.certificate = self.state / "tls" / "certificate.pem"
        self.log = folder / "log"
        self.environment = base_environment(
            CINESYNC_SHARE=share_of(folder / "share"), CINESYNC_STATE=self.state, GATEWAY_TLS="on", GATEWAY_PORT=self.port,
            GATEWAY_HTTP_PORT=self.plain_port, GATEWAY_STATUS_LISTEN=f"127.0.0.1:{self.status_port}", GATEWAY_WORKERS=1, GATEWAY_AUTH_RATE=100000,
            MOVIE_ADDRESS=upstream.address, USER_ADDRESS=upstream.address, **told(collector))
        self.process = None

    def start(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([RUN], env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        STARTED.append(self.process)
        wait_until(lambda: self.run("health").returncode == 0, 30, "it is well")
        return self

    def run(self, word, **settings):
        return subprocess.run([RUN, word], env={**self.environment, **settings}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)

    def reload(self, **settings):
        """Whoever is asked from now on has read everything again: those of before accept for a moment yet."""
        before = set(workers_of(self.process))
        done = self.run("reload", **settings)
        assert done.returncode == 0, done.stdout
        wait_until(lambda: (now := set(workers_of(self.process))) and not now & before, 30, "other workers")

    def curl(self, path, *more, cacert=None):
        """(answer, HTTP version) of curl, which trusts the certificate and no other."""
        done = subprocess.run(["curl", "-s", "-i", "--path-as-is", "--cacert", cacert or self.certificate, "-w", "\n%{http_version}", *more, self.url + path],
                              stdout=subprocess.PIPE, check=True)
        text, _, version = done.stdout.decode("latin-1").rpartition("\n")
        head, _, body = text.partition("\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.split("\r\n")[1:]]
        return httpx.Response(int(head.split(" ")[1]), headers=lines, content=body.encode("latin-1")), version

    def shown(self):
        return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", self.port)).encode())

    def connect(self, alpn=(), session=None, **settings):
        context = ssl.create_default_context(cafile=self.certificate)
        context.set_alpn_protocols(list(alpn))
        if "ciphers" in settings:
            context.set_ciphers(settings["ciphers"])
        context.minimum_version = settings.get("least", ssl.TLSVersion.TLSv1_2)
        context.maximum_version = settings.get("most", ssl.TLSVersion.MAXIMUM_SUPPORTED)
        self.context = session.context if session else context
        return self.context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=10), server_hostname="localhost",
                                        session=session.session if session else None)


@pytest.fixture(scope="module")
def collector():
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, collector):
    with Upstream() as upstream:
        running = Gateway(tmp_path_factory.mktemp("tls"), upstream, collector).start()
        yield running
        running.process.send_signal(signal.SIGQUIT)
        assert running.process.wait(20) == 0
        assert_clean(running.log.read_text(errors="replace"))


# ---- the made certificate ----


def test_the_made_certificate_is_for_this_machine_alone(gateway):
    found = gateway.shown()
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert sorted(map(str, names.get_values_for_type(x509.IPAddress))) == ["127.0.0.1", "::1"]
    basic = found.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical and not basic.value.ca
    usage = found.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_cert_sign
    assert list(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert isinstance(found.public_key(), ec.EllipticCurvePublicKey) and found.public_key().curve.name == "secp256r1"
    assert found.not_valid_after - found.not_valid_before <= datetime.timedelta(days=397)
    assert stat.S_IMODE((gateway.state / "tls" / "key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((gateway.state / "tls").stat().st_mode) == 0o700
    assert "strict-transport-security" not in gateway.curl("/healthz")[0].headers


# ---- what is spoken ----


@pytest.mark.parametrize("settings", [{"most": ssl.TLSVersion.TLSv1_1, "least": ssl.TLSVersion.TLSv1, "ciphers": "DEFAULT@SECLEVEL=0"},
                                      {"most": ssl.TLSVersion.TLSv1_2, "ciphers": "AES128-SHA:AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA"}],
                         ids=["TLS 1.1", "weak ciphers"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_old_is_refused(gateway, settings):
    with pytest.raises(ssl.SSLError, match="ALERT"):
        gateway.connect(**settings)


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_what_is_new_is_spoken_and_resumed(gateway, version):
    word = getattr(ssl.TLSVersion, version.replace(".", "_"))
    for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)):
        with gateway.connect(offered, least=word, most=word) as connection:
            assert (connection.version(), connection.selected_alpn_protocol()) == (version, chosen)
    with gateway.connect(least=word, most=word) as first:
        first.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        while first.recv(65536):  # TLS 1.3 tells of the session when it is set up
            pass
        with gateway.connect(session=first, least=word, most=word) as second:
            assert second.session_reused


def frames(data):
    """(kind, flags, stream, payload) of what a server sent by HTTP/2."""
    while len(data) >= 9:
        size = int.from_bytes(data[:3], "big")
        yield data[3], data[4], int.from_bytes(data[5:9], "big"), data[9:9 + size]
        data = data[9 + size:]


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def test_streams_are_few_and_those_taken_back_are_counted(gateway):
    """Rapid reset: whoever opens streams and takes them back has to connect again."""
    ask = b"\x82\x87\x84\x41\x09localhost"  # GET, https, /, localhost
    received = b""
    with gateway.connect(["h2"]) as connection:
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0))
        while not any(kind == SETTINGS for kind, *_ in frames(received)):
            received += connection.recv(65536)
        settings = next(payload for kind, _, _, payload in frames(received) if kind == SETTINGS)
        assert {settings[at:at + 6] for at in range(0, len(settings), 6)} >= {b"\x00\x03" + (64).to_bytes(4, "big")}
        with pytest.raises(OSError):  # noqa: PT012
            for begin in range(1, 20001, 100):
                connection.sendall(b"".join(frame(HEADERS, 5, stream, ask) + frame(RST_STREAM, 0, stream, (8).to_bytes(4, "big"))
                                            for stream in range(begin, begin + 100, 2)))
                connection.settimeout(0.01)
                try:
                    while part := connection.recv(65536):
                        received += part
                    raise ConnectionResetError
                except TimeoutError:
                    connection.settimeout(10)
    assert any(kind == GOAWAY for kind, *_ in frames(received))


# ---- all that holds for HTTP/1.1 ----


def test_refusals_are_problems_by_http2_too(gateway):
    gateway.folder.joinpath("large").write_bytes(b"x" * 200000)
    for status, code, path, *more in (
            (431, "header-fields-too-large", "/api/v1/movies/genres", "-H", "Accept: " + "a" * 6200),
            (413, "content-too-large", "/api/v1/auth/login", "-H", "Content-Type: application/json", "--data-binary", f"@{gateway.folder}/large"),
            (400, "malformed-request", "/api/v1/movies/a%2fb"), (404, "not-found", "/api/v1/movies/../../metrics"),
            (400, "malformed-request", "/api/v1/movies/genres", "-H", "User-Agent: a\x01b"), (405, "method-not-allowed", "/docs", "-X", "POST"),
            (404, "not-found", "/metrics")):
        answer, version = gateway.curl(path, *more)
        assert version == "2", (path, answer.text)
        problem(answer, status, code)
        for name in ("x-content-type-options", "content-security-policy", "x-request-id"):
            assert len(answer.headers.get_list(name)) == 1, (path, name)


def test_a_header_over_all_limits_ends_the_connection(gateway):
    """nginx answers no HTTP/2 header longer than its buffers. ("{" is one that HTTP/2 makes longer.)"""
    with pytest.raises(subprocess.CalledProcessError):
        gateway.curl("/api/v1/movies/genres", "-H", "Accept: " + "{" * 9000)
    assert gateway.curl("/healthz")[0].status_code == 200


def test_a_service_is_told_the_same(gateway, collector):
    counted = f"http://127.0.0.1:{gateway.status_port}"
    labels = {"method": "GET", "route": "/api/v1/movies/genres", "status": "200"}
    for protocol, version in (("--http2", "2"), ("--http1.1", "1.1")):
        before = metric(counted, "http_server_request_duration_seconds_count", **labels)
        answer, spoken = gateway.curl("/api/v1/movies/genres?x=y", protocol, "-H", "X-Forwarded-Proto: http", "-H", "X-User-Id: 1")
        assert answer.status_code == 200 and spoken == version
        headers = sent(answer)
        assert headers["x-forwarded-proto"] == ["https"] and headers["host"] == [f"localhost:{gateway.port}"] and "x-user-id" not in headers
        spans = collector.trace(answer.headers["x-request-id"], 2)
        root, = [span for span in spans if span.kind == "server"]
        assert root.attributes["network.protocol.version"] == version and root.attributes["url.scheme"] == "https"
        assert root.attributes["http.route"] == "/api/v1/movies/genres" and root.attributes["server.address"] == "localhost"
        assert metric(counted, "http_server_request_duration_seconds_count", **labels) == before + 1


def test_plain_http_is_sent_away_or_told(gateway):
    same, other = f"http://localhost:{gateway.port}", f"http://127.0.0.1:{gateway.plain_port}"
    answer = httpx.get(same + "/docs?x=y")
    assert (answer.status_code, answer.headers["location"]) == (307, gateway.url + "/docs?x=y")
    answer = httpx.get(other + "/docs?x=y")
    assert (answer.status_code, answer.headers["location"]) == (308, f"https://127.0.0.1:{gateway.port}/docs?x=y")
    for url in (same, other):  # a token was sent for all to read: nobody is helped to do it again
        for answer in (httpx.get(url + "/api/v1/users/me", headers={"Authorization": "Bearer x"}), httpx.post(url + "/docs")):
            assert problem(answer, 400, "malformed-request")["detail"].count("HTTPS") == 1


# ---- whose certificate ----


# The last that uses the gateway: it leaves another certificate behind.
def test_a_reload_renews_what_is_made_and_takes_what_is_ones_own(gateway):
    first, tls = gateway.shown().serial_number, gateway.state / "tls"
    for path, name in zip(made(gateway.folder, "short", 20), ("certificate.pem", "key.pem"), strict=True):
        shutil.copy(path, tls / name)
    gateway.reload()
    renewed = gateway.shown()
    assert renewed.serial_number != first and renewed.not_valid_after - datetime.datetime.utcnow() > datetime.timedelta(days=300)
    assert stat.S_IMODE((tls / "key.pem").stat().st_mode) == 0o600

    pem, key = made(gateway.folder, "own")
    gateway.reload(GATEWAY_TLS_CERTIFICATE_FILE=str(pem), GATEWAY_TLS_KEY_FILE=str(key))
    assert gateway.shown().serial_number == x509.load_pem_x509_certificate(pem.read_bytes()).serial_number
    assert re.fullmatch(r"max-age=\d{8}", gateway.curl("/healthz", cacert=pem)[0].headers["strict-transport-security"])


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """Certificates that will not do."""
    folder = tmp_path_factory.mktemp("bad")
    for name in ("good", "other"):
        made(folder, name)
    made(folder, "ended", -1)
    made(folder, "sealed", passphrase=b"secret")
    (folder / "garbage.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    return folder


@pytest.mark.parametrize("settings, words", [
    ({"GATEWAY_TLS": "maybe"}, "GATEWAY_TLS=maybe: must be on or off"),
    ({"GATEWAY_HTTP3": "yes"}, "GATEWAY_HTTP3=yes: must be on, off or auto"),
    ({"GATEWAY_TLS": "off", "GATEWAY_HTTP_PORT": "1"}, "GATEWAY_HTTP_PORT=1: only with TLS"),
    ({"certificate": "good.pem"}, "set both, or none"),
    ({"certificate": "none.pem", "key": "good.key"}, "none.pem: there is no such file"),
    ({"certificate": "garbage.pem", "key": "good.key"}, "garbage.pem: holds no certificate"),
    ({"certificate": "good.pem", "key": "garbage.pem"}, "garbage.pem: holds no private key"),
    ({"certificate": "good.pem", "key": "sealed.key"}, "without a passphrase"),
    ({"certificate": "good.pem", "key": "other.key"}, "other.key: is not the key of the first certificate in"),
    ({"certificate": "ended.pem", "key": "ended.key"}, "ended.pem: ended on "),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_bad_setting_is_one_clear_line(bad, tmp_path, settings, words):
    names = {"certificate": "GATEWAY_TLS_CERTIFICATE_FILE", "key": "GATEWAY_TLS_KEY_FILE"}
    settings = {names.get(name, name): bad / value if name in names else value for name, value in settings.items()}
    done = subprocess.run([RUN], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, stdin=subprocess.DEVNULL,
                          env=base_environment(**{"CINESYNC_SHARE": share_of(tmp_path / "share"), "CINESYNC_STATE": tmp_path / "state", "GATEWAY_TLS": "on",
                                                  **settings}))
    assert done.returncode == 78 and words in done.stdout and len(done.stdout.splitlines()) == 1, done.stdout


def test_a_later_nginx_is_told_in_its_own_words(tmp_path):
    """HTTP/2 as 1.25 has it, HTTP/3 where nginx was built with it."""
    program = tmp_path / "bin" / "nginx"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\ncase $1 in\n-v) echo "nginx version: nginx/1.26.3" >&2 ;;\n-V) echo "--with-http_v3_module" >&2 ;;\nesac\n')
    program.chmod(0o755)
    environment = base_environment(CINESYNC_SHARE=share_of(tmp_path / "share"), CINESYNC_STATE=tmp_path, GATEWAY_TLS="on", GATEWAY_PORT=8443)
    environment["PATH"] = f"{program.parent}:{environment['PATH']}"

    def lines(**settings):
        subprocess.run([RUN], env={**environment, **settings}, check=True)
        return [" ".join(line.split()) for line in (tmp_path / "nginx" / "nginx.conf").read_text().splitlines() if not line.strip().startswith("#")]

    told_it = lines(GATEWAY_HTTP3="auto")
    assert {"listen 127.0.0.1:8443 default_server backlog=1024 ssl;", "http2 on;", "listen 127.0.0.1:8443 quic reuseport;",
            "add_header Alt-Svc 'h3=\":8443\"; ma=86400' always;", "proxy_set_header Host $host;"} <= set(told_it)
    assert not [line for line in lines() if " quic " in line or "Alt-Svc" in line]  # in a container only where it is asked for


def speaks_http3():
    """Both ends: Debian 13's do."""
    words = subprocess.run([NGINX, "-V"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout
    curl = subprocess.run(["curl", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return "--with-http_v3_module" in words and re.search(r"^Features:.*\bHTTP3\b", curl, re.M)


# What is skipped counts as failed: where it cannot be tried it is no test.
if speaks_http3():
    def test_http3_is_as_the_others(tmp_path):
        """Of its own accord, where nginx has it: what is stored is shared with HTTP/2, who asks is checked, bodies come through."""
        whole = System(tmp_path / "var")
        try:
            whole.up("--tls")
            url = f"https://127.0.0.1:{whole.port}"

            def ask(version, path, *more):
                done = subprocess.run(["curl", "-s", "-i", version, "--cacert", whole.data / "tls" / "certificate.pem", "-w", "\n%{http_version}", *more,
                                       url + path], stdout=subprocess.PIPE, check=True, text=True)
                text, _, spoken = done.stdout.rpartition("\n")
                head, _, body = text.partition("\n\n")
                headers = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:])
                return int(head.split(" ")[1]), headers, body, spoken

            search = "/api/v1/movies/search?query=toy"
            kinds = []
            for version in ("--http3-only", "--http3-only", "--http2", "--http3-only"):
                status, headers, body, spoken = ask(version, search)
                assert status == 200 and json.loads(body)["results"] and spoken == ("2" if version == "--http2" else "3")
                kinds.append(headers["cache-status"].split(";")[1].strip())
            assert kinds == ["fwd=uri-miss", "hit", "hit", "hit"]
            assert ask("--http2", "/")[1]["alt-svc"] == f'h3=":{whole.port}"; ma=86400'
            assert ask("--http3-only", "/api/v1/users/me", "-H", "Authorization: Bearer no.such.token")[0] == 401
            assert ask("--http3-only", search, "-H", "Authorization: Bearer no.such.token")[0] == 401
            body = {"email": "quinn@example.com", "password": "correct horse battery staple", "display_name": "Quinn"}
            status, headers, body, spoken = ask("--http3-only", "/api/v1/auth/register", "--json", json.dumps(body))
            assert (status, spoken) == (201, "3") and json.loads(body)["email"] == "quinn@example.com"
            assert json.loads(ask("--http3-only", "/api/v1/auth/register", "--json", "{}")[2])["code"] == "validation-failed"
        finally:
            whole.down()


def test_up_with_tls(tmp_path):
    """As a person types it: the URL, status, doctor, links in mails, a certificate that ends soon."""
    whole = System(tmp_path / "var")
    try:
        said = whole.up("--tls").stdout
        url = f"https://127.0.0.1:{whole.port}"
        assert f"{url}/docs" in said and whole.part("gateway")[1] == url
        assert re.search(r"^gateway +ready .* https://", whole.run("status", "--data", whole.data).stdout, re.M)
        doctor = whole.run("doctor", "--data", whole.data, "--port", whole.port).stdout
        assert re.search(r"^ok +tls +.*certificate.pem, until ", doctor, re.M) and re.search(r"^ok +running +gateway", doctor, re.M)
        trusted = ssl.create_default_context(cafile=whole.data / "tls" / "certificate.pem")
        body = {"email": "ada@example.com", "password": "correct horse battery staple", "display_name": "Ada"}
        with httpx.Client(verify=trusted) as client:
            assert client.post(f"{url}/api/v1/auth/register", json=body).status_code == 201
        mail = wait_until(lambda: mails(whole.mail, "ada@example.com"), 10, "the mail")[0]
        assert url in mail.get_body(("plain",)).get_content()
        before = ssl.get_server_certificate(("127.0.0.1", whole.port))
        for path, name in zip(made(tmp_path, "short", 5), ("certificate.pem", "key.pem"), strict=True):
            shutil.copy(path, whole.data / "tls" / name)
        assert "FAULT  tls" in whole.run("doctor", "--data", whole.data, "--port", whole.port, check=False).stdout
        assert "reads its certificate" in whole.run("reload", "--data", whole.data).stdout
        wait_until(lambda: ssl.get_server_certificate(("127.0.0.1", whole.port)) != before, 10, "another certificate")
    finally:
        whole.down()
    assert whole.run("reload", "--data", whole.data, check=False).returncode == 3
