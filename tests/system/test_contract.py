"""What every operation of the API keeps to, read from its own document: nothing here knows a film from a user."""
import json
import re
import urllib.parse

import hypothesis
import openapi
import pytest
from harness import BUILD, LONG, Client, problem, wait_until
from hypothesis import strategies as st

DOCUMENT = json.loads((BUILD / "openapi.json").read_text())
OPERATIONS = {operation["operationId"]: (method, path, operation) for method, path, operation in openapi.operations(DOCUMENT)}
# What administrators alone may read is read in test_admin.py; a copy of everything is never twice the same.
GETS = {name: what for name, what in OPERATIONS.items()
        if what[0] == "get" and not what[1].startswith("/api/v1/admin/") and name != "get_users_me_export"}
CACHED = {name: what for name, what in GETS.items() if "304" in what[2]["responses"]}
ENDING = ("post_auth_logout",)  # ends the session it is called with

many = hypothesis.settings(max_examples=500 if LONG else 25, deadline=None, database=None, print_blob=True,
                           suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large,
                                                  hypothesis.HealthCheck.filter_too_much])


@pytest.fixture(scope="module")
def someone(system):
    """Somebody logged in, for the whole module."""
    with Client(system.url) as person:
        person.new_person("contract")
        found = person.get("/movies/search", params={"query": "inception"}).json()["results"][0]
        kept = {"movie_id": found["id"]}
        for name in ("favorites", "watchlist"):
            person.post(f"/users/me/{name}", json=kept)
        person.put(f"/users/me/ratings/{found['id']}", json={"rating": 9})
        watch = person.post("/users/me/watched", json=kept).json()
        made = person.post("/users/me/lists", json={"name": "contract"}).json()
        person.post(f"/users/me/lists/{made['id']}/items", json=kept)
        brought = person.post("/users/me/imports", content="Const,Your Rating\ntt0000000,eleven\n", headers={"Content-Type": "text/csv"})
        nobody = "01a218ef-107d-7864-a69d-a69af89d813f"
        person.known = {"session_id": nobody, "user_id": nobody, "kid": "nobody",
                        "import_id": brought.json()["id"], "movie_id": found["id"], "watch_id": watch["id"], "list_id": made["id"],
                        "token": person.put(f"/users/me/lists/{made['id']}/share").json()["token"]}
        # The statistics change until all is known of the films.
        wait_until(lambda: person.get("/users/me/stats").json()["details_pending"] == 0, 30, "the details of the films")
        yield person


def good_url(someone, path, operation):
    """The operation's path with what it needs and no more."""
    query = {p["name"]: {"imdb_id": "tt0111161"}.get(p["name"], "the")
             for p in operation.get("parameters", []) if p["in"] == "query" and p["required"]}
    path = re.sub(r"{(\w+)}", lambda name: str(someone.known.get(name[1], name[0])), path.removeprefix("/api/v1"))
    return path + ("?" + urllib.parse.urlencode(query) if query else "")


