"""The library: collections, pages, repeats, many changes at once, sync."""
import concurrent.futures
import datetime
import uuid

import pytest
from harness import Client, problem
from library import ME, a_list, everything, films, ids, pages, person, place, put  # noqa: F401  (fixtures)

COLLECTIONS = ("favorites", "watchlist", "ratings")


# ---- collections ----


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_put_and_delete_as_often_as_one_likes(person, films, collection):
    first = put(person, collection, films[0])
    again = put(person, collection, films[0])
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json() == person.get(f"{ME}/{collection}/{films[0]}").json()
    assert first.json()["state"] == "settled" and first.json()["movie_title"]
    assert person.get(f"{ME}/library").json()["version"] == 1  # the repeat changed nothing
    listed = person.get(f"{ME}/{collection}").json()
    assert listed == {"results": [first.json()], "next_cursor": None, "total_results": 1}
    for _ in range(2):
        assert person.delete(f"{ME}/{collection}/{films[0]}").status_code == 204
    problem(person.get(f"{ME}/{collection}/{films[0]}"), 404, "entry-not-found")
    problem(put(person, collection, 2147483647), 404, "movie-not-found")
    assert person.get(f"{ME}/library").json() | {"films": None} == {
        "version": 2, "films": None, "entries": None, "lists": None, "next_since": None, "is_complete": None,
        "counts": {"favorites": 0, "watchlist": 0, "ratings": 0, "watched": 0, "lists": 0}}


@pytest.mark.parametrize("rating, is_one", [(0.5, True), (10, True), (8.5, True), (0, False), (0.25, False), (10.5, False), (7.3, False),
                                            ("8", False), (None, False), (-1, False)])
def test_a_rating_has_halves(person, films, rating, is_one):
    answer = put(person, "ratings", films[0], rating=rating)
    assert answer.status_code == (201 if is_one else 422), answer.text
    if is_one:
        assert answer.json()["rating"] == rating


def test_a_rating_shows_in_every_collection(person, films):
    put(person, "favorites", films[0])
    put(person, "ratings", films[0], rating=8)
    put(person, "watchlist", films[0])
    for collection in COLLECTIONS:
        assert person.get(f"{ME}/{collection}/{films[0]}").json()["rating"] == 8
    assert put(person, "ratings", films[0], rating=3.5).status_code == 200
    assert person.get(f"{ME}/favorites", params={"rating_max": 4}).json()["results"][0]["rating"] == 3.5
    person.delete(f"{ME}/ratings/{films[0]}")
    assert person.get(f"{ME}/favorites/{films[0]}").json()["rating"] is None
    assert person.get(f"{ME}/favorites", params={"rating_max": 4}).json()["results"] == []


def test_seen_often(person, films):
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    first = person.post(f"{ME}/watched", json={"movie_id": films[0]})
    assert first.status_code == 201 and first.json()["watched_on"] in (today, datetime.date.today().isoformat())
    second = person.post(f"{ME}/watched", json={"movie_id": films[0], "watched_on": "1999-12-31", "note": "Again"}).json()
    mine = str(uuid.uuid4())
    body = {"movie_id": films[1], "watched_on": None}
    assert [person.put(f"{ME}/watched/{mine}", json=body).status_code for _ in range(2)] == [201, 200]
    assert ids(person.get(f"{ME}/watched").json()["results"]) == [films[0], films[0], films[1]]
    changed = person.put(f"{ME}/watched/{second['id']}", json={"movie_id": films[0], "watched_on": "2000-01-01"})
    assert changed.status_code == 200 and changed.json()["note"] is None
    assert person.get(first.headers["location"].removeprefix("/api/v1")).json() == first.json()
    problem(person.put(f"{ME}/watched/{mine}", json={"movie_id": films[0]}), 409, "watch-of-another-film")
    assert person.get(f"{ME}/library", params={"movie_ids": films[0]}).json()["films"][0]["watched"] == [
        {"id": second["id"], "watched_on": "2000-01-01"}, {"id": first.json()["id"], "watched_on": first.json()["watched_on"]}]
    for _ in range(2):
        assert person.delete(f"{ME}/watched/{mine}").status_code == 204
    problem(person.get(f"{ME}/watched/{mine}"), 404, "entry-not-found")
    assert person.get(f"{ME}/watched").json()["total_results"] == 2
    problem(person.put(f"{ME}/watched/{mine}", json={"movie_id": films[0]}), 409, "watch-of-another-film")
    assert person.put(f"{ME}/watched/{mine}", json=body).status_code == 201  # back again
    problem(person.post(f"{ME}/watched", json={"movie_id": films[0], "watched_on": "2026-02-30"}), 422, "validation-failed")


