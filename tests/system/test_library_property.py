"""Random changes of a library against a model of it: lists, counts, state and the sync feed have to agree; and the same film changed
from many sides at once. TEST_SEED=N repeats a run."""
import concurrent.futures
import os
import random
import uuid

import pytest
from harness import LONG, Client
from library import ME, everything, films, ids, pages, person, place  # noqa: F401  (fixtures)

STEPS = 2000 if LONG else 150
FLAGS = ("favorites", "watchlist")


class Model:
    """What the library should be: collection -> key -> rating or day or note."""

    def __init__(self):
        self.entries = {}  # (collection, list_id, movie_id, id): value
        self.lists = {}
        self.version = 0

    def put(self, key, value=None):
        changed = key not in self.entries or self.entries[key] != value
        self.version += changed
        status = 200 if key in self.entries else 201
        self.entries[key] = value
        return status

    def remove(self, key):
        self.version += key in self.entries
        self.entries.pop(key, None)

    def drop(self, list_id):
        self.version += list_id in self.lists
        self.lists.pop(list_id, None)
        self.entries = {key: value for key, value in self.entries.items() if key[1] != list_id}

    def films(self, collection, list_id=None):
        return sorted(key[2] for key in self.entries if key[0] == collection and key[1] == list_id)


class Device:
    """A client that only ever reads the changes."""

    def __init__(self):
        self.entries, self.lists, self.since = {}, {}, 0

    def sync(self, person, limit):
        versions = []
        entries, lists, self.since = everything(person, self.since, limit)
        for change in entries:
            versions.append(change["version"])
            key = (change["collection"], change["list_id"], change["movie_id"], change["id"])
            value = change["rating"] if change["collection"] == "ratings" else change["watched_on"] or change["note"]
            self.entries.pop(key, None)
            if not change["is_removed"]:
                self.entries[key] = value
        for change in lists:
            versions.append(change["version"])
            self.lists.pop(change["id"], None)
            if not change["is_removed"]:
                self.lists[change["id"]] = change["name"]
            else:
                self.entries = {key: value for key, value in self.entries.items() if key[1] != change["id"]}
        assert len(set(versions)) == len(versions)  # no two changes share one


def step(person, model, films, random):
    film = random.choice(films)
    kind = random.choice(["flag", "flag", "flag", "rating", "watch", "list", "item", "item", "bulk"])
    if kind == "flag":
        collection, key = random.choice(FLAGS), None
        key = (collection, None, film, None)
        if random.random() < 0.6:
            assert person.put(f"{ME}/{collection}/{film}").status_code == model.put(key)
        else:
            assert person.delete(f"{ME}/{collection}/{film}").status_code == 204
            model.remove(key)
    elif kind == "rating":
        key, rating = ("ratings", None, film, None), random.randrange(1, 21) / 2
        if random.random() < 0.7:
            assert person.put(f"{ME}/ratings/{film}", json={"rating": rating}).status_code == model.put(key, rating)
        else:
            person.delete(f"{ME}/ratings/{film}")
            model.remove(key)
    elif kind == "watch":
        watches = [key for key in model.entries if key[0] == "watched"]
        if watches and random.random() < 0.5:
            key = random.choice(watches)
            if random.random() < 0.5:
                person.delete(f"{ME}/watched/{key[3]}")
                model.remove(key)
                return
        else:
            key = ("watched", None, film, str(uuid.UUID(int=random.getrandbits(128))))
        day = f"20{random.randrange(10, 26)}-0{random.randrange(1, 10)}-15"
        assert person.put(f"{ME}/watched/{key[3]}", json={"movie_id": key[2], "watched_on": day}).status_code == model.put(key, day)
    elif kind == "list":
        if len(model.lists) < 3:
            name = f"List {random.random()}"
            list_id = person.post(f"{ME}/lists", json={"name": name}).json()["id"]
            model.lists[list_id] = name
            model.version += 1
        elif random.random() < 0.3:
            list_id = random.choice(sorted(model.lists))
            person.delete(f"{ME}/lists/{list_id}")
            model.drop(list_id)
    elif kind == "item" and model.lists:
        list_id = random.choice(sorted(model.lists))
        key = ("list", list_id, film, None)
        if random.random() < 0.7:
            note = random.choice([None, "a", "b"])
            answer = person.put(f"{ME}/lists/{list_id}/items/{film}", json={"note": note})
            assert answer.status_code == model.put(key, note)
        else:
            person.delete(f"{ME}/lists/{list_id}/items/{film}")
            model.remove(key)
    elif kind == "bulk":
        operations, expected = [], []
        for _ in range(random.randrange(1, 12)):
            film, collection, op = random.choice(films), random.choice(FLAGS), random.choice(["put", "remove"])
            operations.append({"op": op, "collection": collection, "movie_id": film})
            key = (collection, None, film, None)
            expected.append(model.put(key) if op == "put" else model.remove(key) or 204)
        results = person.post(f"{ME}/library/bulk", json={"operations": operations}).json()["results"]
        assert [one["status"] for one in results] == expected


