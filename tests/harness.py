"""Starts and stops the real programs for the tests. Nothing here is ever killed by name."""
import collections
import contextlib
import email
import email.header
import email.policy
import email.utils
import http.client
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import httpx

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("CINESYNC_BUILD", ROOT / "build-test")).resolve()
LONG = os.environ.get("TEST_LONG") == "1"
READY_S = 60  # sanitizers are slow to start
PASSWORD = "correct horse battery staple"
# Everybody in the tests comes from one address: the limits on it are none for them.
NO_LIMITS = {name: 1000000 for name in ("LIMIT_LOGINS", "LIMIT_REGISTRATIONS", "LIMIT_REFRESHES", "LIMIT_MAILS", "LIMIT_LINKS",
                                        "LIMIT_PASSWORD_CHECKS", "LIMIT_CODES", "LIMIT_WRITES", "LIMIT_IMPORTS",
                                        "LIMIT_EXPORTS", "LIMIT_RECIPIENT_MAILS")}

NO_GATEWAY_LIMITS = {"GATEWAY_AUTH_RATE": 100000, "GATEWAY_ADDRESS_RATE": "off", "GATEWAY_USER_RATE": "off", "GATEWAY_ADDRESS_CONNECTIONS": "off"}


_ports_given = collections.deque(maxlen=200)


