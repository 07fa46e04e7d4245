"""Replicas of services, one after another stopped and started again under a steady load, and the gateway reloaded: no request
fails. The gateway is the one of containers and systemd, which finds the replicas by DNS."""
import contextlib
import os
import signal
import socket
import struct
import subprocess
import threading
import time

import httpx
import pytest
from harness import BUILD, LONG, NO_GATEWAY_LIMITS, ROOT, Client, Service, assert_clean, base_environment, free_port, wait_until
from steady import Steady

RATE, ROUNDS = (300, 10) if LONG else (100, 3)


class Names:
    """A name server that knows which replicas there are."""

    def __init__(self):
        self.addresses = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                question, sender = self.socket.recvfrom(512)
                self.socket.sendto(self.answer(question), sender)

    def answer(self, question):
        """RFC 1035: the header, the question as it came, an A record for each address."""
        end = question.index(b"\0", 12) + 5
        name = question[13:13 + question[12]].decode()
        found = self.addresses.get(name, [])
        header = question[:2] + struct.pack(">HHHHH", 0x8580 if found else 0x8583, 1, len(found), 0, 0)
        records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(one) for one in found)
        return header + question[12:end] + records


def replica(name, ip, port, folder, **settings):
    folder.mkdir(exist_ok=True)
    service = Service(name, folder, DRAIN_DELAY_MS=200, LISTEN=f"{ip}:{port}", **settings)
    service.port, service.url = port, f"http://{ip}:{port}"
    return service


class Gateway:
    def __init__(self, folder, names, movie, user):
        subprocess.run([ROOT / "deploy" / "systemd" / "install", folder / "root"], check=True,
                       env=base_environment(CINESYNC_BUILD=BUILD))
        self.program = folder / "root/usr/lib/cinesync/cinesync-gateway"
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment = base_environment(
            CINESYNC_SHARE=folder / "root/usr/share/cinesync", CINESYNC_STATE=folder / "gateway", GATEWAY_PORT=port, GATEWAY_DNS=names,
            MOVIE_ADDRESS=f"movie:{movie}", USER_ADDRESS=f"user:{user}", GATEWAY_WORKERS=2, GATEWAY_CACHE_SIZE="off",  # every request is a replica's
            **NO_GATEWAY_LIMITS)
        self.log = open(folder / "gateway.log", "wb")  # noqa: SIM115
        self.process = subprocess.Popen([self.program], env=self.environment, stdout=self.log, stderr=self.log)

    def run(self, word):
        return subprocess.run([self.program, word], env=self.environment, stdout=subprocess.DEVNULL, check=False).returncode

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        code = self.process.wait(20)
        self.log.close()
        return code


@pytest.fixture
def rolling(tmp_path, postgres):
    names = Names()
    movie_port, user_port = free_port(), free_port()
    keys = {"LINK_KEY_FILE": tmp_path / "link.key", "MASTER_KEY_FILE": tmp_path / "master.key"}
    first = replica("movie", "127.0.0.2", movie_port, tmp_path / "movie-2")
    user = {"DATABASE_URL": postgres.database(), "MOVIE_URL": first.url, "BCRYPT_COST": 4, **keys}
    replicas = {"movie": [first, replica("movie", "127.0.0.3", movie_port, tmp_path / "movie-3")],
                "user": [replica("user", f"127.0.0.{n}", user_port, tmp_path / f"user-{n}", **user) for n in (2, 3)]}
    for name, both in replicas.items():
        for one in both:
            one.start()
        names.addresses[name] = [one.url.split("/")[2].split(":")[0] for one in both]
    gateway = Gateway(tmp_path, names.address, movie_port, user_port)
    wait_until(lambda: gateway.run("health") == 0, 20, "the gateway answers")
    yield names, replicas, gateway
    assert gateway.stop() == 0
    for both in replicas.values():
        for one in both:
            assert one.stop() == 0
            assert_clean(one.log.read_text())
    names.socket.close()


