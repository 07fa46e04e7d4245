"""The library when time goes by, when there is no room, when the movie service is away, and when a commit's answer is lost."""
import concurrent.futures
import contextlib
import random
import sqlite3
import threading
import time

import httpx
import psycopg2
import pytest
from harness import LONG, Client, Services, problem, wait_until
from library import ME, a_list, everything, pages, put
from test_favorites import some_movies


@pytest.fixture
def services(on_each):
    """Everything here on both engines."""
    return on_each


@contextlib.contextmanager
def database(services):
    """execute(sql) on the user service's database, which no service uses meanwhile."""
    services.user.stop()
    url = services.user.settings.get("DATABASE_URL")
    connection = psycopg2.connect(url) if url else sqlite3.connect(services.user.data / "user.db")
    with contextlib.closing(connection), connection:
        def execute(sql):
            cursor = connection.cursor()
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

        yield execute


def test_a_device_that_was_away_too_long(services):
    with Client(services.movie.url) as movies, Client(services.user.url) as person:
        person.new_person()
        first, second = (film["id"] for film in some_movies(movies, 2))
        for film in (first, second):
            put(person, "favorites", film)
        person.delete(f"{ME}/favorites/{first}")
        put(person, "watchlist", second)
        with database(services) as execute:  # a year goes by
            execute("UPDATE library_entries SET deleted_at_ms = 1000 WHERE deleted_at_ms IS NOT NULL")
        services.user.start(SNAPSHOT_ROUND_MS=100)
        wait_until(lambda: person.get(f"{ME}/library", params={"since": 1}).status_code == 410, 10, "the tombstone is forgotten")
        problem(person.get(f"{ME}/library", params={"since": 2}), 410, "sync-too-old")
        assert person.get(f"{ME}/library", params={"since": 3}).status_code == 200
        entries, _, version = everything(person)
        assert [(e["collection"], e["movie_id"]) for e in entries] == [("favorites", second), ("watchlist", second)] and version == 4


# ---- limits ----


def test_there_is_an_end_to_it(services):
    with Client(services.movie.url) as movies, Client(services.user.url) as person:
        films = [film["id"] for film in some_movies(movies, 8)]
        person.new_person()
        services.user.stop()
        services.user.start(LIBRARY_ENTRIES_MAX=5, LISTS_MAX=1, LIST_ITEMS_MAX=2)
        path = a_list(person, films[:2])
        problem(person.post(f"{path}/items", json={"movie_id": films[2]}), 409, "library-full")
        assert person.put(f"{path}/items/{films[1]}", json={"note": "There is room for words"}).status_code == 200
        problem(person.post(f"{ME}/lists", json={"name": "Second"}), 409, "library-full")
        for film in films[:3]:
            assert put(person, "favorites", film).status_code == 201
        problem(put(person, "favorites", films[4]), 409, "library-full")
        problem(put(person, "ratings", films[0]), 409, "library-full")
        assert person.get(f"{ME}/favorites/{films[0]}").json()["rating"] is None
        person.delete(path)  # takes its films along
        assert put(person, "ratings", films[0]).status_code == 201
        bulk = person.post(f"{ME}/library/bulk", json={"operations": [
            {"collection": "watchlist", "movie_id": film} for film in films]}).json()
        assert [one["code"] for one in bulk["results"]] == [None] + ["library-full"] * 7


# ---- the movie service is away ----


