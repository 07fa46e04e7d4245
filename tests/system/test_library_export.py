"""The library as a file, in every format, and brought back into another account."""
import csv
import io
import json
import random

import pytest
from harness import Client, Services, problem, wait_until
from library import ME, a_list, everything, films, pages, person, place, put  # noqa: F401  (fixtures)

EXPORT = f"{ME}/library/export"
HEADER = "collection,list,movie_id,title,year,rating,watched_on,note,added_at"
NOTES = ['plain', 'say "yes", twice', "two\nlines", "=1+1", "  ends  ".strip(), "😀 ünïcode ; semicolons\tand tabs", "-5", "\\N"]


def library_of(person):
    """What every file should have: {(collection, list, film, day): (rating, note, added at)}, from the pages."""
    found = {}
    for name in ("favorites", "watchlist", "ratings", "watched"):
        for one in pages(person, f"{ME}/{name}"):
            key = (name, None, one["movie_id"], one.get("watched_on"))
            found[key] = (one["rating"] if name == "ratings" else None, one.get("note"), one["created_at"])
    for one in pages(person, f"{ME}/lists"):
        for item in pages(person, f"{ME}/lists/{one['id']}/items"):
            found["list", one["name"], item["movie_id"], None] = (None, item["note"], item["created_at"])
    return found


def from_json(text):
    document = json.loads(text)
    assert (document["format"], document["version"]) == ("cinesync-library", 1)
    entries = [(one["collection"], one["list"], one["movie_id"], one["watched_on"], one["rating"], one["note"], one["added_at"])
               for one in document["entries"]]
    assert all(set(one) == set(HEADER.split(",")) for one in document["entries"])
    return {entry[:4]: entry[4:] for entry in entries}, entries, document


def from_csv(text):
    assert text.startswith(HEADER + "\r\n") and text.endswith("\r\n")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    entries = [(row["collection"], row["list"] or None, int(row["movie_id"]), row["watched_on"] or None,
                float(row["rating"]) if row["rating"] else None, row["note"] or None, row["added_at"]) for row in rows]
    return {entry[:4]: entry[4:] for entry in entries}, entries, rows


