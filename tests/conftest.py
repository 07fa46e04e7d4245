"""Fixtures of the system tests. See harness.py for what they give."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import harness  # noqa: E402  (needs the path above)


@pytest.fixture(scope="session")
def system(tmp_path_factory):
    """CineSync as a newcomer runs it; one for each test worker, shared by its tests."""
    whole = harness.System(tmp_path_factory.mktemp("system with a space") / "var")
    whole.up()
    yield whole
    whole.down()
    for path in (whole.data / "log").glob("*.log"):
        harness.assert_clean(path.read_text(errors="replace"))


@pytest.fixture
def client(system):
    """Nobody in particular, talking to the gateway."""
    with harness.Client(system.url) as nobody:
        yield nobody


@pytest.fixture
def person(client):
    """Somebody registered and logged in."""
    client.profile = client.new_person()
    return client


@pytest.fixture
def services(tmp_path):
    """The three services by themselves, running; the test may kill and restart them."""
    three = harness.Services(tmp_path).start()
    yield three
    codes = three.stop()
    for service in three.all():
        harness.assert_clean(service.tail(1 << 30))
    assert codes == [0, 0, 0]
