"""A real nginx with the gateway's module and a configuration of the test's own, and an upstream that tells what it was sent."""
import collections
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from harness import BUILD, STARTED, assert_clean, base_environment, free_port, wait_until
from test_forged_tokens import jwk_of, signed

NGINX = "/usr/sbin/nginx"
MODULE = BUILD / "src/gateway/ngx_http_cinesync_module.so"
PRELOAD = BUILD / "src/gateway/preload"

CONFIG = """
{load}
daemon off;
user root;
worker_processes {workers};
pid nginx.pid;
error_log stderr info;
events {{ worker_connections 512; }}
http {{
	access_log off;
	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	{http}
	server {{
		listen 127.0.0.1:{port};
		{server}
	}}
}}
"""


def environment(**settings):
    """nginx itself has no sanitizers: their library comes first by hand."""
    found = base_environment(**settings)
    found["TZ"] = "UTC"
    if PRELOAD.exists():
        found["LD_PRELOAD"] = PRELOAD.read_text().strip()
        found["ASAN_OPTIONS"] += ":detect_leaks=0"
    return found


class Nginx:
    def __init__(self, folder, http="", server="", workers=1, module=True, **settings):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.folder / "nginx.log"
        self.settings = settings
        self.process = None
        load = f'load_module "{MODULE}";' if module else ""
        self.write = lambda http=http, server=server: (self.folder / "nginx.conf").write_text(
            CONFIG.format(load=load, workers=workers, http=http, server=server, port=self.port))
        self.write()

    def command(self, *more):
        return [NGINX, *more, "-e", "stderr", "-p", f"{self.folder}/", "-c", f"{self.folder}/nginx.conf"]

    def check(self):
        """(exit code, what it says) of `nginx -t`."""
        done = subprocess.run(self.command("-t"), env=environment(**self.settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=60, check=False)
        return done.returncode, done.stdout

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), env=environment(**self.settings), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        STARTED.append(self.process)
        wait_until(self.answers, 30, "nginx answers")
        return self

    def answers(self):
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            httpx.get(self.url + "/started", timeout=2)
        except httpx.HTTPError:
            return False
        return True

    def workers(self):
        """The process ids of the workers that serve, or end."""
        return workers_of(self.process)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self, how=signal.SIGQUIT):
        self.process.send_signal(how)
        code = self.process.wait(30)
        text = self.log.read_text(errors="replace")
        assert_clean(text)
        # A test may have killed one, with a lock in its hand.
        wrong = [line for line in text.splitlines() if ("[alert]" in line or "[emerg]" in line)
                 and not line.endswith("exited on signal 9") and not re.search(r'zone "cinesync_status" was locked by \d+$', line)]
        assert not wrong, wrong[:20]
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, *error):
        if error[0] is None:
            assert self.stop() == 0
        elif self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


def workers_of(master):
    """The process ids of an nginx's children."""
    children = pathlib.Path(f"/proc/{master.pid}/task/{master.pid}/children").read_text()
    return [int(pid) for pid in children.split()]


class Upstream:
    """Answers with the head it was sent, as JSON, and remembers it. /status/N answers N, /slow waits, /large is long."""

    def __init__(self):
        self.seen = collections.deque(maxlen=100000)
        self.slow = threading.Event()
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                head = {"method": self.command, "path": self.path, "headers": [list(pair) for pair in self.headers.items()]}
                upstream.seen.append(head)
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path.startswith("/slow"):
                    upstream.slow.wait(20)
                body = json.dumps(head).encode() + b" " * (300000 if self.path.startswith("/large") else 0)
                status = int(self.path.split("/")[2]) if self.path.startswith("/status/") else 200
                self.send_response(status)
                self.send_header("Content-Length", str(0 if status == 304 else len(body)))
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                if self.command != "HEAD" and status != 304:
                    self.wfile.write(body)

            do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_GET

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.slow.set()
        self.server.shutdown()
        self.server.server_close()


def publish(path, text):
    """As a publisher of keys does: written beside, renamed."""
    beside = pathlib.Path(f"{path}.new")
    beside.write_text(text)
    os.replace(beside, path)
    return time.monotonic()


class Issuer:
    """Signs tokens by keys of its own and publishes their public halves in a file."""

    def __init__(self, folder):
        self.path = folder / "jwks.json"
        self.keys = {}
        self.add("first")

    def add(self, kid):
        self.keys[kid] = ec.generate_private_key(ec.SECP256R1())
        self.publish()

    def publish(self):
        publish(self.path, json.dumps({"keys": [{**jwk_of(key), "kid": kid, "alg": "ES256", "use": "sig"} for kid, key in self.keys.items()]}))

    def token(self, kid="first", key=None, **changes):
        now = int(time.time())
        claims = {"iss": "cinesync", "aud": "cinesync", "sub": "anna", "client_id": "web", "jti": os.urandom(8).hex(), "sid": "s-1",
                  "role": "user", "iat": now, "exp": now + 600, **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        return signed(key or self.keys[kid], {"alg": "ES256", "kid": kid, "typ": "at+jwt"}, claims)


def bearer(token):
    return {"Authorization": "Bearer " + token}


def proxy(upstream, more=""):
    return f"location / {{ {more} proxy_pass http://{upstream.address}; }}"


def sent(answer):
    """The headers that the upstream got, by lower-case name: a list of values each."""
    found = {}
    for name, value in answer.json()["headers"]:
        found.setdefault(name.lower(), []).append(value)
    return found


def told(collector):
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}


GOOD = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
PASS_ON = "proxy_set_header traceparent $cinesync_traceparent; proxy_set_header tracestate $cinesync_tracestate;"


def traced(tmp_path, collector, upstream, server="", http="", **more):
    return Nginx(tmp_path / "nginx", http=f"cinesync_trace on; {PASS_ON} upstream back {{ server {upstream.address}; keepalive 4; }} {http}",
                 server=server or "location / { proxy_pass http://back; }", **told(collector), **more)