def roll(names, name, one):
    """As Docker has it: its name goes when it has ended, and comes back with it."""
    assert one.stop() == 0
    ip = one.url.split("/")[2].split(":")[0]
    names.addresses[name] = [other for other in names.addresses[name] if other != ip]
    one.start()
    names.addresses[name] = sorted([*names.addresses[name], ip])
    time.sleep(1.2)  # until the gateway has looked again


def test_no_request_fails_while_everything_is_restarted(rolling):
    names, replicas, gateway = rolling
    with Client(gateway.url) as client:
        client.new_person()
        authorized = {"Authorization": client.headers["Authorization"]}
        film = client.get("/movies/discover").json()["results"][0]["id"]
    ask = [("GET", "/api/v1/movies/search?query=matrix", None, {}, 200), ("GET", f"/api/v1/movies/{film}", None, {}, 200),
           ("GET", "/api/v1/users/me", None, authorized, 200), ("GET", "/api/v1/users/me/favorites", None, authorized, 200),
           ("PATCH", "/api/v1/users/me", {"display_name": "Rolling"}, authorized, 200)]
    with Steady(gateway.url, ask, RATE) as load:
        for number in range(ROUNDS):
            for name, both in replicas.items():
                roll(names, name, both[number % 2])
            if number == ROUNDS // 2:
                assert gateway.run("reload") == 0
        if LONG:
            wait_until(lambda: load.asked >= 30000, 120, "30,000 requests")
    print(load.asked, "requests")
    assert load.failures == []
    assert load.asked > RATE * ROUNDS


def test_a_replica_that_is_killed_costs_no_request(rolling):
    names, replicas, gateway = rolling
    ask = [("GET", "/api/v1/movies/search?query=matrix", None, {}, 200), ("GET", "/api/v1/movies/discover", None, {}, 200)]
    with Steady(gateway.url, ask, RATE) as load:
        time.sleep(0.5)
        replicas["movie"][0].kill()
        time.sleep(0.3)  # nobody has told the name server yet
        names.addresses["movie"].remove("127.0.0.2")
        time.sleep(2)
        replicas["movie"][0].start()
        names.addresses["movie"].append("127.0.0.2")
        time.sleep(1.5)
    assert load.failures == []
    assert load.asked > RATE


def test_a_service_without_replicas_is_a_problem_document(rolling):
    names, replicas, gateway = rolling
    for one in replicas["movie"]:
        one.kill()
    names.addresses["movie"] = []
    answer = wait_until(lambda: (found := httpx.get(gateway.url + "/api/v1/movies/discover")).status_code in (502, 504) and found, 10, "no movie")
    assert answer.headers["content-type"] == "application/problem+json" and answer.json()["trace_id"]
    assert httpx.get(gateway.url + "/healthz").status_code == 200
    for one in replicas["movie"]:
        one.start()
    names.addresses["movie"] = ["127.0.0.2", "127.0.0.3"]
    wait_until(lambda: httpx.get(gateway.url + "/api/v1/movies/discover").status_code == 200, 10, "it is back")


def test_a_bad_setting_of_the_gateway_is_one_clear_line(tmp_path):
    share = tmp_path / "share"
    for name in ("deploy/shell", "src/gateway", "web", "build"):
        (share / name).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(ROOT / name if name != "build" else BUILD, share / name)
    for setting, words in ({"GATEWAY_AUTH_RATE": "many"}, "GATEWAY_AUTH_RATE=many"), ({"GATEWAY_DNS": "x y"}, "name server"):
        done = subprocess.run([ROOT / "deploy" / "gateway" / "run"], stderr=subprocess.PIPE, text=True, check=False,
                              env=base_environment(CINESYNC_SHARE=share, CINESYNC_STATE=tmp_path / "state", **setting))
        assert done.returncode == 78 and words in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
