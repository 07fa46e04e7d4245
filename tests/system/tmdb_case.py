"""What the tests of the movie service on the fake TMDB share."""
from harness import Service, metric

TOKEN = "test.read.token"
CLOSED, HALF_OPEN, OPEN = 0, 1, 2


def movie_service(folder, fake, redis=None, **settings):
    """A movie service that asks the fake, at no rate but the test's own."""
    common = {"TMDB_BASE_URL": fake.url, "TMDB_TOKEN": TOKEN, "TMDB_RATE": 100000, "TMDB_BURST": 100000,
              "TMDB_RETRY_PERCENT": 0, "CACHE_EARLY_PERCENT": 0, "TMDB_MAX_AGE_MIN_MS": 86400000}
    if redis is not None:
        common["REDIS_URL"] = redis.url
    return Service("movie", folder, **{**common, **settings})


def breaker_state(service):
    return metric(service.url, "cinesync_movie_upstream_breaker_state")


def movies(service, path):
    return f"{service.url}/api/v1/movies{path}"


def film_ids(fake, count, skip=0):
    """Ids of films that the fake has, each with details of its own."""
    return [13 * (row + 1) for row in range(skip, skip + count)]