@pytest.fixture
def filled(person, films):  # noqa: F811
    dice = random.Random(3)
    for film in films[:9]:
        put(person, "favorites", film)
    for film in films[5:15]:
        put(person, "watchlist", film)
    for film in films[10:30]:
        put(person, "ratings", film, rating=dice.randrange(1, 21) / 2)
    for i, film in enumerate(films[20:20 + 2 * len(NOTES)]):
        person.post(f"{ME}/watched", json={"movie_id": film, "watched_on": [None, "2024-02-29"][i % 2], "note": NOTES[i // 2]})
    for i in range(8):  # the same film on several days
        person.post(f"{ME}/watched", json={"movie_id": films[0], "watched_on": f"2025-01-0{i + 1}"})
    path = a_list(person, films[:7], 'The "best", of all')
    person.put(f"{path}/items/{films[0]}/position", json={"after": films[6]})
    person.put(f"{path}/items/{films[3]}", json={"note": "=SUM(A1)"})
    person.post(f"{ME}/lists", json={"name": "Empty", "description": "Nothing yet"})
    person.delete(f"{ME}/favorites/{films[1]}")
    return person


@pytest.mark.parametrize("form, read, kind", [("json", from_json, "application/json"), ("csv", from_csv, "text/csv; charset=utf-8")])
def test_everything_is_in_the_file(filled, films, form, read, kind):  # noqa: F811
    answer = filled.get(EXPORT, params={"format": form})
    assert answer.status_code == 200 and answer.headers["content-type"] == kind
    assert answer.headers["content-disposition"] == f'attachment; filename="cinesync-library.{form}"'
    found, entries, whole = read(answer.content.decode())
    wanted = library_of(filled)
    assert found == wanted and len(entries) == len(wanted)
    assert [entry[2] for entry in entries if entry[0] == "list"] == [*films[1:7], films[0]]  # in the list's own order
    assert ("favorites", None, films[1], None) not in found
    if form == "json":
        assert [(one["name"], one["description"]) for one in whole["lists"]] == [('The "best", of all', None), ("Empty", "Nothing yet")]
        assert all(one["title"] and isinstance(one["year"], int) for one in whole["entries"])
    else:
        assert all(row["title"] and row["year"] for row in whole)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_brought_into_another_account_it_is_the_same(filled, place, form):  # noqa: F811
    answer = filled.get(EXPORT, params={"format": form})
    with Client(place.url) as other:
        other.new_person()
        sent = other.post(f"{ME}/imports", content=answer.content, headers={"Content-Type": answer.headers["content-type"]})
        assert sent.status_code == 202, sent.text
        path = f"{ME}/imports/{sent.json()['id']}"
        wait_until(lambda: other.get(path).json()["state"] == "done", 60, "it is imported")
        counts = other.get(path).json()["counts"]
        assert counts["added"] == len(library_of(filled)) and counts["unmatched"] == counts["unreadable"] == 0
        assert library_of(other) == library_of(filled)
        assert sorted(one["name"] for one in pages(other, f"{ME}/lists")) == \
            sorted(one["name"] for one in pages(filled, f"{ME}/lists") if form == "json" or one["items"])
        [best] = [one for one in pages(other, f"{ME}/lists") if one["items"]]
        [mine] = [one for one in pages(filled, f"{ME}/lists") if one["items"]]
        assert [item["movie_id"] for item in pages(other, f"{ME}/lists/{best['id']}/items")] == \
            [item["movie_id"] for item in pages(filled, f"{ME}/lists/{mine['id']}/items")]
        # and its own file brought back changes nothing
        before = everything(filled)
        again = filled.post(f"{ME}/imports", content=answer.content, headers={"Content-Type": answer.headers["content-type"]})
        path = f"{ME}/imports/{again.json()['id']}"
        wait_until(lambda: filled.get(path).json()["state"] == "done", 60, "it is imported")
        assert filled.get(path).json()["counts"]["added"] == 0 and everything(filled) == before


def test_only_some_collections(filled):
    chosen = filled.get(EXPORT, params={"format": "csv", "collections": "ratings,lists"})
    found, _, _ = from_csv(chosen.content.decode())
    assert {key[0] for key in found} == {"ratings", "list"}
    assert found == {key: value for key, value in library_of(filled).items() if key[0] in ("ratings", "list")}
    problem(filled.get(EXPORT, params={"collections": "everything"}), 422, "validation-failed")
    problem(filled.get(EXPORT, params={"format": "xml"}), 422, "validation-failed")


def test_for_letterboxd(filled, films):  # noqa: F811
    answer = filled.get(EXPORT, params={"format": "letterboxd"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))
    wanted = library_of(filled)
    ratings = {key[2]: value[0] for key, value in wanted.items() if key[0] == "ratings"}
    watched = [key for key in wanted if key[0] == "watched"]
    assert len(rows) == len(watched) + len(set(ratings) - {key[2] for key in watched})
    assert list(rows[0]) == ["tmdbID", "Title", "Year", "Rating10", "WatchedDate"]
    assert all(row["Title"] and row["tmdbID"] == "" for row in rows)  # the built-in catalogue's ids mean nothing there
    assert sorted(row["WatchedDate"] for row in rows if row["WatchedDate"]) == sorted(key[3] for key in watched if key[3])
    assert {row["Rating10"] for row in rows if row["Rating10"]} <= {str(n) for n in range(1, 11)}


def test_who_has_it_already_gets_304(filled, films):  # noqa: F811
    answer = filled.get(EXPORT, params={"format": "csv"})
    same = {"If-None-Match": answer.headers["etag"]}
    assert filled.get(EXPORT, params={"format": "csv"}, headers=same).status_code == 304
    assert filled.get(EXPORT, params={"format": "json"}, headers=same).status_code == 200
    assert filled.get(EXPORT, params={"format": "csv", "collections": "ratings"}, headers=same).status_code == 200
    put(filled, "favorites", films[40])
    assert filled.get(EXPORT, params={"format": "csv"}, headers=same).status_code == 200


def test_an_empty_library(person):  # noqa: F811
    assert from_json(person.get(EXPORT).text)[:2] == ({}, [])
    assert person.get(EXPORT, params={"format": "csv"}).text == HEADER + "\r\n"


def test_many_entries(person, place, films):  # noqa: F811
    """More than a page of rows in each collection: none twice, none left out."""
    for day in range(25):
        operations = [{"op": "put", "collection": "watched", "movie_id": film, "watched_on": f"2024-01-{day + 1:02}"} for film in films[:50]]
        assert person.post(f"{ME}/library/bulk", json={"operations": operations}).status_code == 200
    _, entries, _ = from_csv(person.get(EXPORT, params={"format": "csv"}).content.decode())
    assert len(entries) == len(set(entries)) == 1250
    with Client(place.url) as nobody:
        problem(nobody.get(EXPORT), 401, "unauthorized")


def test_limits(on_each):
    services = on_each
    services.user.stop()
    services.user.start(LIMIT_EXPORTS=3, EXPORT_SIZE_MAX=1 << 20)
    with Client(services.user.url) as person, Client(services.movie.url) as movies:  # noqa: F811
        person.new_person()
        film = movies.get("/movies/discover").json()["results"][0]["id"]
        assert person.get(EXPORT).status_code == 200
        for _ in range(2):
            operations = [{"op": "put", "collection": "watched", "movie_id": film, "note": "n" * 2000} for _ in range(300)]
            for start in range(0, 300, 25):
                assert person.post(f"{ME}/library/bulk", json={"operations": operations[start:start + 25]}).status_code == 200
        problem(person.get(EXPORT), 413, "export-too-large")
        problem(person.get(EXPORT, params={"format": "csv"}), 413, "export-too-large")
        problem(person.get(EXPORT), 429, "too-many-requests")
