"""Backed up while people register, restored elsewhere: who was there is there, with the same password, library and tokens."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import threading

import httpx
import pytest
from harness import Client, Services, System, mails, wait_until
from postgres_harness import PASSWORD, programs


class Crowd:
    """Registers people at a service until it is stopped, and remembers who was told 201."""

    def __init__(self, url):
        self.url, self.registered = url, []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stopping.is_set():
            with Client(self.url) as client, contextlib.suppress(httpx.HTTPError):
                address = f"crowd-{len(self.registered)}-{os.urandom(3).hex()}@example.org"
                if client.register(address).status_code == 201:
                    self.registered.append(address)

    def __enter__(self):
        self.thread.start()
        wait_until(lambda: len(self.registered) > 5, 30, "people register")
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(60)


@pytest.fixture
def two(tmp_path):
    """A system, and one that has not run yet."""
    systems = System(tmp_path / "one"), System(tmp_path / "two")
    yield systems
    for system in systems:
        system.run("down", "--data", system.data, check=False)


def backup(system, file, check=True):
    return system.run("backup", "--data", system.data, file, check=check)


def restore(system, file, check=True):
    return system.run("restore", "--data", system.data, file, check=check)


def test_while_it_runs_and_into_another_place(two, tmp_path):
    one, other = two
    file = tmp_path / "cinesync.tar.gz"
    one.up()
    with Client(one.url) as person:
        person.new_person()
        film = person.get("/movies/discover").json()["results"][0]["id"]
        assert person.post("/users/me/favorites", json={"movie_id": film}).status_code == 201
        token, email = person.headers["Authorization"], person.email
        with Crowd(one.url) as crowd:
            before = list(crowd.registered)
            assert f"backed up {one.data}" in backup(one, file).stdout
    one.down()
    assert file.stat().st_mode & 0o777 == 0o600
    restore(other, file)
    other.up()
    with Client(other.url) as person:
        # The keys came along: so did what was signed with them.
        person.headers["Authorization"] = token
        assert [film["movie_id"] for film in person.get("/users/me/favorites").json()["results"]] == [film]
        assert person.log_in(email).status_code == 200
        for address in before:
            assert person.log_in(address).status_code == 200, address
    # Nobody is written to twice, and everybody whose account is there once.
    users = [row for row in crowd.registered if Client(other.url).log_in(row).status_code == 200]
    wait_until(lambda: len(mails(other.mail)) >= len(users) + 1, 30, "a mail to everybody")
    addresses = [mail.to_address for mail in mails(other.mail)]
    assert len(addresses) == len(set(addresses)) and set(users) <= set(addresses)
    assert oct((other.data / "user" / "user.db").stat().st_mode)[-3:] == "600"


def test_of_one_that_is_down(two, tmp_path):
    one, other = two
    one.up()
    with Client(one.url) as person:
        email = person.new_person()["email"]
    one.down()
    backup(one, tmp_path / "b.tar.gz")
    restore(other, tmp_path / "b.tar.gz")
    other.up()
    with Client(other.url) as person:
        assert person.log_in(email).status_code == 200


def test_nothing_is_written_over(two, tmp_path):
    one, other = two
    file = tmp_path / "b.tar.gz"
    refused = backup(other, file, check=False)
    assert refused.returncode == 69 and "there is nothing in" in refused.stdout and not file.exists()
    one.up()
    backup(one, file)
    content = file.read_bytes()
    again = backup(one, file, check=False)
    assert again.returncode == 64 and "is there already" in again.stdout and file.read_bytes() == content
    running = restore(one, file, check=False)
    assert running.returncode == 69 and "./cinesync down first" in running.stdout
    one.down()
    there = restore(one, file, check=False)
    assert there.returncode == 69 and "is there already" in there.stdout


def repacked(file, change, to):
    """The archive with its unpacked folder changed."""
    folder = pathlib.Path(f"{to}.d")
    folder.mkdir()
    subprocess.run(["tar", "-C", folder, "-xzf", file], check=True)
    change(folder)
    subprocess.run(["tar", "-C", folder, "-czf", to, "."], check=True)
    return to


def test_what_is_damaged_is_not_taken(two, tmp_path):
    one, other = two
    file = tmp_path / "b.tar.gz"
    one.up()
    backup(one, file)
    one.down()

    def flipped(folder):
        database = folder / "user" / "user.db"
        data = bytearray(database.read_bytes())
        data[len(data) // 2] ^= 1
        database.write_bytes(data)

    def headed(words):
        return lambda folder: (folder / "backup").write_text(f"{words}\n")

    cut, text = tmp_path / "cut.tar.gz", tmp_path / "text.tar.gz"
    cut.write_bytes(file.read_bytes()[:-2000])
    text.write_text("no archive")
    for bad, words in [(cut, "is damaged"), (text, "is damaged"), (tmp_path / "nowhere.tar.gz", "there is no file"),
                       (repacked(file, flipped, tmp_path / "flipped.tar.gz"), "is damaged"),
                       (repacked(file, headed("cinesync-backup 2 later"), tmp_path / "newer.tar.gz"), "newer CineSync"),
                       (repacked(file, headed("something else"), tmp_path / "other.tar.gz"), "is no backup"),
                       (repacked(file, lambda folder: (folder / "user" / "master.key").unlink(), tmp_path / "less.tar.gz"), "is damaged"),
                       (repacked(file, lambda folder: (folder / "user" / "link").symlink_to("/etc/passwd"), tmp_path / "link.tar.gz"),
                        "holds what no backup")]:
        refused = restore(other, bad, check=False)
        assert refused.returncode in (1, 64) and words in refused.stdout, (bad, refused.stdout)
        assert not (other.data / "user").exists() and not list(other.data.glob(".cinesync.*"))
    restore(other, file)


def tool(name, *arguments):
    """One of PostgreSQL's, with the password where nobody sees it."""
    subprocess.run([programs() / name, *arguments], check=True, env={**os.environ, "PGPASSWORD": PASSWORD})


def without_password(url):
    return url.replace(f":{PASSWORD}@", "@")


def test_postgresql_as_the_page_says(tmp_path, postgres):
    three = Services(tmp_path, postgres=postgres).start()
    with Client(three.user.url) as person:
        email = person.new_person()["email"]
        token = person.headers["Authorization"]
        with Crowd(three.user.url) as crowd:
            before = list(crowd.registered)
            dumps = []
            for service in (three.user, three.notification):
                dumps.append(tmp_path / f"{service.name}.dump")
                tool("pg_dump", "--format=custom", f"--file={dumps[-1]}", without_password(service.settings["DATABASE_URL"]))
    assert three.stop() == [0, 0, 0]
    for service, dump in zip((three.user, three.notification), dumps, strict=True):
        service.settings["DATABASE_URL"] = postgres.database()
        tool("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={without_password(service.settings['DATABASE_URL'])}", dump)
    shutil.rmtree(three.notification.data / "mail")
    three.start()
    with Client(three.user.url) as person:
        person.headers["Authorization"] = token
        assert person.get("/users/me").json()["email"] == email
        for address in before:
            assert person.log_in(address).status_code == 200, address
    assert three.stop() == [0, 0, 0]
    assert len(crowd.registered) >= len(before)
