"""Drives Debian's chromium through its chromedriver; nothing is downloaded, nothing leaves this machine."""
import os
import shutil

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

WAIT_S = 20  # the services under test may be built with sanitizers
FLAGS = ["--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1280,900",
         "--lang=en-US", "--no-proxy-server"]

# One round trip to the browser, however many elements there are.
VISIBLE = "return [...document.querySelectorAll(arguments[0])].filter((one) => one.checkVisibility());"
FIRST_VISIBLE = """return [...document.querySelectorAll(arguments[0])]
    .find((one) => one.checkVisibility() && one.innerText.includes(arguments[1])) ?? null;"""


def chrome_options(profile, pictures_port, language):
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "/usr/bin/chromium"
    pictures = [f"--host-resolver-rules=MAP image.tmdb.org 127.0.0.1:{pictures_port}", "--ignore-certificate-errors"]
    for flag in [*FLAGS, *pictures, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"intl.accept_languages": language})
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium's sandbox does not work for root
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return options


class Browser:
    """The page as a person has it: what is seen by CSS selector, clicked and typed into."""

    def __init__(self, url, profile, pictures_port, language="en-US,en"):
        self.url = url
        driver = shutil.which("chromedriver") or "/usr/bin/chromedriver"
        self.driver = webdriver.Chrome(service=Service(driver), options=chrome_options(profile, pictures_port, language))
        self.expected_statuses = set()

    def quit(self):
        self.driver.quit()

    def forget(self):
        """As if nobody had been here: no storage, no page, a silent console, nothing expected."""
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": self.url, "storageTypes": "all"})
        self.driver.get_log("browser")
        self.expected_statuses = set()

    def at(self, url):
        """The same browser before another system."""
        self.url = url
        return self

    def open(self, path):
        self.driver.get(self.url + path)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, selector):
        return self.run(VISIBLE, selector)

    def until(self, condition, what):
        """Polls until condition() is true; the page may redraw meanwhile."""
        waiting = WebDriverWait(self.driver, WAIT_S, poll_frequency=0.05, ignored_exceptions=[Exception])
        return waiting.until(lambda _: condition(), f"never came: {what}")

    def see(self, selector, text=None):
        """Waits for a visible element, with that text in it if one is given."""
        def found():
            return self.run(FIRST_VISIBLE, selector, text or "")
        return self.until(found, f"{selector} {text or ''}")

    def gone(self, selector):
        self.until(lambda: not self.all(selector), f"{selector} gone")

    def click(self, selector, text=None):
        def clicked():
            self.see(selector, text).click()
            return True
        self.until(clicked, f"a click on {selector}")

    def type(self, selector, text):
        box = self.see(selector)
        box.clear()
        box.send_keys(text)

    def press(self, key):
        self.driver.switch_to.active_element.send_keys(getattr(Keys, key))

    def expect(self, *statuses):
        """Answers with these statuses belong to the test; Chromium logs every failed fetch."""
        self.expected_statuses.update(statuses)

    def complaints(self):
        """What the console says beyond that: script errors, breaches of the content security policy, failed loads."""
        def is_expected(message):
            return any(f"status of {status} " in message for status in self.expected_statuses)
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] in ("SEVERE", "WARNING") and not is_expected(entry["message"])]
