"""A headless Chromium, started once for all tests of the pages. It comes with 800 MB of packages, so these tests run when
asked for (TEST_WEB=1); what can be checked without a browser is in test_web_files.py and always runs."""
import contextlib
import os

import httpx
import pytest

import harness

TEST_WEB = os.environ.get("TEST_WEB") == "1"
collect_ignore = [] if TEST_WEB else ["test_pages.py", "test_pages_account.py", "test_pages_tmdb.py", "test_pages_traces.py"]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    from browser import Browser
    from pictures import Pictures
    pictures = Pictures(tmp_path_factory.mktemp("pictures"))
    started = Browser("", tmp_path_factory.mktemp("chromium"), pictures.port)
    yield started
    started.quit()
    pictures.stop()


def visit(chromium, url):
    """The browser with nobody's data; the test fails if its console says more than was expected."""
    chromium.at(url).forget()
    yield chromium
    assert chromium.complaints() == []


@pytest.fixture
def browser(chromium, system):
    """Before the built-in films."""
    yield from visit(chromium, system.url)


# Nothing is fresh for longer than a moment, so that a test sees at once what has become of TMDB; what is old is given
# when TMDB fails and not before. The breaker is as quick.
QUICK = {"LIST_TTL_MS": 100, "SEARCH_TTL_MS": 100, "DETAILS_TTL_MS": 100, "GENRES_TTL_MS": 100, "STALE_MS": 0,
         "TMDB_MAX_AGE_MIN_MS": 0, "BREAKER_OPEN_MS": 200, "BREAKER_OPEN_MAX_MS": 400}


@contextlib.contextmanager
def system_with_tmdb(folder):
    whole = harness.System(folder / "var", TRACES="auto", **QUICK)
    whole.up("--demo-upstream")
    yield whole
    whole.down()
    for name in ("gateway", "movie", "user", "notification", "trace"):
        harness.assert_clean(whole.log_text(name))


def switches_of(system):
    return httpx.Client(base_url=system.part("tmdb")[1] + "/__control", trust_env=False)


@pytest.fixture(scope="session")
def tmdb_system(tmp_path_factory):
    """CineSync with the films of a TMDB that can be hurt."""
    with system_with_tmdb(tmp_path_factory.mktemp("tmdb")) as whole:
        yield whole


@pytest.fixture
def tmdb(tmdb_system):
    """The switches of that TMDB, which is well before and after."""
    with switches_of(tmdb_system) as switches:
        switches.delete("/faults").raise_for_status()
        yield switches
        switches.delete("/faults").raise_for_status()


@pytest.fixture
def tmdb_browser(chromium, tmdb_system, tmdb):
    """Before the films of TMDB, once CineSync has noticed that it is well."""
    def is_whole():
        answer = httpx.get(tmdb_system.url + "/api/v1/movies/popular")
        return answer.status_code == 200 and "x-degraded" not in answer.headers
    harness.wait_until(is_whole, 20, "whole answers")
    yield from visit(chromium, tmdb_system.url)


@pytest.fixture
def tmdb_visitor(chromium, tmp_path):
    """(browser, switches): before a CineSync that just started and has never heard of TMDB, which is away."""
    with system_with_tmdb(tmp_path) as whole, switches_of(whole) as switches:
        switches.put("/faults", json={"status": 503}).raise_for_status()
        for browser in visit(chromium, whole.url):
            yield browser, switches
