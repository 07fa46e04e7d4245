"""What the tests of the library do all the time, and what they run on: the services by themselves, on either engine."""
import harness
import pytest

ME = "/users/me"


class Place:
    """Where the people of a test are: `url` has their service."""

    def __init__(self, services):
        self.services = services
        self.url = services.user.url

    def some_movies(self, n):
        with harness.Client(self.services.movie.url) as nobody:
            found, page = [], 1
            while len(found) < n:
                found += nobody.get("/movies/discover", params={"page": page}).json()["results"]
                page += 1
            return [film["id"] for film in found[:n]]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def place(request, tmp_path_factory):
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    services = harness.Services(tmp_path_factory.mktemp(request.param), postgres=server).start()
    yield Place(services)
    assert services.stop() == [0, 0, 0]
    for service in services.all():
        harness.assert_clean(service.tail(1 << 30))


@pytest.fixture(scope="module")
def films(place):
    return place.some_movies(60)


@pytest.fixture
def person(place):
    with harness.Client(place.url) as someone:
        someone.profile = someone.new_person()
        yield someone


def put(person, collection, film, **more):
    body = {"json": {"rating": more.pop("rating", 7)}} if collection == "ratings" else {}
    return person.put(f"{ME}/{collection}/{film}", **body, **more)


def pages(person, path, **query):
    """Every result of a list, page by page."""
    cursor, found = {}, []
    while cursor is not None:
        page = person.get(path, params={**query, **cursor}).json()
        found += page["results"]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    return found


def ids(results):
    return [item["movie_id"] for item in results]


def everything(person, since=0, limit=500):
    """All changes since a version: (entries, lists, version)."""
    entries, lists, is_complete = [], [], False
    while not is_complete:
        answer = person.get(f"{ME}/library", params={"since": since, "limit": limit, "anew": True}).json()
        assert len(answer["entries"]) + len(answer["lists"]) <= limit
        entries += answer["entries"]
        lists += answer["lists"]
        since, is_complete = answer["next_since"], answer["is_complete"]
    return entries, lists, since


def a_list(person, films, name="Rainy Sundays"):
    made = person.post(f"{ME}/lists", json={"name": name})
    assert made.status_code == 201, made.text
    path = f"{ME}/lists/{made.json()['id']}"
    for film in films:
        assert person.post(f"{path}/items", json={"movie_id": film}).status_code == 201
    return path
