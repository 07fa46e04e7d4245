"""Every endpoint of the document, with everything a client can get wrong: a 4xx problem with a code, never a 5xx."""
import json

import pytest
from harness import Client, raw_answers, raw_exchange

HUGE = "9" * 40
BAD_IDS = ["-1", "0", "2147483648", HUGE, "word", "1.5", "1e3", "%00", "%ff", "..%2f", "%2e%2e", "1%20", "+1", "０"]
BAD_PAGES = ["0", "501", "x", "1e9", "-1", HUGE, "", "1.0", "%00", "1&page=2"]
BAD_BODIES = {
    "empty": b"", "cut": b'{"a":', "no json": b"hello", "array": b"[]", "null": b"null", "number": b"1",
    "string": b'"x"', "duplicate keys": b'{"email":"a@b.c","email":"a@b.c"}', "bad utf-8": b'{"email":"\xff"}',
    "lone surrogate": b'{"email":"\\ud800"}', "deep": b'{"a":' * 5000 + b"1" + b"}" * 5000, "wide": b'{"a":' + b"[" * 9000,
    "unknown": b'{"nobody":"knows","this":1}', "big number": b'{"movie_id":' + HUGE.encode() + b"}",
    "real for int": b'{"movie_id":1.0}', "text for int": b'{"movie_id":"1"}', "true for int": b'{"movie_id":true}',
    "nulls": b'{"email":null,"password":null,"movie_id":null,"refresh_token":null}',
    "nul": b'{"email":"a\\u0000@b.c","password":"12345678"}', "trailing": b'{"movie_id":1}x', "bom": b"\xef\xbb\xbf{}",
    "1 MB": b'{"email":"' + b"a" * 1_000_000 + b'"}', "60 KB": b'{"email":"' + b"a" * 60_000 + b'"}',
}


@pytest.fixture(scope="module")
def api(system):
    """(document, somebody logged in)"""
    with Client(system.url) as person:
        person.new_person("bad-input")
        yield person.get("/openapi.json").json(), person


def operations(document, *methods):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in methods:
                yield method, path.removeprefix("/api/v1"), operation


def refused(answer, what):
    assert 400 <= answer.status_code < 500, f"{what}: {answer.status_code} {answer.text[:300]}"
    assert answer.headers["content-type"] == "application/problem+json", f"{what}: {answer.headers}"
    body = answer.json()
    assert body["code"] and body["status"] == answer.status_code, what
    return body


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bodies(api, name):
    document, person = api
    for method, path, operation in operations(document, "post", "put", "patch"):
        if "requestBody" not in operation or name == "empty" and not operation["requestBody"]["required"]:
            continue
        answer = person.request(method, path.replace("{movie_id}", "1"), content=BAD_BODIES[name],
                                headers={"Content-Type": "application/json"})
        body = refused(answer, f"{method} {path} with {name}")
        if answer.status_code == 422:
            assert body["errors"] and all(set(e) == {"loc", "msg", "type"} for e in body["errors"])


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", "application/json; charset=utf-16",
                                  "", "x", "application/jsonx"])
def test_media_types(api, kind):
    document, person = api
    for method, path, operation in operations(document, "post", "put", "patch"):
        if "requestBody" in operation:
            answer = person.request(method, path, content=b"{}", headers={"Content-Type": kind})
            refused(answer, f"{method} {path} as {kind!r}")


@pytest.mark.parametrize("value", BAD_IDS)
def test_ids(api, value):
    document, person = api
    for method, path, _ in operations(document, "get", "delete", "put"):
        if "{movie_id}" in path:
            refused(person.request(method, path.replace("{movie_id}", value)), f"{method} {path} with {value}")


@pytest.mark.parametrize("value", BAD_PAGES)
def test_pages(api, value):
    document, person = api
    for method, path, operation in operations(document, "get"):
        names = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"}
        if "page" in names and value != "":
            query = "?query=x&page=" if "query" in names else "?page="
            refused(person.request(method, path + query + value), f"{method} {path} page={value}")


@pytest.mark.parametrize("query", ["?nobody=knows", "?%", "?a=%zz", "?query=%ff", "?query=%00", "?=", "?query=", "?query=%20",
                                   "?query=a&query=b", "?query=" + "a" * 201, "?query=a&language=zz_zz!", "?query=a&region=usa",
                                   "?query=a&year=99999", "?query=a&include_adult=maybe"])
def test_search_parameters(api, query):
    _, person = api
    refused(person.get("/movies/search" + query), query)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "FOO", "get", "Get", "G@T", "X" * 300, "X" * 9000])
def test_methods(system, method):
    request = f"{method} /api/v1/movies/genres HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer, = raw_answers(raw_exchange(system.url, request.encode()))
    refused(answer, method[:20])


def test_method_not_allowed_says_what_is(api):
    document, person = api
    for method, path, _ in list(operations(document, "get", "post", "patch", "delete")):
        answer = person.request("PUT", path.replace("{movie_id}", "1"), json={})
        if answer.status_code == 405:
            assert method.upper() in answer.headers["allow"]
        refused(answer, f"PUT {path}")


@pytest.mark.parametrize("path", ["/nothing", "/movies", "/movies/1/2", "/movies//1", "/users", "/auth/", "/users/me/", "/auth/login/x"])
def test_unknown_paths(api, path):
    _, person = api
    assert refused(person.get(path), path)["status"] in (404, 405, 422)


def test_long_targets_and_headers(api):
    _, person = api
    refused(person.get("/movies/search?query=" + "a" * 20000), "long target")
    refused(person.get("/movies/genres", headers={"X-Long": "a" * 30000}), "long header")
    refused(person.get("/movies/genres", headers={f"X-{i}": "a" * 200 for i in range(200)}), "many headers")


@pytest.mark.parametrize("size", range(5200, 8600, 200))
def test_heads_of_every_size(api, size):
    """Found by the property test: between what the gateway took and what a service can hold there was a 502."""
    _, person = api
    half = "a" * (size // 2)
    for query, headers in (("?page=" + half + half, {}), ("", {"User-Agent": half + half}), ("?page=" + half, {"Accept": half})):
        answer = person.get("/users/me/favorites" + query, headers=headers)
        if query or answer.status_code != 200:
            assert refused(answer, f"{size} bytes")["status"] in (414, 422, 431)


def test_nested_violations_are_bounded(api):
    _, person = api
    body = json.dumps({f"unknown{i}": i for i in range(2000)})
    answer = person.post("/auth/register", content=body, headers={"Content-Type": "application/json"})
    assert refused(answer, "2,000 unknown fields")["code"] == "validation-failed"
    assert len(answer.json()["errors"]) <= 100
