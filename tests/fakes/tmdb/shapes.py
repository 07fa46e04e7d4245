"""TMDB's messages: the keys of each, in TMDB's order, made of films. Nothing here knows of HTTP or of questions."""
import json

import words
from films import chance, dice, maybe_integer, pick, picture

GENRE_NAMES = {number: name for name, number in words.GENRES.items()}
ITEM_ORDER = ("adult", "backdrop_path", "genre_ids", "id", "original_language", "original_title", "overview",
              "popularity", "poster_path", "release_date", "title", "video", "vote_average", "vote_count")
# Trending, find and recommendations: another order, and the kind of thing it is.
MEDIA_ORDER = ("adult", "backdrop_path", "id", "title", "original_language", "original_title", "overview",
               "poster_path", "media_type", "genre_ids", "popularity", "release_date", "video", "vote_average",
               "vote_count")


def encode(value, style=3):
    """JSON in one of the spellings met in the wild; `style` is the film's."""
    text = json.dumps(value, ensure_ascii=style == 2, separators=(",", ":"))
    if style == 0:
        text = text.replace("&", "\\u0026")
    elif style == 1:
        text = text.replace("/", "\\/")
    return text.encode()


def votes(film, version):
    """The content version shows as votes that came in."""
    return film.vote_count + version


def item(film, language, media, version):
    """A film in a list, as JSON bytes."""
    title, overview = film.shown(language)
    values = {"adult": film.adult, "backdrop_path": film.backdrop_path, "genre_ids": film.genre_ids, "id": film.id,
              "title": title, "original_language": film.language[0], "original_title": film.original_title,
              "overview": overview, "popularity": film.popularity, "poster_path": film.poster_path,
              "media_type": "movie", "release_date": film.release_date, "video": film.video,
              "vote_average": film.vote_average, "vote_count": votes(film, version)}
    message = {name: values[name] for name in (MEDIA_ORDER if media else ITEM_ORDER)}
    if film.release_date is None:
        del message["release_date"]
    if film.softcore:
        message["softcore"] = False
    return encode(message, film.style)


def page_of(items, page, total_pages, total_results, dates=None, order=0):
    """A list's envelope around items that are bytes already."""
    results = b'"results":[%s]' % b",".join(items)
    totals = b'"total_pages":%d,"total_results":%d' % (total_pages, total_results)
    parts = [b'"page":%d' % page, results, totals]
    if dates:
        parts.insert(0, b'"dates":' + encode({"maximum": dates[1], "minimum": dates[0]}))
    if order % 8 == 1:
        parts = parts[-1:] + parts[:-1]
    elif order % 8 == 2:
        parts.reverse()
    return b"{%s}" % b",".join(parts)


def language_of(record):
    return {"english_name": record[1], "iso_639_1": record[0], "name": record[2]}


def companies(film):
    names = [film.distributor] if film.distributor else []
    names += [name for name in words.COMPANIES if chance(film.key, name, 250)]
    return [{"id": 1 + dice(name, "company") % 90000,
             "logo_path": None if chance(name, "no logo", 400) else picture(name, "logo", "png"),
             "name": name,
             "origin_country": "" if chance(name, "no country", 200) else film.language[3]} for name in names]


def collection_short(collection):
    return collection and {"id": collection.id, "name": collection.name, "poster_path": collection.poster_path,
                           "backdrop_path": collection.backdrop_path}


def slug(film):
    return f"{film.id}-" + "-".join("".join(c if c.isalnum() else " " for c in film.title.lower()).split())


def details(film, language, version):
    key = film.key
    title, overview = film.shown(language)
    spoken = [film.language] + [one for one in words.LANGUAGES if chance(key, "spoken" + one[0], 40)]
    homepage = "" if chance(key, "no homepage", 550) else f"https://films.example.org/{dice(key, 'home') % 10**6}?a=1&b=2"
    message = {
        "adult": film.adult, "backdrop_path": film.backdrop_path,
        "belongs_to_collection": collection_short(film.collection), "budget": film.budget,
        "genres": [{"id": number, "name": GENRE_NAMES[number]} for number in film.genre_ids],
        "homepage": None if chance(key, "null homepage", 50) else homepage, "id": film.id, "imdb_id": film.imdb_id,
        "origin_country": [film.language[3]], "original_language": film.language[0],
        "original_title": film.original_title, "overview": overview, "popularity": film.popularity,
        "poster_path": film.poster_path, "production_companies": companies(film),
        "production_countries": [{"iso_3166_1": film.language[3], "name": film.language[4]}],
        "release_date": film.release_date, "revenue": film.revenue, "runtime": film.runtime,
        "spoken_languages": [language_of(one) for one in dict.fromkeys(spoken)],
        "status": pick(key, "status", ["Released"] * 60 + ["Rumored", "Planned", "In Production", "Post Production",
                                                           "Canceled"]),
        "tagline": "" if chance(key, "no tagline", 350) or not overview else pick(key, "tagline", words.TAGLINES),
        "title": title, "video": film.video, "vote_average": film.vote_average, "vote_count": votes(film, version)}
    if chance(key, "no origin", 80):
        del message["origin_country"]
    if film.release_date is None:
        del message["release_date"]
    if film.softcore:
        message["softcore"] = False
    return message


