"""The films of the fake: the catalogue's facts, and invented values where it has none.

Every value follows from the film's title and year, so a film is the same in each run and on each machine. The
irregularities of TMDB's records (nothing, null, "", an absent key, a number that is no real) occur as often as seen there.
"""
import datetime
import hashlib
import pathlib
import re

import words

CATALOG = pathlib.Path(__file__).resolve().parents[3] / "data" / "catalog.tsv"
ID_STRIDE = 13
TODAY = datetime.date(2009, 12, 11)  # the catalogue has most of its last films around here
COLUMNS = ("title", "year", "release_date", "genres", "runtime_min", "directors", "mpaa", "distributor")
SEQUEL = re.compile(r"^(.{4,}?)(?:: .*| - .*| (?:\d|II|III|IV|V|VI|VII)(?:[: ].*)?)$")


def dice(key, label):
    """A number that only depends on these two, evenly spread over 64 bits."""
    return int.from_bytes(hashlib.blake2b(f"{label}\0{key}".encode(), digest_size=8).digest(), "big")


def chance(key, label, per_mille):
    return dice(key, label) % 1000 < per_mille


def pick(key, label, among):
    return among[dice(key, label) % len(among)]


def picture(key, label, suffix="jpg"):
    """A path as TMDB has them: 27 letters and digits."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    raw = hashlib.blake2b(f"{label}\0{key}".encode(), digest_size=27).digest()
    return "/" + "".join(digits[byte % 62] for byte in raw) + "." + suffix


def maybe_integer(key, label, value, per_mille):
    """TMDB writes some reals without a point: 7, not 7.0."""
    return round(value) if chance(key, label, per_mille) else value


class Film:
    """One film: facts as attributes, in the plainest types; shapes.py makes TMDB's messages of them."""

    def __init__(self, row, fields):
        facts = dict(zip(COLUMNS, fields))
        self.id = row * ID_STRIDE
        self.key = key = f"{facts['title']}\0{facts['year']}"
        self.title = facts["title"]
        self.year = int(facts["year"])
        self.directors = [name for name in facts["directors"].split("|") if name]
        self.certification = facts["mpaa"]
        self.distributor = facts["distributor"]
        self.genre_ids = self.invent_genres(facts["genres"])
        self.release_date = self.invent_release(facts["release_date"])
        self.runtime = self.invent_runtime(facts["runtime_min"])
        self.invent_language()
        self.invent_numbers()
        self.poster_path = None if chance(key, "no poster", 30) else picture(key, "poster")
        self.backdrop_path = None if chance(key, "no backdrop", 125) else picture(key, "backdrop")
        self.overview = "" if chance(key, "no overview", 90) else self.invent_overview()
        self.adult = chance(key, "adult", 3)
        self.video = chance(key, "video", 8)
        self.softcore = chance(key, "softcore", 60)  # whether the key is there at all
        self.style = dice(key, "style") % 5
        self.imdb_id = None if chance(key, "no imdb", 30) else f"tt{1000000 + row:07d}"
        self.collection = None

    def invent_genres(self, text):
        names = [words.GENRE_ALIASES.get(name, name) for name in text.split("|") if name]
        if not names and chance(self.key, "some genre", 330):
            names = [pick(self.key, "genre", list(words.GENRES))]
        return list(dict.fromkeys(words.GENRES[name] for name in names))

    def invent_release(self, known):
        """ISO date, "" or None for no key. The odds are of the fifth of the films of which no date is known."""
        if known:
            return known
        if chance(self.key, "release absent", 17):
            return None
        if chance(self.key, "release empty", 55):
            return ""
        day = datetime.date(self.year, 1, 1) + datetime.timedelta(days=dice(self.key, "day") % 365)
        return day.isoformat()

    def invent_runtime(self, known):
        if known:
            return int(known)
        if chance(self.key, "runtime unknown", 100):
            return pick(self.key, "runtime nothing", [0, 0, None])
        return 72 + dice(self.key, "runtime") % 90

    def invent_language(self):
        self.language = words.ENGLISH
        self.original_title = self.title
        if not self.title.isascii():
            self.language = words.LANGUAGES[0]
        elif chance(self.key, "foreign", 90):
            self.language = pick(self.key, "language", words.LANGUAGES)
            if chance(self.key, "own title", 600):
                self.original_title = self.language[5].format(self.id)
        self.translations = [code for code in words.TRANSLATED if chance(self.key, "in " + code, 500)]

    def invent_numbers(self):
        key = self.key
        spread = dice(key, "popularity") % 100000 / 100000
        self.popularity = maybe_integer(key, "round popularity", round(0.6 + 180 * spread ** 6, 4), 30)
        self.vote_count = 0 if chance(key, "no votes", 20) else 1 + int(32000 * (dice(key, "votes") % 10000 / 10000) ** 4)
        average = round(3.5 + (dice(key, "average") % 5200) / 1000, 3) if self.vote_count else 0
        self.vote_average = maybe_integer(key, "round average", average, 60)
        unknown = chance(key, "no money", 450)
        self.budget = 0 if unknown else (1 + dice(key, "budget") % 1500) * 100000
        self.revenue = 0 if unknown else dice(key, "revenue") % 900000000

    def invent_overview(self):
        key = self.key
        sentences = []
        for number in range(1 + dice(key, "sentences") % 9):
            hero = pick(key, f"hero{number}", words.HEROES)
            sentences.append(f"{hero[0].upper()}{hero[1:]} {pick(key, f'deed{number}', words.DEEDS)} "
                             f"{pick(key, f'place{number}', words.PLACES)}.")
        return (" ".join(sentences) + " " + pick(key, "end", words.ENDS)).strip()[:992]

    def shown(self, language):
        """(title, overview) in a language of two letters; untranslated ones are as TMDB gives them."""
        if language == "en":
            return self.title, self.overview
        if language in self.translations:
            title, overview = words.TRANSLATED[language]
            return title.format(self.title), overview.format(self.title, self.year)
        return self.original_title, ""

    def providers(self, region):
        """{"flatrate": [provider ids], ...} in this country; empty: nowhere."""
        offers = {}
        for number, kind in enumerate(("flatrate", "rent", "buy")):
            ids = [one[0] for one in words.PROVIDERS if chance(self.key, f"{region}{kind}{one[0]}", 120 + 60 * number)]
            if ids:
                offers[kind] = ids
        return offers


class Collection:
    def __init__(self, name, parts):
        self.id = 10000 + dice(name, "collection") % 900000
        self.name = f"{name} Collection"
        self.poster_path = None if chance(name, "no poster", 100) else picture(name, "poster")
        self.backdrop_path = None if chance(name, "no backdrop", 150) else picture(name, "backdrop")
        self.parts = parts


def collect(films):
    """Films whose titles differ by a number or a subtitle make a collection."""
    stems = {}
    for film in films:
        match = SEQUEL.match(film.title)
        stems.setdefault(match.group(1) if match else film.title, []).append(film)
    collections = {}
    for stem, parts in stems.items():
        if len(parts) > 1 and any(SEQUEL.match(film.title) for film in parts):
            collection = Collection(stem, sorted(parts, key=lambda film: film.year))
            collections[collection.id] = collection
            for film in parts:
                film.collection = collection
    return collections


def load(path=CATALOG):
    """All films, in the table's order."""
    with open(path, encoding="utf-8") as table:
        next(table)
        return [Film(row, line.rstrip("\n").split("\t")) for row, line in enumerate(table, 1)]