def test_many_add_one_favourite_at_once(place, person, films):
    def add(_):
        with Client(place.url) as same:
            same.headers["Authorization"] = person.headers["Authorization"]
            return same.post(f"{ME}/favorites", json={"movie_id": films[0]})

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(add, range(24)), key=lambda answer: answer.status_code)
    assert answers[0].status_code == 201
    for answer in answers[1:]:
        problem(answer, 409, "favorite-exists")
    library = person.get(f"{ME}/library").json()
    assert (library["version"], library["counts"]["favorites"]) == (1, 1)


# ---- pages ----


SORTS = {"added": lambda e: e["created_at"], "title": None, "year": lambda e: e["movie_year"] or 0, "rating": lambda e: e["rating"] or 0}


def test_every_order_pages_alike(person, films):
    for number, film in enumerate(films[:23]):
        assert put(person, "favorites", film).status_code == 201
        if number % 3:
            put(person, "ratings", film, rating=number % 20 / 2 + 0.5)
    for sort, key in SORTS.items():
        for descending in (False, True):
            order = "-" * descending + sort
            whole = person.get(f"{ME}/favorites", params={"sort": order, "limit": 100}).json()["results"]
            assert sorted(ids(whole)) == sorted(films[:23])
            assert pages(person, f"{ME}/favorites", sort=order, limit=4) == whole
            if key:
                keys = [key(item) for item in whole]
                assert keys == sorted(keys, reverse=descending), order
    up, down = (pages(person, f"{ME}/favorites", sort=sort, limit=7) for sort in ("title", "-title"))
    assert ids(up) == ids(down)[::-1]
    letters = [item["movie_title"].removeprefix("The ")[0] for item in up if item["movie_title"][0].isascii()]
    assert sorted(letters) == letters


def test_filters(person, films):
    for film in films[:20]:
        put(person, "watchlist", film)
    whole = pages(person, f"{ME}/watchlist", limit=100)
    years = sorted(item["movie_year"] for item in whole)
    middle = years[10]
    found = pages(person, f"{ME}/watchlist", year_min=middle, limit=3)
    assert sorted(ids(found)) == sorted(item["movie_id"] for item in whole if item["movie_year"] >= middle)
    found = pages(person, f"{ME}/watchlist", year_min=years[3], year_max=middle, sort="title", limit=2)
    assert sorted(ids(found)) == sorted(item["movie_id"] for item in whole if years[3] <= item["movie_year"] <= middle)
    title = whole[4]["movie_title"]
    assert whole[4]["movie_id"] in ids(pages(person, f"{ME}/watchlist", title=title[1:].upper()))
    assert pages(person, f"{ME}/watchlist", title="%") == whole  # no letter in it: nothing to look for
    assert pages(person, f"{ME}/watchlist", state="pending") == [] and len(pages(person, f"{ME}/watchlist", state="settled")) == 20


def test_a_page_stays_while_others_come_and_go(person, films):
    for film in films[:10]:
        put(person, "favorites", film)
    first = person.get(f"{ME}/favorites", params={"limit": 4}).json()
    put(person, "favorites", films[20])  # goes before it
    person.delete(f"{ME}/favorites/{first['results'][3]['movie_id']}")  # the very one that the cursor names
    second = person.get(f"{ME}/favorites", params={"limit": 4, "cursor": first["next_cursor"]}).json()
    assert ids(first["results"] + second["results"]) == films[9:1:-1]