def person(film, name, part, department):
    number = dice(name, "person")
    return {"adult": False, "gender": number % 3, "id": 1 + number % 3000000, "known_for_department": department,
            "name": name, "original_name": name,
            "popularity": maybe_integer(name, "round", round(0.1 + number % 90000 / 7919, 4), 60),
            "profile_path": None if chance(name, "no profile", 400) else picture(name, "profile")}


def credit_id(film, part):
    return f"{dice(film.key, 'credit' + part):016x}{dice(film.key, 'more' + part) % 2**32:08x}"


def invented_name(film, part):
    return f"{pick(film.key, 'given' + part, words.GIVEN)} {pick(film.key, 'family' + part, words.FAMILY)}"


def credits(film):
    cast, crew = [], []
    for order in range(dice(film.key, "cast") % 25):
        part = f"cast{order}"
        message = person(film, invented_name(film, part), part, "Acting")
        message.update(cast_id=order * 3 + 1, character=pick(film.key, "role" + part, words.ROLES),
                       credit_id=credit_id(film, part), order=order)
        cast.append(message)
    jobs = [(name, "Director", "Directing") for name in film.directors]
    jobs += [(invented_name(film, job), job, department) for job, department in words.CREW
             if chance(film.key, "has " + job, 700)]
    for name, job, department in jobs:
        message = person(film, name, job, department)
        message.update(credit_id=credit_id(film, job + name), department=department, job=job)
        crew.append(message)
    return {"cast": cast, "crew": crew}


def videos(film, languages):
    results = []
    for number in range(dice(film.key, "videos") % 5):
        part = f"video{number}"
        language = pick(film.key, "language" + part, ["en", "en", "en", "fr", "ru"])
        if language not in languages:
            continue
        results.append({"iso_639_1": language, "iso_3166_1": {"en": "US", "fr": "FR", "ru": "RU"}[language],
                        "name": f"{film.title} | " + pick(film.key, "name" + part, ["Official Trailer", "Teaser #2 [HD]",
                                                                                   "Behind the Scenes"]),
                        "key": picture(film.key, part)[1:12],
                        "site": pick(film.key, "site" + part, ["YouTube", "YouTube", "YouTube", "Vimeo"]),
                        "size": pick(film.key, "size" + part, [360, 480, 720, 1080, 2160]),
                        "type": pick(film.key, "type" + part, ["Trailer", "Trailer", "Teaser", "Clip", "Featurette"]),
                        "official": chance(film.key, "official" + part, 800),
                        "published_at": f"{max(film.year, 2006)}-{1 + number:02d}-17T16:00:0{number}.000Z",
                        "id": credit_id(film, part)})
    return {"results": results}


IMAGES = (("backdrops", 3840, 2160, 1.778, "jpg"), ("logos", 800, 310, 2.581, "png"), ("posters", 2000, 3000, 0.667, "jpg"))


def images(film, languages):
    """`languages` None means all; None in it means pictures without words."""
    message = {}
    for kind, width, height, ratio, suffix in IMAGES:
        message[kind] = []
        for number in range(dice(film.key, kind) % 9):
            part = f"{kind}{number}"
            language = pick(film.key, "words" + part, [None, "en", "en", "fr", "ru", "de"])
            if languages is not None and language not in languages:
                continue
            average = round(dice(film.key, "v" + part) % 9000 / 1000, 3)
            message[kind].append({"aspect_ratio": ratio, "height": height, "iso_639_1": language,
                                  "file_path": picture(film.key, part, suffix),
                                  "vote_average": maybe_integer(film.key, part, average, 100),
                                  "vote_count": dice(film.key, "n" + part) % 40, "width": width})
    return message


