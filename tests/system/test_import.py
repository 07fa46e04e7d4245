"""Bringing a library from elsewhere: other sites' files, found at TMDB and put into the library, on both engines."""
import collections
import csv
import io
import json
import time
import zipfile

import httpx
import pytest
from fakes.tmdb_harness import FakeTmdb
from harness import LONG, Client, Services, assert_clean, problem, wait_until
from library import ME, everything, pages
from tmdb_case import TOKEN

IMPORTS = f"{ME}/imports"
TMDB = {"TMDB_TOKEN": TOKEN, "TMDB_RATE": 100000, "TMDB_BURST": 100000, "TMDB_RETRY_PERCENT": 0}


def services_on(folder, engine, request, fake, **settings):
    server = request.getfixturevalue("postgres") if engine == "postgres" else None
    return Services(folder, postgres=server, TMDB_BASE_URL=fake.url, **{**TMDB, "IMPORT_CALLS_PER_S": 1000, **settings})


def end(services):
    codes = services.stop()
    for service in services.all():
        assert_clean(service.tail(1 << 30))
    assert codes == [0, 0, 0]


@pytest.fixture(scope="module")
def tmdb(tmp_path_factory):
    with FakeTmdb(tmp_path_factory.mktemp("tmdb")).start(token=TOKEN) as running:
        yield running


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def place(request, tmp_path_factory, tmdb):
    services = services_on(tmp_path_factory.mktemp(request.param), request.param, request, tmdb).start()
    yield services
    end(services)


def beginner(request, tmp_path, fake):
    """Starts services with these settings, which a test may hurt."""
    started = []

    def start(**settings):
        started.append(services_on(tmp_path, request.param, request, fake, **settings).start())
        return started[-1]

    yield start
    for services in started:
        end(services)


@pytest.fixture(params=["sqlite", "postgres"] if LONG else ["sqlite"])
def begin(request, tmp_path, fake):
    """For what is about neither database."""
    yield from beginner(request, tmp_path, fake)


@pytest.fixture(params=["sqlite", "postgres"])
def begin_on_each(request, tmp_path, fake):
    """For what is the database's promise too."""
    yield from beginner(request, tmp_path, fake)


@pytest.fixture
def person(place):
    with Client(place.user.url) as someone:
        someone.new_person()
        yield someone


# ---- films, and files of them ----


def some_films(services, n):
    """Films whose title and year nobody else has, so that a title alone finds them."""
    with Client(services.movie.url) as movies:
        found, page = {}, 1
        while len(found) < n:
            for film in movies.get("/movies/popular", params={"page": page}).json()["results"]:
                same = movies.get("/movies/search", params={"query": film["title"]}).json()["results"]
                if film["year"] and sum(abs((other["year"] or 0) - film["year"]) < 2 and other["title"] == film["title"]
                                        for other in same) == 1 and len(found) < n:
                    found[film["id"]] = film
            page += 1
        for film in found.values():
            details = movies.get(f"/movies/{film['id']}", params={"include": "external_ids"}).json()
            film["imdb_id"] = details["external_ids"]["imdb_id"]
        return list(found.values())


@pytest.fixture(scope="module")
def films(place):
    return some_films(place, 12)


