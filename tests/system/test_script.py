"""./cinesync as a person types it: up, down, status, logs, doctor, and what it says when something is in the way."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import httpx
import pytest
from harness import BUILD, ROOT, Client, System, assert_clean, base_environment, free_port, wait_until

PARTS = ("gateway", "movie", "user", "notification")
ALL_PARTS = (*PARTS, "trace")  # the collector, without which the others go on: see test_trace_script.py


def lives(pid):
    """A process that has ended but whose end nobody has asked for is dead too."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):  # before the file was opened, or after
        return False


class Foreground:
    """`./cinesync up` in a terminal's place: its output is gathered while it runs."""

    def __init__(self, system, *arguments):
        self.system, self.said = system, ""
        self.process = subprocess.Popen(
            [ROOT / "cinesync", "up", "--no-install", "--data", str(system.data), "--port", str(system.port), *arguments],
            env=system.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
            # Whoever runs the tests in the background has Ctrl-C ignored, and so would a child have it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.said += line

    def wait_ready(self):
        def ready():
            assert self.process.poll() is None, self.said
            return "Ctrl-C stops it" in self.said
        wait_until(ready, 60, "ready")
        return self

    def end(self, seconds):
        code = self.process.wait(seconds)
        self.reader.join(5)
        return code


@pytest.fixture
def fresh(tmp_path):
    """A CineSync that is not running yet, in a folder with a space in its name."""
    whole = System(tmp_path / "a folder" / "var", TRACES="auto")
    yield whole
    whole.down()
    with contextlib.suppress(FileNotFoundError):
        for path in (whole.data / "log").glob("*.log"):
            assert_clean(path.read_text(errors="replace"))


def test_up_down_and_up_again(fresh):
    said = fresh.up().stdout
    assert re.search(r"CineSync is ready in \d+ ms", said)
    for word in (f"{fresh.url}/", f"{fresh.url}/api/v1/openapi.json", f"{fresh.url}/docs", str(fresh.data), "embedded (SQLite)",
                 "nginx", "in-process"):
        assert word in said, said
    with Client(fresh.url) as client:
        profile = client.new_person("stays")
        movie_id = client.get("/movies/search", params={"query": "inception"}).json()["results"][0]["id"]
        assert client.post("/users/me/favorites", json={"movie_id": movie_id}).status_code == 201
    pids = fresh.pids()
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        assert all(map(lives, pids.values()))
        assert fresh.down().stdout == "stopped\n"
        assert not any(map(lives, pids.values())) and bystander.poll() is None  # all of its own, and nothing else
    finally:
        bystander.kill()
        bystander.wait()
    assert not [path.name for path in (fresh.data / "run").iterdir() if path.name in (*ALL_PARTS, "supervisor")]
    with pytest.raises(httpx.ConnectError):
        httpx.get(fresh.url)

    fresh.up()  # the state is there, the tokens are good
    with Client(fresh.url) as client:
        client.email = profile["email"]
        assert client.log_in().status_code == 200 and client.get("/users/me").json() == profile
        assert client.get("/users/me/favorites").json()["results"][0]["movie_id"] == movie_id
    assert (fresh.data.stat().st_mode & 0o777) == 0o700


def test_up_twice(fresh):
    fresh.up()
    before = fresh.pids()
    done = fresh.run("up", "--detach", "--no-install", "--data", fresh.data, "--port", free_port(), check=False)
    assert (done.returncode, done.stdout.count("\n")) == (69, 1)
    assert "already running" in done.stdout and str(fresh.data) in done.stdout and str(before["supervisor"]) in done.stdout
    assert fresh.pids() == before and httpx.get(fresh.url + "/healthz").status_code == 200


def test_down_when_nothing_runs(fresh):
    for _ in range(2):
        assert "not running" in fresh.down().stdout
    assert not fresh.data.exists()


def test_a_taken_port(fresh):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", fresh.port))
        taken.listen()
        done = fresh.run("up", "--detach", "--no-install", "--data", fresh.data, "--port", fresh.port, check=False)
    assert (done.returncode, done.stdout.count("\n")) == (69, 1)
    assert f"port {fresh.port} is taken" in done.stdout and str(os.getpid()) in done.stdout and "--port" in done.stdout


@pytest.mark.parametrize("arguments, code, word", [
    (["up", "--port", "x"], 78, "--port x"), (["up", "--port", "0"], 78, "--port 0"), (["up", "--port", "65536"], 78, "--port 65536"),
    (["up", "--data"], 64, "--data"), (["up", "--port", ""], 78, "--port"), (["up", "--listen", "nowhere"], 78, "--listen nowhere"),
    (["up", "--listen", "1.2.3"], 78, "--listen"), (["up", "--data", ""], 64, "--data"), (["up", "--nope"], 64, "--nope"), (["up", "x"], 64, "x"),
    (["nope"], 64, "nope"), (["down", "--port", "1"], 64, "--port"), (["logs", "nobody"], 64, "nobody"), (["test", "nothing"], 64, "nothing"),
])
def test_a_bad_word(fresh, arguments, code, word):
    data = [] if "--data" in arguments or arguments[0] in ("nope", "test") else ["--data", fresh.data]
    done = fresh.run(*arguments, *data, check=False)
    assert (done.returncode, done.stdout.count("\n")) == (code, 1), done.stdout
    assert done.stdout.startswith("cinesync: ") and word in done.stdout


@pytest.mark.parametrize("name, value", [("DRAIN_MS", "x"), ("BCRYPT_COST", "99"), ("LOG_LEVEL", "loud"), ("GATEWAY_AUTH_RATE", "0"),
                                         ("GATEWAY_WORKERS", "many"), ("GATEWAY_TRUSTED_PROXIES", "localhost"), ("TRACES", "maybe"), ("DATABASE_URL", "mysql://u:hunter2@x")])
def test_a_bad_setting(fresh, name, value):
    done = fresh.run("up", "--detach", "--no-install", "--data", fresh.data, "--port", fresh.port, check=False, **{name: value})
    assert (done.returncode, done.stdout.count("\n")) == (78, 1), done.stdout
    assert name in done.stdout and "hunter2" not in done.stdout
    assert "not running" in fresh.run("status", "--data", fresh.data, check=False).stdout


def test_a_data_folder_that_cannot_be(fresh, tmp_path):
    (tmp_path / "file").write_text("")
    done = fresh.run("up", "--detach", "--no-install", "--data", tmp_path / "file" / "x", "--port", fresh.port, check=False)
    assert (done.returncode, done.stdout.count("\n")) == (77, 1) and str(tmp_path / "file") in done.stdout


def test_status_logs_doctor(fresh):
    done = fresh.run("status", "--data", fresh.data, check=False)
    assert done.returncode == 3 and "not running" in done.stdout
    fresh.up()
    lines = fresh.run("status", "--data", fresh.data).stdout.splitlines()
    assert lines[0].split() == ["PART", "STATE", "PID", "MEMORY", "URL", "MODE"]
    pids = fresh.pids()
    for part in ALL_PARTS:
        line, = [line.split() for line in lines if line.startswith(part)]
        assert line[1] == "ready" and int(line[2]) == pids[part] and int(line[3]) > 1000

    with subprocess.Popen([ROOT / "cinesync", "logs", "user", "--data", fresh.data], env=fresh.environment, stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True) as logs:
        assert '"service":"user"' in logs.stdout.readline()
        logs.terminate()
    done = fresh.run("doctor", "--data", fresh.data, "--port", fresh.port)
    assert "FAULT" not in done.stdout and f"{fresh.port} is held by this CineSync" in done.stdout

    os.kill(pids["movie"], signal.SIGSTOP)
    try:
        done = fresh.run("status", "--data", fresh.data, check=False)
        assert done.returncode == 1 and re.search(r"^movie +not ready", done.stdout, re.M)
    finally:
        os.kill(pids["movie"], signal.SIGCONT)


def test_doctor_has_a_fix_for_each_fault(fresh):
    fresh.data.mkdir(parents=True)
    fresh.data.chmod(0o755)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", fresh.port))
        taken.listen()
        done = fresh.run("doctor", "--data", fresh.data, "--port", fresh.port, check=False, DRAIN_MS="x")
    assert done.returncode == 1
    faults = re.findall(r"^FAULT +(\w+) .*\n +fix: .+$", done.stdout, re.M)
    assert set(faults) == {"folder", "port", "settings"} and done.stdout.count("FAULT") == len(faults)


def test_ctrl_c(fresh):
    run = Foreground(fresh).wait_ready()
    pids = fresh.pids()
    with Client(fresh.url) as client:
        client.new_person()
    run.process.send_signal(signal.SIGINT)
    assert run.end(20) == 0, run.said
    assert "stopping" in run.said and not any(map(lives, pids.values()))
    for part in ("user", "notification", "movie", "trace"):
        assert fresh.log_lines(part)[-1]["message"] == "stopped" and fresh.log_lines(part)[-1]["exit_code"] == 0


@pytest.mark.parametrize("victim", PARTS)
def test_a_part_that_dies_is_noticed(fresh, victim):
    run = Foreground(fresh).wait_ready()
    pids = fresh.pids()
    begin = time.monotonic()
    os.kill(pids[victim], signal.SIGKILL)
    assert run.end(15) != 0 and time.monotonic() - begin < 10
    assert re.search(rf"^cinesync: {victim} ended by itself", run.said, re.M), run.said
    wait_until(lambda: not any(map(lives, pids.values())), 5, "the rest to end too")


def test_a_supervisor_that_was_killed(fresh):
    """Its parts stay behind; the next up finds them, and down stops them."""
    fresh.up()
    left = fresh.pids()
    os.kill(left["supervisor"], signal.SIGKILL)
    wait_until(lambda: not lives(left["supervisor"]), 5, "its end")
    assert "left" in fresh.run("doctor", "--data", fresh.data, "--port", free_port(), check=False).stdout
    said = fresh.up().stdout
    assert "left behind" in said and not any(lives(pid) for pid in left.values())
    again = fresh.pids()
    os.kill(again["supervisor"], signal.SIGKILL)
    wait_until(lambda: not lives(again["supervisor"]), 5, "its end")
    fresh.down()
    assert not any(map(lives, again.values()))


def test_a_record_of_somebody_elses_process(fresh):
    """A process id that the kernel has given away since is left alone."""
    fresh.up()
    fresh.down()
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        for part in (*ALL_PARTS, "supervisor"):
            (fresh.data / "run" / part).write_text(f"{bystander.pid} 12345 http://127.0.0.1:1\n")
        fresh.down()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.fixture
def elsewhere():
    """A checkout that is built, in a folder with a space in its name, which belongs to nobody in particular."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="a checkout "))
    for name in ("cinesync", "deploy", "web", "src/gateway", "tools"):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    module = [f"src/gateway/{name}" for name in ("ngx_http_cinesync_module.so", "preload") if (BUILD / "src/gateway" / name).exists()]
    for name in ("openapi.json", *module, *(f"src/{part}/cinesync-{part}" for part in ("movie", "user", "notification", "trace"))):
        (folder / "build" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(BUILD / name, folder / "build" / name)
    if os.getuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 65534, 65534)
    yield folder
    shutil.rmtree(folder)


def test_an_ordinary_user_in_a_folder_with_a_space(elsewhere):
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    environment = base_environment(CINESYNC_BUILD=elsewhere / "build", BCRYPT_COST=4, HOME="/nonexistent", PATH="/usr/bin:/bin")
    port = free_port()

    def run(*arguments):
        return subprocess.run([*drop, "./cinesync", *arguments], cwd=elsewhere, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, timeout=120)

    done = run("up", "--detach", "--no-install", "--port", str(port))
    try:
        assert done.returncode == 0 and f"http://127.0.0.1:{port}/" in done.stdout, done.stdout
        with Client(f"http://127.0.0.1:{port}") as client:
            client.new_person()
            for path in ("/", "/docs", "/api/v1/openapi.json", "/api/v1/movies/genres"):
                assert client.get(client.base + path).status_code == 200
        wait_until(lambda: list((elsewhere / "var" / "notification" / "mail").glob("*.eml")), 5, "the mail")
        assert run("status").stdout.count(" ready ") == 5
    finally:
        assert run("down").stdout == "stopped\n"
    for path in (elsewhere / "var" / "log").glob("*.log"):
        assert_clean(path.read_text(errors="replace"))


def test_help_needs_nothing(tmp_path):
    for arguments in ([], ["help"], ["--help"], ["-h"]):
        done = subprocess.run([ROOT / "cinesync", *arguments], env={"PATH": "/usr/bin:/bin"}, cwd=tmp_path, stdout=subprocess.PIPE, text=True,
                              stdin=subprocess.DEVNULL, timeout=20)
        assert done.returncode == 0 and done.stdout.startswith("usage: ./cinesync")
        for command in ("up", "down", "status", "logs", "doctor", "test"):
            assert re.search(rf"^  {command}\b", done.stdout, re.M)
    assert not list(tmp_path.iterdir())


def test_a_database_is_for_its_service(fresh, postgres):
    """One DATABASE_URL is enough: it is the user service's. Nobody else is given it."""
    fresh.environment["DATABASE_URL"] = postgres.database()
    said = fresh.up().stdout
    assert "postgresql" in said and "embedded (SQLite)" in said, said
    with Client(fresh.url) as client:
        client.new_person("kept")
    assert not (fresh.data / "user" / "user.db").exists() and (fresh.data / "notification" / "notification.db").exists()
    for name, pid in fresh.pids().items():
        environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        assert (b"scratch-password" in environment) == (name in ("user", "supervisor")), name
        assert b"scratch-password" not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()

    fresh.down()
    fresh.environment["NOTIFICATION_DATABASE_URL"] = postgres.database()
    assert "embedded (SQLite)" not in fresh.up().stdout
    assert fresh.run("doctor", "--data", fresh.data, check=False).stdout.count("DATABASE_URL") == 0
