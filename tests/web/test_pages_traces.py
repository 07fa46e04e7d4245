"""The page of traces, before real traces of a whole system."""
import json
import re
import time

import httpx
import pytest
from harness import Client, wait_until


@pytest.fixture(scope="module")
def story(system):
    """Trace ids of a registration and of a favourite, all of whose spans have come."""
    with Client(system.url) as client:
        registered = client.register(f"story-{time.monotonic_ns()}@example.org")
        client.log_in()
        movie_id = client.get("/movies/search", params={"query": "inception"}).json()["results"][0]["id"]
        kept = client.post("/users/me/favorites", json={"movie_id": movie_id})
    ids = {"register": registered.headers["x-request-id"], "keep": kept.headers["x-request-id"]}

    def is_whole(name, wanted):
        answer = httpx.get(f"{system.url}/traces/api/traces/{ids[name]}")
        return answer.status_code == 200 and wanted in answer.text
    for name, wanted in (("register", "send mail"), ("register", "POST /api/v1/auth/register"), ("keep", "cinesync-movie"),
                         ("keep", "POST /api/v1/users/me/favorites")):
        wait_until(lambda name=name, wanted=wanted: is_whole(name, wanted), 20, f"{wanted} of {name}")
    return ids


def choose(browser, name, value):
    """What a person does with a list; Chromium draws it outside of the page."""
    browser.until(lambda: browser.run("""
        const list = document.querySelector(`select[name=${arguments[0]}]`);
        if (list.disabled || ![...list.options].some((one) => one.value === arguments[1])) return false;
        list.value = arguments[1];
        list.dispatchEvent(new Event("change", { bubbles: true }));
        return true;""", name, value), f"{value} among {name}")


def texts(browser, selector):
    """At one moment: a page that is live may be drawn anew between two questions."""
    return browser.run("return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText ?? one.textContent)", selector)


def test_the_list_and_its_filters(browser, story):
    browser.open("/traces")
    browser.see(".trace strong", "POST /api/v1/auth/register")
    browser.until(lambda: browser.all(".chart circle"), "the chart")  # what is drawn has no innerText
    choose(browser, "service", "cinesync-movie")
    browser.until(lambda: "service=cinesync-movie" in browser.driver.current_url, "the service in the address")
    browser.until(lambda: not [one for one in texts(browser, ".trace strong") if "register" in one], "other services' traces gone")
    choose(browser, "operation", "GET /api/v1/movies/search")
    browser.until(lambda: set(texts(browser, ".trace strong")) == {"GET /api/v1/movies/search"}, "one operation alone")
    browser.click(".filter-reset")
    browser.type("input[name=text]", story["keep"])
    browser.until(lambda: len(browser.all(".trace")) == 1, "one trace")
    browser.click(".trace-link")
    browser.until(lambda: browser.driver.current_url.endswith("#" + story["keep"]), "its address")
    browser.driver.back()
    browser.see(".trace strong", "POST /api/v1/users/me/favorites")
    browser.type("input[name=text]", "nothing at all has this")
    browser.see(".empty h2", "No traces")


def test_a_waterfall(browser, story):
    browser.open("/traces#" + story["register"])
    browser.see("h1", "POST /api/v1/auth/register")
    browser.see(".facts", story["register"])
    assert set(texts(browser, ".row-service")) == {"gateway", "user", "notification"}
    browser.see(".row-operation", "send mail")
    assert browser.all(".bar-own") and browser.all(".bar-critical") and browser.see(".strip-names", "user")

    browser.click(".row-button", "bcrypt")
    browser.see(".details .tags", "cinesync.offload.wait_us")
    browser.click(".details .button", "Zoom in")
    browser.see(".zoom", "Shown:")
    browser.click(".zoom .link-button")
    browser.gone(".zoom .link-button")

    before = len(browser.all(".row"))
    browser.until(lambda: browser.run("return document.activeElement.classList.contains('row-button')"), "the focus on a row")
    browser.press("ARROW_LEFT")
    browser.until(lambda: len(browser.all(".row")) < before, "what is below it hidden")
    browser.press("ARROW_RIGHT")
    browser.until(lambda: len(browser.all(".row")) == before, "and shown again")
    browser.press("ARROW_DOWN")
    browser.press("ENTER")
    browser.see(".row-open:nth-child(2) .details")


def test_a_trace_of_two_services_and_the_gateway(browser, story):
    browser.open("/traces#" + story["keep"])
    browser.see(".row-service", "movie")
    browser.see(".row-operation", "GET /internal/movies/{movie_id}/brief")
    names = texts(browser, ".strip-names li")
    assert {name.split()[0] for name in names} == {"user", "gateway", "movie"} and names[0].startswith("user"), names


