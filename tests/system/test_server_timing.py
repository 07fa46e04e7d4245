"""Server-Timing and the trace are one story: what an answer says that something took, its span says too, to the microsecond."""
import os
import re

import httpx
from harness import wait_until
from nginx_harness import bearer

# Of the service that answered: (name, kind) of the span that a metric is about.
SPANS = {"total": (None, "server"), "catalogue": ("cache get", "internal"), "password": ("bcrypt", "internal"),
         "movie": ("GET /internal/movies/{movie_id}/brief", "client")}
ROUNDING_US = 1  # a span's begin and end are rounded each


def timings_us(answer):
    (header,) = answer.headers.get_list("server-timing")
    found = {}
    for metric in header.split(", "):
        name, milliseconds = re.fullmatch(r"([a-z]+);dur=(\d+\.\d{3})", metric).groups()
        assert name not in found
        found[name] = round(float(milliseconds) * 1000)
    return found


def spans_of(system, answer, service):
    """(span, service) of the answer's trace, once the service's own is there, which ends last."""
    def found():
        told = httpx.get(f"{system.url}/traces/api/traces/{answer.headers['x-request-id']}")
        if told.status_code != 200:
            return None
        (trace,) = told.json()["data"]
        spans = [(span, trace["processes"][span["processID"]]["serviceName"]) for span in trace["spans"]]
        is_whole = any(of == f"cinesync-{service}" and kind(span) == "server" for span, of in spans)
        return spans if is_whole else None
    return wait_until(found, 15, "the trace")


def kind(span):
    return next(tag["value"] for tag in span["tags"] if tag["key"] == "span.kind")


def agrees(system, answer, service, *metrics):
    assert answer.is_success, answer.text
    told = timings_us(answer)
    assert set(told) == {"total", *metrics}
    spans = spans_of(system, answer, service)
    for name, took_us in told.items():
        of_name, of_kind = SPANS[name]
        (span,) = [span for span, of in spans if of == f"cinesync-{service}" and kind(span) == of_kind
                   and of_name in (None, span["operationName"])]
        assert abs(span["duration"] - took_us) <= ROUNDING_US, (name, span["duration"], took_us)


def test_a_service_says_what_its_spans_say(system, person):
    title = {"query": "the " + os.urandom(4).hex()}  # nobody asked this before
    agrees(system, person.get("/movies/search", params=title), "movie", "catalogue")
    agrees(system, person.get("/movies/search", params=title), "movie")
    film = person.get("/movies/search", params={"query": "casablanca"}).json()["results"][0]["id"]
    page = person.get(f"/movies/{film}", params={"language": "de", "include": "credits"})
    agrees(system, page, "movie", *({"catalogue"} & set(timings_us(page))))
    agrees(system, person.log_in(), "user", "password")
    agrees(system, person.post("/users/me/favorites", json={"movie_id": film}), "user", "movie")


def test_the_gateway_says_how_long_it_took_by_its_spans_clock(system, person):
    """Its span ends behind the answer, and holds the check of the token."""
    asked = {"/": {}, "/api/v1/nothing": {}, "/api/v1/users/me": bearer("x.y.z")}
    answers = {path: httpx.get(system.url + path, headers=headers) for path, headers in asked.items()}
    for path, answer in answers.items():
        told = timings_us(answer)
        assert set(told) == {"gateway"}, path
        spans = [span for span, _ in spans_of(system, answer, "gateway")]
        (served,) = [span for span in spans if kind(span) == "server"]
        inside = [span["duration"] for span in spans if kind(span) == "internal"]
        assert len(inside) == (1 if asked[path] else 0), path
        assert sum(inside) - ROUNDING_US <= told["gateway"] <= served["duration"] + ROUNDING_US, path
