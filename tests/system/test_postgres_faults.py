"""PostgreSQL is killed, restarted, made read-only, stopped in its tracks, and asked for too much: nothing that was
acknowledged is lost or doubled, and every refusal is a 503 that says when to come again."""
import concurrent.futures
import contextlib
import os
import random
import re
import subprocess
import time

import httpx
import psycopg2
import pytest
from harness import LONG, PASSWORD, READY_S, Client, Service, Services, assert_clean, base_environment, mails, metric, problem, program, wait_until
from postgres_harness import Postgres
from test_crash import KEPT, Storm, rows

FAULTS = 50 if LONG else 6


@pytest.fixture
def own(tmp_path):
    """The three services on a server of their own, to be hurt: (services, server)."""
    with Postgres() as server:
        three = Services(tmp_path, postgres=server).start()
        yield three, server
        codes = three.stop()
        for service in three.all():
            assert_clean(service.tail(1 << 30))
        assert codes == [0, 0, 0]


def kill_again_and_again(three, server, seed):
    chance = random.Random(seed)
    url = three.user.settings["DATABASE_URL"]
    for _ in range(FAULTS):
        time.sleep(chance.uniform(0.1, 0.7))
        how = chance.choice(["backend", "session", "postmaster"])
        if how == "postmaster":
            server.kill()
            server.start()
        else:
            with contextlib.suppress(psycopg2.Error):
                (server.kill_backends if how == "backend" else server.end_backends)(url)
            wait_until(server.answers, 30, "recovery")


def test_a_killed_server_loses_nothing_that_was_acknowledged(own):
    three, server = own
    seed = os.urandom(4).hex()
    print("seed", seed)
    storm = Storm(three)
    kill_again_and_again(three, server, seed)
    storm.stop()
    assert len(storm.users) > FAULTS and storm.favorites

    three.user.wait_ready()
    with Client(three.user.url) as client:
        for address in storm.users:
            assert client.log_in(address).status_code == 200, address
    kept = rows(three.user, KEPT)
    assert not set(storm.favorites) - set(kept) and len(kept) == len(set(kept))
    registered = sorted(email for email, in rows(three.user, "SELECT email FROM users"))
    assert len(registered) == len(set(registered))
    mail = three.notification.data / "mail"
    wait_until(lambda: metric(three.user.url, "cinesync_outbox_pending") == 0 and
               len(list(mail.glob("*.eml"))) >= len(registered), 60, "a mail to everybody who registered")
    assert sorted(m.to_address for m in mails(mail)) == registered


def test_the_service_is_back_within_5_s_of_the_server(own):
    three, server = own
    with Client(three.user.url) as person:
        person.new_person()
        server.stop()
        answer = problem(person.get("/users/me"), 503, "unavailable")
        assert answer["detail"] and int(person.get("/users/me").headers["retry-after"]) >= 1
        assert httpx.get(three.user.url + "/readyz").status_code == 503
        assert httpx.get(three.user.url + "/livez").status_code == 200
        time.sleep(3)  # long enough for the pauses between tries to have grown
        server.start()
        wait_until(lambda: person.get("/users/me").status_code == 200, 5, "an answer")
        assert httpx.get(three.user.url + "/readyz").status_code == 200


def test_a_read_only_server_refuses_writes_and_serves_reads(own):
    three, server = own
    with Client(three.user.url) as person:
        person.new_person()
        server.read_only(True)
        answer = person.patch("/users/me", json={"display_name": "Ada"})
        problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert person.get("/users/me").json()["display_name"] is None
        server.read_only(False)
        wait_until(lambda: person.patch("/users/me", json={"display_name": "Ada"}).status_code == 200, 5, "a write")


def test_a_server_that_hangs_makes_nobody_wait_for_ever(own):
    three, server = own
    with Client(three.user.url) as person:
        person.new_person()
        server.pause()
        try:
            began = time.monotonic()
            answer = person.get("/users/me", headers={"X-Request-Deadline-Ms": "1000"})
            assert answer.status_code in (503, 504) and time.monotonic() - began < 5
            assert httpx.get(three.user.url + "/livez", timeout=2).status_code == 200  # the loop goes on
        finally:
            server.resume()
        wait_until(lambda: person.get("/users/me").status_code == 200, 10, "an answer")


def test_more_requests_than_connections(tmp_path, postgres):
    three = Services(tmp_path, postgres=postgres, DATABASE_CONNECTIONS_MAX=1, DATABASE_WAIT_MS=100).start()
    with Client(three.user.url) as person:
        person.new_person()
        with contextlib.closing(psycopg2.connect(three.user.settings["DATABASE_URL"])) as blocker:
            blocker.cursor().execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
            with concurrent.futures.ThreadPoolExecutor(5) as pool:
                crowd = [pool.submit(person.get, "/users/me", headers={"X-Request-Deadline-Ms": "1500"}) for _ in range(5)]
                answers = [one.result() for one in crowd]
        assert {answer.status_code for answer in answers} <= {503, 504}
        refused = [answer for answer in answers if answer.status_code == 503]
        assert refused and all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
        assert person.get("/users/me").status_code == 200
    assert three.stop() == [0, 0, 0]


