"""Favourites: the synchronous check with the movie service, paging, and what happens when that service is away."""
import time

import pytest
from harness import Client, problem


def some_movies(client, n):
    found = []
    page = 1
    while len(found) < n:
        found += client.get("/movies/discover", params={"page": page}).json()["results"]
        page += 1
    return found[:n]


@pytest.fixture
def system(system_on_each):
    return system_on_each


def test_add_list_remove(person):
    movie = person.get("/movies/search", params={"query": "shawshenk"}).json()["results"][0]
    answer = person.post("/users/me/favorites", json={"movie_id": movie["id"]})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/users/me/favorites/{movie['id']}"
    favorite = answer.json()
    assert (favorite["movie_id"], favorite["movie_title"]) == (movie["id"], "The Shawshank Redemption")

    listed = person.get("/users/me/favorites").json()
    assert listed == {"results": [favorite], "next_cursor": None, "total_results": 1}
    assert person.get(f"/users/me/favorites/{movie['id']}").json() == favorite

    assert person.delete(f"/users/me/favorites/{movie['id']}").status_code == 204
    assert person.delete(f"/users/me/favorites/{movie['id']}").status_code == 204  # it is gone, as asked
    assert person.get("/users/me/favorites").json()["total_results"] == 0


def test_no_such_film_and_there_already(person):
    problem(person.post("/users/me/favorites", json={"movie_id": 2147483647}), 404, "movie-not-found")
    movie = some_movies(person, 1)[0]
    assert person.post("/users/me/favorites", json={"movie_id": movie["id"]}).status_code == 201
    problem(person.post("/users/me/favorites", json={"movie_id": movie["id"]}), 409, "favorite-exists")


def test_pages_newest_first(person):
    added = [movie["id"] for movie in some_movies(person, 25)]
    for movie_id in added:
        assert person.post("/users/me/favorites", json={"movie_id": movie_id}).status_code == 201
    pages, cursor = [], {}
    while cursor is not None:
        page = person.get("/users/me/favorites", params={"limit": 10, **cursor}).json()
        pages.append(page["results"])
        assert page["total_results"] == 25
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert [len(page) for page in pages] == [10, 10, 5]
    listed = [item["movie_id"] for page in pages for item in page]
    times = [item["created_at"] for page in pages for item in page]
    assert sorted(listed) == sorted(added) and times == sorted(times, reverse=True)


def test_everybody_has_their_own(system, person):
    movie = some_movies(person, 1)[0]
    person.post("/users/me/favorites", json={"movie_id": movie["id"]})
    with Client(system.url) as other:
        other.new_person("other")
        assert other.get("/users/me/favorites").json()["total_results"] == 0
        assert other.delete(f"/users/me/favorites/{movie['id']}").status_code == 204
    assert person.get("/users/me/favorites").json()["total_results"] == 1


def test_the_movie_service_is_down(services):
    with Client(services.user.url) as person, Client(services.movie.url) as movies:
        person.new_person()
        first, second = some_movies(movies, 2)
        assert person.post("/users/me/favorites", json={"movie_id": first["id"]}).status_code == 201
        services.movie.kill()

        begin = time.monotonic()
        answer = person.post("/users/me/favorites", json={"movie_id": second["id"]})
        assert time.monotonic() - begin <= 1
        problem(answer, 503, "movie-service-unavailable")
        assert int(answer.headers["retry-after"]) >= 1

        # Everything else works.
        assert person.get("/users/me/favorites").json()["total_results"] == 1
        assert person.delete(f"/users/me/favorites/{first['id']}").status_code == 204
        assert person.patch("/users/me", json={"display_name": "Still here"}).status_code == 200
        assert person.log_in().status_code == 200
        assert services.user.is_ready()  # degraded, but ready

        services.movie.start()
        assert person.post("/users/me/favorites", json={"movie_id": second["id"]}).status_code == 201


def test_the_movie_service_hangs(services):
    import os
    import signal
    with Client(services.user.url) as person:
        person.new_person()
        os.kill(services.movie.process.pid, signal.SIGSTOP)
        try:
            begin = time.monotonic()
            answer = person.post("/users/me/favorites", json={"movie_id": 1000000001})
            assert time.monotonic() - begin <= 1.2  # 800 ms of its own, and a sanitizer's share
            problem(answer, 503, "movie-service-unavailable")
        finally:
            os.kill(services.movie.process.pid, signal.SIGCONT)
