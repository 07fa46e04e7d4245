"""Public keys for a gateway that has no file in common with the user service: fetched, kept through every fault, renewed in time."""
import http.server
import json
import os
import re
import signal
import subprocess
import threading
import time

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from harness import BUILD, NO_LIMITS, ROOT, STARTED, Client, Service, assert_clean, base_environment, wait_until
from nginx_harness import Issuer, Nginx, Upstream, bearer, proxy
from test_forged_tokens import jwk_of
from test_keys import command, kid_of

PROGRAM = BUILD / "src" / "gateway" / "cinesync-keys"
GOOD = json.dumps({"keys": [{**jwk_of(ec.generate_private_key(ec.SECP256R1())), "kid": "one", "alg": "ES256", "use": "sig"}]}).encode()
OTHER = GOOD.replace(b'"one"', b'"two"')


class Source:
    """In the user service's place: answers as it is told to, and counts."""

    def __init__(self):
        self.mode, self.body, self.asked, self.hung = "good", GOOD, [], threading.Event()
        source = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                source.asked.append(self.headers.get("If-None-Match"))
                getattr(source, source.mode.replace(" ", "_"))(self)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def say(self, mode, rounds=2):
        """Answers so from now on, and goes on when that was heard."""
        self.mode, seen = mode, len(self.asked)
        wait_until(lambda: len(self.asked) >= seen + rounds + 1, 20, f"asked again while {mode}")

    def send(self, handler, status, body, length=None, **headers):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    def good(self, handler):
        etag = f'"{hash(self.body)}"'
        if handler.headers.get("If-None-Match") == etag:
            self.send(handler, 304, b"", ETag=etag)
        else:
            self.send(handler, 200, self.body, ETag=etag)

    def fault(self, handler):
        self.send(handler, 500, OTHER)

    def never_asked_for(self, handler):
        self.send(handler, 304, b"")

    def elsewhere(self, handler):
        self.send(handler, 302, OTHER, Location=self.url)

    def garbage(self, handler):
        self.send(handler, 200, b"<html>keys</html>")

    def no_keys(self, handler):
        self.send(handler, 200, b'{"keys":[]}')

    def half(self, handler):
        self.send(handler, 200, OTHER[:50], len(OTHER))

    def half_without_a_length(self, handler):
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + OTHER[:50])

    def too_much(self, handler):
        self.send(handler, 200, OTHER + b" " * (64 << 10))

    def hang(self, handler):
        self.hung.wait(30)

    def drip(self, handler):
        self.send(handler, 200, b" ", len(OTHER))
        while not self.hung.wait(0.05) and self.mode == "drip":
            handler.wfile.write(b" ")

    def close(self):
        self.hung.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def source():
    running = Source()
    yield running
    running.close()