def table(header, *rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def archive(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(name, text)
    return out.getvalue()


def letterboxd(diary=(), ratings=(), watched=(), watchlist=(), likes=(), lists=None):
    """As Letterboxd packs it. diary: (film, day, stars); ratings: (film, stars); else films."""
    def named(film):
        return ["2024-03-01", film["title"], film["year"], "https://boxd.it/x"]
    files = {
        "profile.csv": table(["Date Joined", "Username"], ["2020-01-01", "ada"]),
        "diary.csv": table(["Date", "Name", "Year", "Letterboxd URI", "Rating", "Rewatch", "Tags", "Watched Date"],
                           *[[*named(film), stars, "", "", day] for film, day, stars in diary]),
        "ratings.csv": table(["Date", "Name", "Year", "Letterboxd URI", "Rating"], *[[*named(film), stars] for film, stars in ratings]),
        "watched.csv": table(["Date", "Name", "Year", "Letterboxd URI"], *[named(film) for film in watched]),
        "watchlist.csv": table(["Date", "Name", "Year", "Letterboxd URI"], *[named(film) for film in watchlist]),
        "likes/films.csv": table(["Date", "Name", "Year", "Letterboxd URI"], *[named(film) for film in likes]),
    }
    for name, items in (lists or {}).items():
        head = table(["Date", "Name", "Tags", "URL", "Description"], ["2024-03-01", name, "", "https://boxd.it/l", "Mine"])
        body = table(["Position", "Name", "Year", "URL", "Description"],
                     *[[i + 1, film["title"], film["year"], "https://boxd.it/x", ""] for i, film in enumerate(items)])
        files[f"lists/{name.lower()}.csv"] = "Letterboxd list export v7\n" + head + "\n" + body
    return archive(**files)


NOBODY_KNOWS = {"title": "Zzyzx Qwertzuiop the Unfilmed", "year": 1951}


# ---- imports ----


def send(person, content, kind="application/zip", headers=(), **query):
    if isinstance(content, str):
        content = content.encode()
    return person.post(IMPORTS, content=content, params=query, headers={"Content-Type": kind, **dict(headers)})


def begun(answer):
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/api/v1{IMPORTS}/{answer.json()['id']}"
    return f"{IMPORTS}/{answer.json()['id']}"


def finished(person, path, seconds=60):
    """The import when it is not at work any more."""
    def state():
        return person.get(path).json()
    wait_until(lambda: state()["state"] != "running", seconds, "the import is done")
    return state()


def imported(person, content, kind="application/zip", **query):
    one = finished(person, begun(send(person, content, kind, **query)))
    assert one["state"] == ("ready" if query.get("dry_run") else "done"), one
    assert one["rows"] == one["rows_done"]
    counts = one["counts"]
    assert sum(counts[name] for name in ("added", "changed", "unchanged", "unmatched", "refused")) == one["rows"]
    return one


def report(person, one, **query):
    return pages(person, f"{IMPORTS}/{one['id']}/rows", **query)


def library_of(person):
    """{collection or list's name: sorted facts}."""
    entries, lists, _ = everything(person)
    names = {one["id"]: one["name"] for one in lists if not one["is_removed"]}
    found = collections.defaultdict(list)
    for change in entries:
        if not change["is_removed"]:
            key = names.get(change["list_id"]) if change["list_id"] else change["collection"]
            fact = (change["movie_id"], change["rating"]) if key == "ratings" else \
                (change["movie_id"], change["watched_on"]) if key == "watched" else change["movie_id"]
            found[key].append(fact)
    return {key: sorted(facts, key=str) for key, facts in found.items()}


def test_letterboxd_archive(person, films):
    a, b, c, d, e, f, *_ = films
    one = imported(person, letterboxd(
        diary=[(a, "2024-02-29", "4.5"), (a, "2025-01-01", ""), (b, "2024-03-02", "")],
        ratings=[(a, "4.5"), (c, "0.5")], watched=[a, b, c], watchlist=[d, NOBODY_KNOWS], likes=[a],
        lists={"Best": [e, a, f]}))
    assert one["format"] == "letterboxd" and one["counts"]["unmatched"] == 1 and one["counts"]["added"] == one["rows"] - 1
    assert library_of(person) == {
        "favorites": [a["id"]],
        "ratings": sorted([(a["id"], 9.0), (c["id"], 1.0)], key=str),
        "watched": sorted([(a["id"], "2024-02-29"), (a["id"], "2025-01-01"), (b["id"], "2024-03-02"), (c["id"], None)], key=str),
        "watchlist": [d["id"]],
        "Best": sorted([e["id"], a["id"], f["id"]], key=str),
    }
    [unmatched] = report(person, one)
    assert (unmatched["reason"], unmatched["title"], unmatched["year"]) == ("not-found", NOBODY_KNOWS["title"], 1951)
    assert (unmatched["file"], unmatched["line"], unmatched["collection"]) == ("watchlist.csv", 3, "watchlist")
    # the list's order is the file's
    [best] = person.get(f"{ME}/lists").json()["results"]
    assert best["name"] == "Best" and best["description"] == "Mine"
    items = person.get(f"{ME}/lists/{best['id']}/items").json()["results"]
    assert [item["movie_id"] for item in items] == [e["id"], a["id"], f["id"]]
    # and what was added there on a day is added on that day here
    assert person.get(f"{ME}/favorites").json()["results"][0]["created_at"].startswith("2024-03-01")


def test_second_import_changes_nothing(person, films):
    file = letterboxd(diary=[(films[0], "2024-02-29", "4.5")], ratings=[(films[0], "4.5")], watched=films[:3], watchlist=films[3:5],
                      likes=films[:2], lists={"Best": films[:4], "Worst": []})
    first = imported(person, file)
    assert first["counts"]["added"] == first["rows"]
    before = everything(person)
    again = imported(person, file)
    assert again["counts"] == {**first["counts"], "added": 0, "unchanged": first["rows"]}
    assert everything(person) == before
    assert sorted(one["name"] for one in person.get(f"{ME}/lists").json()["results"]) == ["Best", "Worst"]


def test_what_is_here_stays_unless_asked_otherwise(person, films):
    a, b, *_ = films
    person.put(f"{ME}/ratings/{a['id']}", json={"rating": 3})
    person.post(f"{ME}/watched", json={"movie_id": a["id"], "watched_on": "2024-02-29", "note": "mine"})
    file = letterboxd(diary=[(a, "2024-02-29", "")], ratings=[(a, "5"), (b, "4")], watched=[a])
    kept = imported(person, file)
    assert library_of(person)["ratings"] == sorted([(a["id"], 3.0), (b["id"], 8.0)], key=str)
    assert library_of(person)["watched"] == [(a["id"], "2024-02-29")]
    assert (kept["existing"], kept["counts"]["added"], kept["counts"]["unchanged"]) == ("keep", 1, kept["rows"] - 1)
    replaced = imported(person, file, existing="replace")
    assert library_of(person)["ratings"] == sorted([(a["id"], 10.0), (b["id"], 8.0)], key=str)
    assert (replaced["existing"], replaced["counts"]["changed"]) == ("replace", 1)
    assert person.get(f"{ME}/watched").json()["results"][0]["note"] == "mine"


def test_dry_run_changes_nothing_and_can_be_applied(place, person, films, tmdb):
    file = letterboxd(diary=[(film, "2024-02-29", "4") for film in films[:5]], likes=[*films[:3], NOBODY_KNOWS], lists={"Best": films})
    one = imported(person, file, dry_run=True)
    assert one["dry_run"] and one["counts"]["added"] == one["rows"] - 1
    assert everything(person) == ([], [], 0) and len(report(person, one)) == 1
    tmdb.reset_counts()
    calls = movie_calls(place)
    assert person.post(f"{IMPORTS}/{one['id']}/apply").status_code == 202
    applied = finished(person, f"{IMPORTS}/{one['id']}")
    assert (applied["state"], applied["dry_run"], applied["counts"]) == ("done", False, one["counts"])
    assert len(library_of(person)["favorites"]) == 3 and len(report(person, applied)) == 1
    assert movie_calls(place) == calls  # what the dry run found is not looked for again
    problem(person.post(f"{IMPORTS}/{one['id']}/apply"), 409, "import-not-ready")


def movie_calls(services):
    """How often it was asked which film something is. (Details of films are asked for behind, whenever.)"""
    text = httpx.get(services.movie.url + "/metrics").text
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith("http_server_request_duration_seconds_count")
               and any(name in line for name in ("/movies/search", "/movies/find", "/brief")))


@pytest.mark.parametrize("dry_run", [False, True])
def test_matching_by_hand(person, films, dry_run):
    a, b, *_ = films
    lost = {"title": "The Film Nobody Can Find", "year": 1999}
    one = imported(person, letterboxd(diary=[(lost, "2024-05-05", "")], ratings=[(lost, "3.5")], likes=[lost, a]), dry_run=dry_run)
    rows = report(person, one, reason="not-found")
    assert len(rows) == 3 and one["counts"]["unmatched"] == 3
    path = f"{IMPORTS}/{one['id']}"
    problem(person.post(f"{path}/matches", json={"row": 4000, "movie_id": b["id"]}), 404, "import-row-not-found")
    problem(person.post(f"{path}/matches", json={"row": rows[0]["row"], "movie_id": 2147483647}), 404, "movie-not-found")
    matched = person.post(f"{path}/matches", json={"row": rows[0]["row"], "movie_id": b["id"]})
    assert matched.status_code == 200, matched.text
    counts = matched.json()["counts"]
    assert (counts["unmatched"], counts["added"]) == (0, 4) and report(person, one) == []
    problem(person.post(f"{path}/matches", json={"row": rows[0]["row"], "movie_id": b["id"]}), 404, "import-row-not-found")
    if dry_run:
        assert everything(person) == ([], [], 0)
        assert person.post(f"{path}/apply").status_code == 202
        assert finished(person, path)["counts"] == counts
    assert library_of(person) == {"favorites": sorted([a["id"], b["id"]], key=str), "ratings": [(b["id"], 7.0)],
                                  "watched": [(b["id"], "2024-05-05")]}


def test_imdb_csv(person, films):
    a, b, c, *_ = films
    file = table(["Const", "Your Rating", "Date Rated", "Title", "Original Title", "URL", "Title Type", "IMDb Rating", "Runtime (mins)",
                  "Year", "Genres", "Num Votes", "Release Date", "Directors"],
                 *[[film["imdb_id"], stars, "2023-05-06", "What it is called there", "", "", kind, "7.0", "100", "1900", "Drama", "1", "", ""]
                   for film, stars, kind in ((a, 8, "Movie"), (b, 1, "movie"), (c, 9, "TV Series"))])
    one = imported(person, file, "text/csv")
    assert one["format"] == "imdb" and one["counts"]["skipped"] == 1 and one["counts"]["added"] == 2
    assert library_of(person) == {"ratings": sorted([(a["id"], 8.0), (b["id"], 1.0)], key=str)}


def test_trakt_json(person, films):
    a, b, *_ = films
    history = [{"id": 1, "watched_at": "2024-05-05T20:00:00.000Z", "action": "watch", "type": "movie",
                "movie": {"title": a["title"], "year": a["year"], "ids": {"trakt": 1, "slug": "x", "imdb": a["imdb_id"], "tmdb": a["id"]}}},
               {"id": 2, "watched_at": "2024-05-06T20:00:00.000Z", "action": "watch", "type": "episode",
                "episode": {"season": 1, "number": 1, "title": "Pilot", "ids": {}}, "show": {"title": "Lost", "year": 2004, "ids": {}}}]
    one = imported(person, json.dumps(history), "application/json")
    assert one["format"] == "trakt" and one["counts"]["skipped"] == 1
    ratings = [{"rated_at": "2024-05-05T20:00:00.000Z", "rating": 7, "type": "movie",
                "movie": {"title": b["title"], "year": b["year"], "ids": {"trakt": 2, "imdb": b["imdb_id"], "tmdb": None}}}]
    imported(person, json.dumps(ratings), "application/json")
    assert library_of(person) == {"watched": [(a["id"], "2024-05-05")], "ratings": [(b["id"], 7.0)]}


def test_unusable_files_are_told_so(person, place):
    for content, kind in ((b"", "text/csv"), (b"\x00\x01\x02", "application/octet-stream"), (b"Name,Other\n1,2\n", "text/csv"),
                          (b'{"a":', "application/json"), (b'{"format":"cinesync-library","version":99}', "application/json"),
                          (b"PK\x03\x04broken", "application/zip"), (archive(**{"nothing.txt": "x"}), "application/zip")):
        answer = problem(send(person, content, kind), 422, "import-unreadable")
        assert len(answer["detail"]) > 10
    problem(send(person, b"x" * ((8 << 20) + 1), "text/csv"), 413, "content-too-large")
    problem(send(person, b"x", "video/mp4"), 415, "unsupported-media-type")
    problem(send(person, b"x", "text/csv", existing="perhaps"), 422, "validation-failed")
    with Client(place.user.url) as stranger:
        problem(send(stranger, b"Name\n", "text/csv"), 401, "unauthorized")
    assert person.get(IMPORTS).json()["results"] == []


def test_imports_are_their_owners(person, place, films):
    one = imported(person, letterboxd(likes=[films[0], NOBODY_KNOWS]))
    path = f"{IMPORTS}/{one['id']}"
    with Client(place.user.url) as other:
        other.new_person()
        for answer in (other.get(path), other.get(f"{path}/rows"), other.post(f"{path}/apply"),
                       other.post(f"{path}/matches", json={"row": 2, "movie_id": films[0]["id"]})):
            problem(answer, 404, "import-not-found")
        assert other.delete(path).status_code == 204
        assert other.get(IMPORTS).json()["results"] == []
    assert [found["id"] for found in person.get(IMPORTS).json()["results"]] == [one["id"]]
    assert person.delete(path).status_code == 204
    problem(person.get(path), 404, "import-not-found")
    assert library_of(person) == {"favorites": [films[0]["id"]]}  # what it brought stays


def test_report_comes_in_pages_and_unreadable_lines_are_in_it(person):
    file = table(["Date", "Name", "Year", "Letterboxd URI", "Rating"],
                 *[["2024-01-01", f"Unfilmed number {n} qwertz", 1950, "", 3 if n != 4 else "eleven"] for n in range(9)])
    one = imported(person, file, "text/csv", dry_run=True)
    rows = report(person, one, limit=2)
    assert [row["reason"] for row in rows] == ["not-found"] * 8 + ["unreadable"]
    assert [row["line"] for row in rows] == [2, 3, 4, 5, 7, 8, 9, 10, 6] and rows[-1]["detail"]
    assert one["counts"]["unreadable"] == 1 and len(report(person, one, reason="unreadable")) == 1
    problem(person.get(f"{IMPORTS}/{one['id']}/rows", params={"cursor": "AAAA"}), 422, "validation-failed")


def test_ambiguous_title_gives_its_candidates(place, person):
    """Two films of one name, and the file does not say of which year: nobody guesses."""
    twins = find_twins(place)
    file = table(["Date", "Name", "Year", "Letterboxd URI"], ["2024-01-01", twins[0]["title"], "", ""])
    one = imported(person, file, "text/csv", into="favorites")
    [row] = report(person, one)
    assert row["reason"] == "ambiguous" and row["year"] is None
    assert {film["id"] for film in twins[:2]} <= {found["movie_id"] for found in row["candidates"]}
    assert person.post(f"{IMPORTS}/{one['id']}/matches", json={"row": 1, "movie_id": twins[1]["id"]}).status_code == 200
    assert library_of(person) == {"favorites": [twins[1]["id"]]}


def find_twins(services):
    with Client(services.movie.url) as movies:
        for page in range(1, 40):
            for film in movies.get("/movies/discover", params={"page": page}).json()["results"]:
                found = movies.get("/movies/search", params={"query": film["title"]}).json()["results"]
                same = [other for other in found[:5] if other["title"] == film["title"]]
                votes = sorted(other["vote_count"] for other in same)
                if len(same) > 1 and votes[-1] < 10 * max(1, votes[-2]):
                    return same
    raise AssertionError("no two films of one name")


def test_one_at_a_time_and_repeats_are_the_same(begin_on_each):
    services = begin_on_each(IMPORT_CALLS_PER_S=1)
    films = some_films(services, 6)
    with Client(services.user.url) as person:
        person.new_person()
        file = letterboxd(likes=films)
        key = {"Idempotency-Key": "one-and-the-same"}
        path = begun(send(person, file, headers=key))
        again = send(person, file, headers=key)
        assert again.headers["idempotent-replayed"] == "true" and begun(again) == path
        problem(send(person, file), 409, "import-running")
        problem(person.post(f"{path}/matches", json={"row": 1, "movie_id": films[0]["id"]}), 409, "import-not-ready")
        assert person.delete(path).status_code == 204  # taken back while it is at work
        path = begun(send(person, letterboxd(likes=films[:1])))
        assert finished(person, path)["state"] == "done"
        assert len(person.get(IMPORTS).json()["results"]) == 1


def test_waits_for_the_movie_service(begin):
    services = begin()
    films = some_films(services, 4)
    services.movie.stop()
    with Client(services.user.url) as person:
        person.new_person()
        path = begun(send(person, letterboxd(likes=films)))
        wait_until(lambda: person.get(path).json()["waits_for"] == "movie-service", 15, "it says what it waits for")
        assert person.get(path).json()["state"] == "running" and everything(person) == ([], [], 0)
        services.movie.start()
        one = finished(person, path)
        assert (one["state"], one["waits_for"], one["counts"]["added"]) == ("done", None, 4)


def test_who_waits_holds_up_nobody(begin):
    """An import that needs the movie service stands back for one that does not."""
    services = begin()
    known, unknown = some_films(services, 6)[:3], some_films(services, 6)[3:]
    with Client(services.user.url) as first, Client(services.user.url) as second:
        first.new_person()
        second.new_person()
        for film in known:
            first.put(f"{ME}/watchlist/{film['id']}")
        services.movie.stop()
        waiting = begun(send(first, letterboxd(likes=unknown)))
        wait_until(lambda: first.get(waiting).json()["waits_for"] == "movie-service", 15, "it waits")
        own = json.dumps({"format": "cinesync-library", "version": 1, "entries": [
            {"collection": "favorites", "movie_id": film["id"], "title": film["title"]} for film in known]})
        path = begun(send(second, own, "application/json"))
        assert finished(second, path, 30)["counts"]["added"] == 3
        assert first.get(waiting).json()["state"] == "running"
        services.movie.start()
        assert finished(first, waiting)["counts"]["added"] == 3


def test_tmdb_away_leaves_nothing_unmatched(begin, fake):
    """A search that finds nothing because TMDB is away says nothing about the film."""
    services = begin()
    films = some_films(services, 3)
    services.movie.stop()
    fake.faults(status=500)
    services.movie.start(DATA_DIR=services.folder / "another movie service")
    with Client(services.user.url) as person:
        person.new_person()
        path = begun(send(person, letterboxd(likes=films)))
        wait_until(lambda: person.get(path).json()["waits_for"] == "movie-service", 20, "it waits")
        fake.heal()
        one = finished(person, path, 90)
        assert (one["counts"]["added"], one["counts"]["unmatched"]) == (3, 0)


def test_no_room(begin):
    services = begin(LIBRARY_ENTRIES_MAX=5, LISTS_MAX=1, LIST_ITEMS_MAX=2)
    films = some_films(services, 8)
    with Client(services.user.url) as person:
        person.new_person()
        lists = imported(person, letterboxd(lists={"Full": films[:3], "No room": films[3:5]}))
        assert (lists["counts"]["added"], lists["counts"]["refused"]) == (2, 3)
        favorites = imported(person, letterboxd(likes=films))
        assert (favorites["counts"]["added"], favorites["counts"]["refused"]) == (3, 5)
        assert {row["reason"] for row in report(person, favorites)} == {"library-full"}


def test_more_rows_than_are_taken(begin):
    services = begin(IMPORT_ROWS_MAX=3, IMPORT_UNPACKED_MAX=20000)
    with Client(services.user.url) as person:
        person.new_person()
        rows = [["2024-01-01", "Heat", 1995, "", 3]] * 4
        header = ["Date", "Name", "Year", "Letterboxd URI", "Rating"]
        problem(send(person, table(header, *rows), "text/csv"), 413, "import-too-large")
        problem(send(person, archive(**{"ratings.csv": table(header) + "\n" * 30000})), 413, "import-too-large")


def test_killed_again_and_again(begin_on_each):
    """Whatever moment it is killed at: each row once, none left out."""
    services = begin_on_each(IMPORT_CALLS_PER_S=100)
    films = some_films(services, 40)
    kills = 20 if LONG else 2
    with Client(services.user.url) as person:
        person.new_person()
        file = letterboxd(diary=[(film, "2024-02-29", "4") for film in films], ratings=[(film, "4") for film in films], watched=films,
                          likes=films, lists={"All": films})
        path = begun(send(person, file))
        for n in range(kills):
            time.sleep(0.05 + 0.07 * n)
            services.user.kill()
            services.user.start()
        one = finished(person, path, 120)
        counts = one["counts"]
        assert one["state"] == "done" and counts["added"] == one["rows"] and counts["unchanged"] == counts["unmatched"] == 0
        wanted = sorted((film["id"] for film in films), key=str)
        found = library_of(person)
        assert found["favorites"] == found["All"] == wanted
        assert found["ratings"] == sorted(((film["id"], 8.0) for film in films), key=str)
        assert found["watched"] == sorted(((film["id"], "2024-02-29") for film in films), key=str)


def test_limit_of_a_day(begin):
    services = begin(LIMIT_IMPORTS=2)
    with Client(services.user.url) as person:
        person.new_person()
        for _ in range(2):
            problem(send(person, b"nothing", "text/csv"), 422, "import-unreadable")
        assert problem(send(person, b"nothing", "text/csv"), 429, "too-many-requests")
