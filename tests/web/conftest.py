"""A headless Chromium, started once for all tests of the pages. It comes with 800 MB of packages, so these tests run when
asked for (TEST_WEB=1); what can be checked without a browser is in test_web_files.py and always runs."""
import os

import pytest

collect_ignore = [] if os.environ.get("TEST_WEB") == "1" else ["test_pages.py"]


@pytest.fixture(scope="session")
def chromium(system, tmp_path_factory):
    from browser import Browser
    started = Browser(system.url, tmp_path_factory.mktemp("chromium"))
    yield started
    started.quit()


@pytest.fixture
def browser(chromium):
    """The browser with nobody's data; the test fails if its console says more than was expected."""
    chromium.forget()
    yield chromium
    assert chromium.complaints() == []
