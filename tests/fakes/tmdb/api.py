"""The endpoints under /3: a target and its headers in, an Answer out. Answers are kept until the content changes."""
import hashlib
import json
import posixpath
import urllib.parse
import zlib

import shapes
from http11 import Answer
from query import Refused, language_of

APPENDED_MAX = 20
KEPT_BYTES = 64 << 20
JSON = "application/json;charset=utf-8"

# TMDB's code: (HTTP status, message, whether "success" comes first, last or not at all). As recorded, where it was.
ERRORS = {
    5: (422, "Invalid parameters: Your request parameters are incorrect.", "first"),
    6: (404, "Invalid id: The pre-requisite id is invalid or not found.", "first"),
    7: (401, "Invalid API key: You must be granted a valid key.", "last"),
    9: (503, "Service offline: This service is temporarily offline, try again later.", "first"),
    11: (500, "Internal error: Something went wrong, contact TMDB.", "last"),
    22: (400, "Invalid page: Pages start at 1 and max at 500. They are expected to be an integer.", "last"),
    24: (504, "Your request to the backend server timed out. Try again.", "last"),
    25: (429, "Your request count ({0}) is over the allowed limit of {1}.", "none"),
    27: (400, "Too many append to response objects: The maximum number of remote calls is 20.", "last"),
    34: (404, "The resource you requested could not be found.", "first"),
    43: (502, "Couldn't connect to the backend server.", "first"),
    47: (400, "The input is not valid.", "first"),
}
ERROR_AGES = {404: 28800, 401: 300}
AGES = {"movie/{id}": 19388, "search/movie": 20463, "discover/movie": 600, "trending/movie/{window}": 240,
        "genre/movie/list": 86400, "configuration": 86400}
OTHER_AGE = 3600


def error_body(code, message, success):
    message = {"status_code": code, "status_message": message}
    if success == "first":
        message = {"success": False, **message}
    elif success == "last":
        message["success"] = False
    return json.dumps(message, separators=(",", ":")).encode()


def error(code, *numbers, status=None, headers=()):
    usual, message, success = ERRORS[code]
    status = status or usual
    kept = [("cache-control", f"public, max-age={ERROR_AGES[status]}")] if status in ERROR_AGES else []
    body = error_body(code, message.format(*numbers), success)
    return Answer(status, body, [("content-type", JSON), *kept, *headers])


def parameters_of(query):
    return dict(urllib.parse.parse_qsl(query, keep_blank_values=True))


