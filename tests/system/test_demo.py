"""`./cinesync up --demo-upstream`: the whole of CineSync on a TMDB that can be hurt."""
import re

import httpx
import pytest
from harness import Client, System, problem, wait_until


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    whole = System(tmp_path_factory.mktemp("demo") / "var", BREAKER_CALLS_MIN=5, TMDB_RETRY_PERCENT=0)
    whole.said = whole.up("--demo-upstream").stdout
    yield whole
    whole.down()


def switches(demo):
    return re.search(r"switches +(http://[\d.:]+/__control)/", demo.said).group(1)


def test_it_says_where_the_switches_are_and_runs_on_it(demo):
    page = httpx.get(switches(demo) + "/")
    assert page.status_code == 200 and "text/html" in page.headers["content-type"]
    with Client(demo.url) as client:
        assert client.get("/movies/popular").json()["source"] == "tmdb"
    assert "stand-in for TMDB" in demo.run("status", "--data", demo.data).stdout


def test_a_favourite_of_a_film_of_tmdbs(demo):
    with Client(demo.url) as client:
        client.new_person("demo")
        film = client.get("/movies/popular").json()["results"][0]
        answer = client.post("/users/me/favorites", json={"movie_id": film["id"]})
        assert answer.status_code == 201 and answer.json()["movie_title"] == film["title"]


def test_hurt_and_healed_through_the_gateway(demo):
    with Client(demo.url) as client:
        known = client.get("/movies/top-rated")
        httpx.put(switches(demo) + "/faults", json={"status": 503})
        for page in range(40, 50):
            problem(client.get("/movies/popular", params={"page": page}), 503, "upstream-unavailable")
        again = client.get("/movies/top-rated")
        assert again.content == known.content and again.headers["x-cache"].startswith("HIT")
        found = client.get("/movies/search", params={"query": "shawshank redemtion"})
        assert found.json()["source"] == "local" and found.headers["x-degraded"] == "true"
        httpx.delete(switches(demo) + "/faults")
        wait_until(lambda: client.get("/movies/popular", params={"page": 60}).status_code == 200, 20, "healed")


def test_only_the_movie_service_has_the_key(demo):
    for part in ("user", "notification", "gateway"):
        pid, _ = demo.part(part)
        with open(f"/proc/{pid}/environ", "rb") as environment:
            assert b"TMDB_TOKEN" not in environment.read(), part


def test_down_stops_it_as_well(demo):
    demo.down()
    with pytest.raises(httpx.HTTPError):
        httpx.get(switches(demo) + "/state")
    demo.said = demo.up("--demo-upstream").stdout