def test_a_favourite_while_nobody_can_say(services):
    asynchronous = {"Prefer": "wait=5, Respond-Async;x=y"}
    with Client(services.user.url) as person, Client(services.movie.url) as movies:
        person.new_person()
        film, other = some_movies(movies, 2)
        services.movie.kill()
        problem(person.put(f"{ME}/favorites/{film['id']}"), 503, "movie-service-unavailable")
        pending = person.post(f"{ME}/favorites", json={"movie_id": film["id"]}, headers=asynchronous)
        assert pending.status_code == 202 and pending.headers["preference-applied"] == "respond-async"
        assert (pending.json()["state"], pending.json()["movie_title"]) == ("pending", None)
        assert put(person, "watchlist", 2147483646, headers=asynchronous).status_code == 202
        assert person.post(f"{ME}/favorites", json={"movie_id": 2147483647}, headers={**asynchronous, "Idempotency-Key": "p"}).status_code == 202
        assert person.post(f"{ME}/library/bulk", json={"operations": [{"collection": "ratings", "movie_id": other["id"], "rating": 1}]},
                           headers=asynchronous).json()["results"][0]["status"] == 202
        assert len(pages(person, f"{ME}/favorites", state="pending")) == 2
        library = person.get(f"{ME}/library", params={"movie_ids": film["id"]}).json()
        assert library["films"][0]["is_pending"] and library["version"] == 4

        services.movie.start()
        wait_until(lambda: person.get(f"{ME}/favorites").json()["total_results"] == 1, 30, "the film that is none is gone")
        wait_until(lambda: not pages(person, f"{ME}/ratings", state="pending"), 30, "the rating is settled")
        wait_until(lambda: person.get(f"{ME}/watchlist").json()["total_results"] == 0, 30, "the other one too")
        settled = person.get(f"{ME}/favorites/{film['id']}").json()
        assert (settled["state"], settled["movie_title"], settled["movie_year"]) == ("settled", film["title"], film["year"])
        entries, _, version = everything(person, 4)
        assert version == 8 and {(e["movie_id"], e["is_removed"], e["state"]) for e in entries} == {
            (film["id"], False, "settled"), (other["id"], False, "settled"), (2147483647, True, "settled"), (2147483646, True, "settled")}
        with database(services) as execute:
            kinds = execute("SELECT type FROM outbox WHERE type LIKE '%favorite%' ORDER BY type")
        assert kinds == [("com.cinesync.user.favorite-removed.v1",), ("com.cinesync.user.favorite-settled.v1",)]


def test_the_operator_may_prefer_it_too(services):
    with Client(services.user.url) as person:
        person.new_person()
        services.movie.kill()
        services.user.stop()
        services.user.start(FAVORITES_ASYNC="true")
        answer = put(person, "favorites", 550)
        assert answer.status_code == 202 and "preference-applied" not in answer.headers
        assert put(person, "favorites", 550).status_code == 202  # still nobody knows
        assert person.delete(f"{ME}/favorites/550").status_code == 204
        assert person.get(f"{ME}/favorites").json()["total_results"] == 0


def test_what_is_known_needs_no_movie_service(services):
    with Client(services.user.url) as person, Client(services.movie.url) as movies:
        person.new_person()
        film = some_movies(movies, 1)[0]["id"]
        put(person, "favorites", film)
        services.movie.kill()
        assert put(person, "ratings", film).status_code == 201
        assert put(person, "watchlist", film).json()["movie_title"]
        assert person.post(f"{ME}/watched", json={"movie_id": film}).status_code == 201


def test_a_film_gets_another_name(services):
    """The snapshot is old, and what it says is not what the movie service says now: the list and its order follow."""
    with Client(services.user.url) as person, Client(services.movie.url) as movies:
        person.new_person()
        films = some_movies(movies, 3)
        for film in films:
            put(person, "favorites", film["id"])
        titles = [item["movie_title"] for item in pages(person, f"{ME}/favorites", sort="title")]
        with database(services) as execute:
            execute("UPDATE films SET title = 'Zzz', year = 1900, refreshed_at_ms = 1")
            execute("UPDATE library_entries SET title_key = 'zzz', year_key = 1900")
        services.user.start(SNAPSHOT_ROUND_MS=100)
        wait_until(lambda: not pages(person, f"{ME}/favorites", year_max=1900), 10, "their years are right")
        assert [item["movie_title"] for item in pages(person, f"{ME}/favorites", sort="title")] == titles
        assert person.get(f"{ME}/library").json()["version"] == 3  # of the person's own nothing changed


# ---- lost answers ----


def test_a_commit_whose_answer_is_lost(services):
    """The database kept it and nobody heard so: the change is found again by its key, and told as what it was."""
    with Client(services.user.url) as person, Client(services.movie.url) as movies:
        person.new_person()
        films = [film["id"] for film in some_movies(movies, 3)]
        services.user.stop()
        services.user.start(CINESYNC_FAULT="store.committed:1+")
        statuses = [person.post(f"{ME}/favorites", json={"movie_id": films[0]}).status_code,
                    put(person, "ratings", films[1]).status_code, put(person, "ratings", films[1], rating=3).status_code,
                    person.delete(f"{ME}/favorites/{films[0]}").status_code]
        assert statuses == [201, 201, 200, 204]
        answer = person.post(f"{ME}/watched", json={"movie_id": films[2]}, headers={"Idempotency-Key": "lost"})
        assert answer.status_code == 500  # with more than one row at stake it says that it does not know
        services.user.stop()
        services.user.start()
        again = person.post(f"{ME}/watched", json={"movie_id": films[2]}, headers={"Idempotency-Key": "lost"})
        assert again.status_code == 201 and again.headers["idempotent-replayed"] == "true"
        counts = person.get(f"{ME}/library").json()["counts"]
        assert (counts["favorites"], counts["ratings"], counts["watched"]) == (0, 1, 1)


