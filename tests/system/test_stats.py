"""Statistics of a library, held against a model of what was put into it, on both engines."""
import collections
import random

import pytest
from harness import Client, Services, assert_clean, problem, wait_until
from library import ME

STATS = f"{ME}/stats"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def place(request, tmp_path_factory):
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    services = Services(tmp_path_factory.mktemp(request.param), postgres=server, DETAILS_CALLS_PER_S=1000).start()
    yield services
    codes = services.stop()
    for service in services.all():
        assert_clean(service.tail(1 << 30))
    assert codes == [0, 0, 0]


@pytest.fixture(scope="module")
def films(place):
    """{id: what the movie service says of it}, of 60 films."""
    with Client(place.movie.url) as movies:
        found = [film["id"] for page in (1, 2, 3) for film in movies.get("/movies/discover", params={"page": page}).json()["results"]]
        return {film: movies.get(f"/movies/{film}").json() for film in found}


@pytest.fixture
def person(place):
    with Client(place.user.url) as someone:
        someone.new_person()
        yield someone


def bulk(person, operations):
    answer = person.post(f"{ME}/library/bulk", json={"operations": operations})
    assert answer.status_code == 200, answer.text
    assert {one["status"] for one in answer.json()["results"]} <= {200, 201}, answer.text


def complete(person, **query):
    """The statistics, once the details of all films are known."""
    wait_until(lambda: person.get(STATS).json()["details_pending"] == 0, 30, "details of all films")
    answer = person.get(STATS, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def top(films, watched, ratings, names, n):
    """[(name, films, mean rating)], those of most films first."""
    by_name = collections.defaultdict(list)
    for film in watched:
        for name in set(names(films[film])):
            by_name[name].append(ratings.get(film))
    ranked = sorted(by_name.items(), key=lambda item: (-len(item[1]), item[0].encode()))[:n]
    return [(name, len(rated), pytest.approx(mean(rated)) if mean(rated) is not None else None) for name, rated in ranked]


def mean(ratings):
    known = [rating for rating in ratings if rating is not None]
    return sum(known) / len(known) if known else None


def model(films, watches, ratings, year=None, n=10):
    """watches: [(film, day or None)], ratings: {film: points}. What the statistics should be."""
    chosen = [(film, day) for film, day in watches if year is None or (day or "").startswith(str(year))]
    days = sorted(day for _, day in chosen if day)
    watched = {film for film, _ in chosen}
    minutes = [films[film]["runtime"] for film, _ in chosen]
    periods = collections.defaultdict(list)
    for film, day in chosen:
        if day:
            periods[day[:4 if year is None else 7]].append(film)
    decades = collections.Counter(films[film]["year"] // 10 * 10 for film in watched if films[film]["year"])
    times = collections.Counter(film for film, _ in chosen)
    return {
        "year": year, "films": len(watched), "watches": len(chosen), "hours": pytest.approx(sum(m or 0 for m in minutes) / 60),
        "watches_without_runtime": minutes.count(None), "watches_without_date": len(chosen) - len(days),
        "first_watched_on": days[0] if days else None, "last_watched_on": days[-1] if days else None,
        "periods": [{"period": period, "watches": len(seen), "films": len(set(seen)),
                     "hours": pytest.approx(sum(films[film]["runtime"] or 0 for film in seen) / 60)} for period, seen in sorted(periods.items())],
        "genres": top(films, watched, ratings, lambda film: [genre["name"] for genre in film["genres"]], n),
        "directors": top(films, watched, ratings, lambda film: film["directors"], n),
        "decades": [{"decade": decade, "films": count} for decade, count in sorted(decades.items())],
        "rewatched": [(film, count) for film, count in sorted(times.items(), key=lambda item: (-item[1], item[0])) if count > 1][:n],
    }


def plain(stats):
    stats = {key: value for key, value in stats.items() if key not in ("ratings", "details_pending")}
    for name in ("genres", "directors"):
        stats[name] = [(one["name"], one["films"], one["mean_rating"]) for one in stats[name]]
    stats["rewatched"] = [(one["movie_id"], one["watches"]) for one in stats["rewatched"]]
    return stats


def test_figures_are_those_of_a_model(person, films):
    dice = random.Random(7)
    ids = list(films)
    days = [None, "2023-12-31", "2024-01-01", "2024-02-29", "2024-12-31", "2025-01-01", "2025-06-30"]
    watches = [(dice.choice(ids[:40]), dice.choice(days)) for _ in range(200)]
    ratings = {film: dice.randrange(1, 21) / 2 for film in ids[20:50]}
    bulk(person, [{"op": "put", "collection": "watched", "movie_id": film, "watched_on": day} for film, day in watches])
    bulk(person, [{"op": "put", "collection": "ratings", "movie_id": film, "rating": points} for film, points in ratings.items()])
    bulk(person, [{"op": "put", "collection": "favorites", "movie_id": film} for film in ids[50:]])  # counts nowhere
    stats = complete(person)
    assert plain(stats) == model(films, watches, ratings)
    assert stats["ratings"]["count"] == 30 and stats["ratings"]["mean"] == pytest.approx(mean(ratings.values()))
    given = collections.Counter(ratings.values())
    assert stats["ratings"]["histogram"] == [given[n / 2] for n in range(1, 21)]
    for year in (2023, 2024, 2025, 2026):
        assert plain(complete(person, year=year)) == model(films, watches, ratings, year)
    assert plain(complete(person, top=3)) == model(films, watches, ratings, n=3)
    assert sum(films[film]["runtime"] or 0 for film, _ in watches) > 0  # else all this compares nothing with nothing


def test_ratings_count_in_the_year_they_were_given(person, films):
    film = next(iter(films))
    person.put(f"{ME}/ratings/{film}", json={"rating": 8})
    year = int(person.get(f"{ME}/ratings/{film}").json()["created_at"][:4])
    assert person.get(STATS, params={"year": year}).json()["ratings"]["count"] == 1
    for other in (year - 1, year + 1):
        assert person.get(STATS, params={"year": other}).json()["ratings"] == {"count": 0, "mean": None, "histogram": [0] * 20}


def test_what_is_removed_is_not_counted(person, films):
    first, second = list(films)[:2]
    watch = person.post(f"{ME}/watched", json={"movie_id": first, "watched_on": "2024-01-01"}).json()
    person.post(f"{ME}/watched", json={"movie_id": second, "watched_on": "2024-01-02"})
    assert person.delete(f"{ME}/watched/{watch['id']}").status_code == 204
    stats = complete(person)
    assert (stats["films"], stats["watches"], stats["first_watched_on"]) == (1, 1, "2024-01-02")


def test_an_empty_library(person):
    stats = person.get(STATS).json()
    assert plain(stats) == model({}, [], {}) and stats["details_pending"] == 0


def test_nothing_new_is_304(person, films):
    film = next(iter(films))
    person.post(f"{ME}/watched", json={"movie_id": film, "watched_on": "2024-01-01"})
    complete(person)
    answer = person.get(STATS)
    assert answer.headers["cache-control"] == "private, no-cache"
    same = {"If-None-Match": answer.headers["etag"]}
    assert person.get(STATS, headers=same).status_code == 304
    person.post(f"{ME}/watched", json={"movie_id": film, "watched_on": "2024-01-02"})
    assert person.get(STATS, headers=same).status_code == 200


def test_who_may_ask_for_what(person, place):
    with Client(place.user.url) as nobody:
        problem(nobody.get(STATS), 401, "unauthorized")
    for query in ({"year": 1869}, {"year": "MMXXIV"}, {"top": 0}, {"top": 51}, {"month": 5}):
        problem(person.get(STATS, params=query), 422, "validation-failed")


def test_details_come_when_the_movie_service_does(on_each):
    """A film taken as pending while nobody could be asked gets its title, and then its details."""
    with Client(on_each.movie.url) as movies, Client(on_each.user.url) as person:
        person.new_person()
        film = next(one for one in (movies.get(f"/movies/{found['id']}").json() for found in
                                    movies.get("/movies/discover").json()["results"]) if one["runtime"] and one["genres"])
        on_each.movie.stop()
        taken = person.post(f"{ME}/watched", json={"movie_id": film["id"], "watched_on": "2024-05-05"}, headers={"Prefer": "respond-async"})
        assert taken.status_code == 202
        stats = person.get(STATS).json()
        assert (stats["watches"], stats["watches_without_runtime"], stats["details_pending"], stats["genres"]) == (1, 1, 1, [])
        on_each.movie.start()
        wait_until(lambda: person.get(STATS).json()["details_pending"] == 0, 60, "its details")
        stats = person.get(STATS).json()
        assert stats["hours"] == pytest.approx(film["runtime"] / 60)
        assert sorted(one["name"] for one in stats["genres"]) == sorted({genre["name"] for genre in film["genres"]})