def test_a_cursor_is_ours_and_for_this_list(place, person, films):
    for film in films[:3]:
        put(person, "favorites", film)
        put(person, "watchlist", film)
    cursor = person.get(f"{ME}/favorites", params={"limit": 1}).json()["next_cursor"]
    bent = cursor[:-1] + ("A" if cursor[-1] != "A" else "E")
    for collection, query in (("favorites", {"cursor": bent}), ("favorites", {"cursor": "x"}), ("watchlist", {"cursor": cursor}),
                              ("favorites", {"cursor": cursor, "sort": "title"})):
        body = problem(person.get(f"{ME}/{collection}", params=query), 422, "validation-failed")
        assert body["errors"][0]["loc"] == ["query", "cursor"]
    with Client(place.url) as other:
        other.new_person("other")
        problem(other.get(f"{ME}/favorites", params={"cursor": cursor}), 422, "validation-failed")


# ---- lists ----


def test_lists(person, films):
    path = a_list(person, films[:3])
    problem(person.post(f"{path}/items", json={"movie_id": films[0]}), 409, "already-in-collection")
    made = person.get(path).json()
    assert (made["items"], made["is_shared"], made["description"]) == (3, False, None)
    changed = person.patch(path, json={"description": "For long afternoons"}).json()
    assert (changed["name"], changed["description"]) == ("Rainy Sundays", "For long afternoons")
    assert person.put(f"{path}/items/{films[1]}", json={"note": "Twice"}).json()["note"] == "Twice"
    assert person.get(f"{path}/items/{films[1]}").json()["note"] == "Twice"
    other = a_list(person, films[:1], "Another")
    assert [one["name"] for one in pages(person, f"{ME}/lists", limit=1)] == ["Another", "Rainy Sundays"]
    assert person.get(f"{ME}/library", params={"movie_ids": films[0]}).json()["films"][0]["lists"] == sorted(
        [path.split("/")[-1], other.split("/")[-1]])
    for _ in range(2):
        assert person.delete(f"{path}/items/{films[0]}").status_code == 204
    assert person.get(path).json()["items"] == 2
    for _ in range(2):
        assert person.delete(path).status_code == 204
    for answer in (person.get(path), person.patch(path, json={"name": "x"}), person.get(f"{path}/items"),
                   person.post(f"{path}/items", json={"movie_id": films[0]}), person.put(f"{path}/share")):
        problem(answer, 404, "list-not-found")
    counts = person.get(f"{ME}/library").json()["counts"]
    assert counts["lists"] == 1 and person.get(f"{ME}/lists").json()["total_results"] == 1


def test_the_order_of_a_list(person, films):
    path, order = a_list(person, films[:6]), films[:6]

    def move(film, after):
        assert person.put(f"{path}/items/{film}/position", json={"after": after}).status_code == 204
        order.remove(film)
        order.insert(order.index(after) + 1 if after else 0, film)
        assert ids(pages(person, f"{path}/items", limit=4)) == order

    move(order[5], None)
    move(order[0], order[5])
    move(order[2], order[2 - 1])
    for _ in range(40):  # between the same two, until there is no room left and all are spread anew
        move(order[5], order[0])
    problem(person.put(f"{path}/items/{films[0]}/position", json={"after": films[30]}), 404, "entry-not-found")
    problem(person.put(f"{path}/items/{films[30]}/position", json={"after": None}), 404, "entry-not-found")
    changed, _, version = everything(person)
    assert version == person.get(f"{ME}/library").json()["version"]
    assert [e["movie_id"] for e in sorted(changed, key=lambda e: e["position"])] == order


def test_a_shared_list(place, person, films):
    person.patch(ME, json={"display_name": "Ada L."})
    path = a_list(person, films[:3])
    put(person, "ratings", films[0], rating=2)
    shared = person.put(f"{path}/share").json()
    assert shared == person.put(f"{path}/share").json() == person.get(f"{path}/share").json()
    assert len(shared["token"]) == 32 and person.get(path).json()["is_shared"]
    with Client(place.url) as nobody:
        seen = nobody.get(shared["path"].removeprefix("/api/v1"), params={"limit": 2}).json()
        assert (seen["name"], seen["owner"], seen["total_results"]) == ("Rainy Sundays", "Ada L.", 3)
        assert ids(seen["results"]) == films[:2] and {item["rating"] for item in seen["results"]} == {None}
        assert person.email not in str(seen) and person.profile["id"] not in str(seen)
        rest = nobody.get(shared["path"].removeprefix("/api/v1"), params={"cursor": seen["next_cursor"]}).json()
        assert ids(rest["results"]) == films[2:3]
        problem(nobody.get("/lists/shared/" + shared["token"][::-1]), 404, "list-not-found")
        for _ in range(2):
            assert person.delete(f"{path}/share").status_code == 204
        problem(nobody.get(shared["path"].removeprefix("/api/v1")), 404, "list-not-found")
        again = person.put(f"{path}/share").json()
        assert again["token"] != shared["token"]
        assert nobody.get(again["path"].removeprefix("/api/v1")).status_code == 200
        person.delete(path)
        problem(nobody.get(again["path"].removeprefix("/api/v1")), 404, "list-not-found")
    log = place.services.user.tail(1 << 30)
    assert "/lists/shared/{token}" in log and shared["token"] not in log and again["token"] not in log