class Keeper:
    """cinesync-keys, in a hurry."""

    def __init__(self, folder, url, **settings):
        self.file, self.log = folder / "keys" / "jwks.json", folder / "keys.log"
        self.environment = base_environment(**{"KEYS_URL": url, "GATEWAY_JWKS_FILE": self.file, "KEYS_INTERVAL_MS": 100, "KEYS_TIMEOUT_MS": 200, **settings})

    def __enter__(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([PROGRAM], env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        STARTED.append(self.process)
        return self

    def __exit__(self, *error):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0
        assert_clean(self.log.read_text())

    def has(self, body):
        wait_until(lambda: self.file.exists() and self.file.read_bytes() == body, 20, "the file has these keys")

    def state(self):
        """What a reader tells a change by."""
        return self.file.stat().st_ino, self.file.stat().st_mtime_ns, self.file.read_bytes()

    def said(self, message):
        return [line for line in map(json.loads, self.log.read_text().splitlines()) if line["message"] == message]


FAULTS = {"fault": "the answer is 500", "elsewhere": "the answer is 302", "garbage": "the answer is no key set", "no keys": "the answer is no key set",
          "half": " bytes ", "half without a length": "the answer is no key set", "too much": "", "hang": "timed out", "drip": "timed out"}


def test_no_fault_takes_keys_away(tmp_path, source):
    with Keeper(tmp_path, source.url) as keeper:
        keeper.has(GOOD)
        assert keeper.file.stat().st_mode & 0o777 == 0o644
        before = keeper.state()
        source.say("good")
        assert source.asked[-1] and keeper.state() == before  # asked with the ETag, and left alone
        for mode, reason in FAULTS.items():
            source.say(mode)
            said = wait_until(lambda: keeper.said("keys not fetched; those at hand stay"), 10, mode)[-1]
            assert keeper.state() == before and reason.lower() in said["reason"].lower(), (mode, said)
            source.say("good", 1)
            assert keeper.state() == before
        source.body = OTHER
        keeper.has(OTHER)
        assert sorted(os.listdir(keeper.file.parent)) == ["jwks.json"]
        keeper.file.unlink()  # by whoever emptied the folder
        keeper.has(OTHER)
    faults = keeper.said("keys not fetched; those at hand stay")
    assert len(faults) <= 3 * len(FAULTS) and {line["level"] for line in faults} == {"warning"}  # said once, not every round


def test_old_keys_are_told(tmp_path, source):
    source.mode = "never asked for"
    with Keeper(tmp_path, source.url, KEYS_OLD_S=1) as keeper:
        line = wait_until(lambda: keeper.said("the keys are old"), 20, "that they are old")[0]
        assert line["level"] == "error" and line["seconds"] >= 1 and line["reason"] == "the answer is 304" and not keeper.file.exists()
        source.say("good")
        keeper.has(GOOD)
        source.say("hang", 0)
        begin = time.monotonic()
        keeper.process.send_signal(signal.SIGQUIT)  # what stops the gateway's image
        assert keeper.process.wait(20) == 0 and time.monotonic() - begin < 15
    assert keeper.said("stopped")


@pytest.mark.parametrize("settings, words", [({"GATEWAY_JWKS_FILE": ""}, "GATEWAY_JWKS_FILE is not set"), ({"GATEWAY_JWKS_FILE": "keys"}, "begins with /"),
                                             ({"KEYS_URL": "ftp://x"}, "KEYS_URL"), ({"KEYS_URL": "http://u:hunter2@x"}, "KEYS_URL"),
                                             ({"KEYS_INTERVAL_MS": "0"}, "KEYS_INTERVAL_MS")])
def test_a_bad_setting(tmp_path, settings, words):
    done = subprocess.run([PROGRAM], env=Keeper(tmp_path, "http://127.0.0.1:1", **settings).environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 78 and words in done.stdout and len(done.stdout.splitlines()) == 1, done.stdout


def test_its_settings_are_in_the_papers():
    printed = subprocess.run([PROGRAM, "--print-settings"], env=base_environment(), stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = (ROOT / "src" / "gateway" / "README.md").read_text().split("## Keys where")[1]
    assert re.findall(r"^\| `([A-Z_]+)`", printed, re.M) == re.findall(r"^\| `([A-Z_]+)`", rows, re.M)


def test_once(tmp_path, source):
    keeper = Keeper(tmp_path, source.url)
    for mode, code in (("good", 0), ("garbage", 1)):
        source.mode = mode
        assert subprocess.run([PROGRAM, "--once"], env=keeper.environment, stdout=subprocess.DEVNULL, check=False).returncode == code
        assert keeper.file.read_bytes() == GOOD


def test_a_rotation_reaches_the_gateway(tmp_path):
    """The real user service, which is away for a while, and the real gateway, which refuses forgeries all the time."""
    user = Service("user", tmp_path, BCRYPT_COST=4, **NO_LIMITS).start()
    keeper = Keeper(tmp_path, user.url + "/api/v1/auth/.well-known/jwks.json", KEYS_TIMEOUT_MS=5000)
    forgery = Issuer(tmp_path).token()
    server = "cinesync_auth required; add_header X-Auth $cinesync_auth always;"
    try:
        with keeper, Upstream() as upstream, Client(user.url) as person:
            wait_until(keeper.file.exists, 20, "the keys")
            with Nginx(tmp_path / "nginx", http=f"cinesync_jwks {keeper.file};", server=f"{server} {proxy(upstream)}") as nginx:
                def accepted(token):
                    return httpx.get(nginx.url, headers=bearer(token)).headers["x-auth"] == "accepted"

                person.new_person()
                old = person.tokens["access_token"]
                assert accepted(old) and not accepted(forgery)
                user.stop()
                assert command(user, "rotate", "--now").returncode == 0
                assert accepted(old) and not accepted(forgery)
                user.start()
                person.log_in()
                new = person.tokens["access_token"]
                assert kid_of(new) != kid_of(old)
                wait_until(lambda: accepted(new), 10, "the gateway knows the new key")
                assert accepted(old) and not accepted(forgery)
    finally:
        user.stop()
