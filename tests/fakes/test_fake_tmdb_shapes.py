"""The fake TMDB speaks as TMDB does: its keys, types, spellings and irregularities, and what it finds."""
import datetime

import pytest

from fakes.tmdb_harness import ask_raw

ITEM = {"adult": bool, "backdrop_path": (str, type(None)), "genre_ids": list, "id": int, "original_language": str,
        "original_title": str, "overview": str, "popularity": (int, float), "poster_path": (str, type(None)), "title": str,
        "video": bool, "vote_average": (int, float), "vote_count": int}
OPTIONAL = {"release_date": str, "softcore": bool}
DETAILS = {"adult", "backdrop_path", "belongs_to_collection", "budget", "genres", "homepage", "id", "imdb_id",
           "original_language", "original_title", "overview", "popularity", "poster_path", "production_companies",
           "production_countries", "revenue", "runtime", "spoken_languages", "status", "tagline", "title", "video",
           "vote_average", "vote_count"}
FILM = 39


def check_item(item, *more):
    known = {**ITEM, **dict.fromkeys(more, str)}
    for name, kind in known.items():
        assert isinstance(item[name], kind), (name, item)
    for name in item.keys() - known.keys():
        assert isinstance(item[name], OPTIONAL[name]), (name, item)
    for name in ("poster_path", "backdrop_path"):
        assert item[name] is None or item[name].startswith("/") and item[name].endswith(".jpg")
    assert item.get("release_date", "") == "" or datetime.date.fromisoformat(item["release_date"])


def all_items(fake, pages):
    return [item for page in range(1, pages + 1) for item in fake.get("/movie/popular", page=page).json()["results"]]


@pytest.mark.parametrize("path", ["/movie/popular", "/movie/top_rated", "/movie/now_playing", "/movie/upcoming",
                                  "/discover/movie", "/search/movie?query=the", f"/movie/{FILM}/similar"])
def test_a_list_has_the_envelope_and_the_items(fake, path):
    answer = fake.get(*path.split("?")[:1], **dict(pair.split("=") for pair in path.split("?")[1:]))
    body = answer.json()
    assert answer.headers["content-type"] == "application/json;charset=utf-8"
    dates = {"dates"} if path.endswith(("now_playing", "upcoming")) else set()
    assert body.keys() == {"page", "results", "total_pages", "total_results"} | dates
    assert 0 < len(body["results"]) <= 20
    for item in body["results"]:
        check_item(item)
        assert not dates or body["dates"]["minimum"] <= item["release_date"] <= body["dates"]["maximum"]


@pytest.mark.parametrize("path", ["/trending/movie/day", "/trending/movie/week", f"/movie/{FILM}/recommendations"])
def test_a_list_of_mixed_media_says_which(fake, path):
    for item in fake.get(path).json()["results"]:
        check_item(item, "media_type")


def test_irregularities_are_as_frequent_as_seen(fake):
    items = all_items(fake, 190)

    def share(holds):
        return sum(map(holds, items)) * 100 / len(items)
    assert 3 < share(lambda item: not item["genre_ids"]) < 5
    assert 7 < share(lambda item: item["overview"] == "") < 11
    assert 2 < share(lambda item: item["poster_path"] is None) < 4.5
    assert 11 < share(lambda item: item["backdrop_path"] is None) < 14
    assert 0.5 < share(lambda item: item.get("release_date") == "") < 1.5
    assert 0 < share(lambda item: "release_date" not in item) < 1
    assert 1 < share(lambda item: isinstance(item["popularity"], int)) < 6
    assert 3 < share(lambda item: isinstance(item["vote_average"], int)) < 12
    assert 0 < share(lambda item: item["video"]) < 2
    assert 3 < share(lambda item: "softcore" in item) < 9


def test_json_is_spelled_in_all_the_ways_seen(fake):
    text = "".join(fake.get("/movie/popular", page=page).text for page in range(1, 30))
    for spelling in ("\\u0026", " & ", '"\\/', '"/', "\\r\\n", "🎬", "\\ud83c\\udfac", "…", "\\\""):
        assert spelling in text, spelling


def test_details_have_every_key_and_its_irregularities(fake):
    films = [fake.get(f"/movie/{13 * row}").json() for row in range(1, 200)]
    for film in films:
        assert DETAILS <= film.keys() <= DETAILS | {"release_date", "softcore", "origin_country"}
        assert film["belongs_to_collection"] is None or film["belongs_to_collection"].keys() == {
            "id", "name", "poster_path", "backdrop_path"}
        for company in film["production_companies"]:
            assert company.keys() == {"id", "logo_path", "name", "origin_country"}
    assert {"", None} < {film["homepage"] for film in films}
    assert None in {film["imdb_id"] for film in films} and None in {film["runtime"] for film in films}
    assert any("origin_country" not in film for film in films)
    assert any(company["logo_path"] is None for film in films for company in film["production_companies"])
    assert any(company["origin_country"] == "" for film in films for company in film["production_companies"])


def test_catalogue_facts_are_served(fake):
    film = fake.get(f"/movie/{FILM}", append_to_response="credits,release_dates").json()
    assert (film["title"], film["release_date"], film["runtime"]) == ("102 Dalmatians", "2000-11-22", 100)
    assert [one["name"] for one in film["credits"]["crew"] if one["job"] == "Director"] == ["Kevin Lima"]
    american = [one for one in film["release_dates"]["results"] if one["iso_3166_1"] == "US"]
    assert "G" in {one["certification"] for one in american[0]["release_dates"]}