def check_every_answer(answer):
    """What holds for any answer whatsoever."""
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
    assert re.match(r"[\w-]+;dur=\d+", answer.headers["server-timing"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    if answer.status_code in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1
    if answer.status_code == 405:
        assert answer.headers["allow"]
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    if answer.status_code >= 400 and answer.request.method != "HEAD":
        problem(answer, answer.status_code, answer.json()["code"])
        assert answer.headers["cache-control"] == "no-store"
        if answer.status_code == 422:
            assert answer.json()["errors"]


def check_by_document(answer, operation):
    """What the document says of it."""
    kind = answer.headers.get("content-type", "").partition(";")[0] or None
    schema = openapi.answer_schema(operation, answer.status_code, kind)
    if schema:
        openapi.validator(DOCUMENT, schema).validate(answer.json())


def test_the_document(someone):
    answer = someone.get("/openapi.json")
    assert answer.json() == DOCUMENT and answer.headers["content-type"] == "application/json"
    openapi.check_document(DOCUMENT)
    assert len(OPERATIONS) >= 14


@pytest.mark.parametrize("name", GETS)
def test_get_and_head(someone, name):
    _, path, operation = OPERATIONS[name]
    url = good_url(someone, path, operation)
    get = someone.get(url, headers={"Accept-Encoding": "identity"})
    head = someone.head(url, headers={"Accept-Encoding": "identity"})
    assert (get.status_code, head.status_code, head.content) == (200, 200, b""), get.text
    for header in ("content-type", "content-length", "etag", "cache-control"):
        assert get.headers.get(header) == head.headers.get(header), header
    for answer in (get, head):
        check_every_answer(answer)
    check_by_document(get, operation)
    assert get.headers["content-type"] == "application/json"


@pytest.mark.parametrize("name", CACHED)
def test_not_modified(someone, name):
    _, path, operation = OPERATIONS[name]
    url = good_url(someone, path, operation)
    get = someone.get(url, headers={"Accept-Encoding": "identity"})
    etag = get.headers["etag"]
    # Packed by the gateway, it is the same only in meaning; packed by the service, it is another form with a tag of its own.
    packed = etag[:-1] + '-gzip"'
    assert someone.get(url).headers["etag"] in (etag, "W/" + etag, packed)
    assert re.fullmatch(r'"[\x21\x23-\x7e]+"', etag) and re.search(r"max-age=\d+|no-cache", get.headers["cache-control"])
    for method in ("GET", "HEAD"):
        for tag in (etag, "W/" + etag, f'"x", {etag}', "*"):
            same = someone.request(method, url, headers={"If-None-Match": tag})
            tagged = same.headers["etag"].removeprefix("W/")
            assert (same.status_code, same.content) == (304, b"") and tagged in ((etag, packed) if tag == "*" else (etag,))
            check_every_answer(same)
        assert someone.request(method, url, headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize("name", OPERATIONS)
def test_options_and_other_methods(someone, name):
    method, path, operation = OPERATIONS[name]
    url = good_url(someone, path, operation)
    answer = someone.options(url)
    allowed = set(re.split(", *", answer.headers["allow"]))
    assert answer.status_code == 204 and answer.content == b""
    expected = {one.upper() for one in openapi.METHODS if one in DOCUMENT["paths"][path]} | {"OPTIONS"}
    assert allowed == expected | ({"HEAD"} if "GET" in expected else set())
    check_every_answer(answer)
    for other in {"GET", "POST", "PUT", "PATCH", "DELETE"} - allowed:
        answer = someone.request(other, url, json={} if other != "GET" else None)
        problem(answer, 405, "method-not-allowed")
        assert set(re.split(", *", answer.headers["allow"])) == allowed
        check_every_answer(answer)


@pytest.mark.parametrize("name", OPERATIONS)
def test_without_a_token(someone, name):
    method, path, operation = OPERATIONS[name]
    with Client(someone.base) as nobody:
        answer = nobody.request(method, good_url(someone, path, operation), json={} if "requestBody" in operation else None)
    check_every_answer(answer)
    check_by_document(answer, operation)
    assert (answer.status_code == 401 and answer.json()["code"] == "unauthorized") == ("security" in operation)


def test_the_gateways_own_answers(someone):
    for path in ("/", "/nothing", "/healthz", "/docs", "/api/v1/openapi.json", "/api/v1/movies/..%2f"):
        answer = someone.get(someone.base + path)
        check_every_answer(answer)
    check_every_answer(someone.post(someone.base + "/"))


@st.composite
def requests(draw, name):
    """(url, body, token) for one call, right or wrong, made from the document alone."""
    _, path, operation = OPERATIONS[name]
    for parameter, value in draw(openapi.parameters(DOCUMENT, operation, "path")).items():
        path = path.replace("{%s}" % parameter, urllib.parse.quote(value, safe=""))
    query = list(draw(openapi.parameters(DOCUMENT, operation, "query")).items())
    extra = draw(st.just([]) | st.just([]) | st.lists(st.tuples(openapi.TEXT, openapi.TEXT), max_size=2))
    url = path.removeprefix("/api/v1") + "?" * bool(query + extra) + urllib.parse.urlencode(query + extra)
    body = draw(openapi.bodies(DOCUMENT, operation)) if "requestBody" in operation else None
    token = draw(st.sampled_from(["right", "right", "right", "wrong", "none"])) if name not in ENDING else "wrong"
    return url, body, token


@pytest.mark.parametrize("name", OPERATIONS)
def test_any_request_gets_a_documented_answer(someone, name):
    method, _, operation = OPERATIONS[name]
    seen = set()
    # In the long run they take longer than an access token lives.
    someone.take(someone.post("/auth/refresh", json={"refresh_token": someone.tokens["refresh_token"]}).json())

    @many
    @hypothesis.given(requests(name))
    def check(request):
        url, body, token = request
        headers = {"Authorization": {"right": someone.headers["Authorization"], "wrong": "Bearer x.y.z", "none": ""}[token]}
        content = {"content": json.dumps(body)} if "requestBody" in operation else {}
        if content:
            headers["Content-Type"] = "application/json"
        answer = someone.request(method, url, headers=headers, **content)
        assert answer.status_code < 500, answer.text
        check_every_answer(answer)
        check_by_document(answer, operation)
        seen.add(answer.status_code)

    check()
    print(name, sorted(seen))
    assert name in ENDING or len(seen) > 1 or "parameters" not in operation  # it tells right from wrong


def test_the_session_is_still_good(someone):
    assert someone.get("/users/me").status_code == 200