def keywords(film):
    names = [name for name in words.KEYWORDS if chance(film.key, name, 200)]
    return {"keywords": [{"id": 1 + dice(name, "keyword") % 300000, "name": name} for name in names]}


def release(film, certification, kind, day, note=""):
    return {"certification": certification, "descriptors": [], "iso_639_1": "", "note": note,
            "release_date": f"{day}T00:00:00.000Z", "type": kind}


def release_dates(film):
    day = film.release_date or f"{film.year}-01-01"
    results = [{"iso_3166_1": "US", "release_dates": [release(film, film.certification, 3, day)]}]
    if chance(film.key, "premiere", 300):
        results[0]["release_dates"].insert(0, release(film, "", 1, day, "Cannes Film Festival"))
    if chance(film.key, "disc", 400):
        results[0]["release_dates"].append(release(film, film.certification, 5, f"{film.year + 1}-03-02", "Blu-ray"))
    for country, certification in (("DE", "12"), ("FR", "TP"), ("GB", "15"), ("RU", "16+"), ("BR", "")):
        if chance(film.key, "released " + country, 500):
            results.append({"iso_3166_1": country, "release_dates": [release(film, certification, 3, day)]})
    return {"results": sorted(results, key=lambda one: one["iso_3166_1"])}


def external_ids(film):
    def some(kind, value):
        return value if chance(film.key, kind, 300) else None
    name = "".join(filter(str.isalnum, film.title))
    return {"imdb_id": film.imdb_id, "wikidata_id": some("wikidata", f"Q{film.id}"),
            "facebook_id": some("facebook", name + "Movie"), "instagram_id": some("instagram", name.lower()),
            "twitter_id": some("twitter", name)}


def provider(number):
    name, priority = next((one[1], one[2]) for one in words.PROVIDERS if one[0] == number)
    return {"logo_path": picture(name, "logo"), "provider_id": number, "provider_name": name,
            "display_priority": priority}


def watch_providers(film):
    results = {}
    for region in words.REGIONS:
        offers = film.providers(region)
        if offers:
            link = f"https://www.themoviedb.org/movie/{slug(film)}/watch?locale={region}"
            results[region] = {"link": link, **{kind: [provider(one) for one in ids] for kind, ids in offers.items()}}
    return {"results": results}


def collection(group, parts):
    """`parts` are items, as bytes."""
    head = encode({"id": group.id, "name": group.name, "overview": "", "poster_path": group.poster_path,
                   "backdrop_path": group.backdrop_path})
    return b'%s,"parts":[%s]}' % (head[:-1], b",".join(parts))


def translations(film):
    """English first; the others have an overview, and their title unless it is the same."""
    results = [{"iso_3166_1": "US", "iso_639_1": "en", "name": "English", "english_name": "English", "data": {
        "homepage": "", "overview": film.overview, "runtime": film.runtime or 0, "tagline": "", "title": ""}}]
    for record in words.LANGUAGES:
        if record[0] in film.translations:
            title, overview = film.shown(record[0])
            results.append({"iso_3166_1": record[3], "iso_639_1": record[0], "name": record[2], "english_name": record[1],
                            "data": {"homepage": "", "overview": overview, "runtime": 0, "tagline": "", "title": title}})
    return {"translations": results}


def alternative_titles(film):
    titles = [{"iso_3166_1": "US", "title": f"{film.title}: {word}", "type": kind}
              for word, kind in (("The Movie", ""), ("Uncut", "director's cut")) if chance(film.key, word, 300)]
    return {"titles": titles}


def genres():
    return {"genres": [{"id": number, "name": name} for name, number in words.GENRES.items()]}


def configuration():
    base = "image.tmdb.org/t/p/"
    return {"change_keys": ["adult", "budget", "cast", "crew", "general", "genres", "homepage", "images", "imdb_id",
                            "overview", "plot_keywords", "release_dates", "revenue", "runtime", "title", "videos"],
            "images": {"base_url": "http://" + base, "secure_base_url": "https://" + base,
                       "backdrop_sizes": ["w300", "w780", "w1280", "original"],
                       "logo_sizes": ["w45", "w92", "w154", "w185", "w300", "w500", "original"],
                       "poster_sizes": ["w92", "w154", "w185", "w342", "w500", "w780", "original"],
                       "profile_sizes": ["w45", "w185", "h632", "original"],
                       "still_sizes": ["w92", "w185", "w300", "original"]}}