# ---- repeats ----


def test_a_post_sent_twice_takes_effect_once(person, films):
    path = a_list(person, [])
    for url, body in ((f"{ME}/favorites", {"movie_id": films[0]}), (f"{ME}/watched", {"movie_id": films[0]}),
                      (f"{ME}/lists", {"name": "Once"}), (f"{path}/items", {"movie_id": films[0]}),
                      (f"{ME}/library/bulk", {"operations": [{"collection": "watched", "movie_id": films[1]}]})):
        key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
        version = person.get(f"{ME}/library").json()["version"]
        first, again = (person.post(url, json=body, headers=key) for _ in range(2))
        assert first.status_code in (200, 201) and (again.status_code, again.text) == (first.status_code, first.text)
        assert "idempotent-replayed" not in first.headers and again.headers["idempotent-replayed"] == "true"
        assert first.headers.get("location") == again.headers.get("location")
        assert person.get(f"{ME}/library").json()["version"] == version + 1
        problem(person.post(url, json={**body, "name": "Other"} if "name" in body else {"movie_id": films[5]} if
                            "movie_id" in body else {"operations": [{"collection": "watched", "movie_id": films[2]}]},
                            headers=key), 422, "idempotency-key-reused")
    for key in ('""', "x" * 256, "a b"):
        problem(person.post(f"{ME}/favorites", json={"movie_id": films[7]}, headers={"Idempotency-Key": key}), 400, "malformed-request")


def test_what_failed_may_be_tried_again_under_its_key(person, films):
    key = {"Idempotency-Key": "k-1"}
    problem(person.post(f"{ME}/favorites", json={"movie_id": 2147483647}, headers=key), 404, "movie-not-found")
    assert person.post(f"{ME}/favorites", json={"movie_id": films[0]}, headers=key).status_code == 201


def test_one_key_in_parallel(place, person, films):
    def once(_):
        with Client(place.url) as same:
            same.headers["Authorization"] = person.headers["Authorization"]
            return same.post(f"{ME}/watched", json={"movie_id": films[0]}, headers={"Idempotency-Key": "race"})

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(once, range(16)))
    done = [answer for answer in answers if answer.status_code == 201]
    assert done and {answer.json()["id"] for answer in done} == {done[0].json()["id"]}
    for answer in answers:
        if answer.status_code != 201:
            problem(answer, 409, "idempotency-key-in-use")
            assert int(answer.headers["retry-after"]) >= 1
    assert person.get(f"{ME}/watched").json()["total_results"] == 1


# ---- many at once ----


