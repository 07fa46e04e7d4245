"""The switches under /__control: state, faults, counts, what was asked last, and the page that shows them all.

These requests are never faulted, counted or limited, and need no key.
"""
import collections
import json
import pathlib
import re
import time
import urllib.parse

import faults as faulting
from http11 import Answer

PREFIX = "/__control"
PAGE = pathlib.Path(__file__).resolve().parent / "control.html"
REMEMBERED = 1000
SECRET = re.compile(r"(api_key=)[^&]*")
HEADERS = ("host", "user-agent", "accept", "accept-encoding", "accept-language", "if-none-match", "traceparent")


class Counts:
    """What came in and how it ended. `total` is requests, whatever became of them."""

    def __init__(self):
        self.in_flight = 0
        self.connections = 0
        self.last = collections.deque(maxlen=REMEMBERED)
        self.reset()

    def reset(self):
        """All from zero; who is here now stays counted as being here."""
        self.total = 0
        self.by_path = collections.Counter()
        self.by_status = collections.Counter()
        self.max_in_flight = self.in_flight
        self.connections_total = self.connections
        self.not_modified = self.faulted = self.rate_limited = self.unauthorized = self.handshakes_failed = 0
        self.last.clear()

    def begin(self, request, template):
        """A line for the request, to be given to end()."""
        self.total += 1
        self.by_path[template] += 1
        self.in_flight += 1
        if self.in_flight > self.max_in_flight:
            self.max_in_flight = self.in_flight
        line = [self.total, time.time(), request, None]
        self.last.append(line)
        return line

    def end(self, line, status):
        self.in_flight -= 1
        self.by_status[str(status)] += 1
        if status == 304:
            self.not_modified += 1
        line[3] = status

    def message(self):
        return {"total": self.total, "by_path": dict(self.by_path), "by_status": dict(self.by_status),
                "in_flight": self.in_flight, "max_in_flight": self.max_in_flight, "connections": self.connections,
                "connections_total": self.connections_total, "not_modified": self.not_modified,
                "faulted": self.faulted, "rate_limited": self.rate_limited, "unauthorized": self.unauthorized,
                "handshakes_failed": self.handshakes_failed}

    def requests(self, count):
        return [remembered(*line) for line in list(self.last)[-count:]] if count > 0 else []


def remembered(number, when, request, status):
    """A request as it may be shown: no secret in it. Without a status it is not yet answered."""
    headers = {name: request.headers[name] for name in HEADERS if name in request.headers}
    if "authorization" in request.headers:
        headers["authorization"] = request.headers["authorization"].split(" ")[0] + " ***"
    return {"number": number, "time": round(when, 3), "method": request.method,
            "target": SECRET.sub(r"\1***", request.target), "status": status, "headers": headers}


def reply(value, status=200):
    return Answer(status, json.dumps(value).encode(), [("content-type", "application/json"), ("cache-control", "no-store")])


class Control:
    def __init__(self, site):
        self.site = site
        self.routes = {("GET", "/state"): self.state, ("PUT", "/faults"): self.put, ("GET", "/faults"): self.faults,
                       ("DELETE", "/faults"): self.heal, ("GET", "/counts"): self.counts,
                       ("POST", "/counts/reset"): self.reset, ("GET", "/requests"): self.requests,
                       ("GET", "/"): self.page, ("GET", ""): self.page}

    def answer(self, request):
        path, _, query = request.target.partition("?")
        path = path.removeprefix(PREFIX)
        handler = self.routes.get((request.method, path))
        if handler:
            return handler(request, dict(urllib.parse.parse_qsl(query)))
        known = any(path == other for _, other in self.routes)
        return reply({"error": "not that method" if known else "no such switch"}, 405 if known else 404)

    def state_message(self):
        site = self.site
        return {"faults": site.faults.active, "left": site.faults.left, "waiting": len(site.faults.waiting),
                "version": site.api.library.version, "films": len(site.api.library.films),
                "rate": site.rate.per_second, "tls": site.tls, "max_age": site.api.max_age, "uptime_s": round(time.time() - site.began, 1)}

    def state(self, request, query):
        return reply(self.state_message())

    def faults(self, request, query):
        return reply(self.site.faults.active)

    def put(self, request, query):
        try:
            given = faulting.checked(json.loads(request.body))
            if "tls_abort" in given and not self.site.tls:
                raise ValueError("tls_abort needs a server started with --tls")
        except ValueError as wrong:
            return reply({"error": str(wrong)}, 422)
        self.site.faults.put(given)
        if "change" in given:
            self.site.api.change(given["change"])
        return self.state(request, query)

    def heal(self, request, query):
        self.site.faults.heal()
        return self.state(request, query)

    def counts(self, request, query):
        return reply(self.site.counts.message())

    def reset(self, request, query):
        self.site.counts.reset()
        return self.counts(request, query)

    def requests(self, request, query):
        last = query.get("last", "50")
        if not last.isascii() or not last.isdigit():
            return reply({"error": "last is a number"}, 422)
        return reply(self.site.counts.requests(int(last[:9])))

    def page(self, request, query):
        return Answer(200, PAGE.read_bytes(), [
            ("content-type", "text/html;charset=utf-8"), ("cache-control", "no-store"),
            ("content-security-policy", "default-src 'self'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'")])
