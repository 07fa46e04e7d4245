"""Signing keys: one set for all replicas, rotated while everybody is logged in, on both engines."""
import base64
import concurrent.futures
import contextlib
import json
import pathlib
import sqlite3
import subprocess

import httpx
import pytest
from harness import LONG, NO_LIMITS, READY_S, Client, Service, assert_clean, base_environment, problem, program, wait_until
from postgres_harness import Postgres

STARTERS = 16 if LONG else 4


def kid_of(token):
    header = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]


def published(service):
    return {key["kid"] for key in httpx.get(service.url + "/api/v1/auth/.well-known/jwks.json").json()["keys"]}


def user_service(folder, **settings):
    return Service("user", folder, BCRYPT_COST=4, **NO_LIMITS, **settings)


@contextlib.contextmanager
def running(*services):
    try:
        for service in services:
            service.start(wait=False)
        for service in services:
            service.wait_ready()
        yield services
    finally:
        codes = [service.stop() for service in services if service.process]
        for service in services:
            assert_clean(service.tail(1 << 20))
    assert codes == [0] * len(codes)


@pytest.fixture(scope="module")
def postgres():
    with Postgres() as server:
        yield server


@pytest.fixture
def shared(tmp_path, postgres):
    """Makes replicas on one database, with one master key."""
    url = postgres.database()

    def replica(name):
        (tmp_path / name).mkdir()
        return user_service(tmp_path / name, DATABASE_URL=url, MASTER_KEY_FILE=tmp_path / "master.key",
                            LINK_KEY_FILE=tmp_path / "link.key")

    replica.run = lambda sql, *arguments: postgres.run(sql, *arguments, name=url.rsplit("/", 1)[1])
    replica.url = url
    return replica


def command(service, *arguments):
    return subprocess.run([program("user"), "keys", *arguments], env=base_environment(**service.settings), timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)


def make_admin(service, person):
    """On the embedded database: with the service stopped for a moment, since the file is its own."""
    service.stop()
    with contextlib.closing(sqlite3.connect(service.data / "user.db")) as database:
        database.execute("UPDATE users SET role = 'admin' WHERE email = ?", (person.email,))
        database.commit()
    service.start()


def test_of_many_starters_one_makes_the_first_key(shared):
    replicas = [shared(f"replica{i}") for i in range(STARTERS)]
    with running(*replicas):
        assert len(shared.run("SELECT kid FROM signing_keys")) == 1
        assert len({frozenset(published(replica)) for replica in replicas}) == 1
        with Client(replicas[0].url) as person, Client(replicas[-1].url) as elsewhere:
            person.new_person()
            elsewhere.take(person.tokens)
            assert elsewhere.get("/users/me").status_code == 200
        sealed = bytes(shared.run("SELECT sealed_jwk FROM signing_keys")[0][0])
        assert b'"d"' not in sealed and b"P-256" not in sealed


def test_another_replica_takes_a_key_it_has_not_seen(shared):
    one, other = shared("one"), shared("other")
    with running(one, other):
        with Client(one.url) as person, Client(other.url) as elsewhere:
            person.new_person()
            before = person.tokens["access_token"]
            # When a new key is made that signs at once, by the command, beside the running services …
            done = command(one, "rotate", "--now")
            assert done.returncode == 0, done.stderr
            kid = done.stdout.strip()
            wait_until(lambda: published(one) >= {kid}, 10, "the new key published")
            person.take(person.post("/auth/refresh", json={"refresh_token": person.tokens["refresh_token"]}).json())
            assert kid_of(person.tokens["access_token"]) == kid != kid_of(before)
            # … both take its tokens, and those of the one before.
            for client in (person, elsewhere):
                for token in (person.tokens["access_token"], before):
                    answer = client.get("/users/me", headers={"Authorization": "Bearer " + token})
                    assert answer.status_code == 200, answer.text
            wait_until(lambda: published(one) == published(other) == {kid, kid_of(before)}, 10, "one set")
            # When the older one is retired, its tokens are worth nothing anywhere, and the others stay.
            assert command(other, "retire", kid_of(before)).returncode == 0
            old = {"Authorization": "Bearer " + before}
            for client in (person, elsewhere):
                wait_until(lambda: client.get("/users/me", headers=old).status_code == 401, 10, "the key's end")
            elsewhere.take(person.tokens)
            assert elsewhere.get("/users/me").status_code == 200
            assert "signs" in command(one, "list").stdout


def trail(shared):
    """Whoever rotated, and what the audit has of it."""
    return [(actor, json.loads(detail)) for actor, detail in
            shared.run("SELECT actor_id, detail FROM audit WHERE action = 'key.rotate' ORDER BY sequence")]


def test_a_new_key_is_published_before_it_signs(shared):
    one = shared("one")
    with running(one):
        with Client(one.url) as person:
            person.new_person()
            first = kid_of(person.tokens["access_token"])
            kid = command(one, "rotate").stdout.strip()
            wait_until(lambda: published(one) == {first, kid}, 10, "both published")
            assert trail(shared) == [(None, {"kid": first, "why": "there was none"}), (None, {"kid": kid, "why": "asked for"})]
            person.log_in()
            assert kid_of(person.tokens["access_token"]) == first
            again = command(one, "rotate")
            assert again.returncode == 1 and "already" in again.stderr
            # When its time has come, it signs, and the first one verifies still.
            before = person.tokens["access_token"]
            shared.run("UPDATE signing_keys SET activates_at_ms = 1 + (SELECT min(activates_at_ms) FROM signing_keys) "
                       "WHERE kid = %s", kid)

            def signed_by():  # not by logging in again and again: a person has so many sessions and no more
                person.take(person.post("/auth/refresh", json={"refresh_token": person.tokens["refresh_token"]}).json())
                return kid_of(person.tokens["access_token"])

            wait_until(lambda: signed_by() == kid, 10, "the new key signs")
            assert person.get("/users/me", headers={"Authorization": "Bearer " + before}).status_code == 200