class Api:
    """Needs the library, the two secrets that let a client in, and one max-age for all if it is given."""

    def __init__(self, library, token, api_key, max_age=None, chunked=True):
        self.library = library
        self.bearer = "Bearer " + token
        self.api_key = api_key
        self.max_age = max_age
        self.chunked = chunked
        self.kept = {}
        self.kept_bytes = 0
        self.plain = {"search/movie": library.search_page, "discover/movie": library.discover_page,
                      "movie/popular": lambda q: library.page(library.decent, q),
                      "movie/top_rated": lambda q: library.page(library.top_rated, q),
                      "movie/now_playing": lambda q: library.window_page(q, -45, 0),
                      "movie/upcoming": lambda q: library.window_page(q, 1, 28),
                      "genre/movie/list": lambda q: shapes.encode(shapes.genres()),
                      "configuration": lambda q: shapes.encode(shapes.configuration())}
        self.parts = {"credits": lambda film, q: shapes.credits(film),
                      "videos": lambda film, q: shapes.videos(film, self.languages(q, "include_video_language") or {"en"}),
                      "images": lambda film, q: shapes.images(film, self.languages(q, "include_image_language")),
                      "keywords": lambda film, q: shapes.keywords(film),
                      "release_dates": lambda film, q: shapes.release_dates(film),
                      "external_ids": lambda film, q: shapes.external_ids(film),
                      "watch/providers": lambda film, q: shapes.watch_providers(film),
                      "translations": lambda film, q: shapes.translations(film),
                      "alternative_titles": lambda film, q: shapes.alternative_titles(film)}
        self.related = ("recommendations", "similar")

    def change(self, count):
        self.library.change(count)
        self.forget()

    def forget(self):
        self.kept.clear()
        self.kept_bytes = 0

    def answer(self, request):
        """(path template, the answer)."""
        path, _, query = request.target.partition("?")
        name, template = self.route(path)
        if not self.lets_in(request, query):
            return template, error(7)
        kept = self.kept.get(request.target)
        if kept is None:
            kept = self.make(name, template, query, request.method)
            self.keep(request.target, kept)
        if kept.etag and self.knows(request, kept.etag):
            return template, kept.not_modified()
        return template, kept

    def lets_in(self, request, query):
        given = request.headers.get("authorization")
        if given is not None:
            return given == self.bearer
        return "api_key=" in query and parameters_of(query).get("api_key") == self.api_key

    @staticmethod
    def knows(request, etag):
        given = request.headers.get("if-none-match")
        if not given:
            return False
        opaque = etag.removeprefix("W/")
        return given == "*" or any(one.strip().removeprefix("W/") == opaque for one in given.split(","))

    def keep(self, target, answer):
        size = len(answer.body) * 3 + 1000  # compressed and framed as well, and what goes with it
        if self.kept_bytes + size > KEPT_BYTES:
            self.forget()
        self.kept[target] = answer
        self.kept_bytes += size

    @staticmethod
    def route(path):
        """("movie/39/credits", "movie/{id}/credits"): below /3, and with the variable part named. As at TMDB's edge, the
        path is decoded once and then `..` is followed: who splices a user's text into it is found out."""
        path = urllib.parse.unquote(path)
        if "/.." in path:
            path = posixpath.normpath(path)
        name = path.removeprefix("/3/") if path.startswith("/3/") else ""
        parts = name.split("/")
        if parts[0] == "movie" and len(parts) > 1 and parts[1] not in ("popular", "top_rated", "now_playing", "upcoming"):
            return name, "/".join(["movie", "{id}", *parts[2:]]) if "/".join(parts[2:]) in NAMED_PARTS else "other"
        if parts[0] == "trending":
            return name, "trending/movie/{window}"
        if parts[0] in ("find", "collection"):
            return name, parts[0] + "/{id}"
        return name, name if name in NAMED_PLAIN else "other"

    def make(self, name, template, query, method):
        try:
            if method != "GET":
                raise Refused(34)
            body = self.body(name, parameters_of(query))
        except Refused as no:
            return error(no.args[0])
        age = AGES.get(template, OTHER_AGE) if self.max_age is None else self.max_age
        digest = hashlib.md5(body + b"%d" % self.library.version, usedforsecurity=False).hexdigest()
        return Answer(200, body, [("content-type", JSON), ("cache-control", f"public, max-age={age}"), ("age", "0"),
                                  ("vary", "accept-encoding")], f'W/"{digest}"', self.chunked)

    def body(self, name, parameters):
        if name in self.plain:
            return self.plain[name](parameters)
        first, _, rest = name.partition("/")
        if first == "movie":
            return self.movie(*rest.partition("/")[::2], parameters)
        if first == "trending" and rest in ("movie/day", "movie/week"):
            return self.library.page(self.library.trending(rest), parameters, media=True)
        if first == "find":
            if parameters.get("external_source") != "imdb_id":
                raise Refused(5)
            return self.library.find_page(rest)
        if first == "collection":
            return self.library.collection(rest, parameters)
        raise Refused(34)

    def movie(self, number, part, parameters):
        if not number.isascii() or not number.isdigit():
            raise Refused(6)
        film = self.library.by_id.get(int(number[:12]))
        if film is None:
            raise Refused(34)
        if part in self.related:
            return self.related_page(film, part, parameters)
        if part in self.parts:
            return shapes.encode({"id": film.id, **self.parts[part](film, parameters)}, film.style)
        if part:
            raise Refused(34)
        return self.details(film, parameters)

    def related_page(self, film, part, parameters):
        return self.library.page(self.library.related(film, part), parameters, media=part == "recommendations",
                                 order=zlib.crc32(film.key.encode()))

    def details(self, film, parameters):
        """The film, with what was asked to be appended: a key each, named as its path."""
        names = [one.strip() for one in parameters.get("append_to_response", "").split(",") if one.strip()]
        if len(names) > APPENDED_MAX:
            raise Refused(27)
        body = shapes.encode(shapes.details(film, language_of(parameters), self.library.version), film.style)
        for name in dict.fromkeys(names):
            if name in self.related:
                part = self.related_page(film, name, parameters)
            elif name in self.parts:
                part = shapes.encode(self.parts[name](film, parameters), film.style)
            else:
                continue
            body = b"%s,%s:%s}" % (body[:-1], shapes.encode(name, film.style), part)
        return body

    @staticmethod
    def languages(parameters, name):
        """The languages of pictures or videos that are wanted, None among them for "null"; None for all."""
        wanted = [one for one in parameters.get(name, "").split(",") if one]
        if not wanted and parameters.get("language"):
            wanted = [language_of(parameters)]
        return {None if one == "null" else one[:2] for one in wanted} or None


NAMED_PARTS = ("", "credits", "videos", "images", "keywords", "release_dates", "external_ids", "watch/providers",
               "translations", "alternative_titles", "recommendations", "similar")
NAMED_PLAIN = ("search/movie", "discover/movie", "movie/popular", "movie/top_rated", "movie/now_playing",
               "movie/upcoming", "genre/movie/list", "configuration")
