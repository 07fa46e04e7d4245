"""Which films, in which order: search, discover and the lists. Parameters in, film lists and pages out.

A parameter that TMDB refuses raises Refused with TMDB's own code. What was filtered or sorted once is kept, bounded.
"""
import bisect
import datetime
import functools
import itertools
import re
import zlib

import shapes
import words
from films import TODAY, Film, dice

PAGE_SIZE = 20
PAGE_MAX = 500
BROAD_PAGES = 49437  # what TMDB says of a discover without a filter
BROAD_RESULTS = 988739
KEPT = 4096
BETWEEN = "\x1e"
WORD = re.compile(r"\w+")
SORTS = {"popularity": lambda film: film.popularity, "vote_average": lambda film: film.vote_average,
         "vote_count": lambda film: film.vote_count, "revenue": lambda film: film.revenue,
         "primary_release_date": lambda film: film.release_date or "", "release_date": lambda film: film.release_date or "",
         "title": lambda film: film.title, "original_title": lambda film: film.original_title}


class Refused(Exception):
    """TMDB says no; the argument is its status code."""


def number(parameters, name, kind=int):
    """The parameter as a number; None without it."""
    text = parameters.get(name, "")
    if text == "":
        return None
    try:
        return kind(text)
    except ValueError:
        raise Refused(47) from None


def day(parameters, name):
    text = parameters.get(name, "")
    if text == "":
        return None
    try:
        return datetime.date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise Refused(47) from None


def page_number(parameters):
    text = parameters.get("page", "") or "1"
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= PAGE_MAX:
        raise Refused(22)
    return int(text)


def language_of(parameters):
    return (parameters.get("language", "") or "en")[:2].lower()


def listed(text):
    """"1,2" is all of them, "1|2" any: (alternatives?, [texts])."""
    return ("|" in text, [one for one in re.split(r"[,|]", text) if one])


def wanted_numbers(parameters, name):
    any_of, texts = listed(parameters.get(name, ""))
    try:
        return any_of, {int(text) for text in texts}
    except ValueError:
        raise Refused(47) from None