def test_keys_rotate_by_age(shared):
    one = shared("one")
    with running(one):
        first = published(one)
        shared.run("UPDATE signing_keys SET activates_at_ms = activates_at_ms - 31::bigint * 86400000")
        wait_until(lambda: published(one) > first, 10, "the next key")
        assert len(published(one)) == 2
        (until,) = [row[0] for row in shared.run("SELECT expires_at_ms FROM signing_keys WHERE kid = %s", *first)]
        (begin,) = [row[0] for row in shared.run("SELECT activates_at_ms FROM signing_keys WHERE kid <> %s", *first)]
        assert until >= begin + 600_000
        assert trail(shared)[-1] == (None, {"kid": (published(one) - first).pop(), "why": "the age of the last one"})


def test_another_master_key_is_refused_at_start(shared, tmp_path):
    one = shared("one")
    with running(one):
        pass
    stranger = shared("stranger")
    stranger.settings["MASTER_KEY_FILE"] = tmp_path / "other.key"
    stranger.start(wait=False)
    assert stranger.process.wait(READY_S) != 0
    assert "MASTER_KEY_FILE" in stranger.tail()


def test_administrators_rotate_on_the_embedded_database(tmp_path):
    service = user_service(tmp_path)
    with running(service):
        with Client(service.url) as admin, Client(service.url) as nobody:
            nobody.new_person()
            problem(nobody.post("/admin/keys/rotate", json={}), 403, "forbidden")
            admin.new_person()
            make_admin(service, admin)
            first = kid_of(admin.tokens["access_token"])
            # The command needs the file, which is the service's while it runs.
            busy = command(service, "rotate")
            assert busy.returncode == 69 and "is in use" in busy.stderr, busy
            answer = admin.post("/admin/keys/rotate", json={"at_once": True})
            assert answer.status_code == 201, answer.text
            kid = answer.json()["kid"]
            assert [(key["kid"], key["is_signing"]) for key in admin.get("/admin/keys").json()["results"]] == [
                (kid, True), (first, False)]
            assert nobody.get("/users/me").status_code == 200
            problem(admin.post("/admin/keys/nobody/retire"), 404, "signing-key-not-found")
            # When the one that signs is retired, another does at once, and nobody has to log in again.
            assert admin.post(f"/admin/keys/{first}/retire").status_code == 204
            problem(nobody.get("/users/me"), 401, "unauthorized")
            nobody.take(nobody.post("/auth/refresh", json={"refresh_token": nobody.tokens["refresh_token"]}).json())
            assert nobody.get("/users/me").status_code == 200
            admin.log_in()
            assert admin.post(f"/admin/keys/{kid}/retire").status_code == 204
            admin.log_in()
            assert kid_of(admin.tokens["access_token"]) not in (first, kid)
            assert len(published(service)) == 1


def test_keys_survive_a_restart_and_an_older_key_file_is_taken_over(tmp_path):
    """An installation of before has its key in a file: its tokens stay good."""
    service = user_service(tmp_path)
    fixed = {"SIGNING_KEY_FILE": service.data / "signing-key.json"}
    with running(service):
        pass
    service.start(**fixed)
    try:
        with Client(service.url) as person:
            person.new_person()
            kid = kid_of(person.tokens["access_token"])
    finally:
        assert service.stop() == 0
    with contextlib.closing(sqlite3.connect(service.data / "user.db")) as database:
        database.execute("DELETE FROM signing_keys")  # as it was when there was no such table
        database.commit()
    for _ in range(2):
        service.start()
        try:
            with Client(service.url) as person_again:
                person_again.take(person.tokens)
                assert person_again.get("/users/me").status_code == 200
                assert published(service) == {kid}
        finally:
            assert service.stop() == 0
        (service.data / "signing-key.json").unlink(missing_ok=True)


def test_a_key_file_is_the_one_key(tmp_path):
    service = user_service(tmp_path, SIGNING_KEY_FILE=tmp_path / "key.json")
    with running(service):
        with Client(service.url) as admin:
            admin.new_person()
            make_admin(service, admin)
            problem(admin.post("/admin/keys/rotate", json={}), 409, "signing-keys-fixed")
            problem(admin.get("/admin/keys"), 409, "signing-keys-fixed")
            assert published(service) == {kid_of(admin.tokens["access_token"])}
            assert pathlib.Path(tmp_path / "key.json").stat().st_mode & 0o777 == 0o600


def test_the_set_may_be_cached_for_less_than_the_overlap(tmp_path):
    service = user_service(tmp_path, SIGNING_KEY_OVERLAP_S=60)
    with running(service):
        answer = httpx.get(service.url + "/api/v1/auth/.well-known/jwks.json")
        assert answer.headers["cache-control"] == "public, max-age=30"


def test_made_up_key_ids_do_not_hold_up_the_others(tmp_path):
    service = user_service(tmp_path)
    with running(service):
        with Client(service.url) as person:
            person.new_person()
            header, payload, signature = person.tokens["access_token"].split(".")

            def made_up(i):
                forged = base64.urlsafe_b64encode(json.dumps({"alg": "ES256", "typ": "at+jwt", "kid": f"k{i}"}).encode())
                token = ".".join([forged.decode().rstrip("="), payload, signature])
                return httpx.get(service.url + "/api/v1/users/me", headers={"Authorization": "Bearer " + token},
                                 timeout=30).status_code

            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                answers = pool.map(made_up, range(100))
                assert person.get("/users/me").status_code == 200
                assert set(answers) == {401}