def send(person, film, key):
    """The status, None when there was no answer."""
    with contextlib.suppress(httpx.HTTPError):
        return person.post(f"{ME}/watched", json={"movie_id": film}, headers={"Idempotency-Key": key}).status_code


def test_killed_between_effect_and_answer(services):
    """However often: the answer under a key is there if and only if the effect is."""
    keys = [f"k{number}" for number in range(40 if LONG else 3)]
    with Client(services.user.url) as person, Client(services.movie.url) as movies:
        person.new_person()
        film = some_movies(movies, 1)[0]["id"]
        put(person, "favorites", film)
        for key in keys:
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                pool.submit(send, person, film, key)
                time.sleep(random.random() * 0.03)
                services.user.kill()
            services.user.start(REQUEST_DEADLINE_MS=1000)  # claims of the killed run out soon after it
        wait_until(lambda: {send(person, film, key) for key in keys} == {201}, 30, "every key is done")
        assert person.get(f"{ME}/watched").json()["total_results"] == len(keys)


def test_a_database_that_dies_again_and_again(tmp_path, postgres):
    """What was acknowledged is there, once; what was not may be there or not; and the counts agree with what there is."""
    three = Services(tmp_path, postgres=postgres).start()
    with Client(three.movie.url) as movies:
        films = [film["id"] for film in some_movies(movies, 200 if LONG else 60)]
    with Client(three.user.url) as person:
        person.new_person()
        for film in films:  # the movie service is not what this is about
            put(person, "favorites", film)
        is_over = threading.Event()

        def disturb():
            while not is_over.wait(0.05):
                postgres.end_backends(three.user.settings["DATABASE_URL"])

        def add(film):
            with Client(three.user.url) as same:
                same.headers["Authorization"] = person.headers["Authorization"]
                return film, put(same, "watchlist", film).status_code

        with concurrent.futures.ThreadPoolExecutor(7) as pool:
            disturber = pool.submit(disturb)
            statuses = dict(pool.map(add, films))
            is_over.set()
            disturber.result()
        wait_until(lambda: person.get(f"{ME}/library").status_code == 200, 20, "the database is back")
        there = {item["movie_id"] for item in pages(person, f"{ME}/watchlist", limit=100)}
        assert {film for film, status in statuses.items() if status == 201} <= there
        assert set(statuses.values()) <= {201, 500, 503}, statuses
        library = person.get(f"{ME}/library").json()
        assert library["counts"]["watchlist"] == len(there) and library["version"] == len(films) + len(there)
        for film in films:  # and all of it can be done again
            assert put(person, "watchlist", film).status_code == (200 if film in there else 201)
    assert three.stop() == [0, 0, 0]


# ---- replicas ----


def test_two_replicas(tmp_path, postgres):
    """What one of them said holds at the other: cursors, keys, what is pending."""
    shared = {"MASTER_KEY_FILE": tmp_path / "master.key", "SIGNING_KEY_FILE": tmp_path / "signing-key.json"}
    three = Services(tmp_path, postgres=postgres, **shared).start()
    second = three.another_user(tmp_path / "second").start()
    with Client(three.user.url) as person, Client(second.url) as elsewhere, Client(three.movie.url) as movies:
        person.new_person()
        elsewhere.headers["Authorization"] = person.headers["Authorization"]
        films = [film["id"] for film in some_movies(movies, 4)]
        for film in films[:3]:
            put(person, "favorites", film)
        page = person.get(f"{ME}/favorites", params={"limit": 2}).json()
        rest = elsewhere.get(f"{ME}/favorites", params={"limit": 2, "cursor": page["next_cursor"]}).json()
        assert [item["movie_id"] for item in page["results"] + rest["results"]] == films[2::-1]
        key = {"Idempotency-Key": "same"}
        first, again = (client.post(f"{ME}/watched", json={"movie_id": films[0]}, headers=key) for client in (person, elsewhere))
        assert first.text == again.text and again.headers["idempotent-replayed"] == "true"
        shared = person.post(f"{ME}/lists", json={"name": "Both"}).json()["id"]
        assert person.put(f"{ME}/lists/{shared}/share").json() == elsewhere.get(f"{ME}/lists/{shared}/share").json()
        three.movie.kill()
        assert put(elsewhere, "favorites", films[3], headers={"Prefer": "respond-async"}).status_code == 202
        three.movie.start()
        wait_until(lambda: not pages(person, f"{ME}/favorites", state="pending"), 40, "one of the two settled it")
    assert [second.stop(), *three.stop()] == [0] * 4
