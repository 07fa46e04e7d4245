"""Starts and stops the fake TMDB for tests, and throws its switches. Like harness.py, it stops what it started, by its id.

    fake = FakeTmdb(folder).start(rate=40)
    fake.faults(status=503, share=0.5)
    ... TMDB_BASE_URL=fake.url TMDB_TOKEN=fake.token ...
    assert fake.counts()["total"] == 20
    fake.heal()
    fake.stop()
"""
import pathlib
import subprocess
import sys

import httpx

import harness

SERVER = pathlib.Path(__file__).resolve().parent / "tmdb" / "server.py"
READY_S = 30


class FakeTmdb:
    """One fake on a port of its own, which it keeps when it is started again. Also a context manager, once started."""

    token = "demo-token"
    api_key = "0123456789abcdef0123456789abcdef"

    def __init__(self, folder=None):
        self.port = harness.free_port()
        self.log = pathlib.Path(folder) / "tmdb.log" if folder else None
        self.scheme = "http"
        self.process = None
        self.switches = None

    def start(self, tls=None, faults=None, **options):
        """Options are the server's, with low lines: rate=40, max_age=60, framing="length". `tls`: (certificate, key)."""
        assert self.process is None, "the fake runs already"
        arguments = ["--listen", f"127.0.0.1:{self.port}"]
        if tls:
            arguments += ["--tls", *map(str, tls)]
        if faults:
            arguments += ["--faults", httpx.Request("PUT", "http://x", json=faults).content.decode()]
        for name, value in options.items():
            arguments += ["--" + name.replace("_", "-"), str(value)]
        self.scheme = "https" if tls else "http"
        self.process = self.launch(arguments)
        self.token = options.get("token", self.token)
        self.api_key = options.get("api_key", self.api_key)
        self.switches = httpx.Client(base_url=self.base + "/__control", timeout=30, verify=False, trust_env=False)
        return self

    def launch(self, arguments):
        log = open(self.log, "ab") if self.log else subprocess.DEVNULL
        process = subprocess.Popen([sys.executable, SERVER, *arguments], stdout=subprocess.PIPE, stderr=log,
                                   stdin=subprocess.DEVNULL, text=True)
        if self.log:
            log.close()
        line = process.stdout.readline()  # ends with the process at the latest
        if not line.startswith("listening "):
            process.kill()
            process.wait(10)
            raise AssertionError(f"the fake did not start: {line!r}; see {self.log or 'its stderr'}")
        return process

    def stop(self):
        """SIGTERM. The exit code; 0 when it does not run."""
        if self.process is None:
            return 0
        self.switches.close()
        self.process.terminate()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise
        finally:
            self.process.stdout.close()
            self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def base(self):
        """Without a path: for raw sockets and the switches."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def url(self):
        """What TMDB_BASE_URL is set to."""
        return self.base + "/3"

    def switch(self, method, path, **more):
        answer = self.switches.request(method, path, **more)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def faults(self, **faults):
        """These faults and no others: see the README. `change=1` alone changes the content and heals the rest."""
        return self.switch("PUT", "/faults", json=faults)

    def heal(self):
        return self.switch("DELETE", "/faults")

    def state(self):
        return self.switch("GET", "/state")

    def counts(self):
        return self.switch("GET", "/counts")

    def reset_counts(self):
        return self.switch("POST", "/counts/reset")

    def requests(self, last=50):
        return self.switch("GET", "/requests", params={"last": last})

    def total(self, *templates):
        """How many requests it got; only those of these path templates when some are given."""
        counts = self.counts()
        return sum(counts["by_path"].get(one, 0) for one in templates) if templates else counts["total"]

    def get(self, path, **parameters):
        """An authorised question of the test's own; below /3."""
        return httpx.get(self.url + path, params=parameters, headers={"Authorization": "Bearer " + self.token},
                         timeout=10, verify=False, trust_env=False)


def ask_raw(fake, path="/3/movie/39", wait=5, **headers):
    """The bytes that a plain client gets, until the other side closes."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {fake.token}\r\nConnection: close\r\n{lines}\r\n"
    return harness.raw_exchange(fake.base, request.encode(), wait)
