"""Searching and opening films through the gateway."""
import pytest
from harness import problem

ITEM = {"id", "title", "original_title", "original_language", "overview", "release_date", "year", "genre_ids",
        "poster_path", "backdrop_path", "poster", "backdrop", "adult", "video", "popularity", "vote_average", "vote_count"}


def search(client, query, **more):
    answer = client.get("/movies/search", params={"query": query, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("query, title", [
    ("shawshenk", "The Shawshank Redemption"),
    ("AMELIE", "Amélie"),
    ("inceptoin", "Inception"),
    ("spiderman", "Spider-Man"),
    ("incep", "Inception"),
])
def test_the_best_match_is_first(client, query, title):
    assert search(client, query)["results"][0]["title"] == title


def test_the_shape_of_a_page(client):
    page = search(client, "the", page=2)
    assert page["page"] == 2 and page["source"] == "builtin"
    assert len(page["results"]) == 20 and page["total_results"] > 40
    assert page["total_pages"] == -(-page["total_results"] // 20)
    for item in page["results"]:
        assert set(item) == ITEM
        assert item["release_date"] is None or len(item["release_date"]) == 10


def test_nothing_found_is_an_empty_page(client):
    page = search(client, "zzzzqqqqxxxx")
    assert (page["results"], page["total_results"], page["total_pages"]) == ([], 0, 0)


def test_a_year_narrows(client):
    page = search(client, "king", year=2005)
    assert page["results"] and {item["year"] for item in page["results"]} == {2005}


def test_a_film(client):
    found = search(client, "inception")["results"][0]
    answer = client.get(f"/movies/{found['id']}")
    film = answer.json()
    assert answer.status_code == 200
    assert (film["id"], film["title"], film["year"]) == (found["id"], "Inception", 2010)
    assert film["directors"] == ["Christopher Nolan"] and film["overview"] is None
    problem(client.get("/movies/2147483647"), 404, "movie-not-found")


def test_discover_by_genre_and_years(client):
    genres = {genre["name"]: genre["id"] for genre in client.get("/movies/genres").json()["genres"]}
    assert len(genres) == 19 and genres["Western"] == 37
    page = client.get("/movies/discover", params={"genre": "37", "year_from": 1960, "year_to": 1969,
                                                  "sort": "primary_release_date.asc"}).json()
    years = [item["year"] for item in page["results"]]
    assert years and years == sorted(years) and years[0] >= 1960 and years[-1] <= 1969
    assert all(37 in item["genre_ids"] for item in page["results"])
    body = problem(client.get("/movies/discover", params={"year_from": 2001, "year_to": 2000}), 422, "validation-failed")
    assert body["errors"][0]["loc"][0] == "query"


def test_the_second_time_comes_from_the_cache(client):
    first = client.get("/movies/search", params={"query": "casablanca cached"})
    again = client.get("/movies/search", params={"page": "1", "query": " Casablanca  cached"})
    assert first.headers["x-cache"].startswith("MISS") and again.headers["x-cache"].startswith("HIT")
    assert first.content == again.content and first.headers["etag"] == again.headers["etag"]


def test_not_modified(client):
    answer = client.get("/movies/genres")
    etag = answer.headers["etag"]
    assert not etag.startswith("W/") and "max-age" in answer.headers["cache-control"]
    for wanted in (etag, f'"other", {etag}', "*", "W/" + etag):
        again = client.get("/movies/genres", headers={"If-None-Match": wanted})
        assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == etag
    assert client.get("/movies/genres", headers={"If-None-Match": '"other"'}).status_code == 200


def test_head(client):
    get, head = client.get("/movies/genres"), client.head("/movies/genres")
    assert head.status_code == 200 and head.content == b""
    assert head.headers["etag"] == get.headers["etag"]


@pytest.mark.parametrize("query", ['"', "*", "NEAR(a b)", "a OR b", "title:x", "-x", "' OR 1=1 --", "%_", "\\", "(((", "💥", "ß", "ａ"])
def test_a_query_is_only_text(client, query):
    search(client, query)
