"""Clients that others wrote for TMDB read the fake as if it were TMDB."""
import json
import subprocess

import pytest

import harness

PARTS = "credits,videos,watch/providers,release_dates,external_ids,keywords"
CLIENTS = ["moviedb-promise", "tmdb-ts"]


@pytest.fixture(scope="module", params=CLIENTS)
def read(request, clients, fake):
    """What one of them made of its questions, and what it sent for that."""
    fake.reset_counts()
    done = subprocess.run(["node", clients / "read.mjs", request.param, fake.url, fake.token, fake.api_key],
                          env=harness.base_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_search_finds_films(read):
    assert {"Kill Bill: Volume 1", "Kill Bill: Volume 2"} <= {film["title"] for film in read["search"]["results"]}
    assert read["search"]["total_results"] == len(read["search"]["results"])
    assert read["nothing"]["results"] == []


def test_details_come_with_what_was_appended(read):
    film = read["details"]
    assert (film["id"], film["title"], film["release_date"], film["runtime"]) == (39, "102 Dalmatians", "2000-11-22", 100)
    assert [one["name"] for one in film["genres"]] == ["Comedy"]
    assert [one["name"] for one in film["credits"]["crew"] if one["job"] == "Director"] == ["Kevin Lima"]
    assert film["external_ids"]["imdb_id"] == film["imdb_id"] == "tt1000003"
    american = [one for one in film["release_dates"]["results"] if one["iso_3166_1"] == "US"]
    assert "G" in {one["certification"] for one in american[0]["release_dates"]}


def test_nothing_is_lost_on_the_way(read, fake):
    assert read["details"] == fake.get("/movie/39", append_to_response=PARTS).json()
    assert read["popular"] == fake.get("/movie/popular", page=3).json()
    assert read["search"] == fake.get("/search/movie", query="kill bill").json()


def test_popular_and_genres(read):
    assert read["popular"]["page"] == 3 and len(read["popular"]["results"]) == 20
    assert {"id": 878, "name": "Science Fiction"} in read["genres"]["genres"] and len(read["genres"]["genres"]) == 19


def test_a_film_that_is_not_there_is_tmdbs_error_34(read):
    assert read["missing"] == 34


def test_all_questions_reached_the_fake_and_were_let_in(read, fake):
    asked = fake.requests()
    statuses = [one["status"] for one in asked if "python-httpx" not in one["headers"]["user-agent"]]
    assert sorted(statuses) == [200] * 5 + [404]
