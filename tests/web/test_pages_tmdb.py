"""The page with films from TMDB: here a stand-in that is made to fail while people look."""
import httpx
import pytest

TMDB_SENTENCE = "This product uses the TMDB API but is not endorsed or certified by TMDB."
ROWS = ["Trending this week", "Now in cinemas", "Popular", "Top rated", "Coming soon"]
AWAY = "TMDB is not answering right now."
PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}


def api(system, path, **query):
    answer = httpx.get(system.url + "/api/v1/movies" + path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def rich_film(tmdb_system):
    """A film of which everything is known that the page shows."""
    for page in range(1, 20):
        for item in api(tmdb_system, "/popular", page=page, language="en-US")["results"]:
            film = api(tmdb_system, f"/{item['id']}", include="credits,recommendations,videos,watch_providers",
                       language="en-US")
            here = [one for one in film["watch_providers"]["results"] if one["region"] == "US"]
            if film["backdrop"] and film["credits"]["cast"] and film["recommendations"]["results"] and here and any(
                    video["type"] == "Trailer" and video["url"] for video in film["videos"]["results"]):
                return film
    raise AssertionError("no film has it all")


def fail(tmdb, **more):
    tmdb.put("/faults", json={"status": 503, **more}).raise_for_status()


def heal(tmdb):
    tmdb.delete("/faults").raise_for_status()


def open_film(browser, film):
    browser.open(f"/?movie={film['id']}")
    return browser.see(".film-title", film["title"])


def row_titles(browser):
    return [row.text for row in browser.all(".row h2")]


def fill_rows(browser):
    """The front page with all its rows, which are asked for when they come near."""
    browser.open("/")
    browser.see(".row .card:not(.card-ghost) .card-title")
    browser.run("scrollTo(0, document.body.scrollHeight)")
    browser.until(lambda: not browser.all(".rows .card-ghost"), "all rows filled")


def focus_of(browser, selector):
    return browser.run("return document.activeElement.closest(arguments[0])?.innerText ?? null", selector)


def test_the_front_page_has_a_row_for_every_list(tmdb_browser):
    fill_rows(tmdb_browser)
    assert row_titles(tmdb_browser) == ROWS
    assert not tmdb_browser.all(".found")
    tmdb_browser.see(".footer .attribution", TMDB_SENTENCE)
    assert tmdb_browser.see(".footer .attribution a", "TMDB").get_attribute("href") == "https://www.themoviedb.org/"
    tmdb_browser.see(".footer .attribution", "Watch provider data by JustWatch.")


def test_a_row_leads_to_its_list_and_a_filter_out_of_it(tmdb_browser, tmdb_system):
    tmdb_browser.open("/")
    tmdb_browser.click(".row-link", "Top rated")
    tmdb_browser.see(".results-title h1", "Top rated")
    best = api(tmdb_system, "/top-rated", language="en-US")
    tmdb_browser.see(".results .card-title", best["results"][0]["title"])
    tmdb_browser.click(".genre-chips .chip", "Comedy")
    tmdb_browser.see(".results-title h1", "Discover")
    tmdb_browser.click(".logo")
    tmdb_browser.see(".row h2", "Top rated")


def test_pictures_are_where_the_answer_says(tmdb_browser, tmdb_system):
    trending = api(tmdb_system, "/trending", window="week", language="en-US")["results"]
    first = next(film for film in trending if film["poster"])
    tmdb_browser.open("/")
    card = f".card[data-movie='{first['id']}'] img"
    assert tmdb_browser.see(card).get_attribute("src") == first["poster"]["w342"]
    assert first["poster"]["w500"] + " 500w" in tmdb_browser.see(card).get_attribute("srcset")


def test_the_whole_film(tmdb_browser, rich_film):
    open_film(tmdb_browser, rich_film)
    first = rich_film["credits"]["cast"][0]
    tmdb_browser.see(".cast .cast-name", first["name"])
    assert len(tmdb_browser.all(".cast-member")) == min(10, len(rich_film["credits"]["cast"]))

    trailer = tmdb_browser.see(".trailer")
    assert trailer.get_attribute("href") in {video["url"] for video in rich_film["videos"]["results"]}
    assert trailer.get_attribute("rel") == "noopener noreferrer"
    assert not tmdb_browser.all("iframe")

    here = next(one for one in rich_film["watch_providers"]["results"] if one["region"] == "US")
    names = {provider["provider_name"] for way in ("flatrate", "free", "ads", "rent", "buy") for provider in here[way]}
    shown = {provider.get_attribute("innerText").strip() for provider in tmdb_browser.all(".provider")}  # .text is "" while it fades in
    assert shown and shown <= names
    tmdb_browser.see(".watch .source", "Watch provider data by JustWatch.")
    assert tmdb_browser.see(".watch-all a").get_attribute("href") == here["link"]

    tmdb_browser.see(".film-backdrop img")
    tmdb_browser.see(".film-more .source", TMDB_SENTENCE)


def test_another_country_can_be_looked_at(tmdb_browser, rich_film):
    open_film(tmdb_browser, rich_film)
    assert tmdb_browser.run("return document.querySelector('.watch select').value") == "US"
    other = next(one for one in rich_film["watch_providers"]["results"] if one["region"] != "US")
    tmdb_browser.run("""const select = document.querySelector('.watch select');
        select.value = arguments[0];
        select.dispatchEvent(new Event('change'));""", other["region"])
    assert tmdb_browser.see(".watch-all a").get_attribute("href") == other["link"]


def test_from_film_to_film_and_all_the_way_out(tmdb_browser, rich_film):
    tmdb_browser.open("/?list=popular")
    tmdb_browser.see(".results .card:not(.card-ghost)")
    tmdb_browser.run("history.pushState({ depth: 1, films: 1 }, '', '/?list=popular&movie=' + arguments[0]);"
                     "dispatchEvent(new PopStateEvent('popstate'))", rich_film["id"])
    tmdb_browser.see(".film-title", rich_film["title"])
    recommended = rich_film["recommendations"]["results"][0]
    tmdb_browser.click(".related .card-link", recommended["title"])
    tmdb_browser.see(".film-title", recommended["title"])
    assert len(tmdb_browser.all(".dialog-film")) == 1
    tmdb_browser.driver.back()
    tmdb_browser.see(".film-title", rich_film["title"])
    tmdb_browser.driver.forward()
    tmdb_browser.see(".film-title", recommended["title"])
    tmdb_browser.press("ESCAPE")
    tmdb_browser.gone(".dialog-film")
    tmdb_browser.until(lambda: tmdb_browser.driver.current_url == tmdb_browser.url + "/?list=popular", "the list")


def test_filters_of_tmdb(tmdb_browser, tmdb_system):
    tmdb_browser.open("/?genre=28,12")
    tmdb_browser.see(".results .card:not(.card-ghost)")
    all_of = api(tmdb_system, "/discover", genre="28,12", language="en-US")["total_results"]
    any_of = api(tmdb_system, "/discover", genre_any="28,12", language="en-US")["total_results"]
    assert 0 < all_of < any_of
    tmdb_browser.see(".results-count", f"{all_of:,} film")
    tmdb_browser.see(".filter", "Genres")
    tmdb_browser.run("""const choose = (label, value) => {
          const row = [...document.querySelectorAll('.filter')].find((one) => one.innerText.includes(label));
          const select = row.querySelector('select');
          select.value = value;
          select.dispatchEvent(new Event('change'));
        };
        choose('Genres', 'any');""")
    tmdb_browser.see(".results-count", f"{any_of:,} films")
    assert "match=any" in tmdb_browser.driver.current_url
    tmdb_browser.open("/?rating=7&time=90-120&sort=vote_average.desc")
    wanted = api(tmdb_system, "/discover", vote_average_min=7, vote_count_min=100, runtime_min=90, runtime_max=120,
                 sort="vote_average.desc", language="en-US")
    tmdb_browser.see(".results-count", f"{wanted['total_results']:,} film")
    tmdb_browser.see(".results .card-title", wanted["results"][0]["title"])


def test_russian_films(tmdb_browser, tmdb_system):
    tmdb_browser.open("/")
    tmdb_browser.see(".row h2", "Popular")
    tmdb_browser.click(".nav-language")
    tmdb_browser.see(".row h2", "Популярное")
    film = next(one for one in api(tmdb_system, "/trending", window="week", language="ru-RU")["results"]
                if any("а" <= letter <= "я" for letter in one["title"].lower()))
    tmdb_browser.see(f".card[data-movie='{film['id']}'] .card-title", film["title"])
    tmdb_browser.see(".footer .attribution", TMDB_SENTENCE)


def test_the_rows_by_keyboard(tmdb_browser):
    tmdb_browser.open("/")
    tmdb_browser.until(lambda: len(tmdb_browser.all(".row:nth-of-type(2) .card-link")) > 3, "the second row")
    tmdb_browser.click(".search-input")
    tmdb_browser.press("ARROW_DOWN")
    tmdb_browser.until(lambda: "Trending" in (focus_of(tmdb_browser, ".row") or ""), "focus in the first row")
    tmdb_browser.press("ARROW_RIGHT")
    second = tmdb_browser.run("return document.querySelectorAll('.row .card-link')[1] === document.activeElement")
    assert second
    tmdb_browser.press("ARROW_DOWN")
    assert focus_of(tmdb_browser, ".row").startswith("Now in cinemas")
    tmdb_browser.press("ARROW_UP")
    assert focus_of(tmdb_browser, ".row").startswith("Trending")
    tmdb_browser.press("ENTER")
    tmdb_browser.see(".film-title")


@pytest.fixture
def phone(tmdb_browser):
    tmdb_browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    yield tmdb_browser
    tmdb_browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("path", ["/", "/?genre=28,12", "/docs"])
def test_nothing_sticks_out_on_a_phone(phone, path):
    phone.open(path)
    phone.see(".card:not(.card-ghost), .operation")
    assert phone.run("return document.documentElement.scrollWidth") <= 360


def test_nothing_of_a_film_sticks_out_on_a_phone(phone, rich_film):
    open_film(phone, rich_film)
    phone.see(".related .card")
    assert phone.run("const box = document.querySelector('.dialog-body'); return box.scrollWidth - box.clientWidth") == 0
    assert not phone.all(".film-backdrop")


# ---- TMDB away ----

def look_again_until_whole(browser):
    """The breaker before TMDB takes a moment to believe it."""
    def is_back():
        if not browser.all(".degraded"):
            return True
        browser.see(".degraded button").click()
        return False
    browser.until(is_back, "whole films")


def test_films_seen_before_are_marked_until_tmdb_is_back(tmdb_browser, tmdb):
    tmdb_browser.expect(503)
    tmdb_browser.open("/?list=popular")
    tmdb_browser.see(".results .card:not(.card-ghost)")
    assert not tmdb_browser.all(".degraded")

    fail(tmdb)
    tmdb_browser.driver.refresh()
    tmdb_browser.see(".degraded", AWAY)
    tmdb_browser.see(".results .card:not(.card-ghost)")
    tmdb_browser.see(".footer .attribution", TMDB_SENTENCE)

    heal(tmdb)
    look_again_until_whole(tmdb_browser)
    tmdb_browser.see(".results .card:not(.card-ghost)")


def test_rows_seen_before_are_marked_once(tmdb_browser, tmdb):
    tmdb_browser.expect(503)
    fill_rows(tmdb_browser)
    fail(tmdb)
    tmdb_browser.driver.refresh()
    tmdb_browser.see(".rows .degraded", AWAY)
    tmdb_browser.see(".row .card:not(.card-ghost)")
    assert len(tmdb_browser.all(".degraded")) == 1
    heal(tmdb)
    look_again_until_whole(tmdb_browser)
    tmdb_browser.see(".row .card:not(.card-ghost)")


def test_a_search_is_answered_from_what_was_seen(tmdb_browser, tmdb):
    tmdb_browser.expect(503)
    fail(tmdb)
    tmdb_browser.open("/?q=shawshenk")
    tmdb_browser.see(".degraded", AWAY)
    tmdb_browser.see(".card-title", "The Shawshank Redemption")


def test_an_unknown_film_is_asked_for_until_it_comes(tmdb_browser, tmdb, tmdb_system):
    tmdb_browser.expect(503)
    film = next(item for item in api(tmdb_system, "/discover", page=7, language="en-US")["results"])
    fail(tmdb)
    tmdb_browser.open(f"/?movie={film['id']}")
    tmdb_browser.see(".film-box .failure", "TMDB, where the films come from, is not answering right now.")
    tmdb_browser.see(".failure-wait", "Trying again in")
    heal(tmdb)
    tmdb_browser.see(".film-title", film["title"])  # nobody pressed anything


def test_away_from_the_start_in_russian(tmdb_browser, tmdb):
    tmdb_browser.expect(503)
    tmdb_browser.open("/docs")
    tmdb_browser.run("localStorage.setItem('cinesync.language', 'ru')")
    fail(tmdb, paths="/3/discover")
    tmdb_browser.open("/?rating=6&from=1931")
    tmdb_browser.see(".failure", "TMDB, откуда приходят фильмы, сейчас не отвечает.")
    tmdb_browser.see(".footer .attribution", TMDB_SENTENCE)
    heal(tmdb)
    tmdb_browser.see(".results .card:not(.card-ghost)")
    tmdb_browser.gone(".failure")


def test_nothing_was_ever_asked(tmdb_visitor):
    """A CineSync that starts while TMDB is away: one notice, not one for each row, and the sentence all the same."""
    browser, tmdb = tmdb_visitor
    browser.expect(503)
    browser.open("/")
    browser.see(".failure", "TMDB, where the films come from, is not answering right now.")
    browser.see(".failure-wait", "Trying again in")
    assert len(browser.all(".failure")) == 1
    browser.see(".footer .attribution", TMDB_SENTENCE)
    heal(tmdb)
    browser.see(".row .card:not(.card-ghost)")  # nobody pressed anything
    browser.gone(".failure")
    assert row_titles(browser)[0] == ROWS[0]


def test_the_explorer_thanks_and_explains(tmdb_browser):
    tmdb_browser.open("/docs#get_movies_popular")
    tmdb_browser.see("footer.attribution", TMDB_SENTENCE)
    tmdb_browser.see("#headers", "X-Degraded")
    tmdb_browser.click("#get_movies_popular .try button[type=submit]")
    tmdb_browser.click("#get_movies_popular .answer summary", "Headers")
    tmdb_browser.see("#get_movies_popular .answer .headers", "the source was asked just now")
    tmdb_browser.open("/docs#problem-upstream-unavailable")
    tmdb_browser.see("#problem-upstream-unavailable", "Retry-After")
