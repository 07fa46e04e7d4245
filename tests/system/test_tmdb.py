"""Films from TMDB: every endpoint, its shape, what is asked of TMDB for it, and what is answered when TMDB is away."""
import json
import ssl
import subprocess
import urllib.parse

import httpx
import pytest
from fakes.tmdb_harness import FakeTmdb
from harness import BUILD, Service, metric, problem, wait_until
from tmdb_case import TOKEN, film_ids, movie_service, movies


@pytest.fixture(scope="module")
def fake(tmp_path_factory):
    with FakeTmdb(tmp_path_factory.mktemp("fake")).start(token=TOKEN) as running:
        yield running


@pytest.fixture(scope="module")
def service(tmp_path_factory, fake):
    running = movie_service(tmp_path_factory.mktemp("movie"), fake).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def api(service, fake):
    fake.heal()
    with httpx.Client(base_url=movies(service, ""), trust_env=False, timeout=30) as client:
        yield client


def good(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def asked(fake):
    """The target of the newest request TMDB got."""
    return fake.requests(1)[-1]["target"]


def film_id(fake):
    """The Shawshank Redemption."""
    return film_ids(fake, 1, skip=3364)[0]


LISTS = ["/popular", "/top-rated", "/now-playing", "/upcoming", "/trending?window=day", "/trending?window=week", "/discover",
         "/search?query=the"]


@pytest.mark.parametrize("path", LISTS)
def test_lists(api, path):
    page = good(api.get(path))
    assert page["source"] == "tmdb" and page["page"] == 1
    assert len(page["results"]) == min(page["total_results"], 20) > 5
    assert page["total_pages"] <= 500
    for item in page["results"]:
        assert item["id"] < 1000000000 and item["title"]
        assert item["release_date"] is None or len(item["release_date"]) == 10
        assert item["overview"] != ""
        if item["poster_path"]:
            assert item["poster"]["w342"] == f"https://image.tmdb.org/t/p/w342{item['poster_path']}"
        else:
            assert item["poster"] is None


def test_now_playing_says_of_which_days(api):
    assert set(good(api.get("/now-playing"))["dates"]) == {"minimum", "maximum"}
    assert good(api.get("/popular"))["dates"] is None


def test_a_film_takes_one_call_with_all_its_parts(api, fake):
    fake.reset_counts()
    parts = "credits,videos,recommendations,similar,images,watch_providers,external_ids,release_dates,keywords"
    film = good(api.get(f"/{film_id(fake)}", params={"include": parts}))
    assert fake.counts()["total"] == 1
    assert film["source"] == "tmdb" and film["directors"]
    for part in parts.split(","):
        assert film[part] is not None, part
    assert film["credits"]["cast"] and film["recommendations"]["results"] and film["images"]["posters"] is not None
    plain = good(api.get(f"/{film_id(fake)}"))
    assert all(plain[part] is None for part in parts.split(","))
    assert plain["directors"] == film["directors"]


@pytest.mark.parametrize("part, key", [("credits", "cast"), ("videos", "results"), ("watch-providers", "results"),
                                       ("recommendations", "results"), ("similar", "results")])
def test_parts_by_themselves(api, fake, part, key):
    answer = good(api.get(f"/{film_id(fake)}/{part}"))
    assert answer["source"] == "tmdb" and isinstance(answer[key], list)
    problem(api.get(f"/900000001/{part}"), 404, "movie-not-found")


def test_where_to_watch_names_justwatch(api, fake):
    everywhere = good(api.get(f"/{film_id(fake)}/watch-providers"))
    assert "JustWatch" in everywhere["attribution"]
    [one] = good(api.get(f"/{film_id(fake)}/watch-providers", params={"region": everywhere["results"][0]["region"]}))["results"]
    assert one == everywhere["results"][0]


def test_genres_configuration_and_attribution(api):
    assert len(good(api.get("/genres"))["genres"]) == 19
    configuration = good(api.get("/configuration"))
    assert "w342" in configuration["images"]["poster_sizes"]
    assert configuration["attribution"]["tmdb"] == \
        "This product uses the TMDB API but is not endorsed or certified by TMDB."
    assert "JustWatch" in configuration["attribution"]["justwatch"]


def test_find_by_imdb_id(api, fake):
    film = next(film for film in (good(api.get(f"/{one}")) for one in film_ids(fake, 20)) if film["imdb_id"])
    [found] = good(api.get("/find", params={"imdb_id": film["imdb_id"]}))["results"]
    assert found["id"] == film["id"] and found["title"] == film["title"]
    assert good(api.get("/find", params={"imdb_id": "tt9999999999"}))["results"] == []
    problem(api.get("/find", params={"imdb_id": "nm0000001"}), 422, "validation-failed")


@pytest.mark.parametrize("ours, theirs", [
    ("genre=28,12", "with_genres=12,28"),
    ("genre_any=28,12", "with_genres=12|28"),
    ("year=1999", "primary_release_year=1999"),
    ("release_date_from=1999-02-03", "primary_release_date.gte=1999-02-03"),
    ("year_to=1999", "primary_release_date.lte=1999-12-31"),
    ("vote_average_min=7.5", "vote_average.gte=7.5"),
    ("vote_count_max=100", "vote_count.lte=100"),
    ("runtime_min=90&runtime_max=120", "with_runtime.lte=120"),
    ("original_language=fr", "with_original_language=fr"),
    ("certification=R", "certification_country=US"),
    ("watch_provider=8,9&watch_region=DE", "with_watch_providers=8|9"),
    ("sort=vote_average.desc", "sort_by=vote_average.desc"),
    ("language=ru-RU&region=RU", "language=ru-RU"),
])
def test_discover_is_put_into_tmdbs_words(api, fake, ours, theirs):
    good(api.get("/discover?" + ours))
    assert theirs in urllib.parse.unquote(asked(fake)).split("?")[1].split("&")


def test_a_query_stays_a_query(api, fake):
    good(api.get("/search", params={"query": "a&page=9#x/../../movie/1?y=%00é"[:-2] + "é"}))
    target = asked(fake)
    assert target.startswith("/3/search/movie?") and target.count("page=") == 1 and "#" not in target and " " not in target


def test_the_clients_language_is_asked_in(api, fake):
    good(api.get("/search", params={"query": "language test"}, headers={"Accept-Language": "fr-CH;q=0.9, ru-RU"}))
    assert "language=ru-RU" in asked(fake)
    good(api.get("/search", params={"query": "language test two"}))
    assert "language=en-US" in asked(fake)
    problem(api.get("/search", params={"query": "x", "language": "not a tag"}), 422, "validation-failed")


def test_pages_beyond_500_are_refused_here(api, fake):
    fake.reset_counts()
    problem(api.get("/popular", params={"page": 501}), 422, "validation-failed")
    assert fake.counts()["total"] == 0


def test_nothing_found_is_an_empty_page(api):
    page = good(api.get("/search", params={"query": "zzzzqqqq xxxx"}))
    assert (page["results"], page["total_results"], page["total_pages"], page["source"]) == ([], 0, 0, "tmdb")


def test_built_in_films_still_open(api):
    assert good(api.get("/1000003365"))["source"] == "builtin"


# ---- TMDB is away ----

def test_a_search_never_asked_before_is_answered_from_films_seen(api, service, fake):
    film = good(api.get("/popular", params={"page": 3}))["results"][7]
    wait_until(lambda: metric(service.url, "cinesync_movie_seen_queued") == 0 and
               metric(service.url, "cinesync_movie_seen_written_total") > 0, 10, "written")
    fake.faults(status=503)
    answer = api.get("/search", params={"query": film["title"]})
    page = good(answer)
    assert page["source"] == "local" and answer.headers["x-degraded"] == "true" and answer.headers["cache-control"] == "no-store"
    assert film["id"] in [item["id"] for item in page["results"]]
    typo = film["title"][:-1] + "q" if len(film["title"]) > 6 else film["title"]
    assert good(api.get("/search", params={"query": typo}))["results"]
    # The built-in films are found as well.
    assert good(api.get("/search", params={"query": "shawshenk redemptoin"}))["results"][0]["title"] == "The Shawshank Redemption"


def test_genres_are_known_without_tmdb(tmp_path, fake):
    fake.faults(hang=True)
    service = movie_service(tmp_path, fake).start()
    try:
        answer = httpx.get(movies(service, "/genres"), timeout=10)
        assert len(good(answer)["genres"]) == 19 and answer.headers["x-degraded"] == "true"
    finally:
        fake.heal()
        assert service.stop() == 0


def test_a_favourite_is_known_from_films_seen(api, service, fake):
    film = good(api.get("/popular", params={"page": 4}))["results"][3]
    wait_until(lambda: metric(service.url, "cinesync_movie_seen_queued") == 0, 10, "written")
    fake.faults(status=503)
    # None is queued while the last are being written.
    known = wait_until(lambda: (got := httpx.get(f"{service.url}/internal/movies/{film['id']}/brief")).status_code == 200 and got, 10, "known")
    brief = good(known)
    assert brief == {"id": film["id"], "title": film["title"], "year": film["year"], "poster_path": film["poster_path"]}


# ---- the way there ----

def certificate(folder, name):
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    return cert, key


def test_tls_is_checked(tmp_path):
    cert, key = certificate(tmp_path, "tmdb")
    other, _ = certificate(tmp_path, "other")
    with FakeTmdb(tmp_path).start(tls=(cert, key), token=TOKEN) as secure:
        for name, believed, status in (("right", cert, 200), ("wrong", other, 503), ("system", None, 503)):
            (tmp_path / name).mkdir()
            more = {"TMDB_CA_FILE": believed} if believed else {}
            service = movie_service(tmp_path / name, secure, **more).start()
            try:
                assert httpx.get(movies(service, "/popular"), timeout=10).status_code == status, name
            finally:
                assert service.stop() == 0


@pytest.mark.parametrize("name, value", [("TMDB_TOKEN", "0123456789abcdef0123456789abcdef"), ("TMDB_API_KEY", "a.b.c"),
                                         ("TMDB_LANGUAGE", "english please"), ("TMDB_BASE_URL", "ftp://x"), ("REDIS_URL", "localhost"),
                                         ("BREAKER_FAILURE_PERCENT", "0"), ("CACHE_JITTER_PERCENT", "51")])
def test_a_bad_setting_is_one_clear_line(tmp_path, name, value):
    done = subprocess.run([BUILD / "src/movie/cinesync-movie", "--check-config"], env={name: value}, capture_output=True, text=True)
    assert done.returncode == 78 and done.stderr.count("\n") <= 2 and name in done.stderr
    if name.startswith("TMDB_TOKEN"):
        assert value not in done.stderr


def test_a_v3_key_goes_into_the_query_and_nowhere_else(tmp_path, fake):
    fake.heal()
    service = Service("movie", tmp_path, TMDB_BASE_URL=fake.url, TMDB_API_KEY=fake.api_key).start()
    try:
        good(httpx.get(movies(service, "/popular")))
        assert fake.api_key not in service.tail(1 << 30) + json.dumps(httpx.get(service.url + "/readyz").json())
    finally:
        assert service.stop() == 0


def test_http2_where_there_is_tls(tmp_path):
    """nginx in front of the fake speaks HTTP/2, and logs that it was spoken to so."""
    cert, key = certificate(tmp_path, "edge")
    with FakeTmdb(tmp_path).start(token=TOKEN) as fake, edge(tmp_path, fake, cert, key) as port:
        (tmp_path / "movie").mkdir()
        service = movie_service(tmp_path / "movie", fake, TMDB_BASE_URL=f"https://127.0.0.1:{port}/3", TMDB_CA_FILE=cert).start()
        try:
            good(httpx.get(movies(service, "/popular"), timeout=10))
            # (HTTP/1.1 are the test's own questions whether nginx answers.)
            wait_until(lambda: "HTTP/2.0 200\n" in (tmp_path / "edge.log").read_text(), 5, "spoken to in HTTP/2")
        finally:
            assert service.stop() == 0


class edge:
    def __init__(self, folder, fake, cert, key):
        from harness import free_port
        self.port = free_port()
        self.folder = folder
        (folder / "edge.conf").write_text(f"""
            daemon off; master_process off; pid {folder}/edge.pid; error_log {folder}/edge-error.log; events {{}}
            http {{ log_format short '$server_protocol $status'; access_log {folder}/edge.log short;
            client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;
            scgi_temp_path {folder}/s;
            server {{ listen 127.0.0.1:{self.port} ssl http2; ssl_certificate {cert}; ssl_certificate_key {key};
            location / {{ proxy_pass {fake.base}; }} }} }}""")

    def __enter__(self):
        program = "/usr/sbin/nginx"
        self.process = subprocess.Popen([program, "-p", self.folder, "-c", self.folder / "edge.conf", "-e", self.folder / "edge-error.log"],
                                        stderr=subprocess.DEVNULL)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

        def answers():
            try:
                return httpx.get(f"https://127.0.0.1:{self.port}/__control/state", verify=context).status_code == 200
            except httpx.HTTPError:
                return False
        wait_until(answers, 10, "nginx answers")
        (self.folder / "edge.log").write_text("")
        return self.port

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
