"""The gateway with its real configuration, before a service that answers as a test wants it to."""
import collections
import http.server
import os
import subprocess
import threading

import httpx
from harness import BUILD, ROOT, STARTED, assert_clean, free_port, wait_until
from nginx_harness import environment

PUBLIC = "public, max-age=3600"


class Films:
    """A movie service. `answers` says what a path is answered with: (status, {header: value}, body), or None to hang up. What it does
    not name is 200, for everybody, with its path for a body. It knows If-None-Match."""

    def __init__(self):
        self.answers = {}
        self.seen = collections.deque(maxlen=10000)
        self.go = threading.Event()  # /slow waits for it
        films = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                films.seen.append((self.command, self.path, dict(self.headers.items())))
                if "/slow" in self.path:
                    films.go.wait(30)
                found = films.answers.get(self.path, (200, {}, self.path))
                if not found:
                    self.close_connection = True
                    return
                status, headers, body = found
                headers = {"Cache-Control": PUBLIC, "ETag": f'"{hash(body)}"', "X-Request-Id": "0" * 32, "X-Cache": "MISS",
                           "Server-Timing": "total;dur=1.5", "Content-Type": "application/json", **headers}
                if status == 200 and self.headers.get("If-None-Match") == headers["ETag"]:
                    status, body = 304, ""
                self.send_response(status)
                for name, value in headers.items():
                    for one in [value] if isinstance(value, str) else value:
                        self.send_header(name, one)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body.encode())

            do_HEAD = do_POST = do_GET

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def asked(self, path):
        """The headers of each request for it, in order."""
        return [headers for _, seen, headers in self.seen if seen == path]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.go.set()
        self.server.shutdown()
        self.server.server_close()


class Gateway:
    """`deploy/gateway/run`, as a container starts it."""

    def __init__(self, folder, movie, user=None, **settings):
        """movie, user: the addresses of the services; without a user service the other one is asked."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("deploy/shell", "src/gateway", "web", "build"):
            (folder / "share" / name).parent.mkdir(parents=True, exist_ok=True)
            os.symlink(BUILD if name == "build" else ROOT / name, folder / "share" / name)
        port, status = free_port(), free_port()
        self.state = folder / "state"
        self.url, self.status = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{status}"
        self.api = self.url + "/api/v1"
        self.log = folder / "gateway.log"
        self.environment = environment(CINESYNC_SHARE=folder / "share", CINESYNC_STATE=self.state, GATEWAY_PORT=port, GATEWAY_WORKERS=1,
                                       GATEWAY_STATUS_LISTEN=f"127.0.0.1:{status}", MOVIE_ADDRESS=movie, USER_ADDRESS=user or movie,
                                       **settings)
        self.environment.pop("LD_PRELOAD", None)  # it says so itself, to nginx alone
        self.process = None

    def refuses(self):
        """What it says instead of starting, with exit code 78."""
        done = subprocess.run([ROOT / "deploy/gateway/run"], env=self.environment, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        assert done.returncode == 78, (done.returncode, done.stderr)
        return done.stderr

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([ROOT / "deploy/gateway/run"], env=self.environment, stdout=log, stderr=log)
        STARTED.append(self.process)
        wait_until(self.answers, 30, "the gateway answers")
        return self

    def answers(self):
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            return httpx.get(self.url + "/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def __exit__(self, *error):
        self.process.terminate()
        assert self.process.wait(30) == 0
        assert_clean(self.log.read_text(errors="replace"))