def test_bulk(person, films):
    path = a_list(person, films[:1])
    list_id, mine = path.split("/")[-1], str(uuid.uuid4())
    operations = [
        {"collection": "favorites", "movie_id": films[0]},
        {"op": "put", "collection": "ratings", "movie_id": films[1], "rating": 9.5},
        {"collection": "favorites", "movie_id": films[0]},
        {"collection": "watchlist", "movie_id": 2147483647},
        {"op": "remove", "collection": "favorites", "movie_id": films[0]},
        {"collection": "watched", "movie_id": films[2], "id": mine, "watched_on": "2020-02-29"},
        {"collection": "watched", "movie_id": films[3], "id": mine},
        {"collection": "list", "list_id": list_id, "movie_id": films[4], "note": "From afar"},
        {"collection": "list", "list_id": str(uuid.uuid4()), "movie_id": films[4]},
        {"op": "remove", "collection": "watchlist", "movie_id": films[9]},
    ]
    answer = person.post(f"{ME}/library/bulk", json={"operations": operations})
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [(one["status"], one["code"]) for one in results] == [
        (201, None), (201, None), (200, None), (404, "movie-not-found"), (204, None), (201, None),
        (409, "watch-of-another-film"), (201, None), (404, "list-not-found"), (204, None)]
    assert [one["movie_id"] for one in results] == [one["movie_id"] for one in operations]
    library = person.get(f"{ME}/library").json()
    assert answer.json()["version"] == library["version"] == 2 + 5
    assert library["counts"] == {"favorites": 0, "watchlist": 0, "ratings": 1, "watched": 1, "lists": 1}
    for wrong in ({"collection": "ratings", "movie_id": 1}, {"collection": "list", "movie_id": 1},
                  {"collection": "watched", "op": "remove", "movie_id": 1}):
        problem(person.post(f"{ME}/library/bulk", json={"operations": [wrong]}), 422, "validation-failed")
    problem(person.post(f"{ME}/library/bulk", json={"operations": []}), 422, "validation-failed")


def test_five_hundred_at_once(place, person):
    many = place.some_movies(250)
    operations = [{"collection": name, "movie_id": film} for film in many for name in ("favorites", "watchlist")]
    answer = person.post(f"{ME}/library/bulk", json={"operations": operations})
    assert {one["status"] for one in answer.json()["results"]} == {201} and answer.json()["version"] == 500
    assert sorted(ids(pages(person, f"{ME}/favorites", limit=100))) == sorted(many)
    again = person.post(f"{ME}/library/bulk", json={"operations": operations}, headers={"Idempotency-Key": "all"})
    assert {one["status"] for one in again.json()["results"]} == {200}
    assert person.get(f"{ME}/library").json()["version"] == 500  # they were there just so
    problem(person.post(f"{ME}/library/bulk", json={"operations": operations + operations[:1]}), 422, "validation-failed")


# ---- sync ----


def test_the_state_of_a_page(person, films):
    put(person, "favorites", films[0])
    put(person, "ratings", films[2], rating=6.5)
    asked = [films[2], films[5], films[0]]
    answer = person.get(f"{ME}/library", params={"movie_ids": ",".join(map(str, asked))})
    found = answer.json()["films"]
    assert ids(found) == asked
    assert [(one["favorite"], one["rating"]) for one in found] == [(False, 6.5), (False, None), (True, None)]
    etag = answer.headers["etag"].removeprefix("W/")
    for query in ({"movie_ids": films[0]}, {}, {"since": 0}):
        same = person.get(f"{ME}/library", params=query, headers={"If-None-Match": etag})
        assert (same.status_code, same.content) == (304, b"") and same.headers["etag"].removeprefix("W/") == etag
    put(person, "watchlist", films[5])
    assert person.get(f"{ME}/library", params={"movie_ids": films[0]}, headers={"If-None-Match": etag}).status_code == 200
    for wrong in ({"movie_ids": "1,2", "since": 3}, {"movie_ids": "0"}, {"movie_ids": ",".join(["1"] * 101)}, {"since": 99}):
        problem(person.get(f"{ME}/library", params=wrong), 422, "validation-failed")


def test_changes_and_tombstones(person, films):
    put(person, "favorites", films[0])
    put(person, "favorites", films[1])
    _, _, version = everything(person)
    person.delete(f"{ME}/favorites/{films[0]}")
    path = a_list(person, films[2:4])
    person.delete(f"{path}/items/{films[2]}")
    for limit in (500, 1):
        entries, lists, last = everything(person, version, limit)
        assert [(e["collection"], e["movie_id"], e["is_removed"]) for e in entries] == [
            ("favorites", films[0], True), ("list", films[3], False), ("list", films[2], True)]
        assert [(one["name"], one["items"], one["is_removed"]) for one in lists] == [("Rainy Sundays", 1, False)]
        assert last == person.get(f"{ME}/library").json()["version"]
    person.delete(path)
    entries, lists, _ = everything(person, last)
    assert entries == [] and [one["is_removed"] for one in lists] == [True]