def free_port():
    """A port nobody listens on now, nor was lately given out to listen on. Each test worker has its own thousand, below
    those the kernel and ./cinesync give out by themselves, so that nobody takes it between now and its use, or while its
    service is down."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    for _ in range(100):
        port = 10000 + worker % 9 * 1000 + random.randrange(1000)
        if port in _ports_given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            _ports_given.append(port)
            return port
    raise AssertionError("no free port")


def program(service):
    return BUILD / "src" / service / f"cinesync-{service}"


def base_environment(leaks=LONG, **settings):
    """What a program gets: nothing of the developer's own settings. leaks: whether it looks for leaks when it ends, which takes a third
    of what its start and end cost; all do so in the long run."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    environment["ASAN_OPTIONS"] = f"abort_on_error=1:detect_stack_use_after_return=0:detect_leaks={int(leaks)}"
    environment["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1"
    environment.update({name: str(value) for name, value in settings.items()})
    return environment


def wait_until(condition, seconds, what):
    """Polls until the condition gives something true, which is returned."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def quick_get(url, path, seconds):
    """(status, text). For what is asked again and again: an httpx client takes longer to make than the answer."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=seconds)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def metric(url, name, **labels):
    """The value of one sample of a service's /metrics; 0 when there is none yet."""
    for line in quick_get(url, "/metrics", 10)[1].splitlines():
        head, _, value = line.rpartition(" ")
        if head.split("{")[0] == name and all(f'{label}="{wanted}"' in head for label, wanted in labels.items()):
            return float(value)
    return 0.0


def assert_clean(log):
    """No sanitizer has anything to say in this log."""
    for word in ("ERROR: AddressSanitizer", "LeakSanitizer", "runtime error:"):
        assert word not in log, log[max(0, log.index(word) - 500):][:8000]


def certificate(folder, name):
    """Self-signed, for 127.0.0.1 and localhost: its file, and its key's beside it."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", str(folder / f"{name}.key"),
                    "-out", str(folder / f"{name}.pem")], check=True, stderr=subprocess.DEVNULL)
    os.chmod(folder / f"{name}.key", 0o600)
    return folder / f"{name}.pem"


STARTED = []  # every process of a Service; conftest.py ends what a failed test left


class Service:
    """One service process: start, kill, start again on the same port and data."""

    def __init__(self, name, folder, **settings):
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data = pathlib.Path(folder) / name
        self.log = pathlib.Path(folder) / f"{name}.log"
        self.settings = {"LISTEN": f"127.0.0.1:{self.port}", "DATA_DIR": self.data, "DRAIN_MS": 3000,
                         "CHECK_REPLIES": "true", **settings}
        self.process = None

    def start(self, wait=True, **more):
        assert self.process is None, f"{self.name} runs already"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([program(self.name)], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=base_environment(**{**self.settings, **more}))
        STARTED.append(self.process)
        if wait:
            self.wait_ready()
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            return quick_get(self.url, "/readyz", 2)[0] == 200
        return False

    def wait_ready(self):
        wait_until(self.is_ready, READY_S, f"{self.name} ready")

    def kill(self):
        """SIGKILL: no goodbye."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.process = None

    def stop(self):
        """SIGTERM: drains. The exit code."""
        if self.process is None:
            return 0
        self.process.terminate()
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise
        finally:
            self.process = None
        return code

    def tail(self, size=6000):
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""

    def log_lines(self):
        """Every log line, parsed: one that is no JSON fails the test."""
        return [json.loads(line) for line in self.log.read_text(errors="strict").splitlines()]


class Services:
    """The three services without a gateway, each with its own fate. postgres: a server to have their databases on, in the
    place of files."""

    def __init__(self, folder, postgres=None, **settings):
        self.folder = pathlib.Path(folder)
        common = {"BCRYPT_COST": 4, **NO_LIMITS, "LINK_KEY_FILE": self.folder / "link.key", "OUTBOX_CLAIM_MS": 3000, **settings}
        self.movie = Service("movie", folder, **common)
        databases = [{"DATABASE_URL": postgres.database()} if postgres else {} for _ in range(2)]
        self.notification = Service("notification", folder, **common, **databases[0])
        self.user = Service("user", folder, MOVIE_URL=self.movie.url, NOTIFICATION_URL=self.notification.url, **common,
                            **databases[1])

    def another_user(self, folder):
        """A replica of the user service: the same database, which has to be a server's, and the same key files."""
        shared = {name: value for name, value in self.user.settings.items() if name not in ("DATA_DIR", "LISTEN")}
        pathlib.Path(folder).mkdir()
        return Service("user", folder, **shared)

    def all(self):
        return self.movie, self.notification, self.user

    def start(self):
        for service in self.all():
            service.start(wait=False)
        for service in self.all():
            service.wait_ready()
        return self

    def stop(self):
        return [service.stop() for service in (self.user, self.notification, self.movie)]


class System:
    """The whole of CineSync as `./cinesync up` brings it up."""

    def __init__(self, folder, leaks=LONG, **settings):
        self.data = pathlib.Path(folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # The collector of traces is there for the tests that are about it.
        self.environment = base_environment(leaks=leaks, **{"CINESYNC_BUILD": BUILD, "BCRYPT_COST": 4, "CHECK_REPLIES": "true", "TRACES": "off",
                                                           **NO_LIMITS, **NO_GATEWAY_LIMITS, **settings})

    def run(self, *arguments, check=True, **more):
        done = subprocess.run([ROOT / "cinesync", *map(str, arguments)], env={**self.environment, **more},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180,
                              stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise AssertionError(f"cinesync {arguments} ended with {done.returncode}:\n{done.stdout}")
        return done

    def up(self, *arguments):
        return self.run("up", "--detach", "--no-install", "--data", self.data, "--port", self.port, *arguments)

    def down(self):
        return self.run("down", "--data", self.data)

    def part(self, name):
        """(process id, base URL) of the gateway, a service, or the supervisor (which has an address for a URL)."""
        pid, _, url = (self.data / "run" / name).read_text().split()
        return int(pid), url

    def pids(self):
        """Of all that run; the collector of traces is not always among them."""
        names = ["supervisor", "gateway", "movie", "user", "notification"]
        if (self.data / "run" / "trace").exists():
            names.append("trace")
        return {name: self.part(name)[0] for name in names}

    def log_text(self, name):
        return (self.data / "log" / f"{name}.log").read_text(errors="strict")

    def log_lines(self, name):
        """Every log line of a part, parsed: one that is no JSON fails the test."""
        return [json.loads(line) for line in self.log_text(name).splitlines()]

    @property
    def mail(self):
        return self.data / "notification" / "mail"


class RawAnswer:
    """One HTTP answer as it came: bytes nobody has tidied up."""

    def __init__(self, head, body):
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status_code = int(first.split(" ")[1])
        self.headers = httpx.Headers([tuple(line.split(": ", 1)) for line in lines])
        self.text = body.decode("utf-8")
        self.json = lambda: json.loads(self.text)


def raw_exchange(url, request, wait=5, more=()):
    """Sends these bytes, then reads until the other side closes, or says nothing for `wait` seconds. All that came.
    `more` are further pieces, each sent in a packet of its own."""
    host, _, port = url.removeprefix("http://").partition(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=wait) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            for piece in (request, *more):
                connection.sendall(piece)
            while part := connection.recv(65536):
                received += part
    return received


def raw_answers(received):
    """The answers in these bytes: each is read by its Content-Length, a 204 and a 304 have no body."""
    answers = []
    while received.startswith(b"HTTP/1."):
        head, _, received = received.partition(b"\r\n\r\n")
        length = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        size = int(length[0]) if length else 0
        answers.append(RawAnswer(head, received[:size]))
        received = received[size:]
    return answers


class Client(httpx.Client):
    """A client of the API: relative paths, and a person's tokens once logged in."""

    def __init__(self, base):
        super().__init__(base_url=base + "/api/v1", timeout=30)
        self.base = base
        self.tokens = None
        self.email = None

    def register(self, address, password=PASSWORD, **more):
        self.email = address
        return self.post("/auth/register", json={"email": address, "password": password, **more})

    def log_in(self, address=None, password=PASSWORD):
        answer = self.post("/auth/login", json={"email": address or self.email, "password": password})
        if answer.status_code == 200:
            self.take(answer.json())
        return answer

    def take(self, tokens):
        self.tokens = tokens
        self.headers["Authorization"] = "Bearer " + tokens["access_token"]

    def new_person(self, prefix="person", **more):
        """Registers and logs in somebody nobody has met before."""
        answer = self.register(f"{prefix}-{os.urandom(6).hex()}@example.org", **more)
        assert answer.status_code == 201, answer.text
        assert self.log_in().status_code == 200
        return answer.json()


def problem(answer, status, code):
    """The answer is this problem, complete as RFC 9457 and the contract want it."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status and body["code"] == code, body
    for member in ("type", "title", "detail", "instance", "trace_id"):
        assert isinstance(body[member], str) and body[member], (member, body)
    assert answer.headers["x-request-id"] == body["trace_id"]
    return body


def mails(folder, address=None):
    """The .eml files, parsed, oldest first; only those to the address when one is given."""
    found = []
    for path in sorted(pathlib.Path(folder).glob("*.eml")):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            continue  # forgotten meanwhile, with its reader
        if address is not None and address.encode() not in data:
            continue  # parsing takes long
        mail = email.message_from_bytes(data, policy=email.policy.default)
        # Python 3.11 and 3.12 put a space between the encoded words of a phrase; the older interface does not.
        name, mail.to_address = email.utils.parseaddr(email.message_from_bytes(data)["to"])
        mail.to_name = str(email.header.make_header(email.header.decode_header(name)))
        if address is None or mail.to_address == address:
            found.append(mail)
    return found


def mail_body(mail, kind):
    """The text of one of the mail's bodies, "plain" or "html", with plain line ends."""
    return mail.get_body((kind,)).get_content().replace("\r\n", "\n")