# ---- starting ----

def port_of(service):
    """The one the kernel gave it."""
    assert service.process.poll() is None, service.tail()
    found = re.search(r'"message":"ready".*"port":(\d+)', service.tail())
    return found and int(found[1])


def start_16_at_once(folder, server):
    url = server.database()
    crowd = [Service("user", folder / str(n), DATABASE_URL=url, BCRYPT_COST=4, MASTER_KEY_FILE=folder / "master.key",
                     LINK_KEY_FILE=folder / "link.key", LISTEN="127.0.0.1:0") for n in range(16)]
    for service in crowd:
        service.log.parent.mkdir()
        service.start(wait=False)
    for service in crowd:
        service.port = wait_until(lambda: port_of(service), READY_S, "a port")
        service.url = f"http://127.0.0.1:{service.port}"
        service.wait_ready()
    applied = rows(crowd[0], "SELECT version, count(*) FROM schema_migrations GROUP BY version ORDER BY version")
    assert [version for version, _ in applied] == list(range(1, len(applied) + 1)) and {n for _, n in applied} == {1}
    assert sum("database migrated" in service.log.read_text() for service in crowd) == 1
    with Client(crowd[3].url) as one, Client(crowd[12].url) as other:
        one.new_person()
        assert other.log_in(one.email).status_code == 200
    assert [service.stop() for service in crowd] == [0] * 16


@pytest.mark.parametrize("time", range(20 if LONG else 1))
def test_sixteen_services_start_on_an_empty_database_at_once(tmp_path, postgres, time):
    start_16_at_once(tmp_path, postgres)


def test_the_url_may_come_from_a_file_and_a_server_may_come_later(tmp_path):
    server = Postgres()
    secret = tmp_path / "url"
    secret.write_text(server.url() + "\n")
    service = Service("user", tmp_path, DATABASE_URL_FILE=secret, BCRYPT_COST=4, DATABASE_START_WAIT_MS=30000)
    service.start(wait=False)
    wait_until(lambda: "waiting for the database" in service.tail(), 10, "its word")
    with server:
        service.wait_ready()
        with Client(service.url) as client:
            client.new_person()
        assert service.stop() == 0
    assert "scratch-password" not in service.tail(1 << 20)


@pytest.mark.parametrize("change", [("scratch-password", "hunter2"), ("/postgres", "/nowhere"), ("127.0.0.1:", "127.0.0.1:1")],
                         ids=["password", "database", "port"])
def test_a_database_that_cannot_be_used_is_one_clear_line(tmp_path, postgres, change):
    url = postgres.url().replace(*change)
    if change[0] == "127.0.0.1:":
        url = re.sub(r":\d+/", ":1/", postgres.url())
    done = subprocess.run([program("user")], env=base_environment(DATABASE_URL=url, DATA_DIR=tmp_path, LISTEN="127.0.0.1:0",
                                                                  DATABASE_START_WAIT_MS=0),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 69
    lines = [line for line in done.stdout.splitlines() if '"level":"alert"' in line]
    assert len(lines) == 1 and "cannot connect to PostgreSQL" in lines[0]
    assert "scratch-password" not in done.stdout and "hunter2" not in done.stdout

    for arguments in (["status"], ["up"], ["up", "--dry-run"]):
        done = subprocess.run([program("user"), "migrate", *arguments], env=base_environment(DATABASE_URL=url, DATA_DIR=tmp_path),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 69 and done.stdout == ""
        assert re.fullmatch(r"migrate: cannot connect to PostgreSQL: [^\n]+\n", done.stderr)
        assert "scratch-password" not in done.stderr and "hunter2" not in done.stderr


def test_an_answer_lost_with_the_server_can_be_found_again(own):
    """A registration whose COMMIT nobody answered is either there or not; asking again settles it."""
    three, server = own
    with Client(three.user.url) as client:
        for n in range(5):
            address = f"settled-{n}@example.org"
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                asked = pool.submit(client.register, address)
                time.sleep(0.002 * n)
                server.end_backends(three.user.settings["DATABASE_URL"])
                first = asked.result()
            second = client.register(address)
            if first.status_code == 201:
                assert second.status_code == 409
            else:
                assert first.status_code == 503 and second.status_code in (201, 409), (first.text, second.text)
            assert client.log_in(address, PASSWORD).status_code == 200