def test_parts_are_the_same_alone_and_appended(fake):
    names = ["credits", "videos", "images", "keywords", "release_dates", "external_ids", "watch/providers", "translations",
             "alternative_titles", "similar", "recommendations"]
    whole = fake.get(f"/movie/{FILM}", append_to_response=",".join(names)).json()
    for name in names:
        alone = fake.get(f"/movie/{FILM}/{name}").json()
        if "page" not in alone:
            assert alone.pop("id") == FILM
        assert whole[name] == alone and alone, name


def test_appending_more_than_20_is_refused(fake):
    assert fake.get(f"/movie/{FILM}", append_to_response=",".join(["credits"] * 20)).status_code == 200
    answer = fake.get(f"/movie/{FILM}", append_to_response=",".join(["credits"] * 21))
    assert (answer.status_code, answer.json()["status_code"]) == (400, 27)


def test_translated_or_bare(fake):
    russian = [fake.get(f"/movie/{13 * row}", language="ru-RU").json() for row in range(1, 40)]
    assert any(film["title"].startswith("Фильм «") and film["overview"] for film in russian)
    bare = [film for film in russian if film["overview"] == ""]
    assert bare and all(film["title"] == film["original_title"] for film in bare)


# Questions

def test_search_takes_words_in_any_case_and_a_year(fake):
    found = fake.get("/search/movie", query="KILL bill").json()["results"]
    assert found and all("kill bill" in item["title"].lower() for item in found)
    year = found[0]["release_date"][:4]
    same = fake.get("/search/movie", query="kill bill", primary_release_year=year).json()["results"]
    assert same and all(item["release_date"].startswith(year) for item in same)


def test_no_hit_has_0_or_1_pages(fake):
    bodies = [fake.get("/search/movie", query=f"qqqzzz{number}").json() for number in range(20)]
    assert {body["total_pages"] for body in bodies} == {0, 1}
    assert all(body["total_results"] == 0 and body["results"] == [] for body in bodies)


@pytest.mark.parametrize("page", ["501", "0", "-1", "two"])
def test_pages_end_at_500(fake, page):
    answer = fake.get("/movie/popular", page=page)
    assert (answer.status_code, answer.json()["status_code"]) == (400, 22)


def test_unfiltered_discover_claims_more_pages_than_it_gives(fake):
    body = fake.get("/discover/movie", page=500).json()
    assert body["total_pages"] == 49437 and len(body["results"]) == 20


def test_discover_filters(fake):
    def found(**filters):
        return fake.get("/discover/movie", **filters).json()["results"]
    assert all({18, 35} <= set(item["genre_ids"]) for item in found(with_genres="18,35"))
    either = found(with_genres="18|35")
    assert all({18, 35} & set(item["genre_ids"]) for item in either) and either != found(with_genres="18,35")
    items = found(**{"primary_release_date.gte": "1999-01-01", "primary_release_date.lte": "1999-12-31"})
    assert items and all(item["release_date"].startswith("1999") for item in items)
    items = found(**{"vote_average.gte": "7", "vote_count.gte": "1000", "sort_by": "vote_average.desc"})
    averages = [item["vote_average"] for item in items]
    assert averages == sorted(averages, reverse=True) and min(averages) >= 7
    assert found(with_original_language="ja") and all(
        item["original_language"] == "ja" for item in found(with_original_language="ja"))
    for item in found(certification="NC-17", certification_country="US")[:3]:
        dates = fake.get(f"/movie/{item['id']}/release_dates").json()["results"]
        assert any(one["certification"] == "NC-17" for country in dates for one in country["release_dates"])
    for item in found(with_watch_providers="11", watch_region="DE")[:3]:
        offers = fake.get(f"/movie/{item['id']}/watch/providers").json()["results"]["DE"]
        assert 11 in {one["provider_id"] for name, kind in offers.items() if name != "link" for one in kind}


def test_genres_configuration_find(fake):
    assert len(fake.get("/genre/movie/list").json()["genres"]) == 19
    assert fake.get("/configuration").json()["images"]["secure_base_url"] == "https://image.tmdb.org/t/p/"
    body = fake.get("/find/tt1000003", external_source="imdb_id").json()
    assert [item["id"] for item in body["movie_results"]] == [FILM] and body["tv_results"] == []
    check_item(body["movie_results"][0], "media_type")


def test_a_collection_has_its_films(fake):
    found = fake.get("/search/movie", query="kill bill: volume 2").json()["results"][0]
    short = fake.get(f"/movie/{found['id']}").json()["belongs_to_collection"]
    whole = fake.get(f"/collection/{short['id']}").json()
    assert {**whole, **short} == whole and found["id"] in {part["id"] for part in whole["parts"]}
    for part in whole["parts"]:
        check_item(part, "media_type")


def test_a_path_is_decoded_and_its_dots_are_followed(fake):
    assert fake.get("/genre/movie%2Flist").json() == fake.get("/genre/movie/list").json()
    received = ask_raw(fake, "/3/movie/39%2F..%2F..%2Fconfiguration")
    assert b'"change_keys"' in received


@pytest.mark.parametrize("path, code", [("/movie/0", 34), ("/movie/14", 34), ("/movie/abc", 6), ("/nothing", 34)])
def test_what_is_not_there(fake, path, code):
    answer = fake.get(path)
    assert (answer.status_code, answer.json()["status_code"]) == (404, code)
    assert answer.headers["cache-control"] == "public, max-age=28800"