def check(person, model, films, random):
    library = person.get(f"{ME}/library").json()
    assert library["version"] == model.version
    assert library["counts"] == {**{name: len(model.films(name)) for name in (*FLAGS, "ratings", "watched")}, "lists": len(model.lists)}
    for collection in (*FLAGS, "ratings", "watched"):
        sort = random.choice(["added", "-added", "title", "-title", "year", "-year", "rating", "-rating"])
        found = pages(person, f"{ME}/{collection}", sort=sort, limit=random.randrange(1, 9))
        assert sorted(ids(found)) == model.films(collection), (collection, sort)
        ratings = {key[2]: rating for key, rating in model.entries.items() if key[0] == "ratings"}
        assert all(item["rating"] == ratings.get(item["movie_id"]) for item in found)
    for one in pages(person, f"{ME}/lists", limit=2):
        assert one["name"] == model.lists[one["id"]]
        assert one["items"] == len(model.films("list", one["id"]))
        assert sorted(ids(pages(person, f"{ME}/lists/{one['id']}/items", limit=5))) == model.films("list", one["id"])
    for film in person.get(f"{ME}/library", params={"movie_ids": ",".join(map(str, films))}).json()["films"]:
        mine = [key for key in model.entries if key[2] == film["movie_id"]]
        assert (film["favorite"], film["watchlist"]) == tuple(any(key[0] == flag for key in mine) for flag in FLAGS)
        assert sorted(film["lists"]) == sorted(key[1] for key in mine if key[0] == "list")
        assert sorted(watch["id"] for watch in film["watched"]) == sorted(key[3] for key in mine if key[0] == "watched")


def test_random_changes(person, films):
    seed = int(os.environ.get("TEST_SEED", random.randrange(1 << 32)))
    print("TEST_SEED", seed)
    choose, model, device = random.Random(seed), Model(), Device()
    films = films[:12]
    for number in range(STEPS):
        step(person, model, films, choose)
        if number % 25 == 24:
            check(person, model, films, choose)
            device.sync(person, choose.randrange(1, 40))
            assert device.since == model.version and device.lists == model.lists and device.entries == model.entries
    fresh = Device()
    fresh.sync(person, 7)
    assert (fresh.entries, fresh.lists) == (model.entries, model.lists)


@pytest.mark.parametrize("round", range(5 if LONG else 2))
def test_one_film_from_many_sides(place, person, films, round):
    """However the changes fall, count and list agree, and the version counts what changed."""
    film = films[0]

    def many(number):
        choose = random.Random(round * 100 + number)
        with Client(place.url) as same:
            same.headers["Authorization"] = person.headers["Authorization"]
            answers = []
            for _ in range(12):
                collection = choose.choice(FLAGS)
                call = choose.choice([same.put, same.put, same.delete])
                answers.append(call(f"{ME}/{collection}/{film}").status_code)
            return answers

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = [status for answers in pool.map(many, range(8)) for status in answers]
    assert set(statuses) <= {200, 201, 204}
    library = person.get(f"{ME}/library").json()
    there = {name: len(pages(person, f"{ME}/{name}")) for name in FLAGS}
    assert {name: library["counts"][name] for name in FLAGS} == there
    # Each 201 was a change, and each but the last of a collection was followed by a removal.
    assert library["version"] == 2 * statuses.count(201) - sum(there.values())
    entries, _, version = everything(person)
    assert version == library["version"] and sum(not e["is_removed"] for e in entries) == sum(there.values())


def test_everybody_at_once(place, films):
    """Many people put the same films, which nobody had before, in orders of their own: nobody waits for somebody who waits for them."""
    fresh = place.some_movies(120)[60:]

    def one(number):
        choose = random.Random(number)
        mine = choose.sample(fresh, len(fresh))
        with Client(place.url) as person:
            person.new_person("crowd")
            for collection in FLAGS:
                operations = [{"collection": collection, "movie_id": film} for film in mine]
                answer = person.post(f"{ME}/library/bulk", json={"operations": operations})
                assert answer.status_code == 200, answer.text
                assert {result["status"] for result in answer.json()["results"]} == {201}, answer.text
            return person.get(f"{ME}/library").json()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for library in pool.map(one, range(8)):
            assert library["version"] == 2 * len(fresh) == library["counts"]["favorites"] + library["counts"]["watchlist"]
