"""The pages, used as a person uses them."""
import uuid

import httpx

PASSWORD = "correct horse battery staple"
SHAWSHANK = "The Shawshank Redemption"


def sign_up(browser, name):
    """From the open dialog of signing in."""
    browser.click(".form-swap button")
    browser.type("input[name=email]", f"page-{uuid.uuid4().hex}@example.org")
    browser.type("input[name=password]", PASSWORD)
    browser.type("input[name=display_name]", name)
    browser.click(".dialog-small button[type=submit]")
    browser.gone(".dialog-small")


def test_search_open_sign_up_keep_reload_leave(browser):
    browser.open("/")
    browser.see(".card-title")
    browser.type(".search-input", "shawshenk")
    browser.see(".card-title", SHAWSHANK)
    assert "q=shawshenk" in browser.driver.current_url

    browser.press("ARROW_DOWN")
    browser.until(lambda: browser.run("return document.activeElement.classList.contains('card-link')"), "focus on the first film")
    browser.press("ENTER")
    browser.see(".film-title", SHAWSHANK)
    browser.see(".facts", "Frank Darabont")

    browser.click(".heart-wide")
    sign_up(browser, "Ada")
    browser.see(".heart-wide[aria-pressed=true]")

    browser.driver.refresh()
    browser.see(".film-title", SHAWSHANK)
    browser.see(".heart-wide[aria-pressed=true]", "In favourites")
    browser.press("ESCAPE")
    browser.until(lambda: browser.driver.current_url == browser.url + "/?q=shawshenk", "the address of the list")

    browser.click(".nav-favorites")
    browser.see(".favorites .card-title", SHAWSHANK)
    browser.click(".favorites .heart[aria-pressed=true]")
    browser.see(".favorites .empty")

    browser.click(".avatar")
    browser.click(".sign-out")
    browser.see(".nav-sign-in")
    assert browser.run("return Object.keys(localStorage)") == ["cinesync.device_token"]  # worth nothing by itself


def test_the_front_page_of_the_built_in_films(browser):
    """One list and no rows; no filter on what is known of no film; nothing of TMDB's."""
    browser.open("/")
    browser.see(".results .card:not(.card-ghost)")
    browser.see(".results-title h2", "Discover")
    browser.see(".filter", "Length")
    assert not browser.all(".row") and not browser.all(".degraded")
    assert not [one for one in browser.all(".filter") if "Rating" in one.text]
    assert "Best rated" not in browser.see(".filters").text
    browser.see(".footer .attribution", "vega-datasets")
    assert "TMDB" not in browser.see(".footer").text


def test_a_built_in_film_has_similar_ones_and_no_empty_sections(browser):
    browser.open("/?q=shawshank")
    browser.click(".card-link", SHAWSHANK)
    browser.see(".related h3", "Similar films")
    other = browser.see(".related .card-title").text
    for nothing in (".cast", ".watch", ".trailers", ".film-backdrop"):
        assert not browser.all(nothing), nothing
    browser.see(".film-more .source", "built-in catalogue")
    browser.click(".related .card-link", other)
    browser.see(".film-title", other)
    browser.press("ESCAPE")
    browser.gone(".dialog-film")
    browser.until(lambda: browser.driver.current_url == browser.url + "/?q=shawshank", "the address of the list")


def test_genres_can_be_joined(browser):
    browser.open("/")
    browser.click(".genre-chips .chip", "Western")
    browser.until(lambda: "genre=37" in browser.driver.current_url, "one genre")
    browser.click(".genre-chips .chip", "Comedy")
    browser.until(lambda: "genre=37%2C35" in browser.driver.current_url, "two genres")
    browser.see(".card-facts", "Western")
    assert {chip.text for chip in browser.all(".chip[aria-current=true]")} == {"Western", "Comedy"}
    browser.see(".filter", "Genres")
    browser.click(".genre-chips .chip", "Western")
    browser.until(lambda: "genre=35" in browser.driver.current_url, "the other genre")
    browser.click(".genre-chips .chip", "All genres")
    browser.see(".hero")


def test_back_goes_where_one_was(browser):
    browser.open("/")
    browser.see(".hero")
    browser.type(".search-input", "amelie")
    browser.see(".card-title", "Amélie")
    browser.click(".card-link")
    browser.see(".film-title", "Amélie")
    browser.driver.back()
    browser.gone(".dialog-film")
    browser.see(".results-title", "amelie")
    browser.driver.back()
    browser.see(".hero")
    assert browser.driver.current_url == browser.url + "/"


def test_wrong_input_is_said_beside_its_field(browser):
    browser.expect(422, 401)
    browser.open("/")
    browser.click(".nav-sign-in")
    browser.type("input[name=email]", "nobody@example.org")
    browser.type("input[name=password]", PASSWORD)
    browser.click(".dialog-small button[type=submit]")
    browser.see(".form-failure", "Wrong e-mail address or password.")
    browser.see(".form-failure .trace .trace-link")

    browser.click(".form-swap button")
    browser.type("input[name=email]", "no address")
    browser.type("input[name=password]", "short")
    browser.click(".dialog-small button[type=submit]")
    browser.see(".field-error", "does not look like an e-mail address")
    browser.see(".field-error", "at least 8 characters")


def test_a_name_is_never_markup(browser):
    hostile = '<img src=x onerror="window.hacked=1">'
    browser.open("/")
    browser.click(".nav-sign-in")
    sign_up(browser, hostile)
    browser.see(".toast", hostile)
    browser.click(".avatar")
    browser.see("input[name=display_name]")
    browser.driver.refresh()
    browser.see(".avatar")
    assert browser.see(".avatar").get_attribute("title") == hostile
    assert browser.run("return window.hacked === undefined && !document.querySelector('img[src=x]')")


def test_russian(browser):
    browser.open("/")
    browser.click(".nav-language")
    browser.see(".hero", "Что посмотрим сегодня?")
    browser.driver.refresh()
    browser.see(".hero", "Что посмотрим сегодня?")
    assert browser.run("return document.documentElement.lang") == "ru"


def test_docs_show_every_operation_and_try_one(browser, system):
    document = httpx.get(system.url + "/api/v1/openapi.json").json()
    declared = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}

    browser.open("/docs#get_movies_search")
    browser.see("#get_movies_search .try")
    shown = {article.get_attribute("id") for article in browser.all("article.operation")}
    assert shown == declared
    for name in document["components"]["schemas"]:
        assert browser.all(f"#schema-{name}"), name

    browser.type("#get_movies_search .try input", "shawshenk")
    browser.click("#get_movies_search .try button[type=submit]")
    assert browser.see("#get_movies_search .answer .status").get_attribute("data-status") == "200"
    browser.see("#get_movies_search .answer pre", SHAWSHANK)
    browser.see("#get_movies_search .answer", "X-Request-Id")
    browser.see("#get_movies_search .answer", "curl -i")

    browser.run("document.querySelectorAll('.operation-head[aria-expanded=false]').forEach((head) => head.click())")
    browser.run("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    assert len(browser.all(".operation .try")) == len(declared)


def test_a_problem_links_to_its_explanation(browser):
    browser.open("/docs#problem-email-taken")
    browser.until(lambda: browser.run("return document.activeElement.id") == "problem-email-taken", "the place of the problem")
    assert browser.run("return document.activeElement.getBoundingClientRect().top < innerHeight")