def test_a_trace_that_is_not_here(browser):
    browser.expect(404)
    browser.open("/traces#4bf92f3577b34da6a3ce929d0e0e4736")
    browser.see(".empty h1", "This trace is not here")
    browser.click(".empty .button")
    browser.see(".filters")


# The arrows that go behind a box: one has its ends at boxes' edges alone.
HIDDEN = """
    const boxes = [...document.querySelectorAll(".map .node > rect:first-child")].map((one) => one.getBoundingClientRect());
    return [...document.querySelectorAll(".map .arrow")].filter((arrow) => {
        const toScreen = arrow.getScreenCTM();
        return Array.from({ length: 200 }, (_, i) => arrow.getPointAtLength((arrow.getTotalLength() * i) / 199).matrixTransform(toScreen))
            .some(({ x, y }) => boxes.some((box) => x > box.left + 2 && x < box.right - 2 && y > box.top + 2 && y < box.bottom - 2));
    }).map((arrow) => arrow.getAttribute("d"));"""


def test_the_map(browser, story):
    browser.open("/traces")
    browser.click(".tabs a", "Service map")
    browser.until(lambda: {"user", "movie", "notification"} <= set(texts(browser, ".map .node-name")), "the services")
    rows = texts(browser, ".numbers tr")
    assert any(row.split()[:2] == ["user", "movie"] for row in rows), rows
    assert any(row.split()[:2] == ["gateway", "movie"] for row in rows), rows
    assert len(browser.all(".map .arrow")) >= 4 and browser.run(HIDDEN) == []
    browser.click(".numbers a", "user")
    browser.until(lambda: "service=cinesync-user" in browser.driver.current_url, "the list of that service")
    browser.see(".trace")


def test_it_is_russian_too(browser, story):
    browser.open("/traces")
    browser.click(".nav-language")
    browser.see(".tabs", "Карта сервисов")
    browser.open("/traces#" + story["keep"])
    browser.driver.refresh()
    browser.see(".waterfall h2", "Спаны во времени")


def test_a_span_is_never_markup(browser, system):
    hostile = '<img src=x onerror="window.hacked=1">'
    span = {"traceId": "f" * 32, "spanId": "f" * 16, "name": hostile, "kind": 2, "startTimeUnixNano": str(time.time_ns()),
            "endTimeUnixNano": str(time.time_ns() + 1000), "attributes": [{"key": hostile, "value": {"stringValue": hostile}}],
            "events": [{"timeUnixNano": str(time.time_ns()), "name": hostile}], "status": {"code": 2, "message": hostile}}
    body = {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": hostile}}]},
                               "scopeSpans": [{"spans": [span]}]}]}
    httpx.post(system.part("trace")[1] + "/v1/traces", content=json.dumps(body),
               headers={"Content-Type": "application/json"}).raise_for_status()
    browser.open("/traces?status=error")
    browser.see(".trace strong", hostile)
    browser.click(".trace-link", hostile)
    browser.click(".chip-button")
    browser.see(".details .tags", hostile)
    browser.click(".tabs a", "Service map")
    browser.until(lambda: browser.all(".map"), "the map")
    assert browser.run("return window.hacked === undefined && !document.querySelector('img')")


def test_the_explorer_leads_to_the_trace(browser, story):
    browser.open("/docs#get_movies_search")
    browser.type("#get_movies_search .try input", "shawshenk")
    browser.click("#get_movies_search .try button[type=submit]")
    link = browser.see("#get_movies_search .answer .trace-link")
    trace_id = link.text
    browser.click("#get_movies_search .answer .trace-link")
    browser.until(lambda: browser.driver.current_url == f"{browser.url}/traces#{trace_id}", "the page of the trace")
    browser.expect(404)  # its spans may come a moment later
    browser.see("h1", "GET /api/v1/movies/search")


def test_the_foot_of_the_page_leads_to_the_trace_of_the_last_answer(browser):
    browser.open("/?q=shawshenk")
    browser.see(".card-title")
    browser.click(".nav-language")
    browser.run("document.querySelector('.footer').scrollIntoView()")
    browser.see(".footer .trace-link", "Трассировка последнего ответа")
    browser.click(".nav-language")
    browser.run("document.querySelector('.footer').scrollIntoView()")
    link = browser.see(".footer .trace-link", "Trace of the last answer")
    assert re.fullmatch(".*/traces#[0-9a-f]{32}", link.get_attribute("href"))
    browser.expect(404)  # its spans may come a moment later
    browser.click(".footer .trace-link")
    browser.until(lambda: browser.driver.current_url.startswith(f"{browser.url}/traces#"), "the page of the trace")
    browser.see("h1", "/api/v1/movies/")