class Library:
    """The films with what is needed to find them. `version` is the content's: see shapes.votes."""

    def __init__(self, films, collections):
        self.films = films
        self.collections = collections
        self.by_id = {film.id: film for film in films}
        self.by_imdb = {film.imdb_id: film for film in films if film.imdb_id}
        self.by_popularity = sorted(films, key=lambda film: -film.popularity)
        # One text of all titles: a rare word is found in it far sooner than by going through the films.
        self.texts = [f"{film.title}\n{film.original_title}".lower() for film in self.by_popularity]
        self.blob = BETWEEN.join(self.texts)
        self.starts = list(itertools.accumulate((len(text) + 1 for text in self.texts), initial=0))
        self.version = 0
        self.items = {}
        # Kept here and not on the functions, so that each library has its own.
        self.search = functools.lru_cache(KEPT)(self.search)
        self.discovered = functools.lru_cache(KEPT)(self.discovered)

    def change(self, count):
        self.version += count
        self.items.clear()

    def item(self, film, language, media):
        which = (film.id, language, media)
        made = self.items.get(which)
        if made is None:
            if len(self.items) > 50000:
                self.items.clear()
            made = self.items[which] = shapes.item(film, language, media, self.version)
        return made

    def page(self, films, parameters, media=False, dates=None, order=0, endless=False):
        """The bytes of one page of this list."""
        page = page_number(parameters)
        start = (page - 1) * PAGE_SIZE
        if endless and films:
            shown = [films[(start + i) % len(films)] for i in range(PAGE_SIZE)]
            pages, results = BROAD_PAGES, BROAD_RESULTS
        else:
            shown = films[start:start + PAGE_SIZE]
            results = len(films)
            pages = -(-results // PAGE_SIZE) or order & 1  # no hit: 0 or 1 pages, TMDB says either
        language = language_of(parameters)
        return shapes.page_of([self.item(film, language, media) for film in shown], page, pages, results, dates, order)

    def holding(self, word):
        """The numbers of the films whose titles hold it, most popular first."""
        at = self.blob.find(word)
        while at >= 0:
            number = bisect.bisect_right(self.starts, at) - 1
            yield number
            at = self.blob.find(word, self.starts[number + 1])

    def search(self, query, year, adult):
        """Every word of the query must be in the title. Whole titles come first, then the popular."""
        query = query.lower().replace(BETWEEN, " ").strip()
        parts = WORD.findall(query) or [query]
        first = max(parts, key=len)
        found = []
        for number in self.holding(first):
            film, text = self.by_popularity[number], self.texts[number]
            if all(part in text for part in parts):
                if (year is None or (film.release_date or "").startswith(f"{year:04d}")) and (adult or not film.adult):
                    found.append((query not in text.split("\n"), not text.startswith(query), film))
        found.sort(key=lambda one: one[:2])
        return [film for _, _, film in found]

    def search_page(self, parameters):
        query = parameters.get("query", "")
        if not query.replace(BETWEEN, " ").strip():
            raise Refused(5)
        year = number(parameters, "primary_release_year")
        if year is None:
            year = number(parameters, "year")
        found = self.search(query, year, parameters.get("include_adult") == "true")
        return self.page(found, parameters, order=zlib.crc32(query.encode()))

    def find_page(self, imdb_id):
        film = self.by_imdb.get(imdb_id)
        return b'{"movie_results":[%s],"person_results":[],"tv_results":[],"tv_episode_results":[],"tv_season_results":[]}' \
            % (self.item(film, "en", True) if film else b"")

    def collection(self, text, parameters):
        group = self.collections.get(int(text)) if text.isascii() and text[:9].isdigit() and len(text) < 10 else None
        if group is None:
            raise Refused(34)
        language = language_of(parameters)
        return shapes.collection(group, [self.item(film, language, True) for film in group.parts])

    @functools.cached_property
    def decent(self):
        return [film for film in self.by_popularity if not film.adult]

    @functools.cached_property
    def top_rated(self):
        return sorted((film for film in self.decent if film.vote_count >= 300), key=lambda film: -film.vote_average)

    @functools.lru_cache(8)
    def between(self, first, last):
        return [film for film in self.decent if film.release_date and first <= film.release_date <= last]

    def window_page(self, parameters, first, last):
        """A list that carries the dates it is of; days are counted from the fake's own today."""
        dates = [(TODAY + datetime.timedelta(days=days)).isoformat() for days in (first, last)]
        return self.page(self.between(*dates), parameters, dates=dates)

    @functools.lru_cache(4)
    def trending(self, window):
        return sorted(self.decent, key=lambda film: -film.popularity * (1 + dice(film.key, window) % 4))

    def related(self, film, kind):
        """About 40 films that share a genre, the same each time."""
        wanted = set(film.genre_ids)
        start = dice(film.key, kind) % len(self.decent)
        some = self.decent[start:start + 400] or self.decent[:400]
        return [one for one in some if one is not film and wanted & set(one.genre_ids)][:dice(film.key, "n" + kind) % 41]

    def discover_page(self, parameters):
        known = tuple(sorted((name, value) for name, value in parameters.items() if name in FILTERS and value))
        films = self.discovered(known, parameters.get("sort_by", "") or "popularity.desc",
                                parameters.get("include_adult") == "true")
        return self.page(films, parameters, order=zlib.crc32(repr(known).encode()) & ~1 if films else len(known),
                         endless=not known)

    def discovered(self, known, sort_by, adult):
        parameters = dict(known)
        tests = [test for test in (make(parameters) for make in MAKERS) if test]
        found = [film for film in self.by_popularity
                 if (adult or not film.adult) and all(test(film) for test in tests)]
        name, _, direction = sort_by.partition(".")
        if name not in SORTS or direction not in ("asc", "desc"):
            raise Refused(47)
        found.sort(key=SORTS[name], reverse=direction == "desc")
        return found


def genre_test(parameters):
    any_of, wanted = wanted_numbers(parameters, "with_genres")
    if not wanted:
        return None
    if any_of:
        return lambda film: not wanted.isdisjoint(film.genre_ids)
    return lambda film: wanted.issubset(film.genre_ids)


def without_genre_test(parameters):
    _, unwanted = wanted_numbers(parameters, "without_genres")
    return unwanted and (lambda film: unwanted.isdisjoint(film.genre_ids))


def year_test(parameters):
    year = number(parameters, "primary_release_year")
    if year is None:
        year = number(parameters, "year")
    return year is not None and (lambda film: (film.release_date or "").startswith(f"{year:04d}"))


def date_test(parameters):
    first = day(parameters, "primary_release_date.gte") or day(parameters, "release_date.gte")
    last = day(parameters, "primary_release_date.lte") or day(parameters, "release_date.lte")
    if not first and not last:
        return None
    return lambda film: bool(film.release_date) and (first or "") <= film.release_date <= (last or "9999")


def range_test(name, attribute, kind):
    def make(parameters):
        low, high = number(parameters, name + ".gte", kind), number(parameters, name + ".lte", kind)
        if low is None and high is None:
            return None
        return lambda film: ((low is None or (getattr(film, attribute) or 0) >= low)
                             and (high is None or (getattr(film, attribute) or 0) <= high))
    return make


def language_test(parameters):
    _, wanted = listed(parameters.get("with_original_language", ""))
    return wanted and (lambda film: film.language[0] in wanted)


def certification_test(parameters):
    """Of the United States only; elsewhere the fake knows none."""
    _, wanted = listed(parameters.get("certification", ""))
    country = parameters.get("certification_country", "")
    return wanted and country and (lambda film: country == "US" and film.certification in wanted)


def provider_test(parameters):
    any_of, wanted = wanted_numbers(parameters, "with_watch_providers")
    region = parameters.get("watch_region", "")
    if not wanted or not region:
        return None

    def test(film: Film):
        offered = {one for ids in film.providers(region).values() for one in ids} if region in words.REGIONS else set()
        return not wanted.isdisjoint(offered) if any_of else wanted.issubset(offered)
    return test


MAKERS = (genre_test, without_genre_test, year_test, date_test, range_test("vote_average", "vote_average", float),
          range_test("vote_count", "vote_count", int), range_test("with_runtime", "runtime", int), language_test,
          certification_test, provider_test)
FILTERS = {"with_genres", "without_genres", "primary_release_year", "year", "primary_release_date.gte",
           "primary_release_date.lte", "release_date.gte", "release_date.lte", "vote_average.gte", "vote_average.lte",
           "vote_count.gte", "vote_count.lte", "with_runtime.gte", "with_runtime.lte", "with_original_language",
           "certification", "certification_country", "with_watch_providers", "watch_region"}
